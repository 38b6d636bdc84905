"""A network that vets a candidate from its folded views, the scalars of its detection and what vetting tests measure.

Every view is folded once more about its middle, so that a candidate and its mirror image in time get one and the same
score, and read twice: by convolutions, shared by views of one kind, and as figures with nothing learned
(:mod:`exojax.models.measures`). Figures and scalars enter as piecewise linear encodings between quantiles of training
rows (Gorishniy et al. 2022, arXiv:2203.05556), which lets a few hundred planets teach what takes a tree its thresholds.
A star has the highest score of its candidates.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
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
"""quantiles between which a column is linear"""
NARROWEST = 0.3
"""of a column's spread, the least that is between two knots"""
LEAST = 1e-2
"""the least spread of a column: figures are of order one, and of one that is always the same rounding would be told"""
_ROWS = 512


class TransitNet(nn.Module):
    """Views, scalars and vetting numbers of K candidates a row -> ``(n,)`` logits, for any number of bins.

    Attributes:
        layers: output channels, kernel and pooling of the convolutions of either kind of view.
        windows: places at which their output is kept.
        width: of the dense layer behind each view and behind the scalars.
        hidden: of the last but one.
        dropout: share of features dropped before each dense layer but those of the scalars.
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
        grid = lambda: jnp.linspace(0.0, 1.0, MOMENTS)  # noqa: E731
        moments = {name: self.variable("batch_stats", name, grid).value for name in ("epochs", "periods")}
        parts = [nn.relu(nn.Dense(self.width, name="columns")(self._encode(all_columns(flat, moments))))]
        for kind, views in kinds_of(flat).items():
            encoder = ViewEncoder(self.layers, self.windows, name=kind)
            there = {name: covered(view) for name, view in views.items()}
            first, *others = (mirror_fold(view) for view in views.values())
            seen = [encoder(first)]
            if others:
                # One call for all of them, as each would be compiled by itself.
                any_there = jnp.stack(list(there.values())[1:]).any()
                seen += jnp.split(_if_any(encoder, any_there, jnp.concatenate(others)), len(others))
            for name, one in zip(views, seen):
                one = nn.relu(nn.Dense(self.width, name=name)(drop(one)))
                parts.append(jnp.where(there[name][:, None], one, 0.0))
        x = nn.relu(nn.Dense(self.hidden)(drop(jnp.concatenate(parts, axis=-1))))
        logits = nn.Dense(1)(drop(x)).reshape(n, k)
        return highest(logits, covered(flat["global_view"]).reshape(n, k))

    def _encode(self, columns: jax.Array) -> jax.Array:
        """Return ``(m, N_COLUMNS)`` with NaN -> ``(m, features)``, 0 and a flag where a column is not known."""
        center = self.variable("batch_stats", "columns_center", jnp.zeros, (N_COLUMNS,)).value
        spread = self.variable("batch_stats", "columns_spread", jnp.ones, (N_COLUMNS,)).value
        grid = lambda: jnp.tile(jnp.linspace(-1.0, 1.0, KNOTS), (N_COLUMNS, 1))  # noqa: E731
        knots = self.variable("batch_stats", "columns_knots", grid).value
        # Nothing was learned of a column that no training row had.
        known = ~jnp.isnan(columns) & (spread > 0)[None]
        x = jnp.where(known, columns, center[None])
        unit = jnp.where(spread > 0, spread, 1.0)[None]
        scaled = jnp.clip(jnp.arcsinh((x - center[None]) / unit), -4.0, 4.0)
        low, high = knots[None, :, :-1], knots[None, :, 1:]
        # Of a column that is mostly one value many knots coincide: without a floor it would jump there.
        apart = jnp.maximum(high - low, NARROWEST * unit[..., None])
        share = jnp.clip((x[..., None] - low) / apart, 0.0, 1.0) - 0.5
        share = jnp.where(known[..., None], share, 0.0).reshape(len(x), -1)
        # A view's figures are unknown together, and one flag is enough; vetting numbers do with their six zeros.
        flags = known[:, :PLAIN], known[:, PLAIN:COLUMNS:MEASURES]
        return jnp.concatenate([scaled, share, *(1.0 - flag.astype(x.dtype) for flag in flags)], axis=-1)


class ViewEncoder(nn.Module):
    """Convolution - ReLU - max-pool over a folded view; what is left is kept at a few places, and its maximum."""

    layers: tuple[tuple[int, int, int], ...]
    windows: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Return ``(m, length, 4)`` -> ``(m, (windows + 1) * channels)``."""
        for features, kernel, window in self.layers:
            x = nn.relu(Conv(features, kernel)(x))
            if window > 1 and x.shape[1] >= 2 * window:
                x = max_pool(x, window)
        kept = place(x, self.windows).reshape(len(x), -1)
        return jnp.concatenate([kept, max_pool(x, x.shape[1])[:, 0]], axis=-1)


def _if_any(encoder: ViewEncoder, there: jax.Array, folded: jax.Array) -> jax.Array:
    """The encoder's output, or zeros at no cost where no row of the batch has these views (``there`` () bool)."""
    params = encoder.variables["params"]
    alone = ViewEncoder(encoder.layers, encoder.windows, parent=None)
    run = lambda x: alone.apply({"params": params}, x)  # noqa: E731
    shape = jax.eval_shape(run, folded)
    return jax.lax.cond(there, run, lambda x: jnp.zeros(shape.shape, shape.dtype), folded)


def all_columns(flat: Inputs, moments: Mapping[str, jax.Array]) -> jax.Array:
    """Return ``(m, N_COLUMNS)`` float32: :func:`exojax.models.candidate.columns_of` and the vetting numbers."""
    return jnp.concatenate([columns_of(flat, moments), flat["vetting"]], axis=-1)


def settle(batch_stats: Mapping[str, Any], features: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the scaling of scalars and figures, from the candidates of training rows.

    Args:
        batch_stats: as the module starts with.
        features: the module's inputs, ``(n, K, ...)`` float32.

    Returns:
        The same collection with the quantiles of epochs and periods, and the median, the quantiles and the spread of
        each column (the interquartile range as a standard deviation, a tenth of the range of 98 % or ``LEAST``,
        whichever is most); a column that no candidate has gets a spread of 0, and stays unknown to the network.
    """
    n = len(features["scalars"])
    found = dict(batch_stats)
    found |= {name: jnp.asarray(x) for name, x in moments_of(features["scalars"]).items()}
    moments = {name: found[name] for name in ("epochs", "periods")}
    parts = []
    for start in range(0, n, _ROWS):
        part = {name: np.asarray(x[start : start + _ROWS]) for name, x in features.items()}
        # One size, and so one compilation, for any number of rows; rows without a view are left out again.
        part = {name: np.pad(x, [(0, _ROWS - len(x))] + [(0, 0)] * (x.ndim - 1)) for name, x in part.items()}
        flat = {name: x.reshape(-1, *x.shape[2:]) for name, x in part.items()}
        parts.append(np.asarray(_compiled_columns(flat, moments))[flat["global_view"][..., 2].max(axis=1) > 0])
    columns = np.concatenate(parts)
    names = "columns_center", "columns_spread", "columns_knots"
    center, spread, knots = (np.array(batch_stats[name]) for name in names)
    for j, column in enumerate(columns.T):
        told = column[~np.isnan(column)].astype(np.float64)
        if not len(told):
            spread[j] = 0.0
            continue
        low, center[j], high = np.quantile(told, (0.25, 0.5, 0.75))
        # A column that is mostly one value has no interquartile range; a normal one is not touched by the second.
        first, last = np.quantile(told, (0.01, 0.99))
        spread[j] = max((high - low) / 1.349, 0.1 * (last - first), LEAST)
        knots[j] = np.quantile(told, np.linspace(0.0, 1.0, KNOTS))
    return found | {name: jnp.asarray(x) for name, x in zip(names, (center, spread, knots))}


_compiled_columns = jax.jit(all_columns)


@lru_cache
def augment(cadence: float, injected: float) -> Augment:
    """Return noise, local views a bin off, and views and numbers left out: one network serves sources with fewer."""
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
            # One shift for all candidates of a row: a gather of whole rows is what a roll by a traced number costs.
            steps = jax.random.randint(shift_key, (len(view),), -1, 2)
            view = jax.vmap(lambda row, by: jnp.roll(row, by, axis=1))(view, steps)
        if name not in ("global_view", "local_view"):
            view = view * jax.random.bernoulli(drop_key, 0.95, (len(view), 1, 1, 1)).astype(view.dtype)
        out[name] = view
    lost = jax.random.bernoulli(jax.random.fold_in(key, 99), 0.05, inputs["scalars"].shape)
    out["scalars"] = jnp.where(lost, jnp.nan, inputs["scalars"])
    some_key, all_key = jax.random.split(jax.random.fold_in(key, 98))
    lost = jax.random.bernoulli(some_key, 0.05, inputs["vetting"].shape)
    lost |= jax.random.bernoulli(all_key, 0.1, (len(lost), 1, 1))
    out["vetting"] = jnp.where(lost, jnp.nan, inputs["vetting"])
    return out


def space(suggest: Suggest) -> Choice:
    """The optimiser, how often the rows are seen, dropout; no shapes, so that any choice may start from a run."""
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
