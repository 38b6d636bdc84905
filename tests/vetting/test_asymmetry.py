"""A drop with a slow recovery is lopsided for us as for LEO-Vetter; a transit off its epoch is not."""

import numpy as np
from sample_curves import again, leo, quietly, series

from exojax.vetting.asymmetry import asymmetry
from exojax.vetting.transit_series import TransitSeries


def ramp(period: float = 2.3) -> TransitSeries:
    """Return a curve with a drop before each mid-transit that recovers over a tenth of a day."""
    flat = series(period, 0.2, depth=0.0)
    since = flat.late + 0.1
    return again(flat, flux=flat.flux - 4e-3 * np.exp(-np.maximum(since, 0) / 0.08) * (since > 0))


def leo_sigma(of: TransitSeries) -> float:
    theirs = leo(of)
    from leo_vetter import fits

    for function in (fits.linear, fits.trapezoid):
        quietly(function, theirs)
    for side in ("left", "right"):
        quietly(fits.half_trapezoid, theirs, side)
    m = theirs.metrics
    error = np.hypot(m["trap_qtran_err_left"], m["trap_qtran_err_right"])
    return float(abs(m["trap_qtran_left"] - m["trap_qtran_right"]) / error)


def test_a_ramp_is_lopsided_and_a_transit_is_not_for_both() -> None:
    assert asymmetry(ramp()).verdict == "fail"
    assert leo_sigma(ramp()) > 8
    planet = series(2.3, 0.2, 2e-3)
    assert asymmetry(planet).verdict == "pass"
    assert leo_sigma(planet) < 8


def test_an_epoch_that_is_off_by_a_little_is_no_asymmetry() -> None:
    planet = series(2.3, 0.2, 2e-3)
    assert asymmetry(again(planet, t0=planet.t0 + 0.02)).verdict == "pass"


def test_symmetric_noise_is_near_zero() -> None:
    values = [asymmetry(series(2.3, 0.2, seed=seed)).sigma for seed in range(8)]
    assert -2.5 < np.mean(values) < 1.0


def test_no_transit_is_not_known() -> None:
    assert asymmetry(again(series(), period=float("inf"), t0=3000.0)).verdict == "not known"
