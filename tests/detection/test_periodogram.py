"""The periodogram of the CPU's loops against float64 brute force, and what its signal-to-noise ratio means."""

import functools

import brute_force
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojax.detection.period_grid import inner, plan
from exojax.detection.periodogram import Sums, Trend, evaluate
from exojax.detection.periodogram import periodogram as periodogram_of
from exojax.loops import compiled
from exojax.photometry.resample import padded_size
from exojax.simulate.transits import Orbits, find_events, scaled_axis

HOUR = 1 / 24
# Bins of 1 to 8 cadences, folds of 4 to 60 rows, 1 to 12 periods in a group.
RANGES = [
    (700, HOUR, 0.17, 6.0),
    (1300, 10 / 1440, 1.2, 3.0),
    (1400, 1 / 48, 0.17, 14.0),
    (3000, 10 / 1440, 0.17, 10.0),
    (600, 1 / 48, 3.0, 12.5),
]


def made(n_cadences, cadence, low, high, **ranges):
    return plan(n_cadences, cadence, period_min=low, period_max=high, **ranges)


def trials_of(band, rng, n):
    """Draw trials of a band, its first and last among them."""
    count = len(band.periods)
    return {0, count - 1, *rng.integers(0, count, n).tolist()}


def assert_agrees(found, expected, highest, place):
    # Sums are float32: beside dips of 300 standard deviations, an SNR of 1,500, weak signals lose their last digits.
    assert found == pytest.approx(expected, rel=2e-4, abs=1e-3 + 2e-5 * highest), place


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), sizes=st.sampled_from(RANGES), shorter=st.floats(0.86, 1.0))
def test_snr_is_that_of_a_float64_brute_force(seed, sizes, shorter):
    """The bands have single folds and grouped ones; some curves are a little shorter than the plan's."""
    grid = made(*sizes)
    flux, weight = brute_force.light_curve(int(shorter * sizes[0]), seed)
    sums, rng = Sums(flux, weight, grid), np.random.default_rng(seed)
    for one in grid.passes:
        power = evaluate(one, sums)
        assert power.shape == one.periods.shape
        assert power.dtype == np.float32
        for band in one.bands:
            for trial in trials_of(band, rng, 2):
                expected = brute_force.snr(flux, weight, band, trial)
                place = band.bin, band.group, band.periods[trial]
                assert_agrees(power[band.first + trial], expected, float(power.max()), place)


def test_all_kinds_of_bands_are_tried():
    bands = [band for sizes in RANGES for one in made(*sizes).passes for band in one.bands]
    assert {1, 2, 4, 8} <= {band.bin for band in bands}
    assert {1, 4, 8, 12} <= {band.group for band in bands}
    assert {1, 2, 3, 4, 5} <= {d for band in bands for d in band.durations.tolist()}


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_only_wanted_trials_are_evaluated_and_all_of_them(seed):
    grid = made(*RANGES[2])
    flux, weight = brute_force.light_curve(1400, seed)
    sums, rng = Sums(flux, weight, grid), np.random.default_rng(seed)
    for one in grid.passes:
        wanted = rng.random(len(one.periods)) < 0.02
        whole, some = evaluate(one, sums), evaluate(one, sums, wanted)
        assert np.isfinite(some[wanted]).all()
        known = np.isfinite(some)
        np.testing.assert_array_equal(some[known], whole[known])
        # Others come along only in the groups of wanted ones.
        for band in one.bands:
            for begin in range(0, len(band.periods), band.group):
                group = slice(band.first + begin, band.first + min(begin + band.group, len(band.periods)))
                assert known[group].all() == known[group].any() == wanted[group].any()


def test_a_curve_without_weight_or_without_dips_has_no_power():
    grid = made(*RANGES[0])
    for flux, weight in ((0, 0), (0, 1), (5, 1)):
        found = periodogram_of(grid, np.full(700, flux, np.float32), np.full(700, weight, np.float32))
        assert np.all(found.power == 0)
        assert np.isfinite(found.trend).all()


@pytest.mark.parametrize("sizes", RANGES, ids=str)
def test_scale_level_and_place_of_the_flux_do_not_matter(sizes):
    grid = made(*sizes)
    flux, weight = brute_force.light_curve(sizes[0], 5)
    weight[-60:] = 0
    flux[-60:] = 0
    sums = Sums(flux, weight, grid)
    for one in grid.passes:
        power = evaluate(one, sums)
        # A power of two changes no digit but the exponent; any level is taken off.
        assert np.array_equal(evaluate(one, Sums(4 * flux, weight, grid)), 4 * power)
        moved = np.where(weight > 0, flux + 2, 0).astype(np.float32)
        assert np.allclose(evaluate(one, Sums(moved, weight, grid)), power, rtol=1e-4, atol=1e-3)
        # All weights times four: four times as much light, twice the SNR. Flux of no weight does not count.
        doubled = evaluate(one, Sums(np.where(weight > 0, flux, 99).astype(np.float32), 4 * weight, grid))
        assert np.allclose(doubled, 2 * power, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("sizes", RANGES[1:3], ids=str)
def test_a_box_has_the_snr_that_it_was_given(sizes):
    """A template of whole bins, injected at a trial, has SNR^2 = depth^2 (a2 - a1^2 / W), with noise on average."""
    grid = made(*sizes)
    n, finest = sizes[0], grid.passes[-1]
    rng, off, without_noise = np.random.default_rng(3), [], []
    for band in finest.bands:
        trial = len(band.periods) // 2
        duration = int(band.durations[0])
        core, starts = inner(duration), brute_force.row_starts(band, trial, n)
        template = np.zeros(n)
        for start in starts[starts < n] * band.bin + 5 * band.bin:
            template[start : start + duration * band.bin] = 0.5
            outside = (duration - core) // 2 * band.bin
            template[start + outside : start + outside + core * band.bin] = 1.0
        # An empty place of the fold is one row further on for the window that begins there.
        norm = np.sqrt((template**2).sum() - template.sum() ** 2 / n)
        place = band.first + trial
        clean = (-10 / norm * template).astype(np.float32)
        without_noise.append(evaluate(finest, Sums(clean, np.ones(n, np.float32), grid))[place])
        for _ in range(6):
            flux = (clean + rng.standard_normal(n)).astype(np.float32)
            off.append(evaluate(finest, Sums(flux, np.ones(n, np.float32), grid))[place] - 10)
    assert np.array(without_noise) == pytest.approx(10, rel=0.01)
    # The best of the windows that overlap it lies a little above.
    assert -0.2 < np.mean(off) < 0.9
    assert np.std(off) < 1.4


def test_in_white_noise_one_window_is_a_standard_normal_and_the_highest_of_n_is_as_expected():
    """Weights are inverse variances: noise of variance 1 / weight gives SNRs as noise of variance 1 does."""
    grid = made(*RANGES[2])
    rng = np.random.default_rng(0)
    weight = (rng.integers(1, 4 * 64 + 1, 1400) / 64).astype(np.float32)
    tops = {}
    for name, w in (("equal", np.ones(1400, np.float32)), ("unequal", weight)):
        flux = (rng.standard_normal((40, 1400)) / np.sqrt(w)).astype(np.float32)
        tops[name] = [evaluate(grid.passes[-1], Sums(f, w, grid)) for f in flux]
    each = {name: np.mean(power) for name, power in tops.items()}
    assert each["unequal"] == pytest.approx(each["equal"], rel=0.03)
    # One trial is the highest of some 4 to 1,000 overlapping windows: 1 to 3.7 standard deviations, most are short.
    assert 2.2 < each["equal"] < 3.2


def test_a_star_that_dips_has_its_peak_at_the_period_that_it_dips_at():
    """Whichever band and pass that is, also where there is no noise at all."""
    for sizes in RANGES[:3]:
        grid, index = made(*sizes), np.arange(sizes[0])
        for period in np.geomspace(max(1.25, sizes[2]), min(2.9, sizes[3]), 24) / sizes[1]:
            width = max(3.0, 0.04 * period)
            flux = np.where((index - 5.0) % period < width, -1, 0).astype(np.float32)
            found = periodogram_of(grid, flux, np.ones_like(flux))
            assert np.all(np.diff(found.period) >= 0)
            best = found.period[np.where(found.fine, found.power, 0).argmax()]
            assert best == pytest.approx(period, abs=width * period / sizes[0])


# ---------------------------------------------------------------- the pyramid


def full_resolution(grid, sums):
    """Return period and SNR of every trial at full resolution, none left out."""
    return grid.passes[-1].periods, evaluate(grid.passes[-1], sums)


def transits(n, cadence, periods, snr, rng):
    """Make limb-darkened transits in white noise, ``(n_stars, n)`` flux; ``snr`` is a matched filter's."""
    m = len(periods)
    orbits = Orbits(
        period=periods,
        t0=rng.uniform(0, 1, m) * periods,
        scaled_axis=scaled_axis(periods, np.exp(rng.uniform(np.log(0.3), np.log(4), m))),
        impact=rng.uniform(0, 0.8, m),
        radius_ratio=rng.uniform(0.02, 0.12, m),
        limb_darkening=np.tile([0.4, 0.25], (m, 1)),
    )
    events = find_events(orbits, np.arange(n) * cadence, cadence)
    signal = np.zeros((m, n))
    signal[events.row, events.column] = -events.deficit.astype(np.float64)
    signal -= signal.mean(axis=1, keepdims=True)
    signal *= snr[:, None] / np.sqrt((signal**2).sum(axis=1, keepdims=True))
    return (signal + rng.standard_normal((m, n))).astype(np.float32)


LENGTHS = ((1328, 1 / 48), (3840, 10 / 1440))


def compared(snr, seed, n_stars=30):
    """Yield for stars of two lengths, a third of the periods below a day: pyramid, periods and height in full, truth.

    Heights are above one trend.
    """
    rng = np.random.default_rng(seed)
    for n, cadence in LENGTHS:
        grid = made(padded_size(n), cadence, 0.17, n * cadence / 2)
        third = n_stars // 3
        periods = np.r_[rng.uniform(np.log(0.2), 0, third), rng.uniform(0, np.log(n * cadence / 3), n_stars - third)]
        flux = transits(n, cadence, np.exp(periods), rng.uniform(*snr, n_stars), rng)
        for star, period in zip(flux, np.exp(periods) / cadence):
            weight = np.ones_like(star)
            found, sums = periodogram_of(grid, star, weight), Sums(star, weight, grid)
            full, power = full_resolution(grid, sums)
            first = Trend.of(grid.passes[0].log_period, evaluate(grid.passes[0], sums))
            yield found, full, power - first.at(np.log(full)), period


def best_of(found):
    """Return period and height of the best trial at full resolution."""
    above = np.where(found.fine, found.power - found.trend, -np.inf)
    return found.period[np.argmax(above)], above.max()


@pytest.mark.parametrize("snr", [(7, 9), (20, 500)])
def test_the_pyramid_keeps_what_the_full_plan_finds(snr):
    """The same peak is the best, at its top or next to it, however strong the signal."""
    trial, peak, height, true, share = [], [], [], [], []
    for found, periods, above, period in compared(snr, 11):
        at, high = best_of(found)
        best = periods[np.argmax(above)]
        trial.append(at == pytest.approx(best, rel=1e-12))
        peak.append(abs(at / best - 1) < 0.005)
        height.append(high / above.max())
        true.append(min(abs(at / (period * ratio) - 1) for ratio in (0.5, 1, 2)) < 0.01)
        share.append(np.count_nonzero(found.fine) / len(periods))
    assert len(peak) == 60
    # Measured: the same peak in all; the very same trial in all weak stars and in 0.98 of the strong ones.
    assert np.mean(peak) >= 0.96
    assert np.mean(trial) >= 0.95
    assert np.mean(height) >= 0.99
    assert min(height) > 0.9
    assert np.mean(true) >= 0.9
    # Most trials are left out.
    assert np.mean(share) < 0.05


def test_a_trial_of_the_pyramid_is_one_of_the_full_plan():
    for found, periods, above, _ in compared((7, 9), 3, n_stars=3):
        full = {}
        for period, value in zip(periods.tolist(), above.tolist()):
            full.setdefault(period, []).append(value)
        for period, value in zip(found.period[found.fine], (found.power - found.trend)[found.fine]):
            assert np.min(np.abs(np.array(full[float(period)]) - value)) < 1e-5


# ---------------------------------------------------------------- losses and symmetries


@functools.cache
def clean_transits(sizes, n_stars=32):
    """Make noise-free transits of SNR 10, ``(n_stars, n)`` flux, and their periods in cadences."""
    n, cadence, low, high = sizes
    rng = np.random.default_rng(2)
    periods = np.exp(rng.uniform(np.log(1.2 * low), np.log(0.9 * high), n_stars))
    noisy = transits(n, cadence, periods, np.full(n_stars, 1e6), rng)
    flux = noisy - noisy.mean(axis=1, keepdims=True)
    return (10 * flux / np.sqrt((flux**2).sum(axis=1, keepdims=True))).astype(np.float32), periods / cadence


def recovered(sizes, flux, weight, periods):
    """Return the share of a matched filter's SNR found at and near the true period."""
    grid = made(*sizes)
    share = []
    for star, w, period in zip(flux, weight, periods):
        tried, power = full_resolution(grid, Sums(star, w, grid))
        share.append(power[np.abs(tried / period - 1) < 3 / sizes[0]].max() / 10)
    return np.array(share)


# Whose shortest transits the bins resolve: of shorter ones no box of two cadences catches all.
RESOLVED = [(700, HOUR, 1.0, 6.0), RANGES[1], RANGES[3]]


@pytest.mark.parametrize("sizes", RESOLVED, ids=str)
def test_loss_against_a_matched_filter_at_the_exact_ephemeris(sizes):
    flux, periods = clean_transits(sizes)
    share = recovered(sizes, flux, np.ones_like(flux), periods)
    assert share.max() <= 1.0001
    # Template, bins and rounding of the rows together.
    assert share.mean() >= 0.91
    assert share.min() >= 0.8


def test_reversal_and_shift_change_it_within_the_loss():
    sizes = RANGES[1]
    flux, periods = clean_transits(sizes)
    flux = flux.copy()
    weight = np.ones_like(flux)
    weight[:, -100:] = 0
    flux *= weight
    first = recovered(sizes, flux, weight, periods)
    turned = recovered(sizes, flux[:, ::-1].copy(), weight[:, ::-1].copy(), periods)
    assert np.allclose(turned, first, atol=0.12)
    assert abs(turned.mean() - first.mean()) < 0.02
    for late in (1, 37, 100):
        later = recovered(sizes, np.roll(flux, late, axis=1), np.roll(weight, late, axis=1), periods)
        assert np.all(np.abs(later / first - 1) < 0.12)
        assert abs((later / first).mean() - 1) < 0.02


# ---------------------------------------------------------------- nothing is compiled for a star


def test_another_length_cadence_and_plan_compile_nothing():
    loops = [getattr(m, name) for m in compiled._modules() for name in m.SIGNATURES]
    before = [list(loop.signatures) for loop in loops]
    assert all(len(signatures) == 1 for signatures in before)
    for sizes in RANGES:
        flux, weight = brute_force.light_curve(sizes[0] - 13, 1)
        periodogram_of(made(*sizes), flux, weight)
    assert [list(loop.signatures) for loop in loops] == before
