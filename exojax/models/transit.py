"""A network that vets a candidate by its folded views, the scalars of its detection and the numbers of vetting tests.

Every view is folded again at its middle, so that a candidate and its mirror image in time have the same score. The
network reads it in two ways: by convolutions, shared by views of one kind, and by computed measures
(:mod:`exojax.models.measures`). Measures and scalars enter as piecewise linear encodings between quantiles of the
training rows (Gorishniy et al. 2022, arXiv:2203.05556), which represent thresholds even with a few hundred planets. The
score of a star is the highest score of its candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from exojax.config import TrainConfig
from exojax.models.base import Augment, Choice, Inputs, Network, Suggest
from exojax.models.candidate import COLUMNS, MOMENTS, NEAR, PLAIN, WHOLE, columns_of, covered, kinds_of, moments_of
from exojax.models.layers import Conv, highest, max_pool
from exojax.models.measures import MEASURES, mirror_fold, place
from exojax.vetting.all_tests import NUMBERS

N_COLUMNS = COLUMNS + len(NUMBERS)
"""columns: those of :mod:`exojax.models.candidate`, and the numbers of the vetting tests"""
KNOTS = 7
"""number of quantiles between which the encoding of a column is linear"""
NARROWEST = 0.3
"""smallest distance between two knots, in units of the column's spread"""
LEAST = 1e-2
"""smallest spread of a column, so that rounding errors of a constant column are not scaled up"""
WITHOUT_TESTS = 0.5
"""share of the training rows whose vetting numbers are hidden: those of real stars are spread more widely"""
_ROWS = 512
"""number of rows that are measured at once"""


class TransitNet(nn.Module):
    """A network: views, scalars and vetting numbers of K candidates per row -> ``(n,)`` logits, for any number of bins.

    Attributes:
        layers: output channels, kernel and pooling of each convolution.
        windows: number of positions at which the output of the convolutions is used.
        width: width of the dense layer after each view and after the scalars.
        hidden: width of the last but one layer.
        dropout: share of features dropped before each dense layer except that of the scalars.
    """

    layers: tuple[tuple[int, int, int], ...] = ((16, 5, 2), (16, 5, 2), (32, 5, 1))
    windows: int = 10
    width: int = 48
    hidden: int = 128
    dropout: float = 0.3

    @nn.compact
    def __call__(self, inputs: Inputs, *, train: bool) -> jax.Array:
        n, k = inputs["scalars"].shape[:2]
        flat = {name: x.reshape(n * k, *x.shape[2:]) for name, x in inputs.items()}
        drop = nn.Dropout(self.dropout, deterministic=not train)
        grid = partial(jnp.linspace, 0.0, 1.0, MOMENTS)
        moments = {name: self.variable("batch_stats", name, grid).value for name in ("epochs", "periods")}
        parts = [nn.relu(nn.Dense(self.width, name="columns")(self._encode(all_columns(flat, moments))))]
        for kind, views in kinds_of(flat).items():
            encoder = ViewEncoder(self.layers, self.windows, name=kind)
            there = {name: covered(view) for name, view in views.items()}
            first, *others = (mirror_fold(view) for view in views.values())
            encoded = [encoder(first)]
            if others:
                # One call for all other views, because every call is compiled separately.
                any_there = jnp.stack(list(there.values())[1:]).any()
                encoded += jnp.split(_if_any(encoder, any_there, jnp.concatenate(others)), len(others))
            for name, x in zip(views, encoded):
                x = nn.relu(nn.Dense(self.width, name=name)(drop(x)))
                parts.append(jnp.where(there[name][:, None], x, 0.0))
        x = nn.relu(nn.Dense(self.hidden)(drop(jnp.concatenate(parts, axis=-1))))
        logits = nn.Dense(1)(drop(x)).reshape(n, k)
        return highest(logits, covered(flat["global_view"]).reshape(n, k))

    def _encode(self, columns: jax.Array) -> jax.Array:
        """Encode ``columns (m, N_COLUMNS)`` as ``(m, features)``; an unknown column (NaN) gives 0 and a flag."""
        center = self.variable("batch_stats", "columns_center", jnp.zeros, (N_COLUMNS,)).value
        spread = self.variable("batch_stats", "columns_spread", jnp.ones, (N_COLUMNS,)).value
        knots = self.variable("batch_stats", "columns_knots", _initial_knots).value
        # The network learned nothing about a column that was unknown in all training rows.
        known = ~jnp.isnan(columns) & (spread > 0)[None]
        x = jnp.where(known, columns, center[None])
        unit = jnp.where(spread > 0, spread, 1.0)[None]
        scaled = jnp.clip(jnp.arcsinh((x - center[None]) / unit), -4.0, 4.0)
        low, high = knots[None, :, :-1], knots[None, :, 1:]
        # Many knots of a column with one dominant value coincide; the smallest distance avoids jumps there.
        apart = jnp.maximum(high - low, NARROWEST * unit[..., None])
        share = jnp.clip((x[..., None] - low) / apart, 0.0, 1.0) - 0.5
        share = jnp.where(known[..., None], share, 0.0).reshape(len(x), -1)
        # One flag per view is enough, because its measures are all known or all unknown. Vetting numbers have no flag.
        flags = known[:, :PLAIN], known[:, PLAIN:COLUMNS:MEASURES]
        return jnp.concatenate([scaled, share, *(1.0 - flag.astype(x.dtype) for flag in flags)], axis=-1)


class ViewEncoder(nn.Module):
    """Convolutions, ReLU and max-pooling over a folded view, reduced to a few positions and the maximum."""

    layers: tuple[tuple[int, int, int], ...]
    windows: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Encode ``x (m, length, 4)`` as ``(m, (windows + 1) * channels)``."""
        for features, kernel, window in self.layers:
            x = nn.relu(Conv(features, kernel)(x))
            if window > 1 and x.shape[1] >= 2 * window:
                x = max_pool(x, window)
        kept = place(x, self.windows).reshape(len(x), -1)
        return jnp.concatenate([kept, max_pool(x, x.shape[1])[:, 0]], axis=-1)


def _initial_knots() -> jax.Array:
    """Return ``(N_COLUMNS, KNOTS)`` knots before they are fitted: evenly spaced from -1 to 1."""
    return jnp.tile(jnp.linspace(-1.0, 1.0, KNOTS), (N_COLUMNS, 1))


def _if_any(encoder: ViewEncoder, there: jax.Array, folded: jax.Array) -> jax.Array:
    """Return the encoder's output, or zeros without a computation if no row has these views (``there`` () bool)."""
    params = encoder.variables["params"]
    alone = ViewEncoder(encoder.layers, encoder.windows, parent=None)

    def run(x: jax.Array) -> Any:
        return alone.apply({"params": params}, x)

    shape = jax.eval_shape(run, folded)
    return jax.lax.cond(there, run, lambda x: jnp.zeros(shape.shape, shape.dtype), folded)


def all_columns(flat: Inputs, moments: Mapping[str, jax.Array]) -> jax.Array:
    """Return ``(m, N_COLUMNS)`` float32: :func:`exojax.models.candidate.columns_of` and the vetting numbers."""
    return jnp.concatenate([columns_of(flat, moments), flat["vetting"]], axis=-1)


def settle(batch_stats: Mapping[str, Any], features: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the scaling of scalars and measures, fitted to the candidates of the training rows.

    Args:
        batch_stats: initial collection of the module.
        features: inputs of the module for the training rows, ``(n, K, ...)`` float32.

    Returns:
        The collection with the quantiles of epochs and periods, and with the median, the quantiles and the spread of
        each column. The spread is the largest of: the interquartile range as a standard deviation, a tenth of the
        range of 98 % of the values, and ``LEAST``. A column without known values gets a spread of 0, and the network
        treats it as unknown.
    """
    n = len(features["scalars"])
    found = dict(batch_stats)
    found |= {name: jnp.asarray(x) for name, x in moments_of(features["scalars"]).items()}
    moments = {name: found[name] for name in ("epochs", "periods")}
    parts = []
    for start in range(0, n, _ROWS):
        part = {name: np.asarray(x[start : start + _ROWS]) for name, x in features.items()}
        # Pad to one size, so that the function is compiled once; rows without a view are left out afterwards.
        part = {name: np.pad(x, [(0, _ROWS - len(x))] + [(0, 0)] * (x.ndim - 1)) for name, x in part.items()}
        flat = {name: x.reshape(-1, *x.shape[2:]) for name, x in part.items()}
        parts.append(np.asarray(_compiled_columns(flat, moments))[flat["global_view"][..., 2].max(axis=1) > 0])
    columns = np.concatenate(parts)
    names = "columns_center", "columns_spread", "columns_knots"
    center, spread, knots = (np.array(batch_stats[name]) for name in names)
    for j, column in enumerate(columns.T):
        known = column[~np.isnan(column)].astype(np.float64)
        if not len(known):
            spread[j] = 0.0
            continue
        low, center[j], high = np.quantile(known, (0.25, 0.5, 0.75))
        # The interquartile range of a column with one dominant value is 0; the wider range does not affect others.
        first, last = np.quantile(known, (0.01, 0.99))
        spread[j] = max((high - low) / 1.349, 0.1 * (last - first), LEAST)
        knots[j] = np.quantile(known, np.linspace(0.0, 1.0, KNOTS))
    return found | {name: jnp.asarray(x) for name, x in zip(names, (center, spread, knots))}


_compiled_columns = jax.jit(all_columns)


@lru_cache
def augment(cadence: float, injected: float) -> Augment:
    """Return the augmentation: noise, shifts of local views by one bin, and random removal of views and scalars.

    The removal trains the network for sources with fewer views and scalars.
    """
    return _augment


def _augment(key: jax.Array, inputs: Inputs, labels: jax.Array) -> Inputs:
    out = dict(inputs)
    for number, name in enumerate(WHOLE + NEAR):
        noise_key, size_key, shift_key, drop_key = jax.random.split(jax.random.fold_in(key, number), 4)
        view = inputs[name]
        value, there = view[..., 0], view[..., 2] > 0
        rough = jnp.abs(value[..., 1:] - value[..., :-1]).mean(axis=-1, keepdims=True)
        size = 0.3 * jax.random.uniform(size_key, rough.shape) * rough
        value = jnp.where(there, value + size * jax.random.normal(noise_key, value.shape, value.dtype), 0.0)
        view = jnp.concatenate([value[..., None], view[..., 1:]], axis=-1)
        if name in NEAR:
            # One shift for all candidates of a row, because a roll by a traced number gathers whole rows.
            steps = jax.random.randint(shift_key, (len(view),), -1, 2)
            view = jax.vmap(lambda row, by: jnp.roll(row, by, axis=1))(view, steps)
        if name not in ("global_view", "local_view"):
            view = view * jax.random.bernoulli(drop_key, 0.95, (len(view), 1, 1, 1)).astype(view.dtype)
        out[name] = view
    lost = jax.random.bernoulli(jax.random.fold_in(key, 99), 0.05, inputs["scalars"].shape)
    out["scalars"] = jnp.where(lost, jnp.nan, inputs["scalars"])
    some_key, all_key = jax.random.split(jax.random.fold_in(key, 98))
    lost = jax.random.bernoulli(some_key, 0.05, inputs["vetting"].shape)
    lost |= jax.random.bernoulli(all_key, WITHOUT_TESTS, (len(lost), 1, 1))
    out["vetting"] = jnp.where(lost, jnp.nan, inputs["vetting"])
    return out


def space(suggest: Suggest) -> Choice:
    """Return the settings to tune: optimiser, passes and dropout; no shapes, so that any run can give initial
    weights."""
    return Choice(
        train={
            "learning_rate": suggest.suggest_float("learning_rate", 3e-4, 1e-2, log=True),
            "weight_decay": suggest.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
            "passes": suggest.suggest_float("passes", 5.0, 40.0, log=True),
        },
        options={"dropout": suggest.suggest_float("dropout", 0.0, 0.6)},
    )


MODEL = Network(
    inputs=(*WHOLE, *NEAR, "scalars", "vetting"),
    module=TransitNet(),
    train=TrainConfig(steps=600, passes=15, host_passes=120, injected_copies=400, batch_size=128, average_decay=0.99),
    augment=augment,
    settle=settle,
    space=space,
)
