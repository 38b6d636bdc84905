"""A model of your own: a Flax module and a line in the registry, and it is trained and judged like any other."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import jax
import jax.numpy as jnp
from flax import linen as nn

import exojax
from exojax.config import RunConfig, SimulateConfig, TrainConfig
from exojax.models import registry
from exojax.models.base import Choice, Inputs, Network, Suggest
from exojax.simulate.population import simulate


class Deepest(nn.Module):
    """A network that reads the lowest cadences of a flattened series, in order of depth, and nothing else."""

    count: int = 64

    @nn.compact
    def __call__(self, inputs: Inputs, *, train: bool) -> jax.Array:
        lowest = jnp.sort(inputs["flat"], axis=1)[:, : self.count]  # (n, count), in units of the star's scatter
        x = nn.relu(nn.Dense(32)(jnp.arcsinh(lowest)))
        return nn.Dense(1)(x)[:, 0]  # (n,) logits


def space(suggest: Suggest) -> Choice:
    """Suggest the settings that ``tune.py`` may choose."""
    rate = suggest.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
    return Choice(train={"learning_rate": rate}, options={"count": suggest.suggest_int("count", 8, 256, log=True)})


def main(n_stars: int = 400, steps: int = 200) -> float:
    """Train it on simulated stars; return the average precision on stars that it has not seen."""
    model = Network(inputs=("flat",), module=Deepest(), train=TrainConfig(steps=steps), space=space)
    registry.MODELS["deepest"] = model  # in a file of its own: MODEL = Network(...) and a line in models/registry.py
    curves, _ = simulate(SimulateConfig(n_stars=n_stars, host_fraction=0.3, n_cadences=800))
    with TemporaryDirectory() as folder:
        run = exojax.fit(RunConfig(model="deepest"), curves, Path(folder) / "run")
        found = exojax.evaluate(run, curves).metrics["average_precision"]
    print(f"average precision {found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]")
    return found["value"]


if __name__ == "__main__":
    main()
