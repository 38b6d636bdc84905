"""Figures of repeated scores, and what a number of hosts can show."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from exojax.evaluation import metrics, power, repeated

HOW = {"groups": np.arange(300), "seed": 0, "n_bootstrap": 200}


def scored(seed=0):
    rng = np.random.default_rng(seed)
    labels = (np.arange(300) < 60).astype(int)
    return labels, np.clip(0.2 + 0.3 * labels + rng.normal(0, 0.15, (2, 300)), 0, 1)


def test_brier_recall_and_precision_are_those_of_the_repetitions():
    labels, p = scored()
    found = repeated.mean_brier(labels, p, **HOW)
    assert found["value"] == pytest.approx(np.mean([brier_score_loss(labels, row) for row in p]))
    called = p > 0.4
    recall = repeated.mean_recall(labels, called, **HOW)
    assert recall["value"] == pytest.approx(np.mean([row[labels == 1].mean() for row in called]))
    precision = repeated.mean_precision(labels, called, **HOW)
    assert precision["value"] == pytest.approx((called & (labels == 1)).sum() / called.sum())
    for one in (found, recall, precision):
        assert one["low"] < one["value"] < one["high"]
    assert repeated.mean_precision(labels, np.zeros(300, bool), **HOW) is None


def test_stars_and_not_rows_are_drawn():
    labels, p = scored()
    pairs = HOW | {"groups": np.arange(300) // 2}
    doubled = np.repeat(p[0][::2], 2)  # two rows of a star alike
    alone, together = (repeated.mean_recall(labels, doubled > 0.5, **how) for how in (HOW, pairs))
    assert together["high"] - together["low"] > 1.2 * (alone["high"] - alone["low"])


def test_the_curve_of_one_repetition_is_that_of_the_metrics():
    labels, p = scored()
    ours = repeated.mean_precision_recall(labels, p[0], **HOW)
    theirs, _ = metrics.curves(labels, p[0], **HOW)
    np.testing.assert_allclose(ours.low, theirs.low)
    np.testing.assert_allclose(ours.high, theirs.high)
    for recall in (0.1, 0.5, 0.9):
        precision = theirs.y[np.searchsorted(theirs.x, recall)]
        assert ours.y[np.searchsorted(ours.grid, recall)] == pytest.approx(precision)
    both = repeated.mean_precision_recall(labels, p, **HOW)
    each = [repeated.mean_precision_recall(labels, row, **HOW).y for row in p]
    np.testing.assert_allclose(both.y, np.mean(each, axis=0))


def test_differences_are_significant_or_not():
    clear, hidden, same = power.statements(
        {
            "b": {"value": 0.2, "low": 0.1, "high": 0.3},
            "c": {"value": 0.05, "low": -0.05, "high": 0.15},
            "d": {"value": 0.0, "low": 0.0, "high": 0.0},
            "e": None,
        },
        "a",
        40,
    )
    # Half the interval; and 2.80 / 1.96 times as much for a power of four in five.
    assert clear == (
        "b against a: +0.200 [+0.100, +0.300]: significant. With 40 hosts, a difference of 0.14 is significant in four "
        "of five such comparisons"
    )
    assert "not significant. With 40 hosts, a difference below 0.10 is compatible with chance" in hidden
    assert "that takes about 327 hosts" in hidden  # 40 * (0.143 / 0.05) ** 2
    assert "in the same order" in same
    (tiny,) = power.statements({"b": {"value": 1e-4, "low": -0.1, "high": 0.1}}, "a", 40)
    assert "more than a hundred times" in tiny


def test_the_claim_of_four_in_five_holds():
    """Differences of the stated size, drawn with the standard error of the interval, are significant so often."""
    rng = np.random.default_rng(0)
    error = 0.05
    seen = rng.normal((power.Z_LEVEL + power.Z_POWER) * error, error, 20_000)
    assert np.mean(seen - power.Z_LEVEL * error > 0) == pytest.approx(0.8, abs=0.01)
