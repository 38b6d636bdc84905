"""Recovery of injections, and the intervals of shares and thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from exojax.injection.recovery import Injections, cells, interval, recover, threshold

P, T0, D, SPAN, CADENCE = 5.0, 101.0, 0.2, 80.0, 0.02
NEAR = P * D / SPAN  # by which the period may be off


def one(period: float, t0: float = T0, *, duration: float = D, snr: float = 9.0, injected: float = P) -> list[float]:
    """Return the three SNRs of one injection with one candidate."""
    planet = Injections(*(np.array([x]) for x in (injected, T0, D, SPAN, CADENCE)))
    arrays = (np.array([x]) for x in (period, t0, duration, snr))
    found = recover(planet, np.zeros(1, int), *arrays)
    return [float(x[0]) for x in (found.exact, found.harmonic, found.single)]


@pytest.mark.parametrize(
    ("period", "t0", "expected"),
    [
        (P, T0, [9, 0, 0]),
        (P + 0.9 * NEAR, T0, [9, 0, 0]),
        (P - 0.9 * NEAR, T0 + 6 * P, [9, 0, 0]),
        (P + 1.1 * NEAR, T0, [0, 0, 0]),
        (P, T0 + 3 * P + 0.9 * D, [9, 0, 0]),
        (P, T0 + 3 * P - 1.1 * D, [0, 0, 0]),  # the star's own signal of the same period
        (2 * P, T0, [0, 9, 0]),
        (P / 2, T0 + 1, [0, 9, 0]),
        (1.5 * P, T0, [0, 9, 0]),
        (5 * P, T0, [0, 0, 0]),
        (np.nan, T0 + 4 * P + 0.5 * D, [0, 0, 9]),
        (np.nan, T0 + 1.0, [0, 0, 0]),
    ],
)
def test_what_counts_as_found(period: float, t0: float, expected: list[float]) -> None:
    assert one(period, t0) == expected


def test_a_period_is_never_off_by_more_than_a_hundredth() -> None:
    # Half a day in 80 days would be 0.6 %; in a curve of one period it would be 10 %.
    assert one(30 * 1.009, duration=20.0, injected=30.0)[0] == 9
    assert one(30 * 1.011, duration=20.0, injected=30.0)[0] == 0


def test_the_strongest_of_several_candidates_counts_for_its_own_injection() -> None:
    planets = Injections(*(np.full(3, x) for x in (P, T0, D, SPAN, CADENCE)))
    row = np.array([2, 0, 2, 2])
    period = np.array([P, P, P, 2 * P])
    found = recover(planets, row, period, np.full(4, T0), np.full(4, D), np.array([5.0, 6.0, 8.0, 20.0]))
    assert found.exact.tolist() == [6, 0, 8]
    assert found.harmonic.tolist() == [0, 0, 20]


def test_no_candidate_at_all() -> None:
    planets = Injections(*(np.full(2, x) for x in (P, T0, D, SPAN, CADENCE)))
    empty = np.zeros(0)
    assert recover(planets, np.zeros(0, int), empty, empty, empty, empty).exact.tolist() == [0, 0]


def test_cells_count_both_ends() -> None:
    x, y = np.array([1.0, 2.0, 3.0, 9.0]), np.array([1.0, 1.0, 5.0, 1.0])
    found, injected = cells(x, y, np.array([True, False, True, True]), np.array([1.0, 2.0, 3.0]), np.array([0.0, 2, 5]))
    assert injected.tolist() == [[1, 0], [1, 1]]
    assert found.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 7), (7, 7), (1, 400)])
def test_the_interval_is_clopper_and_pearsons(k: int, n: int) -> None:
    expected = binomtest(k, n).proportion_ci(0.95, "exact")
    assert interval(k, n) == pytest.approx((k / n, expected.low, expected.high))


def test_nothing_tried_is_nothing_known() -> None:
    share, low, high = interval(0, 0)
    assert np.isnan(share)
    assert (low, high) == (0, 1)


def test_no_larger_share_exceeds_the_threshold() -> None:
    values = np.random.default_rng(0).permutation(np.arange(1.0, 201.0))
    limit = threshold(values, 0.01)
    assert (limit.value, limit.n) == (198, 200)
    assert (values > limit.value).sum() == 2
    assert limit.low < limit.value < limit.high


def test_the_ends_of_its_interval_are_the_tightest_of_95_percent() -> None:
    limit = threshold(np.arange(1.0, 201.0), 0.05)
    above = {end: int(201 - value) for end, value in (("high", limit.high), ("low", limit.low))}
    # The true threshold lies above ``high`` when fewer values exceed it, and below ``low`` when that many do.
    assert binom.cdf(above["high"] - 1, 200, 0.05) < 0.025 <= binom.cdf(above["high"], 200, 0.05)
    assert binom.sf(above["low"] - 1, 200, 0.05) <= 0.025 < binom.sf(above["low"] - 2, 200, 0.05)


def test_a_small_sample_bounds_nothing() -> None:
    limit = threshold(np.array([3.0, 8.0, 5.0]), 0.01)
    assert limit.value == 8
    assert limit.high == np.inf


def test_the_interval_of_a_threshold_holds_the_true_one() -> None:
    rng = np.random.default_rng(3)
    rate, truth = 0.05, -np.log(0.05)
    inside = 0
    for _ in range(400):
        limit = threshold(rng.exponential(size=300), rate)
        inside += limit.low <= truth <= limit.high
    assert 0.93 < inside / 400 <= 0.985
