"""Which changes of the code make a model another one."""

from pathlib import Path

import pytest

from exojax.models import registry


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
    before = registry.fingerprint(name)
    assert registry.fingerprint(name) == before
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path: read(path) + ("# changed" if path.name == file else ""))
    assert (registry.fingerprint(name) != before) is another
