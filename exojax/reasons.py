"""Which bins of which view moved a score: integrated gradients and occlusion, over any score of folded views.

A view is ``(n, K, bins, 3)``: value, scatter and coverage of each bin of the K candidates of n stars. Only the value is
asked about; the baseline is a fold without a signal, value 0, with the scatter and the coverage as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

Views = Mapping[str, np.ndarray]
"""View name -> ``(n, K, bins, 3)`` float32, and whatever else the score takes, such as scalars ``(n, K, s)``."""
Score = Callable[[dict[str, jax.Array]], jax.Array]
"""Views of n stars -> ``(n,)`` score, a logit say; of each star by its own rows alone."""


def integrated_gradients(score: Score, views: Views, *, steps: int = 32) -> dict[str, np.ndarray]:
    """What each bin's value adds to the score on the straight way from no signal to the signal.

    Sundararajan, Taly & Yan (2017): value times the mean gradient along the way, here by Gauss and Legendre's rule,
    which is exact for polynomials of degree ``2 steps - 1``; ReLUs and maxima have corners, where it is approximate.
    The sum over views and bins is the score less that of the baseline; :func:`missing` tells by how much it is not.

    Args:
        score: differentiable.
        views: what it takes; arrays that are no views, of fewer than four axes, are held fixed.
        steps: points on the way.

    Returns:
        View name to ``(n, K, bins)`` float64, in units of the score: positive bins raised it.
    """
    place, weight = np.polynomial.legendre.leggauss(steps)
    gradient = jax.jit(jax.grad(lambda values, fixed: jnp.sum(score(_with(fixed, values)))))
    fixed, values = {name: jnp.asarray(x) for name, x in views.items()}, _values(views)
    total = {name: np.zeros(value.shape) for name, value in values.items()}
    for at, share in zip((place + 1) / 2, weight / 2):
        slope = gradient({name: jnp.asarray(at * value, jnp.float32) for name, value in values.items()}, fixed)
        for name in total:
            total[name] += share * np.asarray(slope[name], np.float64)
    return {name: values[name] * mean for name, mean in total.items()}


def occlusion(score: Score, views: Views, *, width: int = 5) -> dict[str, np.ndarray]:
    """How far the score falls when a window of bins is set to no signal; for scores without a gradient.

    Zeiler & Fergus (2014). Each bin gets the mean over the windows that hold it, so that one bin alone is not asked
    about, which its neighbours replace. Bins that act together are counted each: there is no sum to check.

    Args:
        score: need not be differentiable, and is called for every window: give it compiled.
        views: as in :func:`integrated_gradients`.
        width: bins of a window; those at the ends of a view are cut.

    Returns:
        View name to ``(n, K, bins)`` float64, in units of the score. One window hides that of all K candidates at once
        only if K is 1; otherwise each candidate is asked about by itself.
    """
    fixed, values = {name: jnp.asarray(x) for name, x in views.items()}, _values(views)
    whole = np.asarray(score(fixed), np.float64)
    found = {}
    for name, value in values.items():
        _, candidates, bins = value.shape
        fall, count = np.zeros(value.shape), np.zeros(bins)
        for first in range(1 - width, bins):
            window = slice(max(first, 0), first + width)
            count[window] += 1
            for k in range(candidates):
                hidden = value.copy()
                hidden[:, k, window] = 0
                change = whole - np.asarray(score(_with(fixed, {name: jnp.asarray(hidden)})), np.float64)
                fall[:, k, window] += change[:, None]
        found[name] = fall / count
    return found


def missing(score: Score, views: Views, attribution: Mapping[str, np.ndarray]) -> np.ndarray:
    """``(n,)`` float64: the score less the baseline's less the sum of the attributions; 0 where these are complete."""
    fixed = {name: jnp.asarray(x) for name, x in views.items()}
    none = {name: jnp.zeros_like(jnp.asarray(value)) for name, value in _values(views).items()}
    change = np.asarray(score(fixed), np.float64) - np.asarray(score(_with(fixed, none)), np.float64)
    return change - sum(np.asarray(x).sum(axis=(1, 2)) for x in attribution.values())


def _values(views: Views) -> dict[str, np.ndarray]:
    return {name: np.asarray(x)[..., 0] for name, x in views.items() if np.ndim(x) == 4}


def _with(fixed: Mapping[str, jax.Array], values: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
    """The views with other values; scatter and coverage stay."""
    return dict(fixed) | {name: fixed[name].at[..., 0].set(value) for name, value in values.items()}
