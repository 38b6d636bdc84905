"""The wheel, installed in an empty environment outside the clone, holds the weights and searches a star."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SEARCH = """
import numpy as np, exojax
assert "installed" in exojax.__file__, exojax.__file__
time = np.arange(0, 27, 1 / 48)
late = (time - 1.3 + 1.65) % 3.3 - 1.65
flux = 1 + 3e-4 * np.random.default_rng(0).standard_normal(len(time)) - 3e-3 * (np.abs(late) < 0.06)
table = exojax.search(exojax.LightCurves.of(time, flux)).table
assert abs(table["period_days"][0] / 3.3 - 1) < 1e-3
assert table["probability"][0] > 0.5
"""


def build(tree: Path, out: Path, kind: str) -> Path:
    """Build the tree's ``--wheel`` or ``--sdist`` into an empty folder; return the file."""
    command = [sys.executable, "-m", "build", kind, "--no-isolation", "--outdir", str(out), str(tree)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (made,) = out.iterdir()
    return made


def version_of(wheel: Path) -> str:
    return wheel.name.split("-")[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "--wheel")


def test_the_wheel_holds_the_weights_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"exojax/pretrained/weights.npz", "exojax/pretrained/config.json", "exojax/py.typed"} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "scripts/", "checkpoints/"))]


@pytest.mark.slow
def test_it_searches_and_predicts_outside_the_clone(wheel, tmp_path):
    # Unpacked instead of installed: what it depends on is here, and no index is needed.
    home = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(home)
    found = f"import sys; sys.path[:] = [{str(home)!r}] + [p for p in sys.path if p != {str(ROOT)!r}]\n"
    done = subprocess.run([sys.executable, "-c", found + SEARCH], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    version = found + "sys.argv[1:] = ['--version']\nfrom exojax.cli.main import main\nmain()"
    printed = subprocess.run([sys.executable, "-c", version], cwd=tmp_path, capture_output=True, text=True).stdout
    assert printed == f"exojax {version_of(wheel)}\n"


def test_the_version_is_that_of_the_tag_and_survives_an_sdist(tmp_path):
    # A repository of its own: what git knows of this one depends on how it was cloned.
    tree = tmp_path / "tree"
    for name in ("pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "exojax/__init__.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)
    assert version_of(build(tree, tmp_path / "plain", "--wheel")) == "0.0"
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run(["git", *identity, *words], cwd=tree, check=True)
    assert version_of(build(tree, tmp_path / "untagged", "--wheel")).startswith("0.1.dev1+g")
    subprocess.run(["git", "tag", "v3.1.4"], cwd=tree, check=True)
    sdist = build(tree, tmp_path / "sdist", "--sdist")
    assert sdist.name == "exojax_hunt-3.1.4.tar.gz"
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert version_of(build(tmp_path / "unpacked/exojax_hunt-3.1.4", tmp_path / "wheel", "--wheel")) == "3.1.4"
