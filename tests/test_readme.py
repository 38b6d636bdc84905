"""Names in the README and the pages exist, and their commands can be typed; :mod:`tests.test_docs` runs them."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import jax
import numpy as np
import pytest

from exojax.cli import command, main
from exojax.config import RunConfig, SimulateConfig
from exojax.features.registry import compute
from exojax.features.spectrum import log_power
from exojax.models import registry
from exojax.models.base import Network
from exojax.runs.fit import fit
from exojax.simulate.population import simulate

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [*ROOT.glob("*.md"), ROOT / "benchmarks/RESULTS.md", *sorted((ROOT / "docs").rglob("*.md"))]
SCRIPTS = {path.stem for path in (ROOT / "scripts").glob("*.py")}
COMMANDS = SCRIPTS | set(main.COMMANDS)
OTHERS = {"--help", "--version", "--no-deps", "--require-hashes", "--to", "--execute", "--strict", "--check"}
"""options of pip, mkdocs, jupytext and ruff"""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def printed_commands() -> list[str]:
    """Return every ``python scripts/...`` and ``exojax ...`` of the pages that is not cut short by dots."""
    found = []
    for page in PAGES:
        text = page.read_text()
        blocks = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.S))
        found += re.findall(r"^((?:python scripts/|exojax )\w.*)$", blocks, re.M)
        found += re.findall(r"`((?:python scripts/)?\w+\.py --[^`]*)`", text)
        found += re.findall(rf"`((?:exojax )?(?:{'|'.join(sorted(COMMANDS))}) --[^`]*)`", text)
    cut = re.compile(r"\.\.\.|…|\[|\||\b(SOURCE|NAME|DIR|FILE|FILES|RATE|HOURS)\b|--\w+ [KN]\b")
    return list(dict.fromkeys(line for line in found if not cut.search(line)))


def command_of(line: str) -> tuple[str, list[str]]:
    """Return the command that a line runs, and its arguments."""
    words = shlex.split(line, comments=True)
    place = next(i for i, word in enumerate(words) if Path(word).stem in COMMANDS)
    return Path(words[place]).stem, words[place + 1 :]


@pytest.mark.parametrize("line", printed_commands())
def test_a_printed_command_can_be_typed(line: str) -> None:
    name, options = command_of(line)
    assert name in SCRIPTS or not line.startswith("python scripts/")
    module = importlib.import_module("benchmarks.run" if name == "benchmark" else f"exojax.cli.{name}")
    if not any(word in ("--run", "--out") for word in options) and name in SCRIPTS - {"train"}:
        options += ["--out", "somewhere"]  # a fragment in a sentence
    command.parse(line, module.Options, options)


def test_every_command_is_documented() -> None:
    page = (ROOT / "docs/reference/commands.md").read_text()
    for name in main.COMMANDS:
        assert f"| `exojax {name} " in page or f"| `exojax {name}`" in page, name
    for name in main.COMMANDS:
        for field in fields(importlib.import_module(f"exojax.cli.{name}").Options):
            option = f"--{field.name.replace('_', '-')}"
            # Words without an option in front of them are files.
            assert field.name == "files" or re.search(rf"{option}\b", page), f"{name} {option}"
    assert {command_of(line)[0] for line in printed_commands()} >= {"search", "train", "evaluate", "compare", "inject"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_option_named_is_one(page: Path) -> None:
    known = set(OTHERS)
    for path in [*ROOT.glob("exojax/cli/*.py"), *ROOT.glob("benchmarks/*.py")]:
        known |= {"--" + field.replace("_", "-") for field in re.findall(r"^    (\w+): ", path.read_text(), re.M)}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]+", page.read_text())) <= known


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_named_is_there(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    for path in re.findall(r"`((?:exojax|tests|docs|benchmarks|examples|scripts)/[\w./-]+)`", text):
        place = path.replace("mine.py", "svc.py").replace("NAME.py", "kaggle.py")  # files that a reader writes
        assert (ROOT / place).exists(), path
    for extra in re.findall(r'pip install (?:-e )?"[\w.-]*\[(\w+)\]"', text):
        assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_every_folder_of_the_package_is_in_the_map() -> None:
    folders = {path.parent.name for path in (ROOT / "exojax").glob("*/__init__.py")} | {"pretrained"}
    assert {f"exojax/{name}/" for name in folders} <= set(re.findall(r"`([\w/]+/)`", README))


def test_a_model_is_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs/walkthroughs/own_model.md").read_text()
    (example,) = re.findall(r"```python\n([^`]*?MODEL = .*?)```", page, re.S)
    (tmp_path / "mine.py").write_text(example)
    spec = importlib.util.spec_from_file_location("exojax.models.mine", tmp_path / "mine.py")
    mine = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "exojax.models.mine", mine)
    spec.loader.exec_module(mine)
    assert "`" + '"mine": mine.MODEL' + "`" in page
    monkeypatch.setitem(registry.MODELS, "mine", mine.MODEL)

    curves = simulate(SimulateConfig(n_stars=60, host_fraction=0.3, n_cadences=800))[0]
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
    assert log_power(jax.numpy.asarray(long)).shape == (2, columns)
    assert f"Dense({width})" in example
