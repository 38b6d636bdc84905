"""Changes of the code that change a model's fingerprint."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from exojax.models import registry
from exojax.models.code import fingerprint


@pytest.mark.parametrize(
    ("name", "file", "another"),
    [
        ("transit", "transit.py", True),
        ("transit", "candidate.py", True),
        ("transit", "measures.py", True),
        ("boosting", "candidate.py", True),
        ("cnn", "layers.py", True),
        ("cnn", "augment.py", True),
        ("cnn", "transit.py", False),
        ("svc", "augment.py", False),
        ("linear", "svc.py", False),
    ],
)
def test_a_model_is_another_when_its_file_or_one_that_it_imports_changes(monkeypatch, name, file, another):
    model = registry.get(name)
    before = fingerprint(model)
    assert fingerprint(model) == before
    read = Path.read_text
    for more, counts in (("# a comment", False), ("CHANGED = 1", True)):

        def changed(path, more=more):
            return read(path) + (more if path.name == file else "")

        monkeypatch.setattr(Path, "read_text", changed)
        assert (fingerprint(model) != before) is (another and counts)


MINE = """
from flax import linen as nn
from exojax.models.base import Network
from helper import width

class Mine(nn.Module):
    "A network."
    @nn.compact
    def __call__(self, inputs, *, train):
        return nn.Dense(1)(nn.relu(nn.Dense(width())(inputs["flux"])))[:, 0]

MODEL = Network(inputs=("flux",), module=Mine())
"""


@pytest.mark.parametrize(
    ("file", "old", "new", "another"),
    [
        ("mine", "nn.relu", "nn.tanh", True),
        ("helper", "return 4", "return 5", True),
        ("helper", "return 4", "return 4  # four", False),
        ("mine", "A network.", "Mine.", False),
    ],
)
def test_a_model_from_anywhere_is_another_when_its_code_changes(tmp_path, monkeypatch, file, old, new, another):
    """Also where the change is in a file beside it, which it imports."""
    texts = {"mine": MINE, "helper": "def width():\n    return 4\n"}
    found = []
    for number in range(2):
        with monkeypatch.context() as patch:
            (folder := tmp_path / str(number)).mkdir()
            for name, text in texts.items():
                (folder / f"{name}.py").write_text(text)
                patch.delitem(sys.modules, name, raising=False)
            patch.syspath_prepend(folder)
            found.append(fingerprint(importlib.import_module("mine").MODEL))
            for name in texts:
                del sys.modules[name]
        changed = texts[file].replace(old, new)
        assert number or changed != texts[file]
        texts[file] = changed
    assert (found[0] != found[1]) is another


NOTEBOOK = """
import sys
from flax import linen as nn
from exojax.models.base import Network
from exojax.models.code import fingerprint
WIDTH = {width}
def activate(x):
    return nn.{activation}(x)
class Mine(nn.Module):
    @nn.compact
    def __call__(self, inputs, *, train):
        return nn.Dense(1)(activate(nn.Dense(WIDTH)(inputs["flux"])))[:, 0]
print({extra})
print(fingerprint(Network(inputs=("flux",), module=Mine(), space=lambda suggest: {{"a", "b"}})))
"""


def test_a_model_in_a_notebook_is_another_when_a_function_or_a_number_that_it_uses_changes():
    def run(width=4, activation="relu", extra=1):
        program = NOTEBOOK.format(width=width, activation=activation, extra=extra)
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return ran.stdout.split()[-1]

    first = run()
    assert run(extra=2) == first
    assert len({first, run(width=5), run(activation="tanh")}) == 3
