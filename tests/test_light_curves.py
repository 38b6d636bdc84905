"""The containers: what is derived from their time axis."""

import numpy as np
import pytest

from exojax.light_curves import nominal_cadence


def test_nominal_cadence_is_the_usual_step_whatever_the_gaps_and_repeats():
    time = np.array([0.0, 0.5, 0.5, 1.0, np.nan, 9.0, 9.5, 10.0, np.nan])
    assert nominal_cadence(time) == 0.5


@pytest.mark.parametrize("time", [[], [np.nan], [3.0, np.nan], [2.0, 2.0]])
def test_nominal_cadence_is_unknown_without_two_different_times(time):
    assert np.isnan(nominal_cadence(np.array(time)))
