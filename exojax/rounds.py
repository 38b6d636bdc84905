"""A batch of stars searched by one program: cleaned, searched, masked, and searched again while anything stands out.

Stars wait in a queue of which a few at a time are searched, those first that were searched before: a loop whose every
turn is full, however few stars show more than one signal. What is found of a star does not depend on its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from exojax.layout import Layout, nominal, slices
from exojax.photometry.clean import clip_upward
from exojax.photometry.detrend import flatten_within, spans
from exojax.search.choose import WIDER, allowed_durations, choose
from exojax.search.measure import in_transit, measure
from exojax.search.single import shortest_period
from exojax.search.sweep import periodogram
from exojax.search.vet import harmonics

MOST_TAKEN = 0.6
"""share of a curve's cadences that may be left out of its last trend"""
Array = TypeVar("Array", np.ndarray, jax.Array)
_PERIODIC = (
    "period",
    "period_error",
    "sde",
    "odd_even_sigma",
    "secondary_sigma",
    "secondary_phase",
    "centroid_sigma",
)
_EITHER = ("t0", "duration", "depth", "snr", "snr_red")


class Curves(NamedTuple):
    """What is known of ``n`` stars, on an even grid of cadences.

    Attributes:
        flux: ``(n, n_cadences)`` float32, not detrended unless ``flat``.
        weight: ``(n, n_cadences)`` float32; 0 where nothing was measured, and in all of a star that cannot be searched.
        taken: ``(n, n_cadences)`` bool, known transits, which are neither searched nor seen by the trend.
        density: ``(n,)`` float32, solar; NaN where unknown.
        flat: ``(n,)`` bool, flat and clean already; such a star is searched once.
        scatter: ``(n,)`` float32, of those that are flat, in units of their flux; of no account for the others.
        centroid: ``(n, n_cadences, 2)`` float32 pixels, or None.
    """

    flux: jax.Array | np.ndarray
    weight: jax.Array | np.ndarray
    taken: jax.Array | np.ndarray
    density: jax.Array | np.ndarray
    flat: jax.Array | np.ndarray
    scatter: jax.Array | np.ndarray
    centroid: jax.Array | np.ndarray | None = None


def shapes(layout: Layout) -> Curves:
    """Shapes and types of the curves that a program for this layout takes."""
    many, wide = (layout.n_stars,), (layout.n_stars, layout.n_cadences)
    real: Callable[..., Any] = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)  # noqa: E731
    yes: Callable[..., Any] = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.bool_)  # noqa: E731
    centroid = real(*wide, 2) if layout.centroids else None
    return Curves(real(*wide), real(*wide), yes(*wide), real(*many), yes(*many), real(*many), centroid)


Columns = dict[str, jax.Array]
"""``(n, slots)`` each, by name."""


class Found(NamedTuple):
    """What was found of ``n`` stars, each star's best candidate first.

    Attributes:
        rows: ``(n, slots)`` each: float32 columns of ``Candidates`` in cadences, ``single`` and ``there`` bool; and
            ``alias`` and ``alias_snr`` ``(n, slots, 6)``, days of the plan and SNR of the periodogram's best at the
            harmonics of the period.
        power: ``(n, slots, n_slices)`` float32, the highest SNR in each of `slices` of the periodogram in which each
            was found.
        flat: ``(n, n_cadences)`` float32, the transits of all candidates kept from the trend.
        weight: ``(n, n_cadences)`` float32, 0 where clipped.
        scatter: ``(n,)`` float32.
    """

    rows: Columns
    power: jax.Array
    flat: jax.Array
    weight: jax.Array
    scatter: jax.Array


export.register_namedtuple_serialization(Curves, serialized_name="exojax.Curves")
export.register_namedtuple_serialization(Found, serialized_name="exojax.Found")


class _State(NamedTuple):
    taken: jax.Array
    active: jax.Array
    number: jax.Array  # of candidates found so far, which is also how often the star was searched
    left: jax.Array
    rows: Columns
    power: jax.Array


def searcher(layout: Layout) -> Callable[[Curves], Found]:
    """The search of ``layout.n_stars`` stars, to be a part of a compiled program.

    A star is searched, its best candidate is masked, its trend is found again without the transits, and it is searched
    again, until nothing above ``snr_min`` is left or it has ``max_candidates`` that repeat. Where one event outshines
    the best fold, or a fold pairs events that differ, the strongest event is a candidate of its own. Curves that are
    flat already are searched once.

    Raises:
        ValueError: the curves cannot hold the range of periods.
    """
    grid, config, part = layout.plan, layout.search, layout.part
    half, gap = spans(config.window, nominal(layout.cadence))
    by_period = np.argsort(grid.periods, kind="stable")
    sorted_periods = grid.periods[by_period]
    starts = slices(grid)[1]
    slice_of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(by_period))).astype(np.int32)

    # Compiled functions within a compiled function are traced once, wherever they are called.
    @jax.jit
    def cleaned(curves: Curves, taken: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        flux, weight, as_given = jnp.asarray(curves.flux), jnp.asarray(curves.weight), jnp.asarray(curves.flat)
        flat, used, scatter = flatten_within(
            flux,
            weight,
            jnp.where(taken, 0.0, weight),
            half=half,
            gap=gap,
            absolute=layout.absolute,
            room=layout.apart,
        )
        flat, used = (
            jnp.where(as_given[:, None], x, y) for x, y in ((flux, flat), (weight, clip_upward(flat, used, scatter)))
        )
        return flat, used, jnp.where(as_given, curves.scatter, scatter)

    @jax.jit
    def once(curves: Curves, taken: jax.Array, first: jax.Array) -> tuple[dict[str, jax.Array], jax.Array]:
        flat, used, scatter = cleaned(curves, taken)
        used, flat = jnp.where(taken, 0.0, used), flat / scatter[:, None]
        power = periodogram(grid, flat, used)
        shortest, longest = allowed_durations(grid, jnp.asarray(curves.density))
        centroid = None if curves.centroid is None else jnp.asarray(curves.centroid)
        periodic, events = measure(grid, power, flat, used, centroid, shortest, longest)
        chosen = choose(periodic, events, first, snr_min=config.snr_min)
        alone = jnp.where(chosen.single & chosen.apart, chosen.duration, jnp.nan)
        limit = shortest_period(events.watched, alone)
        pick = lambda event, signal: jnp.where(chosen.single, event, signal)  # noqa: E731
        row = {name: pick(jnp.nan, getattr(periodic, name)) for name in _PERIODIC}
        row |= {name: pick(getattr(chosen, name), getattr(periodic, name)) for name in _EITHER}
        # A box is placed to a cadence.
        row["t0_error"] = pick(0.5, periodic.t0_error)
        row["n_transits"] = pick(1.0, periodic.n_transits.astype(jnp.float32))
        row["period_min"] = jnp.where(jnp.isnan(alone), jnp.nan, limit)
        unit = scatter if layout.absolute else jnp.ones_like(scatter)
        row["depth"] = row["depth"] * unit
        row["depth_error"] = row["depth"] / jnp.maximum(row["snr_red"], 1e-6)
        ordered = power[by_period]
        row["alias"], row["alias_snr"] = harmonics(sorted_periods, ordered, row["period"] * grid.cadence)
        highest = jax.ops.segment_max(ordered, jnp.asarray(slice_of), len(starts), indices_are_sorted=True)
        return row | {"single": chosen.single, "there": chosen.stands}, highest.T

    def turn(curves: Curves, state: _State) -> _State:
        some = jnp.argsort(jnp.where(state.active, -state.number, layout.slots))[:part]
        live = state.active[some]
        these = jax.tree.map(lambda x: jnp.asarray(x)[some], curves)
        these = these._replace(weight=jnp.where(live[:, None], these.weight, 0.0))
        number, taken, left = state.number[some], state.taken[some], state.left[some]
        row, power = once(these, taken, number == 0)
        there = live & row["there"]
        wide = row["duration"] * jnp.where(row["single"], WIDER, 1.0)
        period = jnp.where(row["single"], jnp.inf, row["period"])
        taken |= there[:, None] & in_transit(period, row["t0"], wide, layout.n_cadences)
        left = jnp.where(there & ~row["single"], left - 1, left)
        on = there & (row["snr_red"] >= config.snr_min) & (left > 0) & (number + 1 < layout.slots) & ~these.flat
        # Rows of stars that are not searched, or have nothing more, are dropped.
        place = jnp.where(there, some, layout.n_stars)
        put = lambda kept, new: kept.at[place, number].set(new, mode="drop")  # noqa: E731
        return _State(
            state.taken.at[some].set(taken),
            state.active.at[some].set(on),
            state.number.at[some].add(there.astype(jnp.int32)),
            state.left.at[some].set(left),
            {name: put(state.rows[name], row[name]) for name in state.rows},
            put(state.power, power),
        )

    def last_trend(curves: Curves, taken: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """A part of the stars at a time; what is padding costs nothing."""
        kept = protected(taken, jnp.asarray(curves.weight))
        parts = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, part, *x.shape[1:]), (curves, kept))
        shape = jax.eval_shape(cleaned, *jax.tree.map(lambda x: x[0], parts))
        nothing = lambda *_: tuple(jnp.ones(x.shape, x.dtype) if x.ndim == 1 else jnp.zeros(x.shape) for x in shape)  # noqa: E731
        each = jax.lax.map(lambda one: jax.lax.cond((one[0].weight > 0).any(), cleaned, nothing, *one), parts)
        flat, used, scatter = (x.reshape(layout.n_stars, *x.shape[2:]) for x in each)
        return flat, used, scatter

    def search(curves: Curves) -> Found:
        n = layout.n_stars
        some = jax.tree.map(lambda x: jax.ShapeDtypeStruct((part, *x.shape[1:]), x.dtype), curves)
        row, power = jax.eval_shape(
            once, some, jax.ShapeDtypeStruct((part, layout.n_cadences), bool), jax.ShapeDtypeStruct((part,), bool)
        )
        empty = lambda x: jnp.zeros((n, layout.slots, *x.shape[1:]), x.dtype)  # noqa: E731
        begin = _State(
            jnp.asarray(curves.taken),
            (jnp.asarray(curves.weight) > 0).any(axis=1),
            jnp.zeros(n, jnp.int32),
            jnp.full(n, config.max_candidates, jnp.int32),
            {name: empty(x) for name, x in row.items()},
            empty(power),
        )
        end = jax.lax.while_loop(lambda state: state.active.any(), lambda state: turn(curves, state), begin)
        order = jnp.argsort(jnp.where(end.rows["there"], -end.rows["snr_red"], jnp.inf), axis=1, stable=True)

        ranked = lambda x: x[jnp.arange(n)[:, None], order]  # noqa: E731
        rows = {name: ranked(x) for name, x in end.rows.items()}
        return Found(rows, ranked(end.power), *last_trend(curves, end.taken))

    return search


def protected(taken: Array, weight: Array) -> Array:
    """``(n_stars, n_cadences)`` bool: what of ``taken`` is kept from a star's last trend.

    Nothing where it covers most of what was measured (``weight`` above 0), as transits do that last as long as their
    period: there would be no trend, and nothing to fold.
    """
    seen = weight > 0
    share = (taken & seen).sum(axis=1) / seen.sum(axis=1).clip(1)
    return taken & (share <= MOST_TAKEN)[:, None]
