"""The robust scatter against the normal distribution, and on values that are few or missing."""

import numpy as np
import pytest

from exojax.robust import scatter


def test_of_normal_numbers_it_is_the_standard_deviation_and_outliers_do_not_move_it():
    values = 5 + 0.2 * np.random.default_rng(0).normal(size=100_000)
    assert scatter(values) == pytest.approx(0.2, rel=0.01)
    values[:5000] = 1e6
    assert scatter(values) == pytest.approx(0.2, rel=0.1)


def test_by_hand():
    values = np.array([1.0, 2.0, 4.0, np.nan, 9.0])
    assert scatter(values) == pytest.approx(1.4826 * 1.5)  # median 3, deviations 2, 1, 1, 6
    assert scatter(values, about=0.0) == pytest.approx(1.4826 * 3.0)
    assert np.isnan(scatter(np.array([np.nan])))
    assert np.isnan(scatter(np.zeros(0)))
