"""An ensemble by ``vmap`` over seeds: many small networks trained in one compiled program, on the same batches."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from sklearn.metrics import average_precision_score

from exojax.config import SimulateConfig, TrainConfig
from exojax.evaluation import split
from exojax.features.registry import compute
from exojax.models.base import Inputs
from exojax.simulate.population import simulate
from exojax.simulate.random_streams import root_key
from exojax.training.keys import stream
from exojax.training.sampler import balanced_batches
from exojax.training.state import create_state
from exojax.training.step import logits, train_step


class Small(nn.Module):
    """Two layers on the power spectrum."""

    @nn.compact
    def __call__(self, inputs: Inputs, *, train: bool) -> jax.Array:
        x = nn.relu(nn.Dense(32)(nn.LayerNorm()(inputs["spectrum"])))
        return nn.Dense(1)(nn.Dropout(0.3, deterministic=not train)(x))[:, 0]


def main(n_stars: int = 400, steps: int = 150, members: int = 8) -> tuple[np.ndarray, float]:
    """Return the average precision of each member, and of their mean log-odds, on stars that none has seen."""
    curves, _ = simulate(SimulateConfig(n_stars=n_stars, host_fraction=0.3, n_cadences=800))
    label, features = curves.label.astype(int), compute(("spectrum",), curves)
    held = split.holdout(np.arange(n_stars), label, fraction=0.25, seed=0)
    inputs = {name: jnp.asarray(x[~held]) for name, x in features.items()}
    batches, config = balanced_batches(inputs, label[~held], 64), TrainConfig(steps=steps)

    state = jax.vmap(lambda member: create_state(Small(), inputs, config, seed=0, member=member))(jnp.arange(members))
    step = jax.jit(jax.vmap(lambda state, batch: train_step(state, batch)[0], in_axes=(0, None)))
    # All members see the same batches: those of another seed's stream, so that none shares its keys.
    draw, key = jax.jit(batches), stream(root_key(1, "training", 0), "batches")
    for number in range(steps):
        state = step(state, draw(key, jnp.int32(number)))

    unseen = {name: jnp.asarray(x[held]) for name, x in features.items()}
    scores = np.asarray(jax.vmap(lambda member: logits(member, unseen))(state))  # (members, n)
    each = np.array([average_precision_score(label[held], row) for row in scores])
    together = float(average_precision_score(label[held], scores.mean(axis=0)))
    print(f"members {each.min():.3f} to {each.max():.3f}, together {together:.3f}")
    return each, together


if __name__ == "__main__":
    main()
