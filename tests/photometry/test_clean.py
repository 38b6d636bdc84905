"""Spikes go, dips stay."""

import numpy as np

from exojax.photometry.outliers import clip_upward


def test_spikes_go_and_dips_stay_by_each_cadences_own_scatter() -> None:
    flux = np.array([[0.0, 4.1, -50.0, 3.9, 2.1, 0.0], [0.0, 4.1, -50.0, 0.0, 20.0, 9.0]], np.float32)
    # The fifth cadence is four samples in one: half the scatter.
    weight = np.array([[1, 1, 1, 1, 4, 0], [1, 1, 1, 1, 4, 0.25]], np.float32)
    scatter = np.array([1, 10], np.float32)
    left = clip_upward(flux, weight, scatter)
    np.testing.assert_array_equal(left, [[1, 0, 1, 1, 0, 0], [1, 1, 1, 1, 4, 0.25]])
    assert clip_upward(flux, weight, scatter, sigma=2.0)[0, 3] == 0
