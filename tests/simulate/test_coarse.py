"""Flattening against scipy's filter, and the thinned bins."""

import numpy as np
import pytest
from scipy.signal import savgol_filter

from exojax.simulate import coarse
from exojax.simulate.coarse import BIN, POINTS, WINDOW, flatten_quadratic, thin
from exojax.simulate.systematics import CADENCE


def test_agrees_with_savitzky_and_golay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edges included; within what windows a few cadences apart differ."""
    monkeypatch.setattr(coarse, "ITERATIONS", 1)
    rng = np.random.default_rng(0)
    flux = 1 + 0.01 * np.sin(np.arange(2500) / 100) + 1e-4 * rng.standard_normal((3, 2500))
    got = flatten_quadratic(flux, np.ones(flux.shape, bool))
    np.testing.assert_allclose(got, flux / savgol_filter(flux, WINDOW, 2, axis=1), atol=1e-4)


def test_every_segment_has_its_own_trend() -> None:
    flux = np.ones((2, 2000))
    flux[:, 1000:] = 1.5
    valid = np.ones(flux.shape, bool)
    valid[:, 990:1000] = False
    np.testing.assert_allclose(flatten_quadratic(flux, valid)[valid], 1, atol=1e-9)
    short = np.ones((1, WINDOW - 10)) + np.linspace(0, 0.1, WINDOW - 10)
    flat = flatten_quadratic(short, np.ones(short.shape, bool))
    np.testing.assert_allclose(flat, short / np.median(short))


def test_deep_eclipses_are_left_out_of_the_trend() -> None:
    rng = np.random.default_rng(0)
    flux = 1 + 1e-4 * rng.standard_normal((1, 2000))
    flux[:, 500:508] -= 0.2
    flat = flatten_quadratic(flux, np.ones(flux.shape, bool))
    assert flat[0, 503] == pytest.approx(0.8, abs=3e-3)
    assert abs(flat[0, 520:600].mean() - 1) < 3e-4


def test_bins_are_means_and_thinned_evenly() -> None:
    rng = np.random.default_rng(0)
    flux = 1 + 0.01 * rng.standard_normal((2, 6200))
    valid = rng.random(flux.shape) < 0.9
    valid[1, 1000:] = False
    time, means, known = thin(flux, valid, CADENCE)
    assert time.shape == (2, POINTS)
    assert known[0].all()
    steps = np.rint(np.diff(time[0]) / BIN)
    assert set(steps[:1000]) <= {1.0, 2.0, 3.0}
    assert 1.2 < steps.mean() < 2
    middle = (np.arange(6200) + 0.5) * CADENCE
    for row, column in ((0, 700), (1, 30)):
        inside = valid[row] & (np.abs(middle - time[row, column]) <= BIN / 2)
        assert means[row, column] == pytest.approx(flux[row, inside].mean(), abs=1e-6)
    assert np.all(np.isnan(time[1][~known[1]]))
    assert time[1][known[1]].max() < 1000 * CADENCE + BIN
