"""The trapezoid is LEO-Vetter's least squares fit on the same curves, within the grid that is tried."""

import numpy as np
import pytest
from sample_curves import again, leo, quietly, series

from exojax.vetting.transit_shape import transit_shape


@pytest.mark.parametrize(("period", "ingress"), [(7.3, 0.1), (2.3, 0.25), (2.3, 0.45)])
def test_depth_and_duration_are_those_of_leo_vetter(period: float, ingress: float) -> None:
    ours = series(period, 0.2, 2e-3, ingress=ingress)
    theirs = leo(ours)
    from leo_vetter import fits

    quietly(fits.linear, theirs)
    quietly(fits.trapezoid, theirs)
    found, metrics = transit_shape(ours), theirs.metrics
    assert found.depth == pytest.approx(metrics["trap_dep"], rel=0.08)
    assert found.duration == pytest.approx(metrics["trap_qtran"] * ours.period, rel=0.1)
    assert found.ingress == pytest.approx(metrics["trap_qin"], abs=0.08)
    # Both count the same gain; LEO-Vetter's errors are those given, ours those measured.
    assert found.gain > 0.7 * (metrics["line_aic"] - metrics["trap_aic"])


def test_a_v_is_distinguished_from_a_box() -> None:
    assert transit_shape(series(2.3, 0.2, 2e-3, ingress=0.5)).v_shape > 5
    assert transit_shape(series(2.3, 0.2, 2e-3, ingress=0.05)).v_shape < -50


def test_scaled_axis_is_that_of_the_trapezoid() -> None:
    # T = 0.16 d, tau = 0.04 d: 2.3 * 0.002^(1/4) / (pi sqrt(0.16 * 0.04)).
    found = transit_shape(series(2.3, 0.2, 2e-3, ingress=0.2, noise=1e-5))
    assert found.scaled_axis == pytest.approx(2.3 * 0.002**0.25 / (np.pi * 0.08), rel=0.1)


def test_noise_fails_and_nothing_is_not_known() -> None:
    assert transit_shape(series(7.3, depth=0.0)).verdict in ("fail", "not known")
    assert transit_shape(series(7.3)).verdict == "pass"
    assert transit_shape(again(series(), period=float("inf"), t0=3000.0)).verdict == "not known"
