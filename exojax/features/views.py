"""Fold light curves at a candidate's period and bin them into views, the inputs of a vetting network.

The views follow Shallue & Vanderburg (2018, AJ 155, 94) and Yu et al. (2019, AJ 158, 25): the median of a view is 0 and
its lowest bin is -1. Bins are half-open, ``[left, right)``, and the value of a bin is the weighted mean of its points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from exojax.folded_events import COVERAGE
from exojax.loops import compiled
from exojax.loops import views as loops

WINDOW = 2.0
"""durations on either side of an event that its view shows, half a period at most"""


class Moments(NamedTuple):
    """Sums over the bins of one candidate's views, ``(bins, 4)`` float64 each.

    The last axis holds weight, weight times flux, weight times squared flux, and the number of cadences, measured or
    not. The whole phase is in quarters of a bin of the global view, over two periods.
    """

    whole: np.ndarray
    odd: np.ndarray
    even: np.ndarray
    second: np.ndarray
    half: np.ndarray


def moments(
    flux: np.ndarray,
    weight: np.ndarray,
    period: float,
    t0: float,
    duration: float,
    secondary_phase: float,
    *,
    global_bins: int,
    local_bins: int,
) -> Moments:
    """Return the sums over the bins of all views of one candidate.

    Args:
        flux: ``(n_cadences,)`` float32, flat, on an even grid; any unit, about 0.
        weight: ``(n_cadences,)`` float32, 0 where there is no flux.
        period: cadences.
        t0: cadences, a mid-transit.
        duration: cadences.
        secondary_phase: from the transit, 0 to 1; NaN leaves the secondary's view empty.
        global_bins: of the views of the whole phase.
        local_bins: of the views around an event.
    """
    compiled.ready()
    made = Moments(np.zeros((4 * global_bins, 4)), *(np.zeros((local_bins, 4)) for _ in range(4)))
    seen = np.flatnonzero(weight > 0)
    if len(seen):
        window = min(WINDOW * duration, period / 2)
        loops.fold_moments(flux, weight, int(seen[0]), int(seen[-1]), period, t0, window, secondary_phase, *made)
    return made


def views_of(candidates: Sequence[Moments]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return every view of every candidate.

    Args:
        candidates: m of them, with the same bins.

    Returns:
        The views, each ``(m, bins, 3)`` float32 with value, scatter and coverage in the last axis: ``global_view``,
        ``local_view``, ``secondary_view``, ``odd_view`` and ``even_view`` (the transit numbered 0 at ``t0`` is even),
        ``half_view`` (folded at half of the period, around the transit) and ``double_view`` (the whole phase at twice
        the period). Coverage is the share of the cadences in a bin that were measured, from the curve's first
        measurement to its last. Values of ``odd_view``, ``even_view`` and ``half_view`` are in units of the depth of
        ``local_view``, all others in their own. And ``(m,)`` float64 depths in units of ``flux``: ``local_view``,
        ``secondary_view``, ``odd_view``, ``even_view``.
    """
    whole, odd, even, second, half = (np.stack(sums) for sums in zip(*candidates, strict=True))
    m, bins = len(whole), whole.shape[1] // 4
    once = np.roll(whole.reshape(m, 2, 2 * bins, 4).sum(axis=1), -bins, axis=1)
    sums = {
        "global_view": once.reshape(m, bins, 2, 4).sum(axis=2),
        "local_view": odd + even,
        "secondary_view": second,
        "odd_view": odd,
        "even_view": even,
        "half_view": half,
        "double_view": whole.reshape(m, bins, 4, 4).sum(axis=2),
    }
    means = {name: _statistics(x) for name, x in sums.items()}
    level = {name: _level(x) for name, x in means.items()}
    local = level["local_view"], _bottom(means["local_view"], level["local_view"])
    views, depths = {}, {}
    for name, view in means.items():
        shared = name in ("odd_view", "even_view", "half_view")
        own = (level[name], _bottom(view, level[name]))
        views[name] = _scaled(view, *(local if shared else own)).astype(np.float32)
        if name in ("local_view", "secondary_view"):
            depths[name] = own[1]
        elif name in ("odd_view", "even_view"):
            depths[name] = _bottom(view, local[0])
    return views, depths


def _statistics(sums: np.ndarray) -> np.ndarray:
    """Return ``(m, bins, 3)`` mean, scatter and coverage from ``(m, bins, 4)`` sums; 0 in empty bins."""
    weight, number = sums[..., 0], sums[..., 3]
    seen = weight > 0
    safe = np.where(seen, weight, 1.0)
    mean = sums[..., 1] / safe
    scatter = np.sqrt(np.maximum(sums[..., 2] / safe - mean**2, 0.0))
    coverage = np.clip(weight / np.maximum(number, 1.0), 0.0, 1.0)
    return np.where(seen[..., None], np.stack([mean, scatter, coverage], axis=-1), 0.0)


def _level(view: np.ndarray) -> np.ndarray:
    """Return the median over the bins that are not empty, ``(m,)``; 0 where all are."""
    seen = view[..., COVERAGE] > 0
    values = np.where(seen, view[..., 0], np.nan)
    values[~seen.any(axis=1)] = 0.0
    return np.nanmedian(values, axis=1)


def _bottom(view: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return how far the lowest bin lies below ``level``, both ``(m,)``; 0 where all are empty."""
    lowest = np.where(view[..., COVERAGE] > 0, view[..., 0], np.inf).min(axis=1)
    return np.where(np.isfinite(lowest), level - lowest, 0.0)


def _scaled(view: np.ndarray, level: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Return the view with ``level (m,)`` at 0 and a depth of ``depth (m,)`` at -1; a flat one is 0 throughout."""
    unit = np.where(depth > 0, depth, 1.0)[:, None]
    seen = view[..., COVERAGE] > 0
    value = np.where(seen, (view[..., 0] - level[:, None]) / unit, 0.0)
    return np.stack([value, view[..., 1] / unit, view[..., COVERAGE]], axis=-1)
