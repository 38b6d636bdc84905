"""Phases by hand: the nearest transit and its number, single transits, and who is in transit."""

import numpy as np
import pytest

from exojax.ephemeris import nearest_transit, next_transit, phase, transit_mask


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


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (95.0, 104.0),  # transits at 4, 14, ... 94, 104
        (104.0, 104.0),  # one at that time counts
        (104.001, 114.0),
        (3.0, 4.0),
        (-17.0, -16.0),  # before the epoch, too
    ],
)
def test_the_first_transit_after_a_time(after, expected):
    when, error = next_transit(10.0, 4.0, 0.0, 0.03, after, 50.0)
    assert when == pytest.approx(expected)
    # Of an exact period the error is that of the epoch, whenever.
    assert error == pytest.approx(0.03)


def test_the_error_of_a_transit_grows_from_the_middle_of_the_data():
    """Compare with a case by hand: 11 transits at 0, 10, ... 100, the epoch in the middle (transit 5).

    That epoch is good to 0.03, the period to 0.004.

    The epoch of transit 0 is then good to sqrt(0.03^2 + (5 * 0.004)^2) = 0.0360555.
    """
    first = np.hypot(0.03, 5 * 0.004)
    assert first == pytest.approx(0.0360555, abs=1e-7)
    for number in (11, 20, 100):
        when, error = next_transit(10.0, 0.0, 0.004, first, 10.0 * number - 1, 50.0)
        assert when == pytest.approx(10.0 * number)
        assert error == pytest.approx(np.hypot(0.03, (number - 5) * 0.004))
    # Beyond the data it is less than with period and first epoch taken for independent.
    _, error = next_transit(10.0, 0.0, 0.004, first, 110.0, 50.0)
    assert error == pytest.approx(np.hypot(0.03, 6 * 0.004))
    assert error < np.hypot(first, 11 * 0.004)
    # The same transits, counted from the one in the middle.
    when, error = next_transit(10.0, 50.0, 0.004, 0.03, 199.0, 50.0)
    assert (when, error) == (pytest.approx(200.0), pytest.approx(np.hypot(0.03, 15 * 0.004)))


def test_an_epoch_better_than_its_period_allows_leaves_that_of_the_period():
    _, error = next_transit(10.0, 0.0, 0.004, 0.001, 109.0, 50.0)
    assert error == pytest.approx(6 * 0.004)


@pytest.mark.parametrize("period", [np.nan, np.inf])
def test_no_other_transit_of_a_single_one_is_known(period):
    assert np.isnan(next_transit(period, 4.0, np.nan, 0.03, 95.0, 50.0)).all()


def test_without_errors_there_is_a_date_and_no_error():
    when, error = next_transit(np.array([10.0, 10.0]), 4.0, np.array([np.nan, 0.001]), np.array([0.01, np.nan]), 95, 50)
    assert when.tolist() == [104.0, 104.0]
    assert np.isnan(error).all()
