"""The limb-darkened transit: against batman, and found again in noise."""

import numpy as np
import pytest

from exojax.report.transit_model import LIMB, TransitModel, fitted, light_lost


@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.3])
def test_light_lost_is_batmans(ratio):
    batman = pytest.importorskip("batman", reason="batman is not installed: pip install -e '.[test]'")
    params = batman.TransitParams()
    params.t0, params.per, params.rp, params.a, params.inc = 0.0, 10.0, ratio, 20.0, 88.0
    params.ecc, params.w, params.u, params.limb_dark = 0.0, 90.0, list(LIMB), "quadratic"
    time = np.linspace(-0.12, 0.12, 301)
    model = batman.TransitModel(params, time, max_err=0.01)
    lost = light_lost(model.get_true_anomaly() * 0 + _distance(time, 10.0, 20.0, 88.0), ratio)
    np.testing.assert_allclose(lost, 1 - model.light_curve(params), atol=2e-3 * ratio**2)


def _distance(time, period, axis, inclination):
    turn = 2 * np.pi * time / period
    return axis * np.sqrt(np.sin(turn) ** 2 + (np.cos(np.radians(inclination)) * np.cos(turn)) ** 2)


@pytest.mark.parametrize(("ratio", "impact"), [(0.03, 0.0), (0.1, 0.5), (0.12, 0.75)])
def test_a_transit_is_found_again(ratio, impact):
    true = TransitModel(ratio, impact, 0.2, 0.02)
    late = np.linspace(-0.3, 0.3, 121)
    flux = true(late) + 0.01 * ratio**2 * np.random.default_rng(0).normal(size=len(late))
    found = fitted(late, flux, np.ones(len(late)), 0.19, 0.02, absolute=True)
    # The deepest point is the planet's: a box's mean is a tenth above it.
    assert found(np.zeros(1))[0] == pytest.approx(true(np.zeros(1))[0], rel=0.05 if impact < 0.6 else 0.1)
    np.testing.assert_allclose(found(late), true(late), atol=0.12 * ratio**2)
    # Of a grazing path ratio and impact are hard to tell apart.
    assert found.ratio == pytest.approx(ratio, rel=0.05 if impact < 0.6 else 0.4)
    scaled = fitted(late, 50 * flux, np.ones(len(late)), 0.19, 0.02, absolute=False)
    np.testing.assert_allclose(scaled(late), 50 * true(late), atol=50 * 0.15 * ratio**2)


def test_where_nothing_dips_there_is_no_model():
    late = np.linspace(-1, 1, 50)
    assert fitted(late, np.full(50, 1e-3), np.ones(50), 0.5, 0.02, absolute=True) is None
    assert fitted(late, np.full(50, -1e-3), np.zeros(50), 0.5, 0.02, absolute=True) is None


def test_the_axis_is_that_of_the_orbit():
    # A central transit of the Earth: 13 hours, 215 solar radii.
    assert TransitModel(0.0092, 0.0, 0.5452, 0.02).axis(365.25) == pytest.approx(215, rel=0.01)
