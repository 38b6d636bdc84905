from itertools import pairwise

import numpy as np
import pytest

from exojax.detection.period_grid import DENSITIES, GRAZING, INNER, LEAST_COLUMNS, WIDER, inner, plan, transit_duration

KEPLER = 29.4244 / 1440
# Cadences, days, shortest and longest period: a TESS sector at two cadences, K2, quarters, four years, and odd ranges.
RANGES = [
    (700, 1 / 24, 0.17, 6.0),
    (1400, 1 / 48, 0.7, 14.0),
    (3840, 10 / 1440, 0.17, 13.0),
    (3584, KEPLER, 0.17, 30.0),
    (4096, KEPLER, 3.3, 4.1),
    (14336, KEPLER, 1.7, 140.0),
    (65536, KEPLER, 0.17, 500.0),
]


def made(n, cadence, low, high, **ranges):
    return plan(n, cadence, period_min=low, period_max=high, **ranges)


def shortest_of(periods, cadence):
    """Return the cadences of the shortest transit that is searched for at periods of ``periods`` days."""
    return np.maximum(np.maximum(GRAZING * transit_duration(periods, DENSITIES[0]), 1 / 24) / cadence, 2.0)


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_every_period_is_close_to_a_trial_of_every_pass(sizes):
    """The last transit is at most half a bin off when the first is not, at bins that the shortest transit needs.

    The second pass leaves out what the first one tried at the same bins.
    """
    n, cadence, low, high = sizes
    least = max(low, 4 * cadence)
    periods = np.geomspace(least, high, 3001)
    passes = made(*sizes).passes
    several = [(passes[0].bands, WIDER[0]), (passes[-1].bands, WIDER[2])]
    several += [(passes[0].bands + passes[1].bands, WIDER[1])] if len(passes) > 2 else []
    for bands, wider in several:
        allowed = wider * 2.0 ** np.floor(np.log2(shortest_of(periods, cadence) / 2))
        off = np.full(len(periods), np.inf)
        for bin_ in {band.bin for band in bands}:
            trials = np.sort(np.concatenate([bin_ * band.periods for band in bands if band.bin == bin_])) * cadence
            place = np.searchsorted(trials, periods).clip(1, max(len(trials) - 1, 1))
            nearest = np.abs(trials[np.stack([place - 1, np.minimum(place, len(trials) - 1)])] - periods).min(axis=0)
            drift = nearest * n * cadence / periods / (bin_ * cadence)
            off = np.where(bin_ <= allowed, np.minimum(off, drift), off)
        # The last trial is a whole step short of the shortest period.
        assert off.max() < 1.01, periods[off.argmax()]
        assert np.mean(off > 0.51) < 0.01
        # And no more trials than needed: half a bin off at worst is a quarter on average.
        assert np.mean(off) > 0.1


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_passes_go_from_wide_bins_to_fine_ones_and_hold_their_trials_once(sizes):
    n, cadence, low, high = sizes
    grid = made(*sizes)
    assert 2 <= len(grid.passes) <= len(WIDER)
    assert len(grid.passes[0].periods) <= len(grid.passes[-1].periods)
    for one, following in pairwise(grid.passes[:2]):
        kinds = [
            {(b.bin, *b.durations.tolist(), period) for b in x.bands for period in b.periods.tolist()}
            for x in (one, following)
        ]
        assert len(grid.passes) == 2 or not kinds[0] & kinds[1]
    for one in grid.passes:
        assert one.periods.min() >= max(low / cadence, 4.0) * (1 - 1e-9)
        assert one.periods.max() <= high / cadence * (1 + 1e-9)
        first = 0
        for band in one.bands:
            assert band.first == first
            np.testing.assert_allclose(one.periods[first : first + len(band.periods)], band.bin * band.periods)
            np.testing.assert_allclose(one.spacing[first : first + len(band.periods)], band.bin / n)
            np.testing.assert_allclose(-np.diff(np.log(band.periods)), band.bin / n)
            first += len(band.periods)
        assert first == len(one.periods)
        # No period is tried twice with one duration.
        for width in {band.bin for band in one.bands}:
            for duration in range(1, 6):
                spans = sorted(
                    (band.periods[-1], band.periods[0])
                    for band in one.bands
                    if band.bin == width and duration in band.durations.tolist()
                )
                assert all(before[1] < after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_bins_fit_into_periods_and_groups_agree_to_half_a_bin(sizes):
    n = sizes[0]
    for number, one in enumerate(made(*sizes).passes):
        for band in one.bands:
            # Two epochs must fit, or a transit is compared with itself; a period of four cadences has one of two.
            assert band.periods.min() / band.durations.max() >= 2 * (1 - 1e-9)
            if band.bin > 1 and number == 0:
                assert band.periods.min() >= min(LEAST_COLUMNS, 4) * (1 - 1e-9)
            assert len(band.cores) == len(band.durations)
            assert band.cores.tolist() == [inner(int(d)) for d in band.durations]
            rows = np.ceil(n / band.bin / band.periods)
            if band.group > 1:
                # Half of the block is late by so much at the farthest of the group.
                assert (band.block / 2) / rows.max() * (band.group / 2 + 1) < 0.6
            else:
                assert band.block == 1 or rows.max() <= band.block


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_durations_are_plausible_and_close_together(sizes):
    _, cadence, low, high = sizes
    low = max(low, 4 * cadence)
    grid = made(*sizes)
    finest = grid.passes[-1]
    assert set(grid.durations.tolist()) == {d * b.bin for b in finest.bands for d in b.durations.tolist()}
    # At a given period all bands together try durations without a hole: each at most 1.6 times the one before.
    for period in np.geomspace(low * 1.01, high * 0.99, 25):
        near = set()
        for band in finest.bands:
            trials = band.bin * band.periods * cadence
            if trials.min() * 0.999 <= period <= trials.max() * 1.02:
                near |= {band.bin * d * cadence for d in band.durations.tolist()}
        widths = np.array(sorted(near))
        assert np.all(widths[1:] / widths[:-1] <= 1.6), (period, widths)
        most = min(float(transit_duration(period, DENSITIES[1])), 0.5, max(period / 4, 2 * cadence))
        least = float(shortest_of(period, cadence)) * cadence
        assert widths[0] <= 1.5 * min(least, max(most, 2 * cadence)), (period, widths)
        assert widths[-1] >= most / 1.6, (period, widths, most)
        assert widths[-1] <= 1.7 * max(most, 2 * cadence), (period, widths, most)
        assert widths[0] >= min(least, max(most / 1.5, 2 * cadence)) / 1.5


def test_four_years_stay_few_trials_with_wider_bins_for_longer_periods():
    grid = made(65536, KEPLER, 0.5, 500.0)
    finest = grid.passes[-1]
    assert grid.durations.max() * KEPLER <= 0.6
    place = (np.log2(finest.periods * KEPLER / 0.45)).astype(int)
    bins = np.concatenate([np.full(len(band.periods), band.bin) for band in finest.bands])
    narrowest = [bins[place == k].min() for k in range(place.max())]
    assert narrowest == sorted(narrowest)
    assert narrowest[-1] > narrowest[0]
    # Even in log P: under a million trials where an even spacing in frequency at the finest would be 13 million; and
    # a third of them, or fewer, are tried of all stars.
    assert len(finest.periods) < 1e6
    assert len(grid.passes[0].periods) < 0.45 * len(finest.periods)


def test_trials_near_some_periods():
    one = made(*RANGES[1]).passes[-1]
    logs = np.log(one.periods)
    rng = np.random.default_rng(0)
    for n in (1, 7, 40):
        wanted, width = rng.uniform(logs.min(), logs.max(), n), rng.uniform(0, 0.01, n)
        brute = (np.abs(logs[:, None] - wanted) <= width).any(axis=1)
        np.testing.assert_array_equal(one.near(wanted, width), brute)
    assert not one.near(np.array([99.0]), np.array([0.1])).any()


def test_a_plan_is_made_once():
    assert made(*RANGES[0]) is made(*RANGES[0])


def test_duration_limits_bind():
    short = made(1400, 1 / 48, 1.0, 10.0, duration_max=0.15)
    assert short.durations.max() / 48 <= 0.15 * 1.2
    long = made(1400, 1 / 48, 1.0, 10.0, duration_min=0.2)
    assert long.durations.min() / 48 >= 0.2 / 1.5
    day = made(3840, 1 / 48, 1.0, 40.0, duration_max=1.0)
    assert 0.8 <= day.durations.max() / 48 <= 1.2
    # Of white dwarfs, at every period.
    minutes = made(20000, 1 / 1440, 0.17, 7.0, duration_min=8 / 1440)
    assert minutes.durations.min() == 8
    assert np.ptp(np.concatenate([b.periods for b in minutes.passes[-1].bands if b.bin == 4])) * 4 > 0.9 * 7 * 1440


def test_inner_boxes():
    for duration in range(1, 40):
        assert 1 <= inner(duration) <= duration
        assert (duration - inner(duration)) % 2 == 0
        assert duration < 3 or abs(inner(duration) - INNER * duration) < 2
    assert [inner(d) for d in (1, 2, 3, 4, 5)] == [1, 2, 1, 2, 3]


def test_transit_duration_of_the_earth_is_thirteen_hours():
    assert transit_duration(365.25, 1.0) == pytest.approx(13 / 24)
    # R / a = 3.5 for a sun's one-day orbit at 4.2 radii: asin is linear to a few per cent.
    assert transit_duration(1.0, 1.0) == pytest.approx(1 / np.pi * np.arcsin(1 / 4.2083), rel=0.02)


@pytest.mark.parametrize(
    "changed",
    [
        {"period_min": 5.0, "period_max": 4.0},
        {"period_min": 5.0, "period_max": 5.0},
        {"period_max": 30.0},
        {"period_max": 4.01 / 24, "period_min": 0.2},
        {"duration_min": 0.4, "duration_max": 0.3},
        {"duration_min": 0.0},
    ],
    ids=str,
)
def test_ranges_that_do_not_fit_are_refused(changed):
    with pytest.raises(ValueError, match=r"do not fit|are no range"):
        plan(700, 1 / 24, **({"period_min": 1.0, "period_max": 6.0} | changed))


def test_periods_below_four_cadences_are_not_tried():
    grid = plan(700, 1 / 24, period_min=0.05, period_max=6.0)
    assert grid.period_min == 4.0
    assert min(one.periods.min() for one in grid.passes) >= 4.0


def test_a_transit_lasts_as_long_as_the_density_says():
    # The Earth takes 13.0 hours across the Sun; a star of eight times the density, half of that.
    hours = 24 * transit_duration(np.array([365.25, 365.25, 10.0]), np.array([1.0, 8.0, np.nan]))
    assert hours[0] == pytest.approx(12.97, abs=0.05)
    assert hours[1] == pytest.approx(hours[0] / 2, rel=1e-3)
    assert np.isnan(hours[2])
