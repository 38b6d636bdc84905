from itertools import pairwise

import numpy as np
import pytest

from exojax.search.grid import COARSE, DENSITIES, FINE, GRAZING, LEVELS, inner, plan, transit_duration

KEPLER = 29.4244 / 1440
# Cadences, days, shortest and longest period: a TESS sector at two cadences, K2, quarters, four years, and odd ranges
# whose octaves do not come out even.
RANGES = [
    (700, 1 / 24, 1.0, 6.0),
    (1400, 1 / 48, 0.7, 14.0),
    (3840, 10 / 1440, 0.5, 13.0),
    (3584, KEPLER, 0.5, 30.0),
    (4096, KEPLER, 0.5, 41.0),
    (4096, KEPLER, 3.3, 4.1),
    (14336, KEPLER, 1.7, 140.0),
    (65536, KEPLER, 0.5, 500.0),
]


def made(n, cadence, low, high, **ranges):
    return plan(n, cadence, period_min=low, period_max=high, **ranges)


def tried(grid):
    """Of each trial, in the order of ``grid.periods``: days, cadences in a bin, shortest and longest duration."""
    columns = []
    for band in grid.bands:
        widths = [[min(level) * band.bin, max(level) * band.bin] for level in band.durations]
        periods = band.periods.reshape(-1, 1) * grid.cadence
        columns.append(np.hstack([periods, np.full_like(periods, band.bin), np.tile(widths, (band.n_trials, 1))]))
    return np.concatenate(columns).T


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_every_period_is_close_to_a_trial_with_bins_that_its_shortest_transit_needs(sizes):
    n, cadence, low, high = sizes
    grid = made(*sizes)
    edges = [period for band in grid.bands for period in band.periods[[0, -1]].reshape(-1) * cadence]
    asked = np.concatenate(
        [np.geomspace(low, high, 3001), *(np.multiply(edges, x) for x in (0.97, 0.995, 1.005, 1.03))]
    )
    asked = asked[(asked >= low) & (asked <= high)]
    shortest = np.maximum(GRAZING * transit_duration(asked, DENSITIES[0]), 1 / 24) / cadence
    allowed = 2.0 ** np.floor(np.log2(np.maximum(shortest, 2.0) / 2))
    off = np.full(len(asked), np.inf)
    for bin_ in {band.bin for band in grid.bands}:
        trials = [band.periods.reshape(-1) for band in grid.bands if band.bin == bin_]
        trials = np.sort(np.concatenate(trials)) * cadence
        place = np.searchsorted(trials, asked).clip(1, len(trials) - 1)
        nearest = np.minimum(np.abs(trials[place] - asked), np.abs(trials[place - 1] - asked))
        # Bins by which the last transit is off when the first is not.
        off = np.where(bin_ <= allowed, np.minimum(off, nearest * (n * cadence / asked - 1) / (bin_ * cadence)), off)
    # Half a bin; a halved fold of three rows has up to 11 intervals, not 8.
    # The last trial is a whole step short of the longest period.
    assert off.max() < 1.1, asked[off.argmax()]
    off, asked = off[asked < 0.99 * high], asked[asked < 0.99 * high]
    assert off.max() < 0.7, asked[off.argmax()]
    assert off[asked < n * cadence / 100].max(initial=0.0) < 0.55
    # And no more trials than needed: half a bin off at worst is a quarter on average.
    assert np.mean(off) > 0.1


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_nothing_is_tried_twice_and_nothing_outside(sizes):
    _, cadence, low, high = sizes
    grid = made(*sizes)
    assert low * 0.9 <= grid.periods.min() <= low * 1.0001
    assert grid.periods.max() <= high + max(band.bin for band in grid.bands) * cadence
    spans = {}
    for band in grid.bands:
        for trials in band.periods.T:
            spans.setdefault(band.bin, []).append((trials.min(), trials.max()))
    for bin_, found in spans.items():
        found = sorted(found)
        for (_, end), (start, _) in pairwise(found):
            # Bands are rounded to whole bins, a last octave by 5 %.
            assert end - start < max(2 * bin_, 0.051 * start), (bin_, start, end)


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_periods_are_in_the_order_of_bands_and_bands_of_bins(sizes):
    grid = made(*sizes)
    assert len(grid.periods) == sum(band.n_trials * len(band.durations) for band in grid.bands)
    # periodogram() goes bin by bin.
    bins = [band.bin for band in grid.bands]
    assert bins == sorted(bins)


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_every_fold_holds_the_whole_curve(sizes):
    n = sizes[0]
    for band in made(*sizes).bands:
        assert band.rows * band.low >= -(-n // band.bin) + band.lead > (band.rows - 1) * band.low
        assert band.steps >= band.rows - 1
        assert band.lead == max(d for level in band.durations for d in level)
        assert 1 <= len(band.durations) <= LEVELS
        assert all(band.durations)
        # Two epochs must fit, or a transit is compared with itself.
        assert min(band.low / 2**k / max(level) for k, level in enumerate(band.durations)) > 2


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_durations_are_plausible_and_close_together(sizes):
    _, cadence, low, high = sizes
    grid = made(*sizes)
    periods, _, shortest, longest = tried(grid)
    shortest, longest = shortest * cadence, longest * cadence
    floor = np.maximum(GRAZING * transit_duration(periods / 2, DENSITIES[0]), max(1 / 24, 2 * cadence))
    ceiling = np.minimum(transit_duration(2 * periods, DENSITIES[1]), 0.5)
    assert np.all(longest <= 1.2 * np.maximum(ceiling, 4 * cadence))
    assert np.all(shortest >= floor / 1.201)
    # At a given period all bands together try durations without a hole: each at most 1.6 times the one before.
    for period in np.geomspace(low * 1.01, high * 0.98, 25):
        near = {}
        for band in grid.bands:
            for level, trials in enumerate(band.periods.T * cadence):
                if trials.min() * 0.999 <= period <= trials.max() * 1.02:
                    near |= dict.fromkeys(band.bin * d * cadence for d in band.durations[level])
        widths = np.array(sorted(near))
        assert np.all(widths[1:] / widths[:-1] <= 1.6), (period, widths)
        most = min(float(transit_duration(period, DENSITIES[1])), 0.5, max(period / 8, 6 * cadence))
        assert widths[0] <= 2 * max(GRAZING * float(transit_duration(period, DENSITIES[0])), 1 / 24, 2 * cadence)
        assert widths[-1] >= most / 1.6, (period, widths, most)


def test_four_years_stay_few_programs_with_wider_bins_for_longer_periods():
    grid = made(65536, KEPLER, 0.5, 500.0)
    assert len(grid.bands) <= 40
    assert grid.durations.max() * KEPLER <= 0.6
    periods, bins, _, _ = tried(grid)
    octave = (np.log2(periods / 0.45)).astype(int)
    finest = [bins[octave == k].min() for k in range(octave.max())]
    assert finest == sorted(finest)
    assert finest[-1] > finest[0]
    # Even in log P: 0.8 million trials where an even spacing in frequency at the finest would be 13 million.
    assert len(grid.periods) < 1e6


def test_duration_limits_bind():
    short = made(1400, 1 / 48, 1.0, 10.0, duration_max=0.15)
    assert short.durations.max() / 48 <= 0.15 * 1.2
    long = made(1400, 1 / 48, 1.0, 10.0, duration_min=0.2)
    assert long.durations.min() / 48 >= 0.2 / 1.201


def test_ladders_and_inner_boxes():
    for duration in range(1, 12):
        assert 1 <= inner(duration) <= duration
        assert (duration - inner(duration)) % 2 == 0
    assert [inner(d) for d in (*FINE, *COARSE)] == [2, 1, 2, 1, 2, 3]


def test_transit_duration_of_the_earth_is_thirteen_hours():
    assert transit_duration(365.25, 1.0) == pytest.approx(13 / 24)
    # R / a = 3.5 for a sun's one-day orbit at 4.2 radii: asin is linear to a few per cent.
    assert transit_duration(1.0, 1.0) == pytest.approx(1 / np.pi * np.arcsin(1 / 4.2083), rel=0.02)


@pytest.mark.parametrize(
    "changed",
    [
        {"period_min": 5.0, "period_max": 4.0},
        {"period_min": 5.0, "period_max": 5.0},
        {"period_min": 0.1, "period_max": 4.0},
        {"period_max": 30.0},
        {"duration_min": 0.4, "duration_max": 0.3},
        {"duration_min": 0.0},
    ],
    ids=str,
)
def test_ranges_that_do_not_fit_are_refused(changed):
    with pytest.raises(ValueError, match=r"do not fit|are no range"):
        plan(700, 1 / 24, **({"period_min": 1.0, "period_max": 6.0} | changed))


def test_a_transit_lasts_as_long_as_the_density_says():
    # The Earth takes 13.0 hours across the Sun; a star of eight times the density, half of that.
    hours = 24 * transit_duration(np.array([365.25, 365.25, 10.0]), np.array([1.0, 8.0, np.nan]))
    assert hours[0] == pytest.approx(12.97, abs=0.05)
    assert hours[1] == pytest.approx(hours[0] / 2, rel=1e-3)
    assert np.isnan(hours[2])
