"""The bins of a folded light curve on which the score depends: its gradient with respect to the folded flux.

The network reads its figures between quantiles of the training rows, so that its score has steep steps: the median over
copies with a little noise (as in SmoothGrad, Smilkov et al. 2017) is the slope between them.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

import exojax
from exojax.features.views import moments, views_of
from exojax.folded_events import SCALARS, VALUE
from exojax.models.base import Inputs
from exojax.training.step import logits
from exojax.vetting.all_tests import NUMBERS

PERIOD, DURATION, CADENCE = 3.2, 0.15, 0.02  # days


def folded(depth: float, n_cadences: int = 3000) -> Inputs:
    """Return the views of a simulated star with a planet, as ``transit`` takes them: ``(1, 1, bins, 3)`` each."""
    rng = np.random.default_rng(0)
    phase = (CADENCE * np.arange(n_cadences) - 0.7 + PERIOD / 2) % PERIOD - PERIOD / 2
    flux = (2e-4 * rng.standard_normal(n_cadences) - depth * (np.abs(phase) < DURATION / 2)).astype(np.float32)
    period, t0, duration = (x / CADENCE for x in (PERIOD, 0.7, DURATION))
    views, _ = views_of([moments(flux, np.ones_like(flux), period, t0, duration, np.nan, **BINS)])
    scalars = np.full((1, 1, len(SCALARS)), np.nan, np.float32)  # unknown, but for these two
    for name, value in (("log_period", PERIOD), ("log_duration", DURATION)):
        scalars[..., SCALARS.index(name)] = np.log10(value)
    numbers = {"scalars": jnp.asarray(scalars), "vetting": jnp.full((1, 1, len(NUMBERS)), jnp.nan, jnp.float32)}
    return {name: jnp.asarray(view[:, None]) for name, view in views.items()} | numbers


BINS = {"global_bins": 201, "local_bins": 61}


def main(depth: float = 2e-3, copies: int = 16) -> np.ndarray:
    """Return the ``(bins,)`` gradient of the log-odds with respect to the value of each bin around the transit."""
    (state, *_) = exojax.load("pretrained").scorer.states
    inputs = {name: jnp.repeat(x, copies, axis=0) for name, x in folded(depth).items()}
    view = inputs["local_view"]
    noisy = view.at[..., VALUE].add(0.03 * jax.random.normal(jax.random.key(0), view.shape[:-1]))

    def score(local_view: jax.Array) -> tuple[jax.Array, jax.Array]:
        log_odds = logits(state, inputs | {"local_view": local_view})
        return log_odds.sum(), log_odds

    (_, log_odds), gradient = jax.jit(jax.value_and_grad(score, has_aux=True))(noisy)
    slope = np.median(np.asarray(gradient)[:, 0, :, VALUE], axis=0)
    print(f"log-odds {float(np.median(log_odds)):+.2f}; a bin's flux up by one depth changes them by")
    print(" ".join(f"{x:+.2f}" for x in slope))
    return slope


if __name__ == "__main__":
    main()
