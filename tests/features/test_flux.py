"""Series against NumPy in float64: transits stay, trends are removed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojax.features.flux import CLIP, flatten, masked_median, standardise
from exojax.features.spectrum import log_power

CADENCE = 29.4244 / 1440


def noise(n, c, seed=0):
    return np.random.default_rng(seed).standard_normal((n, c)).astype(np.float32)


def some_valid(n, c, seed=1):
    return np.random.default_rng(seed).random((n, c)) > 0.2


@pytest.mark.parametrize("c", [301, 302])
def test_standardise_is_median_and_mad(c):
    flux, valid = 40 * noise(4, c) - 7, some_valid(4, c)
    wide = np.where(valid, flux.astype(np.float64), np.nan)
    centred = wide - np.nanmedian(wide, axis=1, keepdims=True)
    expected = centred / (1.4826 * np.nanmedian(np.abs(centred), axis=1, keepdims=True))
    found = np.asarray(standardise(jnp.asarray(flux), jnp.asarray(valid)))
    np.testing.assert_allclose(found[valid], np.minimum(expected, CLIP)[valid], rtol=1e-5, atol=1e-5)
    assert not found[~valid].any()
    assert found.dtype == np.float32


@jax.jit
def compiled(flux, valid):
    return standardise(flux, valid), flatten(flux, valid, cadence=CADENCE), flatten(flux, valid, cadence=0.1)


median = jax.jit(masked_median)
values = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(values, st.just(float("nan")), st.sampled_from([0.0, -0.0, 1.0])), min_size=24, max_size=24))
def test_masked_median_is_numpys(row):
    """Repeated values, zeros of both signs, odd and even counts, nothing at all."""
    row = np.array([row], np.float32)
    valid = ~np.isnan(row)
    expected = np.median(row[valid].astype(np.float64)) if valid.any() else 0.0
    found = float(median(jnp.asarray(np.nan_to_num(row)), jnp.asarray(valid))[0])
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-30)


@pytest.mark.parametrize("feature", [standardise, lambda f, v: flatten(f, v, cadence=CADENCE)])
def test_dips_are_never_clipped_and_spikes_are(feature):
    flux = noise(1, 800)
    flux[0, 300:304], flux[0, 500] = -400, 400
    found = np.asarray(feature(jnp.asarray(flux), jnp.ones((1, 800), bool)))[0]
    assert found[300:304].max() < -300
    assert found[500] == CLIP


@pytest.mark.parametrize("feature", [standardise, lambda f, v: flatten(f, v, cadence=CADENCE)])
@pytest.mark.parametrize(("scale", "offset"), [(1024.0, 0.0), (1 / 64, 0.0), (1.0, 16.0), (3e4, -2e5)])
def test_neither_scale_nor_offset_matters(feature, scale, offset):
    flux, valid = noise(3, 400), jnp.asarray(some_valid(3, 400))
    found = feature(jnp.asarray(np.float32(scale) * flux + np.float32(offset)), valid)
    np.testing.assert_allclose(found, feature(jnp.asarray(flux), valid), atol=2e-4 if offset else 1e-5)


STEEP = "the median of a sloping window gives way to a transit by the slope of a block"


@pytest.mark.parametrize("amplitude", [5.0, pytest.param(60.0, marks=pytest.mark.xfail(reason=STEEP))])
def test_flatten_takes_out_a_slow_wave_and_keeps_a_transit(amplitude):
    c = 3197
    time = np.arange(c) * CADENCE
    quiet = noise(1, c)
    transit = np.where(np.abs(np.mod(time - 3, 8) - 4) < 0.125, -12.0, 0.0)  # six hours
    wave = amplitude * np.sin(2 * np.pi * time / 15)
    everything = jnp.asarray((quiet + transit + wave).astype(np.float32))
    found = np.asarray(flatten(everything, jnp.ones((1, c), bool), cadence=CADENCE))[0]
    inside = transit < 0
    # Not at the ends: there the running median is one-sided and lags behind the wave.
    inner = slice(60, -60)
    assert found[inner][~inside[inner]].std() == pytest.approx(1, abs=0.06)
    assert found[inside].mean() == pytest.approx(-12, rel=0.08)
    # The remains of the wave itself.
    power = np.abs(np.exp(-2j * np.pi * time / 15) @ found) * 2 / c
    assert power < 0.05 * amplitude


def test_flatten_bridges_gaps_and_jumps_over_none():
    c = 1600
    time = np.arange(c) * CADENCE
    valid = np.ones((1, c), bool)
    valid[0, 600:900] = False  # six days, longer than the window
    flux = (noise(1, c) + 30 * np.sin(2 * np.pi * time / 12)).astype(np.float32)
    flux[~valid] = 9e9  # whatever stands there
    found = np.asarray(flatten(jnp.asarray(flux), jnp.asarray(valid), cadence=CADENCE))[0]
    assert not found[~valid[0]].any()
    # At either side the running median is one-sided, no more: half a window lags by some of the wave's slope.
    assert np.abs(found[590:600]).max() < 12
    assert np.abs(found[900:910]).max() < 12
    assert np.concatenate([found[100:500], found[1000:1500]]).std() == pytest.approx(1, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=96, max_size=96), st.sampled_from([0.0, 1.0, -3.7, 1e-8, 0.9999871, 123456.78]))
def test_a_constant_star_is_zero_whatever_its_gaps(mask, level):
    """Zero, not the rounding errors of its own level blown up to a scatter of one."""
    for series in compiled(jnp.full((1, 96), level, jnp.float32), jnp.asarray([mask])):
        assert not np.asarray(series).any()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=96, max_size=96), st.integers(0, 99))
def test_nothing_is_ever_nan_whatever_the_gaps(mask, seed):
    valid = jnp.asarray([mask])
    flux = jnp.asarray(1 + 1e-4 * noise(1, 96, seed))
    standardised, *flattened = compiled(flux, valid)
    for series in (standardised, *flattened):
        assert np.isfinite(series).all()
        assert not np.asarray(series)[~np.asarray(valid)].any()
    assert np.isfinite(log_power(standardised)).all()
