"""Prediction sets: the bound by hand, the promised coverage measured, and refusals with the number needed."""

from itertools import combinations

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.evaluation.conformal import BINARY, OTHER, PLANET, band, bound, by_star, needed, report, resplit, within


@pytest.mark.parametrize(("alpha", "n"), [(0.1, 9), (0.05, 19), (0.2, 4), (0.3, 3), (1 / 3, 2), (0.5, 1), (0.01, 99)])
def test_the_number_needed_is_the_least_that_can_leave_a_star_out(alpha, n):
    assert needed(alpha) == n
    score = np.arange(float(n))
    assert bound(score, alpha) == 0.0
    with pytest.raises(InputError, match=f"{n - 1} calibration stars of the class planet, and alpha .* needs {n};"):
        bound(score[1:], alpha)


def test_no_certainty_is_sold():
    for alpha in (0.0, 1.0, -0.1):
        with pytest.raises(InputError, match="between 0 and 1"):
            needed(alpha)


def test_the_bound_by_hand():
    score = np.array([5.0, 1, 4, 2, 3, 9, 8, 7, 6])
    assert bound(score, 0.2) == 2.0  # k = 2 of 10
    assert bound(score, 0.29) == 2.0
    assert bound(score, 0.3) == 3.0
    assert bound(score, 0.2, OTHER) == bound(score, 0.2, BINARY) == 8.0
    assert within(np.array([1.9, 2.0]), 2.0).tolist() == [False, True]
    assert within(np.array([8.0, 8.1]), 8.0, OTHER).tolist() == [True, False]


def test_coverage_is_exact_over_every_way_to_draw():
    """All 210 ways to take 6 of 10 stars for calibration: 1 - k / (n + 1) of the rest are covered, no more, no less."""
    score = np.arange(10.0)
    for name in (PLANET, OTHER):
        hits = []
        for chosen in combinations(range(10), 6):
            rest = np.setdiff1d(np.arange(10), chosen)
            hits.append(within(score[rest], bound(score[list(chosen)], 0.3, name), name).mean())
        assert np.mean(hits) == pytest.approx(1 - 2 / 7)
        assert band(6, 4, 0.3)["expected"] == pytest.approx(1 - 2 / 7)
        assert np.std(hits) == pytest.approx(band(6, 4, 0.3)["sd"])


def test_the_mean_over_resplits_lies_in_its_band_and_ties_lift_it():
    score = np.random.default_rng(0).normal(size=60)
    expected = band(30, 30, 0.1)
    error = expected["sd"] / np.sqrt(200)
    assert expected["expected"] == pytest.approx(1 - 3 / 31)
    for seed in range(5):
        assert abs(resplit(score, 30, 0.1, seed=seed) - expected["expected"]) < 4 * error
    assert resplit(np.round(score), 30, 0.1, seed=0) > expected["expected"] + 4 * error
    assert resplit(score, 30, 0.1, seed=3) == resplit(score, 30, 0.1, seed=3)


def test_a_star_has_its_highest_score_and_its_rows_are_one():
    score = np.array([1.0, 5.0, 2.0, 3.0, -1.0, 0.0])
    label = np.array([1, 0, 0, 0, 0, 0])
    group = np.array(["b", "b", "a", "a", "c", "d"])
    kind = np.array(["planet", "binary", "quiet", "binary", "quiet", "binary"])
    top, name = by_star(score, label, group, kind)
    assert top.tolist() == [3, 5, -1, 0]
    assert name.tolist() == [BINARY, PLANET, OTHER, BINARY]
    assert by_star(score, label, group)[1].tolist() == [OTHER, PLANET, OTHER, OTHER]


def stars(n, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    name = np.array([PLANET] * n + [BINARY] * n + [OTHER] * n)
    return rng.normal(np.repeat([2.0, 0.0, -1.0], n) + shift, 1), name


def test_the_report_covers_like_stars_and_shows_a_shift():
    found = report(stars(200), stars(300, seed=1), alpha=0.1, seed=0)
    for name in (PLANET, BINARY, OTHER):
        row = found["classes"][name]
        assert row["band"]["low"] <= row["coverage"] <= row["band"]["high"]
        assert row["resplits"]["low"] - 0.01 <= row["resplits"]["mean"] <= row["resplits"]["high"] + 0.01
        assert row["band"]["expected"] == pytest.approx(1 - 20 / 201)
    assert sum(found["sets"].values()) == 900
    assert "planet or binary" in found["sets"]
    assert "No claim is made" in found["claim"]
    moved = report(stars(200), stars(300, shift=-1.5, seed=1), alpha=0.1, seed=0)["classes"][PLANET]
    assert moved["coverage"] < moved["band"]["low"]


def test_a_class_of_too_few_is_refused_alone():
    score, name = stars(30)
    few = np.flatnonzero(name == BINARY)[8:]
    keep = np.setdiff1d(np.arange(90), few)
    found = report((score[keep], name[keep]), stars(10, seed=2), alpha=0.1, seed=0, protocol="out-of-fold")
    assert found["classes"][BINARY]["refused"] == (
        "there are 8 calibration stars of the class binary, and alpha 0.1 needs 9; give more stars or a larger alpha"
    )
    assert "coverage" not in found["classes"][BINARY]
    assert found["classes"][PLANET]["refused"] is None
    assert not any(BINARY in kind for kind in found["sets"])
    assert "approximate at best" in found["claim"]
    none = report((score[:0], name[:0]), (score[:3], name[:3]), alpha=0.1, seed=0)
    assert none["sets"] == {}
    assert set(none["classes"]) == {PLANET}
