"""The keys of a training: batches, augmentation and dropout share none."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax.tree_util import Partial
from small_training import MODEL

from exojax.config import TrainConfig
from exojax.simulate.random_streams import root_key
from exojax.training.keys import STREAMS, step_key, stream
from exojax.training.loop import run_steps
from exojax.training.state import create_state


def drawn_with(key, step):
    """Return the keys that a batch is drawn with, as the sampler makes them."""
    return jax.random.key_data(jax.random.split(jax.random.fold_in(key, step)))


def batch(key, step):
    keys = drawn_with(key, step)
    return {"inputs": {"drawn": keys, "augmented": jnp.zeros_like(keys)}, "label": jnp.zeros(2)}


def augment(key, inputs, labels):
    return {**inputs, "augmented": jnp.broadcast_to(jax.random.key_data(key), inputs["drawn"].shape)}


class Counting(nn.Module):
    """A network whose logits say how many keys of the batch are those of the augmentation or of dropout."""

    @nn.compact
    def __call__(self, inputs, *, train):
        bias = self.param("bias", nn.initializers.zeros, ())
        same = (inputs["drawn"] == inputs["augmented"]).all(axis=-1)
        return bias + same.astype(jnp.float32)


def test_batches_and_augmentation_draw_with_keys_of_their_own():
    example = {name: jnp.zeros((2, 2), jnp.uint32) for name in ("drawn", "augmented")}
    state = create_state(
        Counting(), example, TrainConfig(), seed=3, loss=lambda logits, labels: logits, augment=augment
    )
    for step in range(3):
        state = run_steps(state, Partial(batch), steps=1)
        assert float(state.tally["loss"]) < 0.1, f"step {step}"


def test_no_two_streams_of_a_training_draw_the_same_bits():
    """Weights, batches, augmentation and dropout, step by step, member by member, whatever the seed."""
    drawn = []
    for seed in (0, 1, 1000):
        for member in (0, 1):
            key = root_key(seed, "training", member)
            drawn.append(jax.random.bits(stream(key, "weights"), (4,)))
            for step in range(3):
                steps = [step_key(key, name, jnp.int32(step)) for name in STREAMS if name != "weights"]
                # A batch draws hosts and others with keys of their own.
                for one in (*steps, *jax.random.split(steps[0])):
                    drawn.append(jax.random.bits(one, (4,)))
    rows = np.unique(np.stack([np.asarray(x) for x in drawn]), axis=0)
    assert len(rows) == len(drawn)


def test_an_ensembles_members_share_no_key_with_a_neighbouring_seed():
    example = {"flux": jnp.zeros((2, 64))}
    states = [
        create_state(MODEL.module, example, TrainConfig(), seed=seed, member=member)
        for seed, member in ((0, 0), (0, 1), (1, 0), (1000, 0))
    ]
    keys = {tuple(jax.random.key_data(state.key).tolist()) for state in states}
    assert len(keys) == len(states)
