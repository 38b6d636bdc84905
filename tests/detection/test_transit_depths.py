"""Single transits of a candidate: depths against float64, and which candidates are two planets in one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise
from exojax.detection.transit_depths import TransitDepths
from exojax.loops.candidate import _box


def made(depth, ivar, duration=1e6):
    """Make transits in white noise, by default so long that their ends do not matter."""
    depth, ivar = np.array(depth, float), np.array(ivar, float)
    return TransitDepths(np.arange(len(depth)) * 10.0, depth, ivar, np.ones(len(depth)), duration)


def measured(flux, weight, period, t0, duration):
    curve = FlatCurve.of(np.asarray(flux, np.float32), np.asarray(weight, np.float32))
    return TransitDepths.of(curve, Noise.of(curve, 16.0), period, t0, duration)


@pytest.mark.parametrize("size", [3197, 65_000])
def test_depths_against_float64(size):
    rng = np.random.default_rng(size)
    flux = rng.normal(3.0, 1.0, size).astype(np.float32)
    weight = (rng.uniform(0.5, 1.5, size) * (rng.uniform(size=size) > 0.1)).astype(np.float32)
    weight[500:700] = 0
    edge = np.arange(size) - 0.5
    for period in (60.3, 811.1, size / 2 - 7.7):
        t0, duration = rng.uniform(0, 60), rng.uniform(4, 15)
        found = measured(flux, weight, period, t0, duration)
        assert len(found.depth) == int((size - 1 - t0) / period) + 2
        np.testing.assert_allclose(found.middle, t0 + period * np.arange(len(found.depth)))
        for middle, depth, ivar in zip(found.middle, found.depth, found.white):
            start, stop = middle - duration / 2, middle + duration / 2
            share = np.clip(np.minimum(stop, edge + 1) - np.maximum(start, edge), 0, 1) * weight
            if share.sum() < 0.499:
                assert ivar == depth == 0
            elif share.sum() > 0.501:
                assert ivar == pytest.approx(share.sum(), abs=1e-6)
                assert depth == pytest.approx(-np.sum(share * flux) / share.sum(), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-9, 60), st.floats(-1, 30))
def test_a_box_holds_what_lies_in_it_with_the_parts_of_cut_cadences(seed, start, length):
    values = np.random.default_rng(seed).normal(3.0, 1.0, 50)
    edge, stop = np.arange(50) - 0.5, start + max(length, 0.0)
    share = np.clip(np.minimum(stop, edge + 1) - np.maximum(start, edge), 0, 1)
    running = np.concatenate([[0.0], np.cumsum(values)])
    assert _box(running, start, stop) == pytest.approx(np.sum(share * values), abs=1e-9)


def test_counts_only_what_was_measured():
    flux, weight = np.zeros(100), np.ones(100)
    flux[9:12] = flux[49:52] = -3
    weight[28:34] = 0
    found = measured(flux, weight, 20.0, 10.0, 3.0)
    np.testing.assert_allclose(found.depth, [3, 0, 3, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(found.white, [3, 0, 3, 3, 3, 0], atol=1e-6)
    assert found.n_transits == 4
    assert found.max_share() == pytest.approx(0.5, abs=1e-6)


def test_infinite_period_is_one_transit():
    found = measured(np.zeros(50), np.ones(50), np.inf, 7.0, 4.0)
    np.testing.assert_array_equal(found.middle, [7])
    np.testing.assert_allclose(found.white, [4])
    assert found.n_transits == 1


def test_red_noise_lowers_the_inverse_variance():
    found = TransitDepths(np.arange(2.0), np.ones(2), np.array([4.0, 8.0]), np.array([1.0, 2.0]), 8.0)
    np.testing.assert_allclose(found.ivar, [4, 2])


# Depths and inverse variances of the transits, and whether they are one planet.
ONE_PLANET = {
    "equal": ([10, 10], [25, 25]),
    "a fifth shallower by detrending, at any precision": ([10, 8], [1e4, 1e4]),
    "noise": ([3, 0.5], [4, 4]),
    "a binary with unequal eclipses, many of them": ([10, 5] * 5, [100] * 10),
    "a weak planet among many transits": ([1.5, 0.6, 1.2, 0.9, 1.1, 0.3, 1.4], [9] * 7),
    "one seen": ([10, 0], [25, 0]),
}
NOT_ONE = {
    "two planets, one transit each": ([3.1, 6.2], [900, 900]),
    "and with a third place where nothing is": ([3.1, 6.2, 0.0], [900, 900, 900]),
    "a glitch among many": ([20, 0.4, 0.2, 0.1, -0.3, 0.2, 0.1, 0.5], [25] * 8),
    "one deep event and an empty place": ([6, 0], [16, 16]),
}


@pytest.mark.parametrize("name", ONE_PLANET)
def test_alike(name):
    assert made(*ONE_PLANET[name]).mismatch_sigma() < 3


@pytest.mark.parametrize("name", NOT_ONE)
def test_unlike(name):
    depth, ivar = NOT_ONE[name]
    assert made(depth, ivar).mismatch_sigma() > 4
    # The same depths in either order give the same result, and none once red noise hides the difference.
    assert made(depth[::-1], ivar).mismatch_sigma() == pytest.approx(made(depth, ivar).mismatch_sigma())
    assert made(depth, np.array(ivar) / 1e4).mismatch_sigma() < 4


def test_unlike_by_hand():
    # 6 against 3 at ivar 4 each: (3 - 0.25 * 6) / sqrt(1/4 + 1/4).
    assert made([6, 3], [4, 4]).mismatch_sigma() == pytest.approx(1.5 / 0.5**0.5, rel=1e-4)


def test_odd_even_by_hand():
    # Means 4 and 2 with ivar 8 each; the transits of each parity agree, so their error stands.
    assert made([4, 2, 4, 2], [4] * 4).odd_even_sigma() == pytest.approx(2 / (1 / 8 + 1 / 8) ** 0.5)
    # Those that scatter by four times their error on two degrees of freedom: chi^2 = 4 * 4 * 4 over 2 = 32.
    assert made([6, 4, 2, 0], [4] * 4).odd_even_sigma() == pytest.approx(2 / (0.25 * 32) ** 0.5)
    # Transits without data do not count, and one parity alone gives no result.
    assert made([4, 2, 0], [4, 4, 0]).odd_even_sigma() == pytest.approx(2 / 0.5**0.5)
    assert np.isnan(made([4, 0, 4], [4, 0, 4]).odd_even_sigma())
    assert np.isnan(made([4], [4]).odd_even_sigma())


def test_odd_even_of_one_planet_is_half_a_normal():
    rng = np.random.default_rng(0)
    ivar = rng.uniform(1, 9, (2000, 20))
    depth = 5 + rng.normal(size=ivar.shape) / np.sqrt(ivar)
    sigma = np.array([made(*x).odd_even_sigma() for x in zip(depth, ivar)])
    assert np.sqrt(np.mean(sigma**2)) == pytest.approx(0.95, abs=0.07)


def test_parities_differ_by_more_than_noise_and_by_more_than_detrending():
    assert made([10, 5] * 4, [100] * 8).parities_differ()
    assert not made([10, 9] * 4, [1e4] * 8).parities_differ()  # as detrending does
    assert not made([10, 5] * 4, [0.01] * 8).parities_differ()  # as noise does
    # Half a cadence of a short transit is lost at its edges.
    assert not made([10, 6] * 4, [1e4] * 8, duration=2.0).parities_differ()
    assert not made([10], [100]).parities_differ()
