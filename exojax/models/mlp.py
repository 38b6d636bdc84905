"""Dense networks on the power spectrum, the whole series or the folded views: baselines for convolutional networks.

Shallue & Vanderburg (2018, AJ 155, 94) had the same baseline for folded views; it was slightly worse than their
convolutional network. The registry has one network for each input: ``mlp`` (spectrum), ``mlp-flux`` and ``mlp-views``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from exojax.config import TrainConfig
from exojax.models.augment import of_series
from exojax.models.base import Choice, Inputs, Network, Suggest
from exojax.models.layers import highest

VIEWS = ("global_view", "local_view", "secondary_view")
LEAST_SPREAD = 1e-3
"""smallest spread of a column, so that a nearly constant column is not scaled up"""


class DenseNet(nn.Module):
    """A dense network: all inputs as one vector -> ``(n,)`` logits; the highest over the candidates of a star.

    Attributes:
        widths: widths of the dense layers.
        dropout: share of features dropped before each dense layer except the first.
    """

    widths: tuple[int, ...] = (64, 64)
    dropout: float = 0.5

    @nn.compact
    def __call__(self, inputs: Inputs, *, train: bool) -> jax.Array:
        x, there = vectors(inputs)
        width = x.shape[-1]
        center = self.variable("batch_stats", "center", jnp.zeros, (width,)).value
        spread = self.variable("batch_stats", "spread", jnp.ones, (width,)).value
        x = (x - center[None, None]) / spread[None, None]
        for number, features in enumerate(self.widths):
            if number:
                x = nn.Dropout(self.dropout, deterministic=not train)(x)
            x = nn.relu(nn.Dense(features)(x))
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return highest(nn.Dense(1)(x)[..., 0], there)


def vectors(inputs: Inputs) -> tuple[jax.Array, jax.Array]:
    """Return the inputs as vectors ``(n, k, d)`` float32 of k candidates, and ``(n, k)`` bool, which candidates exist.

    A series counts as one existing candidate.

    Args:
        inputs: series or spectra ``(n, c)``, or views ``(n, k, bins, 3)``, of which the inverse hyperbolic sine of the
            values is taken, so that a deep eclipse beside a shallow transit stays of order one.
    """
    parts = [jnp.arcsinh(x[..., 0]) if x.ndim == 4 else x[:, None] for _, x in sorted(inputs.items())]
    joined = jnp.concatenate(parts, axis=-1)
    if "global_view" in inputs:
        return joined, (inputs["global_view"][..., 2] > 0).any(axis=2)
    return joined, jnp.ones(joined.shape[:2], bool)


def settle(batch_stats: Mapping[str, Any], features: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the mean and standard deviation of each column over the candidates of the training rows.

    Args:
        batch_stats: initial collection of the module.
        features: inputs of the module for the training rows.

    Returns:
        The collection with ``center`` and ``spread (d,)``, float32.
    """
    x, there = (np.asarray(part) for part in vectors({name: jnp.asarray(x) for name, x in features.items()}))
    known = x[there].astype(np.float64)
    if not len(known):
        return dict(batch_stats)
    found = {"center": known.mean(0), "spread": np.maximum(known.std(0), LEAST_SPREAD)}
    return dict(batch_stats) | {name: jnp.asarray(value, jnp.float32) for name, value in found.items()}


def space(suggest: Suggest) -> Choice:
    """Return the settings to tune: learning rate, weight decay and dropout."""
    return Choice(
        train={
            "learning_rate": suggest.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
            "weight_decay": suggest.suggest_float("weight_decay", 1e-4, 1.0, log=True),
        },
        options={"dropout": suggest.suggest_float("dropout", 0.0, 0.7)},
    )


MODEL = Network(inputs=("spectrum",), module=DenseNet(), train=TrainConfig(steps=300), settle=settle, space=space)
FLUX = Network(
    inputs=("flux",), module=DenseNet(), train=TrainConfig(steps=300), augment=partial(of_series, "flux"), space=space
)
FOLDS = Network(inputs=VIEWS, module=DenseNet(), train=TrainConfig(steps=600, passes=15), settle=settle, space=space)
