"""What is told of one candidate in numbers: scalars of its detection, how many events are alike, figures of its views.

The transit network and boosting look at the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from exojax.folded_events import SCALARS
from exojax.models.base import Inputs
from exojax.models.measures import FIGURES, MEASURES, difference, measure

WHOLE = ("global_view", "double_view")
"""views of the whole phase"""
NEAR = ("local_view", "secondary_view", "odd_view", "even_view", "half_view")
"""views of a few durations about an event"""
NEIGHBOURHOODS = (0.02, 0.1, 1.0)
"""days on either side of an event's epoch within which the training rows' epochs are counted"""
MOMENTS = 4096
"""quantiles that stand for the training rows' epochs and periods"""
PLAIN = len(SCALARS) - 1 + len(NEIGHBOURHOODS) + 1
"""columns that are no figures of a view: scalars without the epoch, and what is known of it and of the period"""
COLUMNS = PLAIN + 6 * MEASURES
TRANSIT = {"whole": 0.08, "near": 0.5}
"""share of a view's bins that counts as the transit"""
VIEWS = ("global", "double", "local", "secondary", "half", "parity")
"""in the order of their columns"""
_PLAIN_NAMES = (
    *(name for name in SCALARS if name != "epoch"),
    *(f"crowd_{days:g}d" for days in NEIGHBOURHOODS),
    "crowd_period",
)
NAMES = (
    *_PLAIN_NAMES,
    *(f"{v}_{name}" for v in VIEWS for name in FIGURES),
)
"""of the columns"""


def kinds_of(flat: Inputs) -> dict[str, dict[str, jax.Array]]:
    """Encode the views by the encoder they share; odd and even transits as their difference."""
    parity = difference(flat["odd_view"], flat["even_view"])
    near = {"local": flat["local_view"], "secondary": flat["secondary_view"], "half": flat["half_view"]}
    return {"whole": {"global": flat["global_view"], "double": flat["double_view"]}, "near": near | {"parity": parity}}


def covered(view: jax.Array) -> jax.Array:
    """Return ``(m,)`` bool: any bin of ``view (m, bins, 3)`` is covered."""
    return (view[..., 2] > 0).any(axis=1)


def columns_of(flat: Inputs, moments: Mapping[str, jax.Array]) -> jax.Array:
    """``(m, COLUMNS)`` float32: scalars, how many events are alike, the figures of each view; NaN where unknown."""
    measured = []
    for kind, views in kinds_of(flat).items():
        # Views of one size together: what is compiled is as long as the number of calls.
        figures = measure(jnp.concatenate(list(views.values())), TRANSIT[kind])
        measured += jnp.split(figures, len(views))
    period, epoch = (flat["scalars"][:, SCALARS.index(name)] for name in ("log_period", "epoch"))
    alike = alike_of(period, epoch, moments)
    # The epoch itself would let the network learn single events by heart.
    first = SCALARS.index("epoch")
    plain = [flat["scalars"][:, :first], flat["scalars"][:, first + 1 :]]
    return jnp.concatenate([*plain, jnp.stack(alike, axis=-1), *measured], axis=-1)


def alike_of(period: jax.Array, epoch: jax.Array, moments: Mapping[str, jax.Array]) -> list[jax.Array]:
    """Where the training rows' events crowd: moments at which a spacecraft makes many stars dip, periods of its own.

    The files' own sector catalogues show it: an event is suspect if many other stars have one within minutes of it.
    Counted among training rows only, through their quantiles, so that each event is judged by itself.

    Args:
        period: ``(m,)`` float32, log10 of days.
        epoch: ``(m,)`` float32, days; NaN where there is no survey.
        moments: ``epochs`` and ``periods``, ``(MOMENTS,)`` quantiles.

    Returns:
        ``(m,)`` float32 logarithms: share of epochs within each of ``NEIGHBOURHOODS``, each but the longest relative
        to the next longer one, and share of periods within 0.2 %; NaN without an epoch.
    """
    level = jnp.linspace(0.0, 1.0, MOMENTS)

    def shares(at: jax.Array, halves: tuple[float, ...], quantiles: jax.Array) -> list[jax.Array]:
        edges = jnp.stack([at + sign * half for sign in (1, -1) for half in halves])
        above, below = jnp.split(jnp.interp(edges, quantiles, level), 2)
        return list(above - below + 0.1 / MOMENTS)

    near = shares(epoch, NEIGHBOURHOODS, moments["epochs"])
    peaks = [jnp.log10(a / b) for a, b in pairwise(near)]
    (same,) = shares(period, (0.00087,), moments["periods"])
    same = jnp.where(jnp.isnan(epoch), jnp.nan, jnp.log10(same))
    return [*peaks, jnp.log10(near[-1]), same]


def moments_of(scalars: np.ndarray) -> dict[str, np.ndarray]:
    """Return quantiles of the training rows' epochs and periods, for :func:`columns_of`.

    Args:
        scalars: ``(n, K, len(SCALARS))`` float32 of training rows.

    Returns:
        ``epochs`` and ``periods`` ``(MOMENTS,)`` float32; neither where no epoch is known.
    """
    known = scalars[np.isfinite(scalars[..., SCALARS.index("epoch")])]
    found = {}
    for name, slot in (("epochs", "epoch"), ("periods", "log_period")):
        values = known[:, SCALARS.index(slot)].astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            found[name] = np.quantile(values, np.linspace(0.0, 1.0, MOMENTS)).astype(np.float32)
    return found
