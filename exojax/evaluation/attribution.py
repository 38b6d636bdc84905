"""What moved a score of folded views: which bins, along the way from no signal, and which numbers beside them.

A view is ``(n, K, bins, 3)``: value, scatter and coverage of each bin of the K candidates of n stars. Only the value is
asked about; the baseline is a fold without a signal, value 0, with the scatter and the coverage as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Views = Mapping[str, np.ndarray]
"""View name -> ``(n, K, bins, 3)`` float32, and whatever else the score takes, such as scalars ``(n, K, s)``."""
_AT_ONCE = 32
"""points on the way whose gradients are computed together"""
Score = Callable[[dict[str, Any]], Any]
"""Views of n stars, arrays of NumPy or JAX -> ``(n,)`` score, a logit say; of each star by its own rows alone."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """Why one candidate has its score. NumPy only.

    Attributes:
        views: name to ``(bins, 3)`` float, as the model took it: value, scatter, coverage.
        moved: the same names to ``(bins,)`` float64, what each bin added, in units of the score.
        numbers: name to what the score falls by where the number is unknown, for those that are known.
        score: the candidate's, log-odds before calibration.
        flat: the same of a fold without a signal.
    """

    views: Mapping[str, np.ndarray]
    moved: Mapping[str, np.ndarray]
    numbers: Mapping[str, float]
    score: float
    flat: float


def integrated_gradients(
    score: Score,
    views: Views,
    *,
    steps: int = 32,
    width: int = 1,
    options: Mapping[str, bool | int] | None = None,
) -> dict[str, np.ndarray]:
    """What each bin's value adds to the score on the straight way from no signal to the signal.

    Sundararajan, Taly & Yan (2017): value times the mean gradient along the way, here by Gauss and Legendre's rule,
    which is exact for polynomials of degree ``2 steps - 1``; ReLUs and maxima have corners, where it is approximate.
    The sum over views and bins is the score less that of the baseline; :func:`missing` tells by how much it is not. Of
    a score with steps in it, or without a derivative, :func:`integrated_occlusion` tells more.

    Args:
        score: differentiable.
        views: what it takes; arrays that are no views, of fewer than four axes, are held fixed.
        steps: points on the way.
        width: bins of a window, which share alike what they add, as in :func:`integrated_occlusion`.
        options: by which XLA compiles the gradient.

    Returns:
        View name to ``(n, K, bins)`` float64, in units of the score: positive bins raised it.
    """
    place, weight = np.polynomial.legendre.leggauss(steps)
    at, share = (place + 1) / 2, weight / 2
    gradient, values = _gradient(score, tuple((options or {}).items())), _values(views)
    found: dict[str, np.ndarray] = {name: np.zeros(value.shape) for name, value in values.items()}
    for star in range(len(next(iter(values.values())))):
        for first in range(0, steps, _AT_ONCE):
            # As many points as fill the one shape that is compiled; those past the last count nothing.
            here = np.pad(at[first : first + _AT_ONCE], (0, max(first + _AT_ONCE - steps, 0)))
            part = np.pad(share[first : first + _AT_ONCE], (0, max(first + _AT_ONCE - steps, 0)))
            fixed = {name: np.repeat(np.asarray(x)[star : star + 1], _AT_ONCE, 0) for name, x in views.items()}
            moved = {
                name: (here.reshape(-1, 1, 1) * value[star : star + 1]).astype(np.float32)
                for name, value in values.items()
            }
            for name, slope in gradient(moved, fixed).items():
                mean = np.tensordot(part, np.asarray(slope, np.float64), axes=1)
                found[name][star] += values[name][star] * mean
    for x in found.values():
        for window in _windows(x.shape[2], width):
            x[..., window] = x[..., window].mean(axis=-1, keepdims=True)
    return found


def integrated_occlusion(score: Score, views: Views, *, width: int = 5, steps: int = 24) -> dict[str, np.ndarray]:
    """What each window of bins adds to the score on the straight way from no signal to the signal.

    The integral of :func:`integrated_gradients` (Aumann & Shapley 1974) by differences instead of derivatives: on each
    step of the way every window is moved by itself, all others halfway. So steps in a score count too, such as the
    share of a view's bins below a level, whose derivative is 0; and the score need not be differentiable.

    Args:
        score: called with all windows of a star at once: give it compiled.
        views: as in :func:`integrated_gradients`.
        width: bins of a window, which share alike what it adds; one is about the middle, where the transit is, and
            those at the ends of a view may be cut.
        steps: of the way. The sum is complete to the square of one over it, where windows act on each other.

    Returns:
        View name to ``(n, K, bins)`` float64, in units of the score: positive bins raised it.
    """
    values = _values(views)
    n = len(next(iter(views.values())))
    windows = [
        (name, k, window)
        for name, value in values.items()
        for k in range(value.shape[1])
        for window in _windows(value.shape[2], width)
    ]
    found = {name: np.zeros(value.shape) for name, value in values.items()}
    rows = 2 * len(windows)
    for star in range(n):
        # Rows of the batch come in pairs: before and after a window is moved.
        fixed = {name: np.repeat(np.asarray(x)[star : star + 1], rows, axis=0) for name, x in views.items()}
        for low, high in ((step / steps, (step + 1) / steps) for step in range(steps)):
            moved = {name: np.repeat(value[star : star + 1], rows, axis=0) for name, value in values.items()}
            moved = {name: 0.5 * (low + high) * value for name, value in moved.items()}
            for row, (name, k, window) in enumerate(windows):
                moved[name][2 * row, k, window] = low * values[name][star, k, window]
                moved[name][2 * row + 1, k, window] = high * values[name][star, k, window]
            before, after = np.asarray(score(_with(fixed, moved)), np.float64).reshape(-1, 2).T
            for (name, k, window), change in zip(windows, after - before):
                part = found[name][star, k, window]
                part += change / len(part)
    return found


def flat(score: Score, views: Views) -> np.ndarray:
    """Return ``(n,)`` float64: the score of folds without a signal, where the way begins."""
    none = {name: np.zeros_like(value) for name, value in _values(views).items()}
    return np.asarray(score(_with(views, none)), np.float64)


def missing(score: Score, views: Views, attribution: Mapping[str, np.ndarray]) -> np.ndarray:
    """``(n,)`` float64: the score less the baseline's less the sum of the attributions; 0 where these are complete."""
    change = np.asarray(score(dict(views)), np.float64) - flat(score, views)
    return change - sum(np.asarray(x).sum(axis=(1, 2)) for x in attribution.values())


def withheld(score: Score, inputs: Views, name: str) -> np.ndarray:
    """How far the score falls when each number beside the views is unknown by itself.

    Args:
        score: need not be differentiable; takes NaN for an unknown number.
        inputs: what it takes.
        name: of the numbers, ``(n, K, s)`` float32.

    Returns:
        ``(n, K, s)`` float64, in units of the score; 0 where a number is unknown anyway. Numbers that tell the same
        are each of little account then, as the other one is still there.
    """
    known = np.asarray(inputs[name])
    fall = np.zeros(known.shape)
    n = known.shape[1] * known.shape[2]
    for star in range(len(known)):
        # The row as it is, and once without each number.
        rows = {key: np.repeat(np.asarray(x)[star : star + 1], n + 1, axis=0) for key, x in inputs.items()}
        rows[name].reshape(n + 1, n)[np.arange(1, n + 1), np.arange(n)] = np.nan
        whole, *without = np.asarray(score(rows), np.float64)
        fall[star] = (whole - np.array(without)).reshape(known.shape[1:])
    return np.where(np.isnan(known), 0.0, fall)


@lru_cache(maxsize=4)
def _gradient(
    score: Score, options: tuple[tuple[str, bool | int], ...]
) -> Callable[[dict[str, Any], dict[str, Any]], dict[str, jax.Array]]:
    """Of the sum of scores by the values; compiled once for each score."""

    def total(values: dict[str, jax.Array], fixed: dict[str, jax.Array]) -> jax.Array:
        views = {name: fixed[name].at[..., 0].set(value) for name, value in values.items()}
        return jnp.sum(score(fixed | views))

    return jax.jit(jax.grad(total), compiler_options=dict(options))


def _windows(bins: int, width: int) -> list[slice]:
    first = (bins // 2 - width // 2) % width
    return [
        slice(max(start, 0), min(start + width, bins)) for start in range(first - width if first else 0, bins, width)
    ]


def _values(views: Views) -> dict[str, np.ndarray]:
    return {name: np.asarray(x)[..., 0] for name, x in views.items() if np.ndim(x) == 4}


def _with(views: Views, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the views with other values; scatter and coverage stay."""
    found = {name: np.array(x) for name, x in views.items()}
    for name, value in values.items():
        found[name][..., 0] = value
    return found
