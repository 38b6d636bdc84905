"""Refusals: work that cannot be finished is refused before anything is searched or trained."""

from dataclasses import replace

import numpy as np
import pytest

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.folded_events import SCALARS, VIEWS, WIDE_VIEWS, FoldedEvents
from exojax.light_curves import LightCurves, shared_time
from exojax.runs import compare, evaluate, fit, injected_copies, run, tune


def curves(n: int = 40, hosts: int = 16, c: int = 96) -> LightCurves:
    flux = np.random.default_rng(0).standard_normal((n, c)).astype(np.float32)
    flux[:hosts, ::16] -= 5
    label, valid = (np.arange(n) < hosts).astype(np.int8), np.ones((n, c), bool)
    names = np.array([f"k{i}" for i in range(n)])
    return LightCurves(names, shared_time(n, c, 0.1), flux, valid, label, None, True, False, 0.1, "assumed", "x", "abc")


def events(n: int = 40, hosts: int = 16) -> FoldedEvents:
    rng = np.random.default_rng(1)
    return FoldedEvents(
        id=np.array([f"k{i}" for i in range(n)]),
        views={
            name: rng.normal(size=(n, 1, 201 if name in WIDE_VIEWS else 61, 3)).astype(np.float32) for name in VIEWS
        },
        scalars=rng.normal(size=(n, 1, len(SCALARS))).astype(np.float32),
        label=(np.arange(n) < hosts).astype(np.int8),
        kind=None,
        source="events.npz",
        sha256="def",
        warnings=(),
        catalogued=True,
    )


@pytest.fixture
def _idle(monkeypatch):
    """Neither a search nor a training may begin."""

    def begun(*args, **named):
        pytest.fail("work was begun")

    for module in (fit, compare, tune, run):
        monkeypatch.setattr(module, "inputs_of", begun)
    monkeypatch.setattr(injected_copies, "fit_model", begun)
    monkeypatch.setattr(tune, "run_workers", begun)


@pytest.mark.usefixtures("_idle")
@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        (
            "svc",
            curves(hosts=2),
            "1 hosts and 31 other stars to train on; svc and its calibration need at least 2 of each",
        ),
        (
            "stack",
            curves(hosts=5),
            "4 hosts and 28 other stars to train on; stack and its calibration need at least 5 of each",
        ),
        ("cnn", events(), "events.npz: holds folded events, and the input 'flat' needs light curves"),
        ("cnn-original", curves(c=24), "the series are too short for cnn-original"),
    ],
)
def test_fit(model, data, words, tmp_path):
    with pytest.raises(InputError, match=words):
        fit.fit(RunConfig(model=model), data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_was_started_otherwise(tmp_path, monkeypatch):
    fit.fit(RunConfig(model="linear"), curves(), tmp_path)
    monkeypatch.setattr(fit, "inputs_of", lambda *args, **named: pytest.fail("work was begun"))
    with pytest.raises(InputError, match="seed: 0 -> 1"):
        fit.fit(RunConfig(model="linear", seed=1), curves(), tmp_path)


def test_evaluate(tmp_path, monkeypatch):
    data = curves()
    trained = fit.fit(RunConfig(model="linear"), data, tmp_path)
    monkeypatch.setattr(run, "inputs_of", lambda *args, **named: pytest.fail("work was begun"))
    with pytest.raises(InputError, match="is a star the run was trained on"):
        evaluate.evaluate(trained, replace(data, sha256="another"))
    with pytest.raises(InputError, match="give data of the shape of the training data"):
        evaluate.evaluate(trained, replace(curves(c=48), catalogued=False))
    (tmp_path / "coverage.npz").unlink()
    with pytest.raises(InputError, match=r"coverage\.npz"):
        evaluate.evaluate(trained, data)


@pytest.mark.usefixtures("_idle")
@pytest.mark.parametrize(
    ("plan", "data", "words"),
    [
        ({"models": ("transit", "cnn")}, events(), "the input 'flat' needs light curves"),
        ({"models": ("linear", "cnn-original")}, curves(c=24), "too short for cnn-original"),
        ({"models": ("svc",), "folds": 3}, curves(hosts=2), "2 planet hosts cannot be shared among 3 folds"),
        ({"models": ("svc",), "folds": 2}, curves(hosts=3), "3 planet hosts in 2 folds leave too few for inner folds"),
        ({"models": ("svc",), "folds": 2, "inner": 4, "tune": 2}, curves(hosts=6), "too few for inner folds"),
        (
            {"models": ("svc", "stack"), "folds": 2},
            curves(hosts=8),
            "some fits of stack would get 2 of them, but need 3",
        ),
        ({"models": ("svc",), "folds": 1}, curves(), "--folds 1"),
        ({"models": ("svc",), "init": "nowhere"}, curves(), "there is no run"),
    ],
)
def test_compare(plan, data, words, tmp_path):
    with pytest.raises(InputError, match=words):
        compare.compare(compare.ComparisonPlan(**plan), data, tmp_path / "out")
    assert not list(tmp_path.rglob("*.npz"))


@pytest.mark.usefixtures("_idle")
@pytest.mark.parametrize(
    ("model", "data", "folds", "words"),
    [
        ("svc", events(), 2, "needs light curves"),
        ("svc", curves(), 20, "cannot be shared among 20 folds"),
        ("cnn-original", curves(c=24), 2, "too short for cnn-original"),
    ],
)
def test_tune(model, data, folds, words, tmp_path):
    pytest.importorskip("optuna", reason="tuning needs pip install -e '.[tune]'")
    plan = tune.TuningPlan(RunConfig(model=model), 2, folds, 1, f"sqlite:///{tmp_path / 'a.db'}", test_fraction=0.2)
    with pytest.raises(InputError, match=words):
        tune.tune(plan, data, tmp_path / "out", lambda what, done, total: None)
    assert not (tmp_path / "out").exists()
