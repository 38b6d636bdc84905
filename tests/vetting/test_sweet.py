"""Sines out of transit have exovetter's amplitudes on the same curves."""

import math

import numpy as np
import pytest
from sample_curves import T0, again, leo, quietly, series

from exojax.vetting.sweet import sweet


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_amplitude_and_significance_are_those_of_exovetter(ratio: float) -> None:
    theirs = pytest.importorskip("exovetter.sweet", reason="exovetter is not installed")
    ours = series(2.3, 0.11)
    wave = 4e-4 * np.sin(2 * np.pi * (ours.time - T0) / (ratio * ours.period) + 0.7)
    ours = again(ours, flux=ours.flux + wave, error=np.full(len(ours.flux), 3e-4))
    table = theirs.sweet(ours.time.copy(), ours.flux.copy(), ours.period, ours.t0, ours.duration)
    found, row = sweet(ours), (0.5, 1.0, 2.0).index(ratio)
    assert found.amplitude[row] == pytest.approx(table[row, 0], rel=0.05)
    # exovetter takes the scatter from differences of neighbours, which a slow wave hardly moves.
    assert found.sigma[row] == pytest.approx(table[row, 2], rel=0.3)
    assert found.strongest == found.sigma[row]
    assert found.amplitude[row] == pytest.approx(4e-4, rel=0.1)


def test_significance_is_near_that_of_leo_vetter() -> None:
    ours = series(2.3, 0.11, tides=2e-4)
    theirs = leo(ours)
    from leo_vetter import fits

    quietly(fits.sweet, theirs)
    assert sweet(ours).strongest == pytest.approx(theirs.metrics["sine_sig"], rel=0.15)


def test_a_pulsating_star_fails_and_a_quiet_one_passes() -> None:
    assert sweet(series(2.3, 0.11, tides=5e-4)).verdict == "fail"
    assert sweet(series(2.3, 0.11)).verdict == "pass"


def test_long_periods_and_single_transits_are_not_known() -> None:
    assert sweet(series(20.0)).verdict == "not known"
    one = sweet(again(series(), period=float("inf")))
    assert one.verdict == "not known"
    assert math.isnan(one.strongest)
