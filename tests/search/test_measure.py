import numpy as np
import pytest

from exojax.search.grid import plan
from exojax.search.measure import above_trend, in_transit
from exojax.search.peaks import find_peaks

GRID = plan(1024, 1 / 48, period_min=1.5, period_max=6.0, duration_max=0.3)
NARROW = plan(1024, 1 / 48, period_min=3.0, period_max=4.0, duration_max=0.3)


def periodogram_with(grid, peaks, width):
    """``(n_periods, 1)``: a floor that rises with the period, and peaks with wings ``width`` of a period wide."""
    power = 3 + 2 * np.log(grid.periods)
    for period, height in peaks:
        power = np.maximum(power, height / (1 + np.abs(grid.periods / period - 1) / width))
    return power.astype(np.float32)[:, None]


def test_highest_separate_peaks_in_order():
    wanted = [(3.217, 30.0), (1.9, 20.0), (5.2, 15.0)]
    found = find_peaks(GRID, periodogram_with(GRID, wanted, 0.002), 3)
    assert np.allclose(found.period[0], [period for period, _ in wanted], rtol=0.003)
    assert np.all(np.diff(found.height[0]) < 0)
    assert np.all(np.diff(found.sde[0]) < 0)
    assert np.asarray(found.sde)[0, 0] > 5


def test_a_wide_peak_is_found_at_its_top_wherever_it_is():
    # Its own wings, in a short curve or a narrow range of periods, are not the trend that it is measured from.
    for grid in (GRID, NARROW):
        for period in np.linspace(3.05, 3.95, 31):
            power = periodogram_with(grid, [(period, 40.0)], 0.01)
            found = find_peaks(grid, power, 2)
            assert np.asarray(found.period)[0, 0] == np.float32(grid.periods[power[:, 0].argmax()])


def test_a_slow_rise_does_not_hide_a_short_period():
    power = periodogram_with(GRID, [(1.7, 8.0)], 0.003)
    power += (4 * np.log(GRID.periods / 1.5)).astype(np.float32)[:, None]
    assert power.argmax() != np.abs(GRID.periods - 1.7).argmin()
    assert abs(np.asarray(find_peaks(GRID, power, 1).period)[0, 0] / 1.7 - 1) < 0.003


def test_peaks_are_ranked_by_snr_and_height_alike():
    # The first pair: a little more SNR on a high trend. The second: a little more height, of half the SNR.
    snr, height = np.float32([[10.5, 9.0], [20.0, 10.0]]), np.float32([[5.0, 6.5], [9.0, 9.5]])
    assert np.asarray(above_trend(snr, snr, height)).argmax(axis=1).tolist() == [1, 0]
    # Red noise counts in full, and no height makes more of a peak than its SNR.
    assert above_trend(snr / 2, snr, height) == pytest.approx(np.sqrt(snr * height) / 2)
    assert np.array_equal(above_trend(snr, snr, snr + 5), snr)
    assert np.all(np.asarray(above_trend(snr, snr, -height)) == 0)


def test_in_transit_reaches_three_quarters_of_a_duration():
    period, t0, duration = (np.float32([x, y]) for x, y in ((20, np.inf), (5, 30), (4, 8)))
    inside = np.asarray(in_transit(period, t0, duration, 60))
    assert np.array_equal(np.flatnonzero(inside[0]), [k for m in (5, 25, 45) for k in range(m - 3, m + 4)])
    assert np.array_equal(np.flatnonzero(inside[1]), np.arange(24, 37))
