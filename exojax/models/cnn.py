"""A convolutional network for whole series that detects dips and their repetition.

It has two branches of convolution, ReLU, max-pool and batch normalisation. One branch reads the series over time; the
other reads the autocorrelation over lags, where repeated dips coincide for any epoch. The mean and the maximum over the
remaining axis make the first branch independent of the times of the dips, which a dense layer cannot learn from 42
hosts. Both branches also read the significance of a dip of transit length at each cadence, which is computed, not
learned.
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
"""scatters: depth at which dips are clipped in a second channel, so that deep eclipses do not hide shallow dips"""
BOXES = (3, 7, 15)
"""cadences: lengths of dips"""


class DipCNN(nn.Module):
    """``{"flat": (n, c)}``, in units of the star's scatter -> ``(n,)`` logits, for any number of cadences.

    Attributes:
        time: channels and kernels of the branch over time.
        lags: channels and kernels of the branch over the lags of the autocorrelation.
        dropout: share of features dropped before each dense layer.
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
        # Without a normalisation, which the later one over both branches would cancel: its gradients would be rounding.
        return jnp.concatenate([x.mean(axis=1), max_pool(x, x.shape[1])[:, 0]], axis=-1)


def dip_significance(flat: jax.Array) -> jax.Array:
    """Return the significance of a dip in a box around each cadence, for several lengths of the box.

    Args:
        flat: ``(n, c)`` float32 in units of the star's scatter; 0 where not valid.

    Returns:
        ``(n, c, len(BOXES))`` float32: depth of the mean below the median in standard errors, minus 2, clipped to
        [0, 8] and divided by 2, so that noise is mostly 0.
    """
    # Depths are clipped at 8, so that a single outlier is no transit of 15 cadences.
    values, valid = jnp.maximum(flat, -8.0), (flat != 0).astype(flat.dtype)
    channels = []
    for width in BOXES:
        total, count = _moving_sum(values, width), _moving_sum(valid, width)
        channels.append(jnp.clip(-total / jnp.sqrt(jnp.maximum(count, 1.0)) - 2.0, 0.0, 8.0) / 2.0)
    return jnp.stack(channels, axis=-1)


def _moving_sum(x: jax.Array, width: int) -> jax.Array:
    """Return ``(n, c)`` sums over ``width`` (odd) neighbours; values outside the series count as 0."""
    padded = jnp.pad(x, ((0, 0), (width // 2, width // 2)))
    return sum((padded[:, i : i + x.shape[1]] for i in range(1, width)), padded[:, : x.shape[1]])


def autocorrelation(series: jax.Array) -> jax.Array:
    """Return the autocorrelation of each channel of the zero-padded series (Wiener-Khinchin theorem).

    Args:
        series: ``(n, c, channels)`` float32.

    Returns:
        ``(n, c // 2 - 1, channels)`` at lags of 1 to c // 2 - 1 cadences, relative to lag 0, times 5 so that a
        convolution sees values of order one.
    """
    centred = series - series.mean(axis=1, keepdims=True)
    c = series.shape[1]
    # Padding by c // 2 zeros keeps lags up to c // 2 free of wrap-around, and allows a length with small prime factors.
    from scipy.fft import next_fast_len  # imported here, because models of folded curves do not need it

    spectrum = jnp.fft.rfft(centred, n=next_fast_len(c + c // 2, real=True), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    lags = jnp.fft.irfft(power.astype(spectrum.dtype), axis=1)[:, : c // 2]
    return 5.0 * lags[:, 1:] / (lags[:, :1] + 1e-3)


def space(suggest: Suggest) -> Choice:
    """Return the settings to tune: optimiser, weight of injected transits, dropout."""
    return Choice(
        train={
            "learning_rate": suggest.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
            "weight_decay": suggest.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
            "inject": suggest.suggest_float("inject", 3.0, 100.0, log=True),
        },
        options={"dropout": suggest.suggest_float("dropout", 0.0, 0.6)},
    )


# A bias before a normalisation has a gradient that is rounding noise. With a small epsilon, Adam would turn it into
# steps that differ between 8 devices and 1.
MODEL = Network(
    inputs=("flat",),
    module=DipCNN(),
    train=TrainConfig(steps=400, inject=30.0, adam_epsilon=1e-4),
    augment=partial(of_series, "flat"),
    space=space,
)
