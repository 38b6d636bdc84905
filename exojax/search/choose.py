"""From what was measured of a star to its next candidate: the best periodic signal, a single event, or none."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from exojax.search.grid import Plan, transit_duration
from exojax.search.measure import UNLIKE, Measured
from exojax.search.single import SingleEvents

SINGLE_SNR = 10.0
"""least red-noise SNR of a single transit: a curve has thousands of places for one, and glitches"""
WIDER = 1.5
"""by what a single transit is masked more widely: its length is one of few tried, each twice the one before"""


class Choice(NamedTuple):
    """What a star's next candidate is, each ``(n,)``: bool, or float32 in cadences and units of the star's scatter.

    Attributes:
        stands: there is one.
        single: it is a single transit; otherwise it is the periodic signal as measured.
        apart: of a single transit: found by itself, and not the strongest of the periodic signal's.
        t0, duration, depth, snr, snr_red: of a single transit; otherwise of no account.
    """

    stands: jax.Array
    single: jax.Array
    apart: jax.Array
    t0: jax.Array
    duration: jax.Array
    depth: jax.Array
    snr: jax.Array
    snr_red: jax.Array


@partial(jax.jit, static_argnames="snr_min")
def choose(periodic: Measured, events: SingleEvents, first: jax.Array, *, snr_min: float) -> Choice:
    """The next candidate of each star.

    Where one event outshines the best fold, or a fold pairs events that differ, the strongest event is a candidate of
    its own.

    Args:
        periodic: the best periodic signal.
        events: the best single event.
        first: () or ``(n,)`` bool: nothing was found before, and the best signal is a candidate, however weak.
        snr_min: least red-noise SNR of a further one.
    """
    broken = (periodic.unlike > UNLIKE) | (periodic.n_transits < 2)
    known = jnp.abs(events.t0 - periodic.strongest) <= periodic.duration
    # The pair is broken up: its stronger event stands for itself, the rest is searched again.
    paired = broken & ~known & ~(events.snr_red >= periodic.strongest_snr)
    pick = lambda event, strongest: jnp.where(paired, strongest, event)  # noqa: E731
    snr, snr_red = pick(events.snr, periodic.strongest_snr), pick(events.snr_red, periodic.strongest_snr)
    # Of n like events each has the fold's SNR over the root of n; an event by itself has more than any fold.
    single = (snr_red >= max(SINGLE_SNR, snr_min)) & (broken | (snr > periodic.snr))
    return Choice(
        stands=single | first | ~(broken | (periodic.snr_red < snr_min)),
        single=single,
        apart=~paired,
        t0=pick(events.t0, periodic.strongest),
        duration=pick(events.duration, periodic.duration),
        depth=pick(events.depth, periodic.strongest_depth),
        snr=snr,
        snr_red=snr_red,
    )


def allowed_durations(plan: Plan, density: jax.Array) -> tuple[jax.Array, jax.Array]:
    """``(n,)`` float32 shortest and longest duration, cadences, plausible for stars of a mean density.

    Args:
        plan: of the search.
        density: ``(n,)`` float32, solar; NaN where unknown.
    """
    low, high = float(plan.durations.min()), float(plan.durations.max())
    known = jnp.isfinite(density) & (density > 0)
    # Twice the central transit of a circular orbit at the longest period: eccentric orbits take their time.
    sunlike = 2 * float(transit_duration(plan.periods.max(), 1.0)) / plan.cadence
    most = sunlike / jnp.cbrt(jnp.where(known, density, 1.0))
    return jnp.full_like(density, low), jnp.where(known, jnp.clip(most, 2 * low, high), high)
