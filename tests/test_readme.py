"""What the README and the docs show is what the package does."""

from __future__ import annotations

import importlib
import importlib.util
import re
import runpy
import shlex
import sys
import tomllib
from pathlib import Path

import jax
import numpy as np
import pytest

from exojax.cli import command
from exojax.config import RunConfig, SimulateConfig
from exojax.features.registry import compute
from exojax.models import registry
from exojax.models.base import Network
from exojax.runs.fit import fit
from exojax.simulate.population import simulate

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)
POPULATION = SimulateConfig(n_stars=60, host_fraction=0.3, n_cadences=800)


COMMANDS = {path.stem for path in (Path(__file__).parents[1] / "scripts").glob("*.py")}


def shown_commands() -> list[str]:
    """Every ``python scripts/...`` and ``exojax ...`` of the pages that is not cut short by dots."""
    found = []
    for page in PAGES:
        text = page.read_text()
        lines = re.findall(r"^((?:python|exojax) .*)$", "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.S)), re.M)
        found += lines + re.findall(r"`((?:python )?(?:scripts/)?\w+\.py [^`]*)`", text)
    return list(dict.fromkeys(line for line in found if "..." not in line and "…" not in line))


@pytest.fixture(scope="module")
def curves():
    return simulate(POPULATION)[0]


@pytest.mark.parametrize("line", shown_commands())
def test_a_command_shown_can_be_typed(line: str) -> None:
    words = shlex.split(line, comments=True)
    name = next(Path(word).stem for word in words if word.endswith(".py") or word in COMMANDS)
    assert (ROOT / "scripts" / f"{name}.py").exists()
    options = words[1 + next(i for i, word in enumerate(words) if Path(word).stem == name) :]
    module = importlib.import_module("benchmarks.run" if name == "benchmark" else f"exojax.cli.{name}")
    if not any(word in ("--run", "--out") for word in options) and name != "train":
        options += ["--out", "somewhere"]  # a fragment in a sentence
    command.parse(line, module.Options, options)


def test_the_commands_shown_are_found() -> None:
    told = " ".join(shown_commands())
    for name in COMMANDS:
        assert f"{name}.py" in told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_named_is_one(page: Path) -> None:
    known = {"--help", "--no-deps", "--require-hashes"}  # the last two are pip's
    for name in COMMANDS:
        source = (ROOT / ("benchmarks/run.py" if name == "benchmark" else f"exojax/cli/{name}.py")).read_text()
        known |= {"--" + field.replace("_", "-") for field in re.findall(r"^    (\w+): ", source, re.M)}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]+", page.read_text())) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_named_is_there(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
    for extra in re.findall(r'pip install -e "\.\[(\w+)\]"', text):
        assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_the_models_told_are_those_there_are() -> None:
    table = re.findall(r"^\| `([\w-]+)` \|", README.partition("## Models")[2], re.M)
    assert table == list(registry.MODELS)


def test_a_model_is_one_file_and_one_line(curves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = [block for block in PYTHON if "MODEL = " in block]
    (tmp_path / "mine.py").write_text(example)
    spec = importlib.util.spec_from_file_location("exojax.models.mine", tmp_path / "mine.py")
    mine = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "exojax.models.mine", mine)
    spec.loader.exec_module(mine)
    assert "`" + '"mine": mine.MODEL' + "`" in README
    monkeypatch.setitem(registry.MODELS, "mine", mine.MODEL)

    train = mine.MODEL.train.__class__(steps=3, batch_size=16)
    run = fit(RunConfig(model="mine", train=train), curves, tmp_path / "run")
    probability = run.probability(compute(run.inputs, curves))
    assert probability.shape == (len(curves),)
    assert np.isfinite(probability).all()
    assert len(np.unique(probability)) > len(curves) / 2

    # The shapes in its comments are those of the Kaggle set's 3,197 cadences.
    assert isinstance(mine.MODEL, Network)
    columns, width = map(int, re.search(r"\(n, (\d+)\) -> \(n, (\d+)\)", example).groups())
    long = np.random.default_rng(0).standard_normal((2, 3197)).astype(np.float32)
    from exojax.features.spectrum import log_power

    assert log_power(jax.numpy.asarray(long)).shape == (2, columns)
    assert f"Dense({width})" in example


def test_the_library_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (example,) = [block for block in PYTHON if "exojax.fit(" in block]
    smaller = example.replace("n_stars=400, host_fraction=0.2", "n_stars=60, host_fraction=0.3, n_cadences=800")
    assert smaller != example
    (tmp_path / "example.py").write_text(smaller)
    monkeypatch.chdir(tmp_path)
    left = runpy.run_path("example.py")
    assert (tmp_path / "checkpoints/my-svc/calibration.json").exists()
    assert left["probability"].shape == (60,)
    assert (left["probability"] >= 0).all()
    assert (left["probability"] <= 1).all()
    assert "'low'" in capsys.readouterr().out
