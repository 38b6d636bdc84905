"""The running biweight agrees with wotan's to a twentieth of the noise, and keeps transits."""

from itertools import pairwise

import numpy as np
import pytest

from exojax.light_curves import EvenCurves
from exojax.loops import trend as loops
from exojax.photometry.detrend import flatten, window_for

CADENCE = 29.4244 / 1440
N = 720
TIME = CADENCE * np.arange(N)
NOISE = 1e-4


def even(flux: np.ndarray, weight: np.ndarray | None = None) -> EvenCurves:
    weight = np.ones_like(flux) if weight is None else weight
    n_stars = len(flux)
    flux = np.where(weight > 0, flux, 0).astype(np.float32)
    scatter = np.full(n_stars, np.nan, np.float32)
    return EvenCurves(np.zeros(n_stars), flux, weight.astype(np.float32), scatter, CADENCE)


def stars(n_stars: int = 6, seed: int = 3) -> EvenCurves:
    """Make rotating stars with flares, eclipses, missing cadences and a gap of a day and a half."""
    rng = np.random.default_rng(seed)
    spin = rng.uniform(8, 30, (n_stars, 1))
    size = rng.uniform(0, 10, (n_stars, 1)) * NOISE
    turn = 2 * np.pi * (TIME / spin + rng.random((n_stars, 1)))
    flux = 1 + NOISE * rng.normal(size=(n_stars, N)) + size * np.sin(turn)
    flux[1, 100:103] += 50 * NOISE
    flux[2, np.abs((TIME - 2) % 3.1 - 1.5) < 0.1] -= 0.05
    weight = (rng.random((n_stars, N)) > 0.04).astype(float)
    weight[:, 300 : 300 + 74] = 0
    weight[3, 500:545] = 0
    return even(flux, weight)


def biweight(x: np.ndarray, weight: np.ndarray, steps: int = 30) -> float:
    """Return Tukey's biweight, cut at 5 median absolute deviations, in float64; median and MAD ignore weights."""
    # The lower one of two in the middle.
    centre = np.sort(x)[(len(x) - 1) // 2]
    mad = np.sort(np.abs(x - centre))[(len(x) - 1) // 2]
    for _ in range(steps):
        share = weight * np.maximum(1 - ((x - centre) / (5 * mad)) ** 2, 0) ** 2
        centre = (share * x).sum() / share.sum()
    return centre


def reference(curves: EvenCurves, half: int, breaks: list[list[int]]) -> np.ndarray:
    """Return the trend of each cadence, in float64, to convergence; NaN in empty ones."""
    trend = np.full(curves.flux.shape, np.nan)
    for star, (flux, weight) in enumerate(zip(curves.flux.astype(float), curves.weight.astype(float))):
        edges = [0, *breaks[star], N]
        for begin, end in pairwise(edges):
            for k in np.flatnonzero(weight[begin:end]) + begin:
                window = slice(max(begin, k - half), min(end, k + half + 1))
                counts = weight[window] > 0
                trend[star, k] = biweight(flux[window][counts], weight[window][counts])
    return trend


def off(found: EvenCurves, curves: EvenCurves, trend: np.ndarray) -> np.ndarray:
    """Return differences of the detrended flux, in units of the scatter, in filled cadences."""
    filled = curves.weight > 0
    return ((found.flux - (curves.flux / trend - 1)) / found.scatter[:, None])[filled]


def test_biweight_equals_one_in_float64() -> None:
    curves = stars()
    found = flatten(curves, 2.0, absolute=True)
    np.testing.assert_array_equal(found.weight, curves.weight)
    np.testing.assert_allclose(found.scatter, NOISE, rtol=0.15)
    difference = off(found, curves, reference(curves, 48, [[340], [340], [340], [340, 520], [340], [340]]))
    assert np.sqrt(np.mean(difference**2)) < 0.03
    assert np.abs(difference).max() < 0.3


def test_biweight_equals_wotans() -> None:
    wotan = pytest.importorskip("wotan", reason="wotan is not installed")
    curves = stars(seed=4)
    found = flatten(curves, 2.0, absolute=True)
    trend = np.full(curves.flux.shape, np.nan)
    for star in range(len(curves.flux)):
        filled = curves.weight[star] > 0
        flux = curves.flux[star, filled].astype(float)
        options = {"method": "biweight", "window_length": 2.0, "edge_cutoff": 0, "break_tolerance": 0.75}
        trend[star, filled] = wotan.flatten(TIME[filled], flux, return_trend=True, **options)[1]
    difference = off(found, curves, trend)
    assert np.sqrt(np.mean(difference**2)) < 0.05


def test_weights_and_masked_cadences_are_those_of_the_definition() -> None:
    """Each cadence by itself: weights of 64ths, gaps that end a segment and gaps that do not, transits left out."""
    curves = stars(4, seed=7)
    rng = np.random.default_rng(8)
    weight = curves.weight * np.where(rng.random(curves.weight.shape) < 0.3, rng.integers(1, 129, N) / 64, 1)
    weight[:, 420:450] = 0
    curves = even(curves.flux, weight)
    masked = np.broadcast_to(np.abs((TIME - 1) % 4 - 2) < 0.2, weight.shape)
    found = flatten(curves, 1.5, absolute=True, in_transit=masked)
    kept = even(curves.flux, np.where(masked, 0, weight))
    half = int(0.75 / CADENCE)
    trend = reference(kept, half, [[340], [340], [340], [340, 520]])
    seen = ~masked & (weight > 0)
    difference = ((found.flux - (curves.flux / trend - 1)) / found.scatter[:, None])[seen]
    assert np.sqrt(np.mean(difference**2)) < 0.03
    assert np.abs(difference).max() < 0.3
    # In the transits there is a trend too, between what is beside them.
    assert np.isfinite(found.flux[masked]).all()
    assert (found.weight[masked] == curves.weight[masked]).all()


@pytest.mark.parametrize("half", [6, 30, 49])
def test_the_nodes_are_the_biweight_after_five_steps_and_between_them_lies_a_parabola(half: int) -> None:
    rng = np.random.default_rng(half)
    n, gap = 400, 20
    filled = rng.random(n) > 0.2
    filled[150 : 150 + gap + 2] = False  # one more than is allowed
    weight = np.where(filled & (rng.random(n) > 0.1), rng.integers(16, 129, n) / 64, 0).astype(np.float32)
    flux = np.where(filled, rng.standard_normal(n) + 3 * np.sin(np.arange(n) / 40), 0).astype(np.float32)
    flux[rng.integers(0, n, 12)] += 30
    out = np.empty(n, np.float32)
    loops.trend(flux, filled, weight, half, gap, out)
    stride = max(1, 2 * half // 12)
    places = np.flatnonzero(filled)
    parts = np.split(places, np.flatnonzero(np.diff(places) > gap + 1) + 1)
    assert len(parts) == 2
    for part in parts:
        first, stop = part[0], part[-1] + 1
        nodes = []
        for node in range(first, stop + stride, stride):
            window = np.arange(max(first, node - half), min(stop, node + half + 1))
            window = window[weight[window] > 0]
            nodes.append(biweight(flux[window].astype(float), weight[window].astype(float), steps=5))
        wanted = np.array(nodes)
        at = np.arange(first, stop, stride)
        np.testing.assert_allclose(out[at], wanted[: len(at)], atol=0.02)
        # Bessel's formula: exact for parabolas through four nodes.
        for k in range(1, len(at) - 2):
            middle = at[k] + stride // 2
            part_of = (middle - at[k]) / stride
            a, b, c, d = wanted[k - 1 : k + 3]
            bend = part_of * (part_of - 1) / 4 * ((a - 2 * b + c) + (b - 2 * c + d))
            assert out[middle] == pytest.approx(b + part_of * (c - b) + bend, abs=0.02)
    assert np.isnan(out[: parts[0][0]]).all()
    assert np.isnan(out[parts[0][-1] + 1 : parts[1][0]]).all()


def test_nothing_leaks_across_a_break() -> None:
    rng = np.random.default_rng(0)
    noise = NOISE * rng.normal(size=(6, N))
    weight = np.ones((6, N))
    # Empty for 0.8 days; for 0.6, which is no break; and a short segment between two breaks within one window.
    weight[0, 300:340] = 0
    weight[1, 300:330] = 0
    weight[2, 300:340] = weight[2, 350:390] = 0
    jumped = 1 + noise
    # Small, or the biweight would keep to the nearer side by itself.
    jumped[:, 320:] += 2 * NOISE
    jumped[2, 390:] -= 4 * NOISE
    found = flatten(even(jumped, weight), 2.0, absolute=False)
    smooth = flatten(even(1 + noise, weight), 2.0, absolute=False)
    np.testing.assert_allclose(found.flux[[0, 2]], smooth.flux[[0, 2]], atol=0.01 * NOISE)
    assert np.abs(found.flux[1] - smooth.flux[1]).max() > 0.2 * NOISE


@pytest.mark.parametrize("spin", [25.0, 1e9])
def test_a_deep_transit_keeps_its_depth(spin: float) -> None:
    """6 hours, 1 %, in a star that varies by 1 %, in a window of only three durations."""
    rng = np.random.default_rng(1)
    inside = np.abs((TIME - 2.2 + 2.5) % 5 - 2.5) < 0.125
    flux = (1 + 0.01 * np.sin(2 * np.pi * TIME / spin)) * (1 - 0.01 * inside) + NOISE * rng.normal(size=(1, N))
    found = flatten(even(flux), 0.75, absolute=True)
    assert -found.flux[0, inside].mean() > 0.97 * 0.01
    assert np.abs(found.flux[0, ~inside].mean()) < NOISE


def test_a_shallow_transit_keeps_its_depth_once_it_is_masked() -> None:
    """A transit that a biweight does not recognise: the trend follows it, unless its cadences are given."""
    rng = np.random.default_rng(2)
    n_stars, depth = 6, 2 * NOISE
    inside = np.broadcast_to(np.abs((TIME - 2.2 + 2.5) % 5 - 2.5) < 0.25, (n_stars, N))
    trend = 1 + 5 * NOISE * np.sin(2 * np.pi * (TIME / 15 + rng.random((n_stars, 1))))
    curves = even(trend - depth * inside + NOISE * rng.normal(size=(n_stars, N)))
    window = window_for(0.5)
    assert window == 2.0
    blind = -flatten(curves, window, absolute=True).flux[inside].mean() / depth
    with_mask = -flatten(curves, window, absolute=True, in_transit=inside).flux[inside].mean() / depth
    assert 0.6 < blind < 0.9
    assert with_mask == pytest.approx(1, abs=0.08)


def test_scatter_is_that_of_weight_1_out_of_transit() -> None:
    rng = np.random.default_rng(3)
    weight = np.tile(np.where(np.arange(N) % 2, 0.25, 1.0), (6, 1))
    flux = 1 + NOISE / np.sqrt(weight) * rng.normal(size=(6, N))
    inside = np.zeros((6, N), bool)
    inside[:, ::3] = True
    flux[inside] -= 0.01
    found = flatten(even(flux, weight), 2.0, absolute=True, in_transit=inside)
    np.testing.assert_allclose(found.scatter, NOISE, rtol=0.15)


def test_weights_count_in_the_trend() -> None:
    weight = np.tile(np.where(np.arange(N) % 2, 1 / 64, 1.0), (6, 1))
    flux = 1 + NOISE * np.random.default_rng(4).normal(size=(6, N))
    flux[:, 1::2] += NOISE
    found = flatten(even(flux, weight), 2.0, absolute=True)
    assert np.abs(found.flux[:, ::2].mean()) < 0.1 * NOISE


def test_file_units_are_subtracted_and_scale_with_the_flux() -> None:
    curves = stars()
    small = even((curves.flux - 1) * 1e4, curves.weight)
    large = even((curves.flux - 1) * 1e7, curves.weight)
    one, other = (flatten(x, 2.0, absolute=False) for x in (small, large))
    np.testing.assert_allclose(other.scatter, 1e3 * one.scatter, rtol=1e-4)
    np.testing.assert_allclose(other.flux, 1e3 * one.flux, atol=1e-3 * other.scatter.max())
    relative = flatten(curves, 2.0, absolute=True)
    np.testing.assert_allclose(one.flux * 1e-4, relative.flux, atol=3e-6, rtol=3e-3)


def test_a_star_is_not_changed_by_its_neighbours() -> None:
    curves = stars()
    together = flatten(curves, 2.0, absolute=True)
    order = np.array([4, 0, 5, 3, 1, 2])
    shuffled = flatten(even(curves.flux[order], curves.weight[order]), 2.0, absolute=True)
    np.testing.assert_allclose(shuffled.flux, together.flux[order], atol=1e-3 * NOISE)


def test_what_has_no_trend_loses_its_weight() -> None:
    rng = np.random.default_rng(5)
    flux = 1 + NOISE * rng.normal(size=(6, N))
    weight = np.ones((6, N))
    weight[0] = 0
    flux[1] = 1.0
    flux[2] = 0.3
    weight[3] = 0
    weight[3, :300] = weight[3, 500:502] = 1
    inside = np.zeros((6, N), bool)
    # More than a window of it.
    inside[4, 200:330] = True
    found = flatten(even(flux, weight), 2.0, absolute=True, in_transit=inside)
    np.testing.assert_array_equal(found.weight.any(axis=1), [False, False, False, True, True, True])
    np.testing.assert_array_equal(found.weight[3, 498:504], 0)
    assert found.weight[3, :300].all()
    assert not found.weight[4, 255:275].any()
    assert found.weight[4, :240].all()
    for x in (found.flux, found.weight, found.scatter):
        assert np.isfinite(x).all()
    np.testing.assert_array_equal(found.scatter[:3], 1)
    assert not found.flux[found.weight == 0].any()


@pytest.mark.parametrize(("window", "spin"), [(0.25, 1e9), (6.1, 40.0)])
def test_short_and_long_windows(window: float, spin: float) -> None:
    """A node at every cadence, and at few."""
    curves = even(1 + NOISE * np.random.default_rng(6).normal(size=(2, N)) + 1e-3 * np.sin(TIME * 2 * np.pi / spin))
    half = int(window / 2 / CADENCE)
    difference = off(flatten(curves, window, absolute=True), curves, reference(curves, half, [[], []]))
    assert np.sqrt(np.mean(difference**2)) < 0.03


def test_a_window_of_one_cadence_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a window of 0\.03 days"):
        flatten(stars(), 0.03, absolute=True)


def test_a_second_length_cadence_and_window_compile_nothing() -> None:
    before = list(loops.trend.signatures)
    assert len(before) == 1
    short = even(stars().flux[:2, :500])
    flatten(short, 1.0, absolute=True)
    flatten(short, 3.3, absolute=False, in_transit=np.zeros((2, 500), bool))
    assert list(loops.trend.signatures) == before
