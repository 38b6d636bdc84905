"""Compute the numbers of a candidate: scalars of its detection, crowding of similar events, measures of its views.

The transit network and boosting read the same columns.
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
"""views of a few durations around an event"""
NEIGHBOURHOODS = (0.02, 0.1, 1.0)
"""days: distances from the epoch of an event within which epochs of training rows are counted"""
MOMENTS = 4096
"""number of quantiles that represent the epochs and the periods of the training rows"""
PLAIN = len(SCALARS) - 1 + len(NEIGHBOURHOODS) + 1
"""number of columns that are no measures of a view: scalars without the epoch, and the crowding of epoch and period"""
COLUMNS = PLAIN + 6 * MEASURES
TRANSIT = {"whole": 0.08, "near": 0.5}
"""kind of view -> share of its bins that counts as the transit"""
VIEWS = ("global", "double", "local", "secondary", "half", "parity")
"""names of the views, in the order of their columns"""
_PLAIN_NAMES = (
    *(name for name in SCALARS if name != "epoch"),
    *(f"crowd_{days:g}d" for days in NEIGHBOURHOODS),
    "crowd_period",
)
NAMES = (
    *_PLAIN_NAMES,
    *(f"{v}_{name}" for v in VIEWS for name in FIGURES),
)
"""names of the columns"""


def kinds_of(flat: Inputs) -> dict[str, dict[str, jax.Array]]:
    """Group the views by the encoder that reads them; odd and even transits enter as their difference."""
    parity = difference(flat["odd_view"], flat["even_view"])
    near = {"local": flat["local_view"], "secondary": flat["secondary_view"], "half": flat["half_view"]}
    return {"whole": {"global": flat["global_view"], "double": flat["double_view"]}, "near": near | {"parity": parity}}


def covered(view: jax.Array) -> jax.Array:
    """Return ``(m,)`` bool, true where at least one bin of ``view (m, bins, 3)`` is covered."""
    return (view[..., 2] > 0).any(axis=1)


def columns_of(flat: Inputs, moments: Mapping[str, jax.Array]) -> jax.Array:
    """Return ``(m, COLUMNS)`` float32: scalars, crowding, and the measures of each view; NaN where unknown."""
    measured = []
    for kind, views in kinds_of(flat).items():
        # Views of one size are measured together, because every call adds to the compiled function.
        figures = measure(jnp.concatenate(list(views.values())), TRANSIT[kind])
        measured += jnp.split(figures, len(views))
    period, epoch = (flat["scalars"][:, SCALARS.index(name)] for name in ("log_period", "epoch"))
    alike = alike_of(period, epoch, moments)
    # Without the epoch itself, by which a network could memorise single events.
    first = SCALARS.index("epoch")
    plain = [flat["scalars"][:, :first], flat["scalars"][:, first + 1 :]]
    return jnp.concatenate([*plain, jnp.stack(alike, axis=-1), *measured], axis=-1)


def alike_of(period: jax.Array, epoch: jax.Array, moments: Mapping[str, jax.Array]) -> list[jax.Array]:
    """Return the crowding of events: the share of training rows with a similar epoch or period.

    An event is suspect if many other stars have an event within minutes of it, or at the same period, because the
    spacecraft then causes it. The shares are computed from quantiles of the training rows only, so that the result of
    an event does not depend on other scored events.

    Args:
        period: ``(m,)`` float32, log10 of days.
        epoch: ``(m,)`` float32, days; NaN outside a survey.
        moments: ``epochs`` and ``periods``, ``(MOMENTS,)`` quantiles.

    Returns:
        Arrays ``(m,)`` float32 of decimal logarithms: the share of epochs within each of ``NEIGHBOURHOODS``, each but
        the longest relative to the next longer one; and the share of periods within 0.2 %. NaN without an epoch.
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
        scalars: ``(n, K, len(SCALARS))`` float32, scalars of training rows.

    Returns:
        ``epochs`` and ``periods``, ``(MOMENTS,)`` float32; an empty dictionary if no epoch is known.
    """
    known = scalars[np.isfinite(scalars[..., SCALARS.index("epoch")])]
    found = {}
    for name, slot in (("epochs", "epoch"), ("periods", "log_period")):
        values = known[:, SCALARS.index(slot)].astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            found[name] = np.quantile(values, np.linspace(0.0, 1.0, MOMENTS)).astype(np.float32)
    return found
