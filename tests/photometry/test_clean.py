"""Spikes go, dips stay."""

import jax.numpy as jnp
import numpy as np

from exojax.photometry.clean import clip_upward


def test_spikes_go_and_dips_stay_by_each_cadences_own_scatter() -> None:
    flux = jnp.asarray([[0.0, 4.1, -50.0, 3.9, 2.1, 0.0], [0.0, 4.1, -50.0, 0.0, 20.0, 9.0]], jnp.float32)
    # The fifth cadence is four samples in one: half the scatter.
    weight = jnp.asarray([[1, 1, 1, 1, 4, 0], [1, 1, 1, 1, 4, 0.25]], jnp.float32)
    scatter = jnp.asarray([1, 10], jnp.float32)
    left = np.asarray(clip_upward(flux, weight, scatter))
    np.testing.assert_array_equal(left, [[1, 0, 1, 1, 0, 0], [1, 1, 1, 1, 4, 0.25]])
    assert np.asarray(clip_upward(flux, weight, scatter, sigma=2.0))[0, 3] == 0
