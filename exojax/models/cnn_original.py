"""The network of the original project: four convolutions and a dense head on the standardised series.

Convolutions with 8/16/32/64 channels and kernels of 5/3/3/3, each with ReLU, max-pooling by 4 and batch normalisation;
dropout 0.2; dense layers of 64/64/1. It is trained with Adam at 3e-5 on balanced batches of 32, with random cyclic
shifts.
"""

from __future__ import annotations

from functools import lru_cache

import jax
from flax import linen as nn

from exojax.config import TrainConfig
from exojax.models.augment import shift
from exojax.models.base import Augment, Choice, Inputs, Network, Suggest
from exojax.models.layers import Conv, max_pool


class OriginalCNN(nn.Module):
    """``{"flux": (n, c)}`` -> ``(n,)`` logits. c is fixed by the dense layer: 61,905 weights for 3,197 cadences."""

    @nn.compact
    def __call__(self, inputs: Inputs, *, train: bool) -> jax.Array:
        x = inputs["flux"][..., None]
        for features, kernel in ((8, 5), (16, 3), (32, 3), (64, 3)):
            x = max_pool(nn.relu(Conv(features, kernel)(x)), 4)
            x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
        x = x.reshape(len(x), -1)
        x = nn.Dropout(0.2, deterministic=not train)(x)
        x = nn.relu(nn.Dense(64)(x))
        x = nn.relu(nn.Dense(64)(x))
        return nn.Dense(1)(x)[:, 0]


@lru_cache
def augment(cadence: float, injected: float) -> Augment:
    """Return the augmentation: a random cyclic shift."""
    return lambda key, inputs, labels: {"flux": shift(key, inputs["flux"])}


def space(suggest: Suggest) -> Choice:
    """Return the settings to tune: those of the optimiser, because the layers are those of the original."""
    return Choice(
        train={
            "learning_rate": suggest.suggest_float("learning_rate", 1e-5, 3e-3, log=True),
            "weight_decay": suggest.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
            "average_decay": suggest.suggest_categorical("average_decay", (0.0, 0.99)),
        }
    )


MODEL = Network(
    inputs=("flux",),
    module=OriginalCNN(),
    train=TrainConfig(
        steps=2000,
        batch_size=32,
        learning_rate=3e-5,
        constant=True,
        weight_decay=0.0,
        average_decay=0.0,
        adam_epsilon=1e-7,  # that of Keras, in which the original was written
        evaluate_every=100,
    ),
    augment=augment,
    space=space,
)
