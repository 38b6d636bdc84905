"""Attribute the score of folded views to their bins, and to the numbers beside them.

A view is ``(n, K, bins, 3)``: value, scatter and coverage of each bin of the K candidates of n stars. Only the values
are attributed. The baseline is a fold without a signal: value 0, with unchanged scatter and coverage.
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
"""name of a view -> ``(n, K, bins, 3)`` float32; and other inputs of the score, such as scalars ``(n, K, s)``"""
_AT_ONCE = 32
"""number of points of the path whose gradients are computed together"""
Score = Callable[[dict[str, Any]], Any]
"""takes the inputs of n stars (NumPy or JAX); returns ``(n,)`` scores, such as logits, each from its own row only"""


@dataclass(frozen=True, eq=False)
class Attribution:
    """The attribution of the score of one candidate. NumPy only.

    Attributes:
        views: name of a view to ``(bins, 3)`` float, the input of the model: value, scatter, coverage.
        moved: name of a view to ``(bins,)`` float64, the contribution of each bin, in units of the score.
        numbers: name of a known number to the decrease of the score if it were unknown.
        score: score of the candidate, log-odds before calibration.
        flat: score of a fold without a signal.
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
    """Return the contribution of each bin to the score by integrated gradients (Sundararajan, Taly & Yan 2017).

    The contribution is the value of the bin times the mean gradient on the straight path from the baseline to the view.
    The integral uses the Gauss-Legendre rule, which is exact for polynomials of degree ``2 steps - 1`` and approximate
    for ReLUs and maxima. The sum over all bins is the score minus that of the baseline, up to :func:`missing`. For a
    score with steps, or without a derivative, use :func:`integrated_occlusion`.

    Args:
        score: differentiable score.
        views: its inputs; arrays with fewer than four axes are no views and stay fixed.
        steps: number of points on the path.
        width: number of bins of a window, whose contribution is spread evenly over its bins.
        options: options of XLA for compiling the gradient.

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
    """Return the contribution of each bin to the score by finite differences along the path.

    The method computes the integral of :func:`integrated_gradients` (Aumann & Shapley 1974) with differences in place
    of derivatives: at each step of the path every window of bins is moved alone, with the others halfway. The score
    need not be differentiable, and steps in it count, such as a share of bins below a level, whose derivative is 0.

    Args:
        score: compiled score, which is called with all windows of a star at once.
        views: as in :func:`integrated_gradients`.
        width: number of bins of a window, whose contribution is spread evenly over its bins. One window is centred on
            the transit; windows at the ends of a view may be shorter.
        steps: number of steps of the path. The error of the sum decreases with their square.

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
        # The rows of the batch are pairs: before and after a window is moved.
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
    """Return ``(n,)`` float64, the score of the baseline: folds without a signal."""
    none = {name: np.zeros_like(value) for name, value in _values(views).items()}
    return np.asarray(score(_with(views, none)), np.float64)


def missing(score: Score, views: Views, attribution: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return ``(n,)`` float64, the part of the score above the baseline that the contributions do not explain."""
    change = np.asarray(score(dict(views)), np.float64) - flat(score, views)
    return change - sum(np.asarray(x).sum(axis=(1, 2)) for x in attribution.values())


def withheld(score: Score, inputs: Views, name: str) -> np.ndarray:
    """Return the decrease of the score when one number beside the views is set to unknown, for each number.

    Args:
        score: score, which accepts NaN for unknown numbers; it need not be differentiable.
        inputs: its inputs.
        name: name of the input with the numbers, ``(n, K, s)`` float32.

    Returns:
        ``(n, K, s)`` float64, in units of the score; 0 where the number is unknown. Of two numbers with the same
        information, each has a small effect, because the score can use the other.
    """
    known = np.asarray(inputs[name])
    fall = np.zeros(known.shape)
    n = known.shape[1] * known.shape[2]
    for star in range(len(known)):
        # The unchanged row, followed by one row without each number.
        rows = {key: np.repeat(np.asarray(x)[star : star + 1], n + 1, axis=0) for key, x in inputs.items()}
        rows[name].reshape(n + 1, n)[np.arange(1, n + 1), np.arange(n)] = np.nan
        whole, *without = np.asarray(score(rows), np.float64)
        fall[star] = (whole - np.array(without)).reshape(known.shape[1:])
    return np.where(np.isnan(known), 0.0, fall)


@lru_cache(maxsize=4)
def _gradient(
    score: Score, options: tuple[tuple[str, bool | int], ...]
) -> Callable[[dict[str, Any], dict[str, Any]], dict[str, jax.Array]]:
    """Return the compiled gradient of the sum of scores with respect to the values; one function per score."""

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
