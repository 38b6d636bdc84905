import functools
from dataclasses import replace

import numpy as np
import pytest

from exojax.search import sweep
from exojax.search.grid import inner, plan
from exojax.search.sweep import periodogram
from exojax.simulate.transits import Orbits, find_events, scaled_axis

HOUR = 1 / 24
# bin 1, 2 and 4; one to three levels; rows from 6 to 10, so both ways to fold; 2150 trials.
SHORT = plan(700, HOUR, period_min=1.0, period_max=6.0)
# Bands of one bin share their running sums, though one may be led by fewer empty bins than another.
LED = replace(SHORT, bands=(SHORT.bands[4], replace(SHORT.bands[5], durations=((2,), (2,)), lead=2)))
# Bins from 2 on, four or five rows and up to five durations.
FINE_CADENCES = plan(1300, 10 / 1440, period_min=1.2, period_max=3.0)


def stars(n, n_cadences, seed):
    """Flux and weight: noise, gaps, missing cadences, weights of 64ths up to 4, and a dip or two."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 4 * 64 + 1, (n, n_cadences)) / 64
    weight[: n // 2] = np.where(rng.random((n // 2, 1)) < 0.5, 1.0, weight[: n // 2])
    weight *= rng.random((n, n_cadences)) > rng.uniform(0.0, 0.4, (n, 1))
    for k in range(n):
        start = rng.integers(0, n_cadences)
        weight[k, start : start + rng.integers(0, n_cadences // 3)] = 0
    flux = rng.standard_normal((n, n_cadences)) + rng.uniform(-3, 3, (n, 1))
    period, depth = rng.uniform(24, 140, (n, 1)), rng.choice([0.0, 1.0, 10.0, 300.0], (n, 1))
    flux -= depth * ((np.arange(n_cadences) + rng.uniform(0, 99, (n, 1))) % period < rng.uniform(2, 8, (n, 1)))
    return np.where(weight > 0, flux, 0).astype(np.float32), weight.astype(np.float32)


def round_half_up(x):
    return int(np.floor(x + 0.5))


def brute(flux, weight, band, trial, level):
    """The highest SNR at one trial period in float64: rows laid over each other, every window summed by itself."""
    period = band.low + trial / band.steps
    # Rows of a block stand to each other as at the period that its neighbours share.
    blocks = sweep._blocks(band)
    shared = min(trial // blocks.group * blocks.group + blocks.group // 2, band.n_trials - 1)
    common = band.low + shared / band.steps
    starts = []
    for row in range(blocks.size * blocks.number):
        first = row // blocks.size * blocks.size
        within = round_half_up(row * common) - round_half_up(first * common)
        starts.append(round_half_up(first * period) + within)
    for halving in range(1, level + 1):
        half = round_half_up(period / 2**halving)
        starts = starts + [start + half for start in starts]
    weight = weight.astype(np.float64)
    weighted = weight * (flux - np.average(flux, weights=weight))
    n = -(-len(flux) // band.bin)
    columns = int(np.ceil(period / 2**level))
    longest = max(band.durations[level])

    def folded(values):
        bins = np.pad(values, (0, n * band.bin - len(values))).reshape(n, band.bin).sum(axis=1)
        room = max(starts) + columns + longest
        bins = np.pad(bins, (band.lead, max(room - n - band.lead, 0)))
        return sum(bins[start : start + columns + longest] for start in starts)

    f, g, total = folded(weighted), folded(weight), weight.sum()
    best = 0.0
    for duration in band.durations[level]:
        template = np.full(duration, 0.5)
        outside = (duration - inner(duration)) // 2
        template[outside : duration - outside] = 1.0
        s = np.correlate(f, template)[:columns]
        a1, a2 = np.correlate(g, template)[:columns], np.correlate(g, template**2)[:columns]
        norm = a2 * total - a1**2
        usable = (s < 0) & (norm > 0.25)
        best = max(best, np.max(-s * np.sqrt(total / np.where(usable, norm, 1.0)), initial=0.0, where=usable))
    return best


def places(grid):
    """Band, trial and level of each row of the periodogram."""
    for band in grid.bands:
        for trial in range(band.n_trials):
            for level in range(len(band.durations)):
                yield band, trial, level


@functools.cache
def swept(grid, seed):
    flux, weight = stars(16, grid.n_cadences, seed)
    weight[5] = 0
    flux[5] = 0
    return flux, weight, np.asarray(periodogram(grid, flux, weight))


@pytest.mark.parametrize("grid", [SHORT, FINE_CADENCES, LED], ids=["hours", "ten_minutes", "led"])
def test_snr_is_that_of_a_float64_brute_force(grid, monkeypatch):
    # Several chunks of stars even for so few and so short.
    monkeypatch.setattr(sweep, "_COLUMNS_AT_ONCE", 600)
    rng = np.random.default_rng(1)
    rows = list(places(grid))
    chunks, halved, wide, looped = set(), 0, 0, 0
    for seed in range(6 if grid is not LED else 1):
        flux, weight, power = swept(grid, seed)
        assert power.shape == (len(rows), 16)
        assert power.dtype == np.float32
        for row in rng.choice(len(rows), 150, replace=False):
            band, trial, level = rows[row]
            star = rng.choice([k for k in range(16) if k != 5])
            expected = brute(flux[star], weight[star], band, trial, level)
            assert power[row, star] == pytest.approx(expected, rel=1e-4, abs=1e-4), (seed, star, band, trial, level)
            chunks.add(sweep._stars_at_once(band, 16))
            halved, wide, looped = halved + (level > 0), wide + (band.bin > 1), looped + (band.rows > sweep._UNROLLED)
    assert len(chunks) > 1 or grid is LED
    assert min(halved, wide) > 0 or grid is LED
    assert looped > 0 or grid is FINE_CADENCES


def test_a_star_without_weight_has_no_power_and_disturbs_nobody():
    flux, weight, power = swept(SHORT, 0)
    assert np.all(power[:, 5] == 0)
    assert np.all(np.isfinite(power))
    empty = np.asarray(periodogram(SHORT, np.zeros_like(flux), np.zeros_like(weight)))
    assert np.all(empty == 0)


def test_order_of_stars_scale_and_level_of_flux_do_not_matter():
    flux, weight, power = swept(SHORT, 1)
    order = np.random.default_rng(0).permutation(16)
    assert np.array_equal(np.asarray(periodogram(SHORT, flux[order], weight[order])), power[:, order])
    # A power of two changes no digit but the exponent; any level is taken off.
    assert np.array_equal(np.asarray(periodogram(SHORT, 4 * flux, weight)), 4 * power)
    moved = np.asarray(periodogram(SHORT, np.where(weight > 0, flux + 2, 0).astype(np.float32), weight))
    assert np.allclose(moved, power, rtol=2e-5, atol=2e-4)


def test_periods_stand_in_the_order_of_the_plan():
    """A star that dips at one period has its peak there, whichever band and level that is."""
    for grid in (SHORT, FINE_CADENCES):
        index = np.arange(grid.n_cadences)
        for first in range(0, 48, 16):
            asked = np.geomspace(1.25, 2.9, 48)[first : first + 16] / grid.cadence
            width = np.maximum(3.0, 0.04 * asked)[:, None]
            flux = np.where((index - 5.0) % asked[:, None] < width, -1, 0).astype(np.float32)
            power = np.asarray(periodogram(grid, flux, np.ones_like(flux)))
            best = grid.periods[power.argmax(axis=0)] / grid.cadence
            assert np.allclose(best, asked, atol=width[:, 0] * asked / grid.n_cadences), best / asked


def transits(grid, n, seed):
    """Noise-free transits with limb darkening: ``(n, n_cadences)`` flux with a matched filter's SNR of 10, periods."""
    rng = np.random.default_rng(seed)
    period = np.exp(rng.uniform(np.log(1.25), np.log(2.9), n))
    orbits = Orbits(
        period=period,
        t0=rng.uniform(0, 1, n) * period,
        scaled_axis=scaled_axis(period, np.exp(rng.uniform(np.log(0.2), np.log(2), n))),
        impact=rng.uniform(0, 0.7, n),
        radius_ratio=rng.uniform(0.02, 0.12, n),
        limb_darkening=np.tile([0.4, 0.25], (n, 1)),
    )
    events = find_events(orbits, np.arange(grid.n_cadences) * grid.cadence, grid.cadence)
    flux = np.zeros((n, grid.n_cadences))
    flux[events.row, events.column] = -events.deficit.astype(np.float64)
    # What is left of the signal when its mean is not known.
    return (10 * flux / (flux.std(axis=1, keepdims=True) * np.sqrt(grid.n_cadences))).astype(np.float32), period


@functools.cache
def recovered(grid):
    """Share of a matched filter's SNR found at and near the true period; flux, period."""
    flux, period = map(np.concatenate, zip(*(transits(grid, 16, seed) for seed in range(4)), strict=True))
    power = np.concatenate([np.asarray(periodogram(grid, f, np.ones_like(f))) for f in flux.reshape(4, 16, -1)], axis=1)
    return share_at(grid, power, period), flux, period


def share_at(grid, power, period):
    near = np.abs(grid.periods[:, None] / period - 1) < 3 / grid.n_cadences
    return np.where(near, power, 0).max(axis=0) / 10


@pytest.mark.parametrize("grid", [SHORT, FINE_CADENCES], ids=["hours", "ten_minutes"])
def test_loss_against_a_matched_filter_at_the_exact_ephemeris(grid):
    share, _, _ = recovered(grid)
    assert share.max() <= 1.0001
    # Template, bins and rounding of the rows together: 0.94 on average, 0.86 at worst.
    assert share.mean() >= 0.92
    assert share.min() >= 0.82


def test_reversal_and_shift_change_it_within_the_loss():
    share, flux, period = recovered(FINE_CADENCES)
    few = slice(16)
    reversed_ = np.asarray(periodogram(FINE_CADENCES, flux[few, ::-1].copy(), np.ones_like(flux[few])))
    assert np.allclose(share_at(FINE_CADENCES, reversed_, period[few]), share[few], atol=0.1)
    weight = np.ones_like(flux[few])
    weight[:, -100:] = 0
    cut = flux[few] * weight
    first = np.asarray(periodogram(FINE_CADENCES, cut, weight))
    for late in (1, 37, 100):
        later = np.asarray(periodogram(FINE_CADENCES, np.roll(cut, late, axis=1), np.roll(weight, late, axis=1)))
        changed = share_at(FINE_CADENCES, later, period[few]) / share_at(FINE_CADENCES, first, period[few])
        assert np.all(np.abs(changed - 1) < 0.12), changed
        assert abs(changed.mean() - 1) < 0.03
