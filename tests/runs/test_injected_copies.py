"""Copies of training stars with simulated planets: found by the search, and never of a star that is held out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from exojax.config import RunConfig, TrainConfig
from exojax.features.registry import compute
from exojax.folded_events import SCALARS, VIEWS
from exojax.light_curves import LightCurves
from exojax.models import registry
from exojax.runs import compare, fit
from exojax.runs import injected_copies as module
from exojax.runs.injected_copies import InjectedCopies, copies_for, injected_copies, paced, with_copies
from exojax.simulate.population import SimulateConfig, simulate
from exojax.training.fit import Examples, fit_model, steps_for
from exojax.vetting.all_tests import NUMBERS

K = 2


@pytest.fixture(scope="module")
def curves() -> LightCurves:
    return simulate(SimulateConfig(n_stars=60, host_fraction=0.2, n_cadences=800))[0]


class Search:
    """Stands in for the search: finds every other planet where it was injected, and none of the others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        inject = module.inject_planets
        self.injected: Any = None
        self.searched: list[str] = []

        def planting(*given: Any) -> Any:
            self.injected = inject(*given)
            return self.injected

        monkeypatch.setattr(module, "inject_planets", planting)
        monkeypatch.setattr(module, "folded_events", self.found)

    def found(self, copies: LightCurves, *_: Any, **__: Any) -> dict[str, np.ndarray]:
        n = len(copies)
        self.searched = copies.id.tolist()
        made = self.injected
        kept = np.flatnonzero((made.n_transits >= 2) & (made.snr >= module.MIN_SNR) & (made.depth < module.DEEPEST))
        assert copies.id.tolist() == made.curves.id[kept].tolist()
        out = {name: np.ones((n, K, 5, 3), np.float32) for name in VIEWS}
        out["scalars"] = np.ones((n, K, len(SCALARS)), np.float32)
        out["scalars"][:, 0, 0] = np.log10(made.orbits.period[kept])
        out["vetting"] = np.ones((n, K, len(NUMBERS)), np.float32)
        hit = np.arange(n) % 2 == 0
        t0 = made.orbits.t0[kept] + 3 * made.orbits.period[kept]
        t0[1::4] = np.nan
        return out | {
            "period": np.where(hit, made.orbits.period[kept], 1.3 * made.orbits.period[kept]),
            "t0": t0,
            "duration": made.orbits.duration[kept],
        }


def test_only_planets_that_the_search_finds_are_kept_and_of_them_nothing_else(curves, monkeypatch):
    search = Search(monkeypatch)
    made = injected_copies(curves, 20, RunConfig(seed=3))
    assert 5 < len(made.star) <= 20
    assert (curves.label[made.star] == 0).all()
    assert set(curves.id[made.star].tolist()) <= set(search.searched[::2])
    for name in VIEWS:
        assert (made.features[name][:, 0] == 1).all()
        assert not made.features[name][:, 1].any()
    for name in ("scalars", "vetting"):
        assert np.isnan(made.features[name][:, 1]).all()
        assert np.isfinite(made.features[name][:, 0]).all()
    injected = np.log10(search.injected.orbits.period).astype(np.float32)
    assert np.isin(made.features["scalars"][:, 0, 0], injected).all()
    again = injected_copies(curves, 20, RunConfig(seed=3))
    assert np.array_equal(again.star, made.star)
    assert not np.array_equal(injected_copies(curves, 20, RunConfig(seed=4)).star[:5], made.star[:5])


def test_the_copies_have_the_transits_and_the_stars_keep_their_noise(curves, monkeypatch):
    search = Search(monkeypatch)
    injected_copies(curves, 20, RunConfig(seed=3))
    made = search.injected
    place = [curves.id.tolist().index(name) for name in made.curves.id.tolist()]
    lost = curves.flux[place] - made.curves.flux
    assert lost.min() > -1e-6
    assert (lost > 0).any(axis=1)[made.n_transits > 0].all()
    assert made.snr.min() > 7
    assert made.snr.max() < 72
    assert ((lost > 1e-7).sum(axis=1) < 0.3 * curves.valid[place].sum(axis=1)).mean() > 0.9


def test_there_are_copies_only_where_hosts_are_few_and_the_network_looks_at_folds(curves, monkeypatch):
    requested = []
    monkeypatch.setattr(
        module,
        "injected_copies",
        lambda curves, n, config, report=None: requested.append(n) or InjectedCopies(np.zeros(0), {}),
    )
    label = curves.label
    for name, wanted in (("transit", 30), ("transit", 12), ("cnn", 30), ("boosting", 30)):
        copies_for(registry.get(name), TrainConfig(injected_copies=wanted), curves, label, RunConfig())
    assert requested == [30 - 12]


def rows(n: int = 12) -> Examples:
    x = np.arange(n, dtype=np.float32)[:, None]
    return Examples(
        {"x": x}, (np.arange(n) < 3).astype(np.int64), 100 + np.arange(n), np.array([f"s{k}" for k in range(n)])
    )


def test_a_star_that_is_held_out_has_no_copy_in_training():
    copies = InjectedCopies(
        np.array([4, 5, 6, 4]), {"x": np.array([[40.0], [50], [60], [41]], np.float32), "other": np.zeros(4)}
    )
    some = with_copies(rows(), copies, np.array([0, 3, 4, 6]))
    assert some.features["x"][:, 0].tolist() == [0, 3, 4, 6, 40, 60, 41]
    assert some.label.tolist() == [1, 0, 0, 0, 1, 1, 1]
    assert some.group.tolist() == [100, 103, 104, 106, 104, 106, 104]
    assert some.name.tolist()[-1] == "s4 with a simulated planet"
    for chosen, without in ((np.array([0, 1, 2]), copies), (np.array([4, 5]), None)):
        plain = with_copies(rows(), without, chosen)
        assert plain.features["x"][:, 0].tolist() == chosen.tolist()


@pytest.mark.parametrize("of_held", [True, False])
def test_copies_of_outer_rows_leave_no_trace_in_a_comparison(of_held):
    rng = np.random.default_rng(0)
    n = 60
    label, index = (np.arange(n) < 20).astype(np.int64), np.arange(n)
    x = rng.standard_normal((n, 10)).astype(np.float32) + label[:, None]
    held = index % 4 == 0
    names = np.array([f"k{i}" for i in range(n)])
    inputs = dict.fromkeys(("spectrum", "flux"), x)
    star = np.flatnonzero((held if of_held else ~held) & (label == 0))

    def scored(value: float) -> np.ndarray:
        copies = InjectedCopies(star, dict.fromkeys(("spectrum", "flux"), np.full((len(star), 10), value, np.float32)))
        plan = compare.ComparisonPlan(("svc",), folds=4)
        rows = Examples(inputs, label, index, names)
        return compare.score_fold(plan, "svc", rows, held, 0, cadence=0.1, copies=copies)["logits"]

    assert np.array_equal(scored(2.0), scored(-2.0)) == of_held


def test_hosts_are_passed_over_as_often_as_without_copies():
    training = TrainConfig(steps=9999, batch_size=64, passes=15, host_passes=120)
    label = (np.arange(5000) < 40).astype(int)
    labels = np.concatenate([label, np.ones(260, int)])
    # 120 times 40 hosts and 15 times 260 copies, 32 a step, to 25 steps.
    assert steps_for(paced(training, label, 260), labels) == 275
    assert steps_for(paced(training, label, 0), label) == 150


def test_no_training_of_a_run_meets_a_copy_of_a_star_that_it_does_not_train_on(tmp_path, curves, monkeypatch):
    """Validation and test stars have no copies in training; out of folds, the fold's own rows have none either."""
    met, requested = [], []

    def counted(model, training, data, label, config, report):
        requested.append(set(data.id.tolist()))
        star = np.flatnonzero(label == 0)
        return InjectedCopies(star, {name: x[star] for name, x in compute(("spectrum", "flux"), data).items()})

    def fitted(model, examples, settings):
        met.append((examples.name, examples.label, len(examples.features["spectrum"])))
        return fit_model(model, examples, settings)

    monkeypatch.setattr(fit, "copies_for", counted)
    monkeypatch.setattr(module, "fit_model", fitted)
    data = replace(curves, valid=np.ones_like(curves.valid))
    run = fit.fit(RunConfig(model="svc"), data, tmp_path / "run")
    assert requested == [set(run.split["train"])]
    assert len(met) == 4
    for names, labels, n in met:
        real = {name for name in names.tolist() if " " not in name}
        copied = [name.split(" ")[0] for name in names.tolist() if " " in name]
        assert len(names) == len(labels) == n
        assert copied
        assert set(copied) == {name for name in real if data.label[data.id.tolist().index(name)] == 0}
        assert (labels[[" " in name for name in names.tolist()]] == 1).all()
    assert len({len(names) for names, _, _ in met}) > 1
