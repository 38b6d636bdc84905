"""The whole hunt as one compiled program for a batch of stars: detrend, search, fold, score. It can be exported.

What :mod:`exojax.hunt` and a run do in stages, with the same functions, for shapes that are fixed beforehand: light
curves on an even grid of cadences, padded to one length, and a number of stars. Nothing is decided outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict
from scipy.special import logit

from exojax.config import SearchConfig
from exojax.errors import InputError
from exojax.hunt import MOST_SINGLES, nominal, plan_for, protected
from exojax.models import registry
from exojax.models.interface import Network
from exojax.photometry.clean import clip_upward
from exojax.photometry.detrend import flatten_within, spans
from exojax.probabilities import Calibration
from exojax.runs import Run
from exojax.search.choose import WIDER, allowed_durations, choose
from exojax.search.grid import Plan
from exojax.search.measure import in_transit, measure
from exojax.search.single import shortest_period
from exojax.search.sweep import periodogram
from exojax.shown import Detection, hide, shown
from exojax.training.weights import weights_of

ROOM = 8
"""a curve's length over the cadences by which its segments may be moved apart while its trend is found"""
Weights = Mapping[str, jax.Array | np.ndarray]
"""Plain named arrays, such as ``0/params/whole/Conv_0/kernel`` of the first network of an ensemble."""
Star = Mapping[str, jax.Array | np.ndarray]
"""``radius`` and ``mass`` (solar) and ``mag``, ``(n_stars,)`` float32 each, NaN where unknown."""
Found = dict[str, jax.Array]
Program = Callable[[Weights, jax.Array, jax.Array, jax.Array, Star], tuple[Found, jax.Array]]


@dataclass(frozen=True)
class Layout:
    """The shapes that a program is made for.

    Attributes:
        n_stars: of a batch; those that are padding have no valid cadence.
        n_cadences: of a curve; what is padding is not valid.
        cadence: days; the program takes curves of up to 1 % more or less.
        absolute: flux is relative, its median about 1; otherwise it is in the file's units.
        search: ranges and thresholds.
    """

    n_stars: int
    n_cadences: int
    cadence: float
    absolute: bool = True
    search: SearchConfig = field(default_factory=SearchConfig)

    @property
    def plan(self) -> Plan:
        """Periods and durations that are tried."""
        return plan_for(self.n_cadences, nominal(self.cadence), self.search)

    @property
    def slots(self) -> int:
        """Candidates a star that a program has room for."""
        return self.search.max_candidates + MOST_SINGLES


def weights(run: Run) -> dict[str, np.ndarray]:
    """A run's weights as plain arrays, the first argument of its program.

    Raises:
        InputError: the run's model is no network that looks at folds.
    """
    _module(run)
    states = run.scorer.states
    return {f"{number}/{name}": x for number, state in enumerate(states) for name, x in weights_of(state).items()}


def program(run: Run, layout: Layout) -> Program:
    """``hunt(params, flux, valid, cadence, star) -> (candidates, probabilities)``, to be compiled by ``jax.jit``.

    Its arguments are :func:`weights`, ``(n_stars, n_cadences)`` float32 flux and bool valid on an even grid, () float32
    days between cadences, and what is known of the stars. It returns ``(n_stars, slots)`` columns of
    :class:`exojax.lightcurve.Candidates` by name, each star's best first: days (``t0`` from the first cadence's),
    fractions or units of scatter, ``single`` and ``there`` bool, ``probability``; NaN where nothing is there. And
    ``(n_stars,)`` float32 probabilities of a planet, each the highest of a star's first ``max_candidates``; the share
    of hosts where there is none.

    Args:
        run: of a network that looks at folds. Its calibration becomes a part of the program, its weights do not.
        layout: shapes, ranges and thresholds; ``run.config.search`` holds those of the run's training.

    Raises:
        InputError: the run's model is no network that looks at folds.
        ValueError: the curves cannot hold the range of periods.
    """
    grid, config, score = layout.plan, layout.search, scorer(run, layout)
    half, gap = spans(config.window, layout.cadence)
    room = layout.n_cadences // ROOM

    def hunt(
        params: Weights, flux: jax.Array, valid: jax.Array, cadence: jax.Array, star: Star
    ) -> tuple[Found, jax.Array]:
        low = jnp.where(valid, flux, jnp.inf).min(axis=1)
        varies = jnp.where(valid, flux, -jnp.inf).max(axis=1) > low
        weight = jnp.where(valid & varies[:, None], 1.0, 0.0)
        density = jnp.asarray(star["mass"]) / jnp.asarray(star["radius"]) ** 3
        shortest, longest = allowed_durations(grid, density)

        def clean(taken: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
            kept = jnp.where(taken, 0.0, weight)
            flat, used, scatter = flatten_within(
                flux, weight, kept, half=half, gap=gap, absolute=layout.absolute, room=room
            )
            return flat, clip_upward(flat, used, scatter), scatter

        def search(taken: jax.Array, first: jax.Array) -> Found:
            flat, used, scatter = clean(taken)
            used, flat = jnp.where(taken, 0.0, used), flat / scatter[:, None]
            power = periodogram(grid, flat, used)
            periodic, events = measure(grid, power, flat, used, None, shortest, longest)
            chosen = choose(periodic, events, first, snr_min=config.snr_min)
            alone = jnp.where(chosen.single & chosen.apart, chosen.duration, jnp.nan)
            limit = shortest_period(events.watched, alone)
            pick = lambda event, signal: jnp.where(chosen.single, event, signal)  # noqa: E731
            row = {name: pick(jnp.nan, getattr(periodic, name)) for name in _PERIODIC}
            row |= {name: pick(getattr(chosen, name), getattr(periodic, name)) for name in _EITHER}
            row["t0_error"] = pick(0.5, periodic.t0_error)
            row["n_transits"] = pick(1.0, periodic.n_transits.astype(jnp.float32))
            row["period_min"] = jnp.where(jnp.isnan(alone), jnp.nan, limit)
            unit = scatter if layout.absolute else jnp.ones_like(scatter)
            row["depth"] = row["depth"] * unit
            row["depth_error"] = row["depth"] / jnp.maximum(row["snr_red"], 1e-6)
            return row | {"single": chosen.single, "there": chosen.stands}

        def turn(
            carry: tuple[jax.Array, jax.Array, jax.Array], number: jax.Array
        ) -> tuple[tuple[jax.Array, jax.Array, jax.Array], Found]:
            taken, active, left = carry
            shape = jax.eval_shape(search, taken, number == 0)
            nothing = lambda *_: {name: jnp.zeros(x.shape, x.dtype) for name, x in shape.items()}  # noqa: E731
            row = jax.lax.cond(active.any(), search, nothing, taken, number == 0)
            row["there"] = there = row["there"] & active
            wide = row["duration"] * jnp.where(row["single"], WIDER, 1.0)
            period = jnp.where(row["single"], jnp.inf, row["period"])
            taken = taken | (there[:, None] & in_transit(period, row["t0"], wide, layout.n_cadences))
            left = jnp.where(there & ~row["single"], left - 1, left)
            return (taken, there & (row["snr_red"] >= config.snr_min) & (left > 0), left), row

        begin = (jnp.zeros(flux.shape, bool), (weight > 0).any(axis=1), jnp.full(len(flux), config.max_candidates))
        (taken, _, _), rows = jax.lax.scan(turn, begin, jnp.arange(layout.slots))
        order = jnp.argsort(jnp.where(rows["there"], -rows["snr_red"], jnp.inf), axis=0, stable=True)
        ranked = {name: jnp.take_along_axis(x, order, axis=0).T for name, x in rows.items()}
        there = ranked["there"]
        found = {name: x if x.dtype == bool else jnp.where(there, x, jnp.nan) for name, x in ranked.items()}

        flat, used, scatter = clean(protected(taken, weight))
        by_slot = lambda x: jnp.repeat(x, layout.slots, axis=0)  # noqa: E731
        told = Detection(**{name: found.get(name, jnp.full(there.shape, jnp.nan)) for name in Detection._fields})
        seen = jnp.where(there.reshape(-1, 1), by_slot(used), 0.0)
        for slot in range(layout.slots - 1):
            later = jnp.arange(layout.slots)[None] > slot
            period, t0, duration = (
                jnp.where(later, x[:, slot, None], jnp.nan).reshape(-1) for x in (told.period, told.t0, told.duration)
            )
            seen = hide(seen, told.period.reshape(-1), (period, t0, duration))
        each = Detection(*(x.reshape(-1) for x in told))
        logits = score(
            params, by_slot(flat), seen, by_slot(scatter), each, by_slot(density), by_slot(star["mag"]), cadence
        )
        probability = _probability(run.config.model, run.calibration, logits).reshape(there.shape)
        first = there & (jnp.arange(layout.slots)[None] < config.max_candidates)
        best = jnp.where(first, probability, -jnp.inf).max(axis=1)
        days = {name: found[name] * cadence for name in _DAYS}
        found |= days | {"probability": jnp.where(there, probability, jnp.nan)}
        return found, jnp.where(first.any(axis=1), best, run.calibration.share)

    return hunt


_PERIODIC = ("period", "period_error", "sde", "odd_even_sigma", "secondary_sigma", "secondary_phase")
_EITHER = ("t0", "duration", "depth", "snr", "snr_red")
_DAYS = ("period", "period_error", "period_min", "t0", "t0_error", "duration")


def scorer(run: Run, layout: Layout) -> Callable[..., jax.Array]:
    """``score(params, flux, weight, scatter, found, density, mag, cadence) -> (m,)`` log-odds of m candidates.

    The last part of :func:`program`, differentiable in the flux that is folded. Arguments after ``params`` are those of
    :func:`exojax.shown.shown`.

    Raises:
        InputError: the run's model is no network that looks at folds.
    """
    module, how, members = _module(run), run.config.fold, len(run.scorer.states)

    def score(params: Weights, *candidates: Any) -> jax.Array:
        made = shown(*candidates, absolute=layout.absolute, global_bins=how.global_bins, local_bins=how.local_bins)
        inputs = {name: made[name][:, None] for name in run.inputs}
        tree = unflatten_dict(dict(params), sep="/")
        each = [module.apply(tree[str(number)], inputs, train=False) for number in range(members)]
        return sum(each[1:], each[0]) / members

    return score


def export(run: Run, layout: Layout, *, platforms: tuple[str, ...] = ("cpu", "cuda")) -> bytes:
    """The run's program for fixed shapes, as ``jax.export.deserialize`` reads it on any of the platforms.

    It needs neither this package nor its configuration, only the arrays of :func:`weights`. How many stars are folded
    together is chosen for the machine that exports, which costs some speed on another.

    Raises:
        InputError: as of :func:`program`, or the package ``flatbuffers`` is missing.
    """
    from jax import export as exporting

    shape, n = (layout.n_stars, layout.n_cadences), layout.n_stars
    row = jax.ShapeDtypeStruct((n,), jnp.float32)
    given = (
        {name: jax.ShapeDtypeStruct(x.shape, x.dtype) for name, x in weights(run).items()},
        jax.ShapeDtypeStruct(shape, jnp.float32),
        jax.ShapeDtypeStruct(shape, bool),
        jax.ShapeDtypeStruct((), jnp.float32),
        {"radius": row, "mass": row, "mag": row},
    )
    made = exporting.export(jax.jit(program(run, layout)), platforms=platforms)(*given)
    try:
        return bytes(made.serialize())
    except ModuleNotFoundError as error:
        raise InputError(f"exporting needs the package {error.name}: pip install 'exojax-hunt[export]'") from None


def _module(run: Run) -> Any:
    model = registry.get(run.config.model)
    if not isinstance(model, Network) or "global_view" not in run.inputs:
        raise InputError(f"{run.folder}: {run.config.model} is no network that looks at folds; use one such as transit")
    return model.module


def _probability(model: str, how: Calibration, logits: jax.Array) -> jax.Array:
    """:func:`exojax.probabilities.apply` of a network's logits, as a part of the program."""
    z = logits + float(logit(how.prior) - logit(0.5))
    bend = jnp.interp(z, jnp.asarray(how.curve.knots), jnp.asarray(how.curve.values)) if how.curve.knots else 0.0
    odds = how.curve.slope * z + how.curve.intercept + bend
    return jax.nn.sigmoid(odds + float(logit(how.share) - logit(how.prior)))
