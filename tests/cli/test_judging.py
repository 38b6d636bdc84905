"""Why a candidate has its score: of the shipped run, for candidates that a search has handed over."""

from __future__ import annotations

from dataclasses import fields, replace

import jax
import numpy as np
import pytest

from exojax.candidates import Candidates
from exojax.evaluation.attribution import integrated_gradients
from exojax.folded_events import SCALARS, VIEWS, WIDE_VIEWS
from exojax.runs import candidate_scores
from exojax.runs.run import PRETRAINED, load
from exojax.training.step import logits
from exojax.vetting.all_tests import COLUMNS, NUMBERS


def made(m: int) -> dict[str, np.ndarray]:
    """Make views of ``m`` candidates: each has a dip, the later the deeper, and numbers of its own."""
    rng = np.random.default_rng(3)
    out = {}
    for name in VIEWS:
        bins = 201 if name in WIDE_VIEWS else 61
        view = np.ones((m, bins, 3), np.float32)
        view[..., 0] = rng.normal(0, 0.05, (m, bins)) - np.arange(1, m + 1)[:, None] / m * np.hanning(bins) ** 8
        view[..., 1] = 0.05
        out[name] = view
    out["scalars"] = np.full((m, len(SCALARS)), np.nan, np.float32)
    for name, value in {"log_period": 0.7, "log_snr": 1.3, "log_snr_red": 1.2, "sde": 9.0}.items():
        out["scalars"][:, SCALARS.index(name)] = value
    out["vetting"] = np.full((m, len(NUMBERS)), np.nan, np.float32)
    out["vetting"][:, NUMBERS.index("mes")] = 15.0
    return out


def test_reasons_are_of_the_candidate_and_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    folds = made(2)
    run = load(PRETRAINED)
    explain = candidate_scores.candidate_scorer(PRETRAINED).explain
    assert explain is not None
    values = {field.name: np.zeros(2) for field in fields(Candidates)}
    found = Candidates(**values)
    monkeypatch.setattr(candidate_scores, "joined", lambda stars: (found, folds))
    explained = explain(None)  # type: ignore[arg-type]
    assert len(explained) == 2
    score = jax.jit(lambda inputs: logits(run.scorer.states[0], inputs))
    for k, one in enumerate(explained):
        logit = run.scorer({name: x[k : k + 1, None] for name, x in folds.items() if name in run.inputs})
        assert one.score == pytest.approx(logit[0], abs=1e-4)
        assert set(one.views) == set(VIEWS)
        np.testing.assert_array_equal(one.views["local_view"], folds["local_view"][k])
        inputs = {name: x[k : k + 1, None] for name, x in folds.items()}
        moved = integrated_gradients(score, inputs, steps=candidate_scores._POINTS, width=candidate_scores._WIDTH)
        for name, bins in moved.items():
            np.testing.assert_allclose(one.moved[name], bins[0, 0], atol=1e-3)
        # What the bins add is what tells the score from a flat fold's.
        total = sum(x.sum() for x in one.moved.values())
        assert total == pytest.approx(one.score - one.flat, rel=0.01, abs=0.1)
        assert set(one.numbers) == {*SCALARS, *COLUMNS}
        assert one.numbers["vet_mes"] != 0
        assert one.numbers["vet_albedo"] == 0
        assert one.numbers["mag"] == 0
        assert one.numbers["log_snr_red"] != 0
    assert max(abs(one.score - one.flat) for one in explained) > 0.3
    assert explained[0].score != pytest.approx(explained[1].score)


def test_a_run_that_sees_no_folds_gives_no_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    run = load(PRETRAINED)
    series = replace(run, config=replace(run.config, model="svc"))
    monkeypatch.setattr(candidate_scores, "load", lambda name: series)
    assert candidate_scores.candidate_scorer("any").explain is None
