"""Peaks of a periodogram, what is read at harmonics, and which of them a star's best signal is."""

import numpy as np
import pytest

from exojax.detection.curve import FlatCurve
from exojax.detection.measure import PeriodicSignal, above_trend, measure
from exojax.detection.peaks import aliases, find_peaks
from exojax.detection.period_grid import plan
from exojax.detection.periodogram import Periodogram, Trend, periodogram
from exojax.detection.select import allowed_durations, choose
from exojax.detection.single_transits import SingleEvent

GRID = plan(1024, 1 / 48, period_min=1.5, period_max=6.0, duration_max=0.3)
NARROW = plan(1024, 1 / 48, period_min=3.0, period_max=4.0, duration_max=0.3)
DAY = 48.0
"""cadences"""


def periodogram_with(grid, peaks, width, slope=2.0):
    """Make a floor that rises with the period, and peaks (days) with wings ``width`` of a period wide."""
    period = np.sort(grid.passes[-1].periods)
    power = 3 + slope * np.log(period / DAY)
    for place, height in peaks:
        power = np.maximum(power, height / (1 + np.abs(period / DAY / place - 1) / width))
    power = power.astype(np.float32)
    trend = Trend.of(np.log(period), power)
    return Periodogram(period, power, trend.at(np.log(period)), np.ones(len(period), bool), trend.spread)


def peaks_of(grid, found, n):
    near = 2 * float(grid.durations[-1]) / grid.n_cadences
    return find_peaks(found, near, n)


def test_highest_separate_peaks_in_order():
    wanted = [(3.217, 30.0), (1.9, 20.0), (5.2, 15.0)]
    found = peaks_of(GRID, periodogram_with(GRID, wanted, 0.002), 3)
    assert np.allclose([peak.period / DAY for peak in found], [period for period, _ in wanted], rtol=0.003)
    assert np.all(np.diff([peak.height for peak in found]) < 0)
    assert np.all(np.diff([peak.sde for peak in found]) < 0)
    assert found[0].sde > 5


def test_a_wide_peak_is_found_at_its_top_wherever_it_is():
    # Its own wings, in a short curve or a narrow range of periods, are not the trend that it is measured from.
    for grid in (GRID, NARROW):
        for period in np.linspace(3.05, 3.95, 31):
            one = periodogram_with(grid, [(period, 40.0)], 0.01)
            assert peaks_of(grid, one, 2)[0].period == one.period[one.power.argmax()]


def test_a_slow_rise_does_not_hide_a_short_period():
    one = periodogram_with(GRID, [(1.7, 9.0)], 0.003, slope=5.0)
    assert abs(one.period[one.power.argmax()] / DAY - 1.7) > 1
    assert peaks_of(GRID, one, 1)[0].period / DAY == pytest.approx(1.7, rel=0.003)


def test_peaks_are_among_what_was_tried_at_full_resolution_and_end_where_there_is_none():
    one = periodogram_with(GRID, [(3.2, 30.0), (2.0, 10.0)], 0.002)
    fine = np.abs(one.period / DAY - 2.0) < 0.05
    found = peaks_of(GRID, Periodogram(one.period, one.power, one.trend, fine, one.spread), 50)
    assert found[0].period / DAY == pytest.approx(2.0, rel=0.003)
    assert 1 <= len(found) < 10


def test_peaks_are_ranked_by_snr_and_height_alike():
    # The first pair: a little more SNR on a high trend. The second: a little more height, of half the SNR.
    assert above_trend(10.5, 10.5, 5.0) < above_trend(9.0, 9.0, 6.5)
    assert above_trend(20.0, 20.0, 9.0) > above_trend(10.0, 10.0, 9.5)
    # Red noise counts in full, and no height makes more of a peak than its SNR.
    assert above_trend(5.0, 10.0, 4.0) == pytest.approx(np.sqrt(10 * 4) / 2)
    assert above_trend(10.0, 10.0, 15.0) == 10
    assert above_trend(10.0, 10.0, -5.0) == 0


def test_aliases_are_read_near_simple_ratios():
    periods = np.geomspace(0.5, 30, 5000) * DAY
    snr = 4 + np.random.default_rng(0).uniform(0, 0.1, 5000)
    for period, height in ((10.0, 20.0), (5.0, 12.0), (20.02, 15.0), (6.0, 30.0)):
        snr[np.argmin(np.abs(periods - period * DAY))] = height
    one = Periodogram(periods, snr.astype(np.float32), np.zeros(5000, np.float32), np.ones(5000, bool), 1.0)
    # 6 is no harmonic, and 10 is the candidate itself.
    assert np.array(aliases(one, 10 * DAY, 10.0)) / DAY == pytest.approx([20.02, 5.0], rel=1e-3)
    # 1/3, 1/2, 2/3, 3/2, 2, 3.
    all_of_them = np.sort(aliases(one, 9.9 * DAY, 1.0)) / DAY
    assert all_of_them == pytest.approx(9.9 * np.array([1 / 3, 1 / 2, 2 / 3, 1.5, 2, 3]), rel=0.0101)
    # Of a long period some lie beyond the grid.
    assert len(aliases(one, 40 * DAY, 1.0)) == 3
    assert aliases(one, 100 * DAY, 100.0) == []


# ---------------------------------------------------------------- the best signal


def dips(size, period, t0, duration, depth, more=()):
    """Make white noise of scatter 1 with boxes: flux ``(size,)``."""
    flux = np.random.default_rng(int(1000 * period)).standard_normal(size)
    for p, t, d, a in ((period, t0, duration, depth), *more):
        late = np.arange(size) - t
        flux -= a * (np.abs(late - np.rint(late / p) * p) < d / 2)
    return flux.astype(np.float32)


WIDE = plan(1312, 1 / 48, period_min=0.2, period_max=13.0)


def best_of(flux):
    weight = np.ones_like(flux)
    curve = FlatCurve.of(flux, weight)
    low, high = float(WIDE.durations[0]), float(WIDE.durations[-1])
    return measure(WIDE, periodogram(WIDE, flux, weight), curve, low, high)[0]


@pytest.mark.parametrize("period", [11.7, 23.4, 61.3, 170.2, 305.9])
@pytest.mark.parametrize("depth", [2.0, 6.0, 60.0])
def test_a_planet_comes_at_its_period_and_at_no_harmonic(period, depth):
    depth *= max(1.0, (period / 100) ** 0.5)
    duration = min(6.0, 0.2 * period)
    found = best_of(dips(1312, period, 7.3, duration, depth))
    assert found.period == pytest.approx(period, rel=0.003)
    assert found.odd_even_sigma < 4
    assert found.mismatch < 4


def test_a_binary_with_unlike_eclipses_comes_at_its_true_period():
    for depth in (4.0, 40.0):
        flux = dips(1312, 96.4, 11.0, 6.0, depth, more=[(96.4, 59.2, 6.0, 0.5 * depth)])
        found = best_of(flux)
        assert found.period == pytest.approx(96.4, rel=0.002)
        assert found.secondary_phase == pytest.approx(0.5, abs=0.02)
        assert found.secondary_sigma > 10
        # Alike ones are one planet's, at half of it.
        flux = dips(1312, 96.4, 11.0, 6.0, depth, more=[(96.4, 59.2, 6.0, depth)])
        assert best_of(flux).period == pytest.approx(48.2, rel=0.002)


# ---------------------------------------------------------------- what the next candidate is


def periodic(**changed):
    given = dict.fromkeys(PeriodicSignal.__dataclass_fields__, 0.0) | {"n_transits": 9, "duration": 5.0}
    return PeriodicSignal(
        **(given | {"snr": 12.0, "snr_red": 10.0, "strongest": 100.0, "strongest_snr": 4.0} | changed)
    )


def event(t0=500.0, snr=8.0, snr_red=8.0):
    return SingleEvent(t0, 6.0, 3.0, snr, snr_red)


NONE = SingleEvent(0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_periodic_signal_is_the_first_candidate_however_weak_and_a_further_one_if_it_stands_out():
    weak = periodic(snr=6.0, snr_red=5.0)
    assert choose(weak, NONE, first=True, snr_min=7.1).single is None
    assert choose(weak, NONE, first=False, snr_min=7.1) is None
    assert choose(periodic(), NONE, first=False, snr_min=7.1).single is None


def test_an_event_that_outshines_the_fold_is_one_of_its_own():
    strong = event(snr=15.0, snr_red=13.0)
    found = choose(periodic(), strong, first=True, snr_min=7.1)
    assert found.single == strong
    assert found.apart
    # A transit of the fold itself, or an event weaker than the fold, is not.
    assert choose(periodic(), event(snr=11.0, snr_red=11.0), first=True, snr_min=7.1).single is None
    # A single event needs ten standard errors.
    assert choose(periodic(snr=5, snr_red=5), event(snr=9.9, snr_red=9.9), first=True, snr_min=7.1).single is None


def test_a_pair_of_unlike_events_is_broken_up():
    pair = periodic(mismatch=6.0, n_transits=2, strongest_snr=14.0, strongest_depth=7.0)
    found = choose(pair, event(), first=True, snr_min=7.1)
    assert found.single == SingleEvent(100.0, 5.0, 7.0, 14.0, 14.0)
    assert not found.apart
    # The search for single events knows the stronger one too: it is taken as that one found it.
    known = event(t0=102.0, snr=14.5, snr_red=13.0)
    assert choose(pair, known, first=True, snr_min=7.1).single == known
    # Of a broken pair too weak to stand alone nothing is left but the first candidate of a star.
    faint = periodic(mismatch=6.0, n_transits=2, strongest_snr=8.0)
    assert choose(faint, NONE, first=False, snr_min=7.1) is None
    assert choose(faint, NONE, first=True, snr_min=7.1).single is None


def test_durations_that_a_star_allows():
    low, high = float(WIDE.durations[0]), float(WIDE.durations[-1])
    assert allowed_durations(WIDE, np.nan) == (low, high)
    # 13 days around a star of the Sun's density: 4.3 hours, 8.6 for an eccentric orbit; a giant allows all.
    shortest, longest = allowed_durations(WIDE, 1.0)
    assert shortest == low
    assert longest / 2 == pytest.approx(8.6, abs=0.1)
    assert allowed_durations(WIDE, 1e-4)[1] == high
    assert allowed_durations(WIDE, 1e6)[1] == 2 * low
