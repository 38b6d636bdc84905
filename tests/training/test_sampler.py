"""Batches are a function of key and step, half hosts, drawn from the rows given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from exojax.errors import InputError
from exojax.training.sampler import balanced_batches

KEY = jax.random.key(4)


def batches_of(labels, size=16):
    return balanced_batches({"flux": np.arange(len(labels), dtype=np.float32)[:, None]}, labels, size)


@pytest.mark.parametrize("size", [16, 7])
def test_batches_are_balanced_and_consistent(size):
    labels = (np.arange(700) % 9 == 0).astype(int)
    draw = jax.jit(batches_of(labels, size))
    seen = set()
    for step in range(200):
        batch = jax.device_get(draw(KEY, jnp.int32(step)))
        assert batch["label"].sum() == size // 2
        assert np.array_equal(batch["label"], labels[batch["row"]])
        assert np.array_equal(batch["inputs"]["flux"][:, 0], batch["row"])
        seen |= set(batch["row"].tolist())
    # Every host comes up, and others from all over; never a row of the padding.
    assert set(np.flatnonzero(labels)) <= seen
    assert max(seen) > 690


def test_batches_depend_on_key_and_step_alone():
    draw = batches_of((np.arange(60) < 20).astype(int))

    def rows(key, step):
        return draw(key, jnp.int32(step))["row"].tolist()

    assert rows(KEY, 5) == rows(KEY, 5)
    assert rows(KEY, 5) != rows(KEY, 6)
    assert rows(KEY, 5) != rows(jax.random.key(5), 5)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_is_refused(label):
    with pytest.raises(InputError, match="add the missing class"):
        batches_of(np.full(5, label))
