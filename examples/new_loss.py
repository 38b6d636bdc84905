"""A loss and a learning rate of your own: any function of logits and labels, any function of the step."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
import optax

import exojax
from exojax.config import RunConfig, SimulateConfig, TrainConfig
from exojax.simulate.population import simulate
from exojax.training.recipe import Recipe


def focal(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Return the focal loss: stars that are classified well count less (Lin et al. 2017, arXiv:1708.02002)."""
    right = jax.nn.sigmoid(jnp.where(labels > 0.5, logits, -logits))
    return (1.0 - right) ** 2 * optax.sigmoid_binary_cross_entropy(logits, labels)


def main(n_stars: int = 400, steps: int = 200) -> float:
    """Return the average precision with them, on stars that the network has not seen."""
    curves, _ = simulate(SimulateConfig(n_stars=n_stars, host_fraction=0.3, n_cadences=800))
    config = RunConfig(model="cnn-original", train=TrainConfig(steps=steps, batch_size=32))
    recipe = Recipe(loss=focal, schedule=optax.cosine_onecycle_schedule(steps, 3e-3))
    with TemporaryDirectory() as folder:
        run = exojax.fit(config, curves, Path(folder) / "run", recipe=recipe)
        found = exojax.evaluate(run, curves).metrics["average_precision"]["value"]
    print(f"average precision {found:.3f}")
    return found


if __name__ == "__main__":
    main()
