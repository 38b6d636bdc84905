"""A convolutional network for whole series that looks for dips and for their repetition.

Two branches of the same design, convolution - ReLU - max-pool - batch normalisation: one over time, one over the lags
of the autocorrelation, in which dips that recur line up whatever the epoch. Averaging and maximum over what is left of
the axis make the first indifferent to when the dips happen, which no dense layer on the time axis can learn from 42
hosts. Both are also shown how significant a dip of transit length ends at each cadence, with nothing learned.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from flax import linen as nn

from exojax.config import TrainConfig
from exojax.models.augment import of_series
from exojax.models.base import Choice, Inputs, Network, Suggest
from exojax.models.layers import Conv, max_pool

SHALLOW = 5.0
"""the series is shown a second time with dips cut off here: a deep eclipse must not hide what is shallow"""
BOXES = (3, 7, 15)
"""cadences; lengths of the dips looked for"""


class DipCNN(nn.Module):
    """``{"flat": (n, c)}``, in units of the star's scatter -> ``(n,)`` logits, for any number of cadences.

    Attributes:
        time: channels and kernels of the branch over time.
        lags: the same over autocorrelation lags.
        dropout: share of features dropped before either dense layer.
    """

    time: tuple[tuple[int, int], ...] = ((8, 7), (16, 5), (32, 5), (32, 5))
    lags: tuple[tuple[int, int], ...] = ((8, 7), (16, 5), (32, 5))
    dropout: float = 0.3

    @nn.compact
    def __call__(self, inputs: Inputs, *, train: bool) -> jax.Array:
        flat = inputs["flat"]
        series = jnp.stack([jnp.sign(flat) * jnp.log1p(jnp.abs(flat)), jnp.maximum(flat, -SHALLOW) / 3.0], axis=-1)
        seen = jnp.concatenate([series, dip_significance(flat)], axis=-1)
        branches = [self._branch(seen, self.time, train), self._branch(autocorrelation(seen), self.lags, train)]
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(jnp.concatenate(branches, axis=-1))
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        x = nn.relu(nn.Dense(64)(x))
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        return nn.Dense(1)(x)[:, 0]

    def _branch(self, x: jax.Array, layers: tuple[tuple[int, int], ...], train: bool) -> jax.Array:
        for number, (features, kernel) in enumerate(layers):
            if number:
                x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
            x = max_pool(nn.relu(Conv(features, kernel)(x)), 4)
        # No normalisation here: the one over both branches would undo it, and Adam would follow the rounding.
        return jnp.concatenate([x.mean(axis=1), max_pool(x, x.shape[1])[:, 0]], axis=-1)


def dip_significance(flat: jax.Array) -> jax.Array:
    """How far the mean of neighbouring cadences lies below the median, in standard errors, for dips of given lengths.

    Args:
        flat: ``(n, c)`` float32 in units of the star's scatter; 0 where not valid.

    Returns:
        ``(n, c, len(BOXES))`` float32, less 2, cut to [0, 8] and halved: noise is mostly 0. Boxes are centred on each
        cadence.
    """
    # Dips deeper than 8 count as 8: one wild point is no transit of 15 cadences.
    values, valid = jnp.maximum(flat, -8.0), (flat != 0).astype(flat.dtype)
    channels = []
    for width in BOXES:
        total, count = _moving_sum(values, width), _moving_sum(valid, width)
        channels.append(jnp.clip(-total / jnp.sqrt(jnp.maximum(count, 1.0)) - 2.0, 0.0, 8.0) / 2.0)
    return jnp.stack(channels, axis=-1)


def _moving_sum(x: jax.Array, width: int) -> jax.Array:
    """Return ``(n, c)`` sum over ``width`` (odd) neighbours, what lies outside counting as 0."""
    padded = jnp.pad(x, ((0, 0), (width // 2, width // 2)))
    return sum((padded[:, i : i + x.shape[1]] for i in range(1, width)), padded[:, : x.shape[1]])


def autocorrelation(series: jax.Array) -> jax.Array:
    """Return the autocorrelation of each channel, by the Wiener-Khinchin theorem on the zero-padded series.

    Args:
        series: ``(n, c, channels)`` float32.

    Returns:
        ``(n, c // 2 - 1, channels)`` at lags of 1 to c // 2 - 1 cadences, relative to lag 0, times 5 so that a
        convolution sees values of order one.
    """
    centred = series - series.mean(axis=1, keepdims=True)
    c = series.shape[1]
    # Half as many zeros keep lags up to c // 2 free of wrapping; 3,197 itself has a prime factor of 139.
    from scipy.fft import next_fast_len  # a search of folds needs no transform

    spectrum = jnp.fft.rfft(centred, n=next_fast_len(c + c // 2, real=True), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    lags = jnp.fft.irfft(power.astype(spectrum.dtype), axis=1)[:, : c // 2]
    return 5.0 * lags[:, 1:] / (lags[:, :1] + 1e-3)


def space(suggest: Suggest) -> Choice:
    """Return the optimiser, the belief in injected transits, dropout."""
    return Choice(
        train={
            "learning_rate": suggest.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
            "weight_decay": suggest.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
            "inject": suggest.suggest_float("inject", 3.0, 100.0, log=True),
        },
        options={"dropout": suggest.suggest_float("dropout", 0.0, 0.6)},
    )


# A bias that a later normalisation undoes has a gradient of rounding noise; a small epsilon would make steps of it,
# other ones on 8 devices than on 1.
MODEL = Network(
    inputs=("flat",),
    module=DipCNN(),
    train=TrainConfig(steps=400, inject=30.0, adam_epsilon=1e-4),
    augment=partial(of_series, "flat"),
    space=space,
)
