"""The documentation holds: its blocks and commands run, its tables are complete, the site builds."""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import exojax
from exojax.models import registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
SMALLER = {
    "n_stars=400, host_fraction=0.3": "n_stars=60, host_fraction=0.3, n_cadences=800",
    "TrainConfig(steps=200)": "TrainConfig(steps=3)",
}
"""sizes of the pages -> sizes of a test"""
TRIED = (
    "index.md",
    "walkthroughs/one_star.md",
    "walkthroughs/kaggle.md",
    "how_to/given_ephemeris.md",
    "reference/api.md",
)
"""pages whose commands run as they are printed, one after the other, in an empty folder"""


def blocks(page: Path, *kinds: str) -> list[tuple[str, str]]:
    """Return ``(kind, text)`` of the page's code blocks of these kinds, in order."""
    return re.findall(rf"^```({'|'.join(kinds)})\n(.*?)^```", page.read_text(), re.S | re.M)


def run(words: list[str], folder: Path) -> str:
    """Run Python outside the strict numerics of the tests, as a reader would, and return what it prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=named)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    program = "\n".join(text for _, text in blocks(page, "python"))
    for printed, small in SMALLER.items():
        program = program.replace(printed, small)
    printed = run(["-c", program], tmp_path)
    if page.name == "kaggle.md":
        assert dict(blocks(page, "python", "text"))["text"] in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIED)
def test_the_commands_of_a_walkthrough_run(name: str, tmp_path: Path) -> None:
    for kind, text in blocks(DOCS / name, "python", "bash", "text"):
        if kind == "python":
            run(["-c", text], tmp_path)
        elif kind == "text" and text.startswith("id,period,t0,duration"):
            # The page's table names stars of an example folder; here the folder holds one star.
            (tmp_path / "given.csv").write_text("id,period,t0,duration\n201367065,3.3,1.3,0.12\n")
            (tmp_path / "my_folder").mkdir()
            time = np.arange(0, 27, 1 / 48)
            flux = 1 + 3e-4 * np.random.default_rng(0).standard_normal(len(time))
            flux[np.abs((time - 1.3 + 1.65) % 3.3 - 1.65) < 0.06] -= 3e-3
            table = np.column_stack([time, flux])
            np.savetxt(tmp_path / "my_folder/EPIC201367065.csv", table, delimiter=",", header="time,flux", comments="")
        for line in text.splitlines() if kind == "bash" else ():
            words = shlex.split(line, comments=True)
            if words[:1] == ["exojax"]:
                run(["-m", *words], tmp_path)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    for needed in ("mkdocs", "mkdocstrings", "mkdocs_jupyter"):
        pytest.importorskip(needed, reason="the site needs pip install -e '.[docs]'")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    # Where a virtual environment lies over another one, Jupyter's templates are those of the lower one.
    places = [str(Path(path).parents[2] / "share/jupyter") for path in sys.path if path.endswith("site-packages")]
    environment = os.environ | {"JUPYTER_PATH": os.pathsep.join(places), "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    page = (tmp_path / "site/reference/api/index.html").read_text()
    for name in exojax.__all__:
        assert f'id="exojax.{name}"' in page, f"{name} is public, and docs/reference/api.md does not show it"


def test_every_column_is_explained() -> None:
    time = np.arange(0, 20, 1 / 48)
    flux = 1 + 3e-4 * np.random.default_rng(0).standard_normal(len(time))
    table = exojax.search(exojax.LightCurves.of(time, flux), run=None).table
    explained = set(re.findall(r"`(\w+)`", (DOCS / "reference/columns.md").read_text()))
    tests = set(re.findall(r"`(\w+)`", (DOCS / "reference/vetting.md").read_text()))
    for name in table.columns:
        kind, _, test = name.partition("_")
        assert test in tests if kind in ("vet", "verdict") else name in explained, name


def test_every_model_is_in_the_table() -> None:
    text = (DOCS / "method/models.md").read_text()
    assert re.findall(r"^\| `([\w-]+)` \|", text, re.M) == list(registry.MODELS)


def test_every_vetting_test_has_its_section() -> None:
    files = {path.stem for path in (ROOT / "exojax/vetting").glob("*.py")} - {"__init__"}
    sections = re.findall(r"^::: exojax\.vetting\.(\w+)$", (DOCS / "reference/vetting.md").read_text(), re.M)
    assert sorted(sections) == sorted(files)


def test_the_picture_of_the_rooms_is_that_of_the_contract() -> None:
    drawn = runpy.run_path(str(DOCS / "development/draw_rooms.py"))
    assert sorted(drawn["order"]()) == sorted([*drawn["WALK"], *drawn["BESIDE"]]), "a room is not drawn"
    assert (DOCS / "development/rooms.svg").read_text() == drawn["draw"](), "run docs/development/draw_rooms.py"


def test_a_fenced_example_keeps_its_output() -> None:
    pytest.importorskip("griffe", reason="the site needs pip install -e '.[docs]'")
    spec = importlib.util.spec_from_file_location("griffe_doctests", DOCS / "griffe_doctests.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text = "Do it.\n\n>>> a = 1    # doctest: +SKIP\n>>> a\n1\n\nArgs:\n    a: b\n"
    fenced = module.EXAMPLE.sub(module._fenced, text)
    assert fenced == "Do it.\n\n```pycon\n>>> a = 1\n>>> a\n1\n```\n\nArgs:\n    a: b\n"
