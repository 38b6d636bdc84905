"""Folds, trials and runs of a model whose code was another are not mixed with those of its present code."""

import importlib
import sys

import numpy as np
import pytest

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.light_curves import LightCurves, shared_time
from exojax.models import registry
from exojax.runs.compare import ComparisonPlan, compare
from exojax.runs.fit import fit
from exojax.runs.tune import TuningPlan, tune
from exojax.storage.json_files import read_checked, write_checked

MINE = """
import numpy as np
from exojax.models.base import Choice, Classical

def fit(features, labels, groups, seed, *, power: float = 1.0):
    return {"depth": np.float64(POWER * power)}

def logits(arrays, features):
    return -arrays["depth"] * features["flux"].min(1).astype(float)

def space(suggest):
    return Choice(options={"power": suggest.suggest_float("power", 0.5, 2.0)})

MODEL = Classical(inputs=("flux",), fit=fit, logits=logits, space=space)
"""


def curves(n: int = 40, hosts: int = 16, c: int = 96) -> LightCurves:
    flux = np.random.default_rng(0).standard_normal((n, c)).astype(np.float32)
    flux[:hosts, ::16] -= 5
    label, valid = (np.arange(n) < hosts).astype(np.int8), np.ones((n, c), bool)
    names = np.array([f"k{i}" for i in range(n)])
    return LightCurves(names, shared_time(n, c, 0.1), flux, valid, label, None, True, False, 0.1, "assumed", "x", "abc")


@pytest.fixture
def register(tmp_path, monkeypatch):
    """Make a user's model known by the name ``mine``, from a file with a number in it."""
    monkeypatch.setattr(registry, "MODELS", dict(registry.MODELS))
    monkeypatch.syspath_prepend(tmp_path)

    def write(power: int) -> None:
        (tmp_path / "users_model.py").write_text(MINE.replace("POWER", str(power)))
        sys.modules.pop("users_model", None)
        importlib.invalidate_caches()
        registry.register("mine", importlib.import_module("users_model").MODEL)

    yield write
    sys.modules.pop("users_model", None)


def compared(folder):
    return compare(ComparisonPlan(("mine",), folds=2), curves(), folder)["rows"]


def tuned(folder):
    pytest.importorskip("optuna", reason="tuning needs pip install -e '.[tune]'")
    plan = TuningPlan(RunConfig(model="mine"), 2, 2, 1, f"sqlite:///{folder}.db", test_fraction=0.2)
    return tune(plan, curves(), folder, lambda what, done, total: None).study


def fitted(folder):
    return fit(RunConfig(model="mine"), curves(), folder).calibration


@pytest.mark.parametrize("work", [compared, tuned, fitted])
def test_work_of_other_code_is_not_gone_on_with(work, register, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    register(1)
    before = work(tmp_path / "out")
    register(1)
    assert str(work(tmp_path / "out")) == str(before)
    register(2)
    with pytest.raises(InputError, match=r"(code|mine): \w+ -> \w+.*give (another|it another)"):
        work(tmp_path / "out")
    assert str(work(tmp_path / "other")) != str(before) or work is compared


def test_a_run_of_an_earlier_release_goes_on(register, tmp_path):
    """It does not tell its model's code."""
    register(1)
    before = fitted(tmp_path / "out")
    path = tmp_path / "out" / "config.json"
    config = read_checked(path)
    del config["data"]["code"]
    write_checked(path, config)
    assert fitted(tmp_path / "out") == before
