"""The four leaks by which most published scores were made, each built on purpose: caught, or made impossible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.evaluation import calibration, split
from exojax.evaluation.leakage import check_blind, check_disjoint
from exojax.features import registry as features
from exojax.light_curves import LightCurves, shared_time
from exojax.models import registry, svc
from exojax.runs import compare
from exojax.runs.rows import usable_rows
from exojax.training.fit import Examples, FitSettings, fit_model

N, HOSTS, COLUMNS = 80, 24, 30
LABEL = (np.arange(N) < HOSTS).astype(np.int64)
HELD = split.holdout(np.arange(N), LABEL, fraction=0.25, seed=0)


def made_up() -> np.ndarray:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((N, COLUMNS)).astype(np.float32)
    x[:HOSTS, :3] += 1
    return x


def pipeline(*leaks: str):
    """Scale, select, oversample, fit, choose a threshold; each on the training rows, or on all where it leaks."""

    def settle(given, labels, held):
        x, train = given["x"], ~held

        def rows(what):
            return np.ones(len(x), bool) if what in leaks else train

        mean, scale = x[rows("scaler")].mean(0), x[rows("scaler")].std(0)
        scaled = (x - mean) / scale
        on = rows("selector")
        contrast = scaled[on & (labels == 1)].mean(0) - scaled[on & (labels == 0)].mean(0)
        chosen = np.sort(np.argsort(-np.abs(contrast))[:5])
        # Hosts are copied until there are as many as others; before the split some copies of held-out hosts stay in.
        pool = np.flatnonzero(rows("oversampler"))
        hosts = pool[labels[pool] == 1]
        sampled = np.concatenate([np.flatnonzero(train), np.resize(hosts, np.sum(train & (labels == 0)))])
        where = scaled[:, chosen]
        weight = where[sampled][labels[sampled] == 1].mean(0) - where[sampled][labels[sampled] == 0].mean(0)
        score = where @ weight
        on = rows("threshold")
        threshold = calibration.choose_threshold(labels[on], score[on])
        return {
            "scaler": np.stack([mean, scale]),
            "selector": chosen,
            "oversampler": where[sampled],
            "threshold": np.asarray(threshold),
        }

    return settle


def test_an_honest_pipeline_passes() -> None:
    check_blind(pipeline(), {"x": made_up()}, LABEL, HELD)


@pytest.mark.parametrize("leak", ["oversampler", "scaler", "selector", "threshold"])
def test_what_is_fitted_on_all_rows_is_caught(leak: str) -> None:
    with pytest.raises(InputError, match="depends on held-out rows") as caught:
        check_blind(pipeline(leak), {"x": made_up()}, LABEL, HELD)
    # Whatever comes after the leak changes with it; what comes before does not.
    order = ["scaler", "selector", "oversampler", "threshold"]
    assert str(caught.value).partition(":")[0] in order[order.index(leak) :]


def curves(flux: np.ndarray, label: np.ndarray) -> LightCurves:
    n, c = flux.shape
    names = np.array([f"k{i}" for i in range(n)])
    time, valid = shared_time(n, c, 0.1), np.ones((n, c), bool)
    return LightCurves(names, time, flux, valid, label.astype(np.int8), None, True, False, 0.1, "assumed", "x", "abc")


def test_a_file_that_was_oversampled_has_each_star_once() -> None:
    """Copies of hosts under new names, as an oversampler leaves them, cannot come to lie in two folds."""
    x, copies = made_up(), np.arange(HOSTS).repeat(2)
    data = curves(np.concatenate([x, x[copies]]), np.concatenate([LABEL, LABEL[copies]]))
    rows = usable_rows(data)
    assert len(rows.index) == N
    assert any(f"{len(copies)} rows that repeat" in warning for warning in rows.warnings)
    # And if they were kept, the split would be refused.
    fold = np.arange(len(data)) % 2 == 0
    with pytest.raises(InputError, match="is in both"):
        check_disjoint({"train": x[copies[fold[N:]]][:, 0], "test": x[copies[~fold[N:]]][:, 0]})


def test_a_feature_that_looks_at_other_rows_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scaler over all rows in the place of a feature: those that there are depend on their row alone."""

    def settle(given, labels, held):
        made = features.compute(("flux", "leaky"), curves(given["flux"], labels))
        return {name: x[~held] for name, x in made.items() if name in wanted}

    def leaky(flux, valid, cadence):
        """Scale by statistics over stars."""
        return (flux - flux.mean(0)[None]) / (flux.std(0)[None] + 1e-9)

    monkeypatch.setitem(features.FEATURES, "leaky", leaky)
    wanted = ["flux"]
    check_blind(settle, {"flux": made_up()}, LABEL, HELD, repeats=2)
    wanted += ["leaky"]
    with pytest.raises(InputError, match="leaky: depends on held-out rows"):
        check_blind(settle, {"flux": made_up()}, LABEL, HELD)


def test_a_model_is_given_its_training_rows_alone() -> None:
    """A model that selects its columns on rows which it got in another way is caught by what it learned."""
    seen: dict[str, np.ndarray] = {}

    def selecting(model):
        def settle(given, labels, held):
            seen.update(x=given["x"], labels=labels)
            train = dict.fromkeys(("spectrum", "flux"), given["x"][~held])
            scorer = fit_model(
                model,
                Examples(train, labels[~held], np.flatnonzero(~held)),
                FitSettings(TrainConfig(), cadence=0.1, seed=0),
            )
            return scorer.arrays

        return settle

    def fit(given, labels, groups, seed):
        assert len(labels) == np.sum(~HELD)
        contrast = seen["x"][seen["labels"] == 1].mean(0) - seen["x"][seen["labels"] == 0].mean(0)
        chosen = np.argsort(-np.abs(contrast))[:5]
        return {"chosen": chosen} | svc.fit({k: x[:, chosen] for k, x in given.items()}, labels, groups, seed)

    check_blind(selecting(svc.MODEL), {"x": made_up()}, LABEL, HELD, repeats=2)
    with pytest.raises(InputError, match="depends on held-out rows"):
        check_blind(selecting(replace(svc.MODEL, fit=fit)), {"x": made_up()}, LABEL, HELD)


@pytest.mark.parametrize("leaks", [False, True])
def test_the_outer_rows_of_a_comparison_leave_no_trace_in_its_thresholds(leaks: bool, monkeypatch) -> None:
    plan = compare.ComparisonPlan(("svc",), folds=4, inner=2)
    index, name = np.arange(N), np.array([f"k{i}" for i in range(N)])

    def settle(given, labels, held):
        if leaks:
            fitted = registry.get("svc").fit(dict.fromkeys(("spectrum", "flux"), given["x"]), labels, index, 0)
            everything = svc.logits(fitted, dict.fromkeys(("spectrum", "flux"), given["x"]))
            monkeypatch.setattr(
                calibration, "choose_threshold", lambda truth, p: float(np.median(everything[labels == 1]))
            )
        rows = Examples(dict.fromkeys(("spectrum", "flux"), given["x"]), labels, index, name)
        return {"threshold": compare.score_fold(plan, "svc", rows, held, 0, cadence=0.1)["threshold"]}

    if not leaks:
        check_blind(settle, {"x": made_up()}, LABEL, HELD, repeats=2)
        return
    with pytest.raises(InputError, match="threshold: depends on held-out rows"):
        check_blind(settle, {"x": made_up()}, LABEL, HELD)


@pytest.mark.parametrize("leaks", [False, True])
def test_the_outer_rows_of_a_comparison_leave_no_trace_in_what_was_tuned(leaks: bool, monkeypatch) -> None:
    pytest.importorskip("optuna", reason="tuning needs pip install -e '.[tune]'")
    plan = compare.ComparisonPlan(("svc",), folds=4, inner=2, tune=3)
    index, name = np.arange(N), np.array([f"k{i}" for i in range(N)])
    best_of = compare.best_of

    def settle(given, labels, held):
        rows = Examples(dict.fromkeys(("spectrum", "flux"), given["x"]), labels, index, name)
        if leaks:
            monkeypatch.setattr(
                compare, "best_of", lambda config, within, fold, *a, **b: best_of(config, rows, index % 2, *a, **b)
            )
        return {"inner": compare.score_fold(plan, "svc", rows, held, 0, cadence=0.1)["tuned"][0]}

    if not leaks:
        check_blind(settle, {"x": made_up()}, LABEL, HELD, repeats=2)
        return
    with pytest.raises(InputError, match="inner: depends on held-out rows"):
        check_blind(settle, {"x": made_up()}, LABEL, HELD)
