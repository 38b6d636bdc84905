"""Phases by hand: the nearest transit and its number, single transits, and who is in transit."""

import numpy as np

from exojax.ephemeris import nearest_transit, phase, transit_mask


def test_the_nearest_transit_and_its_number():
    since, number = nearest_transit(np.array([1.0, 50.0, 54.9, 55.1, 45.1, np.nan]), 10.0, 50.0)
    np.testing.assert_allclose(since, [1, 0, 4.9, -4.9, -4.9, np.nan], atol=1e-12)
    np.testing.assert_array_equal(number, [-5, 0, 0, 1, 0, np.nan])


def test_a_single_transit_is_number_zero_everywhere():
    for period in (np.nan, np.inf):
        since, number = nearest_transit(np.array([1.0, 50.0, 90.0]), period, 50.0)
        np.testing.assert_array_equal(since, [-49, 0, 40])
        np.testing.assert_array_equal(number, 0)


def test_each_row_has_an_ephemeris_of_its_own():
    time = np.linspace(0, 300, 1001)
    period, t0 = np.array([3.7, np.nan, 11.0, np.inf]), np.array([1.0, 100.0, -5.0, 20.0])
    together = phase(time, period[:, None], t0[:, None])
    for row, p, t in zip(together, period, t0):
        np.testing.assert_array_equal(row, phase(time, p, t))


def test_times_far_from_t0_keep_their_phase():
    # A Kepler time in full BJD, a thousand orbits from t0: float64 keeps a millisecond.
    assert abs(phase(2454833.0 + 1000 * 3.5224991 + 0.01, 3.5224991, 2454833.0) - 0.01) < 1e-8


def test_the_mask_reaches_half_a_duration_to_either_side():
    inside = transit_mask(np.arange(60), 20.0, 5.0, 6.0)
    assert np.array_equal(np.flatnonzero(inside), [k for m in (5, 25, 45) for k in range(m - 3, m + 4)])
    assert np.array_equal(np.flatnonzero(transit_mask(np.arange(60), np.inf, 30.0, 12.0)), np.arange(24, 37))
    assert not transit_mask(np.array([np.nan]), 20.0, 5.0, 6.0).any()
