"""Box sums against float64 arithmetic done cadence by cadence."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojax.search.boxes import box_sums, running_sums, sliding_sums


def brute(values, weight, start, stop):
    edge = np.arange(len(values)) - 0.5
    share = np.clip(np.minimum(stop, edge + 1) - np.maximum(start, edge), 0, 1)
    return np.sum(share * weight * values), np.sum(share * weight)


def test_by_hand():
    sums = running_sums(jnp.asarray([[1.0, 2.0, 4.0, 8.0]]), jnp.asarray([[1.0, 1.0, 0.0, 2.0]]))
    # Half of cadence 0, all of 1; then the empty cadence 2; then beyond the end.
    total, weight = box_sums(sums, jnp.asarray([[0.0, 1.5, 2.5]]), jnp.asarray([[1.5, 2.5, 9.0]]))
    np.testing.assert_allclose(total, [[2.5, 0.0, 16.0]], atol=1e-5)
    np.testing.assert_allclose(weight, [[1.5, 0.0, 2.0]], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([50, 3197, 65_000]))
def test_against_float64(seed, size):
    rng = np.random.default_rng(seed)
    values = rng.normal(3.0, 1.0, size).astype(np.float32)
    weight = (rng.uniform(0.5, 1.5, size) * (rng.uniform(size=size) > 0.2)).astype(np.float32)
    start = rng.uniform(-5, size, 30).astype(np.float32)
    stop = start + rng.uniform(0.5, 30, 30).astype(np.float32)
    total, got = box_sums(running_sums(values[None], weight[None]), jnp.asarray(start[None]), jnp.asarray(stop[None]))
    true = np.array([brute(values.astype(float), weight, *edges) for edges in zip(start.astype(float), stop)])
    # 0.004 cadences is what float32 can hold of a time, and of a running weight, at 65,000.
    near = 1e-3 if size < 10_000 else 0.05
    np.testing.assert_allclose(got[0], true[:, 1], atol=near)
    np.testing.assert_allclose(total[0], true[:, 0], atol=4 * near)


@pytest.mark.parametrize(("start", "stop"), [(0.0, 6.0), (-4.25, -1.5), (7.5, 12.75)])
def test_sliding_is_the_box_at_every_place(start, stop):
    rng = np.random.default_rng(0)
    sums = running_sums(jnp.asarray(rng.normal(size=(2, 40)), jnp.float32), jnp.ones((2, 40)))
    place = jnp.broadcast_to(jnp.arange(41, dtype=jnp.float32) - 0.5, (2, 41))
    for got, true in zip(
        sliding_sums(sums, jnp.float32(start), jnp.float32(stop)), box_sums(sums, place + start, place + stop)
    ):
        np.testing.assert_allclose(got, true, atol=1e-4)
