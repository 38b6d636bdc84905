"""The spectrum puts power where it is and sees neither sign nor epoch."""

import jax.numpy as jnp
import numpy as np
import pytest

from exojax.features.spectrum import BINS, FLOOR, log_power


@pytest.mark.parametrize("c", [256, 801, 3197])
@pytest.mark.parametrize("place", [0.03, 0.4, 0.93])
def test_a_sine_peaks_in_its_bin(c, place):
    """The bin k averages the frequencies (k w, (k + 1) w] cycles a series, w wide."""
    cycles = round(place * c / 2)
    found = np.asarray(log_power(jnp.asarray(np.sin(2 * np.pi * cycles * np.arange(c) / c)[None].astype(np.float32))))[
        0
    ]
    width = -(-(c // 2) // BINS)
    assert found.argmax() == (cycles - 1) // width
    # |FFT|^2 / c of a sine is c / 4, shared among the bin's frequencies.
    assert found.max() == pytest.approx(np.log(c / 4 / width + FLOOR), abs=0.01)
    assert len(found) <= BINS


def test_it_is_numpys_in_float64():
    series = np.random.default_rng(0).standard_normal((3, 500))
    power = np.abs(np.fft.rfft(series - series.mean(1, keepdims=True))[:, 1:]) ** 2 / 500
    found = log_power(jnp.asarray(series, jnp.float32))
    np.testing.assert_allclose(found, np.log(power + FLOOR), rtol=1e-3, atol=1e-3)
    assert np.exp(found).mean() == pytest.approx(1, abs=0.1)


def test_it_is_blind_to_sign_and_shift_and_knows_silence():
    series = np.random.default_rng(0).standard_normal((2, 640)).astype(np.float32)
    found = log_power(jnp.asarray(series))
    np.testing.assert_allclose(log_power(jnp.asarray(-series)), found, atol=1e-4)
    np.testing.assert_allclose(log_power(jnp.asarray(np.roll(series, 77, 1))), found, atol=1e-2)
    assert np.asarray(log_power(jnp.zeros((1, 640)))).tolist() == [[np.float32(np.log(np.float32(FLOOR)))] * 320]
