"""The wheel, installed in an empty environment outside the clone, holds the weights and searches a star."""

import subprocess
import sys
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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (made,) = out.glob("*.whl")
    return made


def test_the_wheel_holds_the_weights_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {"exojax/pretrained/weights.npz", "exojax/pretrained/config.json", "exojax/py.typed"} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "scripts/", "checkpoints/"))]


def test_it_searches_and_predicts_outside_the_clone(wheel, tmp_path):
    # Unpacked instead of installed: what it depends on is here, and no index is asked.
    home = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(home)
    found = f"import sys; sys.path[:] = [{str(home)!r}] + [p for p in sys.path if p != {str(ROOT)!r}]\n"
    done = subprocess.run([sys.executable, "-c", found + SEARCH], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    version = found + "sys.argv[1:] = ['--version']\nfrom exojax.cli.main import main\nmain()"
    told = subprocess.run([sys.executable, "-c", version], cwd=tmp_path, capture_output=True, text=True)
    assert told.stdout == "exojax 0.1.0\n"
