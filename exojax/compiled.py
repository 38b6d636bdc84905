"""The whole hunt as one compiled program for a batch of stars: detrend, search, fold, score. It can be exported.

``search.py`` calls it for every batch; :func:`program` is the same for arrays that are on an even grid already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import unflatten_dict
from scipy.special import logit

from exojax.ahead import ahead
from exojax.errors import InputError
from exojax.folded import COVERAGE, VIEWS
from exojax.hunt import Program, Search, made_once
from exojax.layout import Layout
from exojax.models import registry
from exojax.models.interface import Network
from exojax.probabilities import Calibration
from exojax.rounds import Columns, Curves, Found, searcher, shapes
from exojax.runs import Run
from exojax.shown import Detection, hide, shown
from exojax.training.weights import weights_of

__all__ = ["Layout", "export", "judged_by", "program", "scorer", "suits", "weights"]

Weights = Mapping[str, jax.Array | np.ndarray]
"""Plain named arrays, such as ``0/params/whole/Conv_0/kernel`` of the first network of an ensemble."""
Star = Mapping[str, jax.Array | np.ndarray]
"""``radius`` and ``mass`` (solar) and ``mag``, ``(n_stars,)`` float32 each, NaN where unknown."""
Hunt = Callable[[Weights, jax.Array, jax.Array, jax.Array, Star], tuple[Columns, jax.Array]]
_AT_ONCE = 32  # candidates
_DAYS = ("period", "period_error", "period_min", "t0", "t0_error", "duration")


def suits(run: Run) -> bool:
    """A run whose model is a network that looks at folds and at nothing else."""
    known = {*VIEWS, "scalars"}
    return (
        isinstance(registry.get(run.config.model), Network) and "global_view" in run.inputs and known >= {*run.inputs}
    )


def weights(run: Run) -> dict[str, np.ndarray]:
    """A run's weights as plain arrays, the first argument of its program.

    Raises:
        InputError: the run's model is no network that looks at folds.
    """
    _check(run)
    states = run.scorer.states
    return {f"{number}/{name}": x for number, state in enumerate(states) for name, x in weights_of(state).items()}


def program(run: Run, layout: Layout) -> Hunt:
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
    whole = _whole(run, layout)

    def hunt(
        params: Weights, flux: jax.Array, valid: jax.Array, cadence: jax.Array, star: Star
    ) -> tuple[Columns, jax.Array]:
        low = jnp.where(valid, flux, jnp.inf).min(axis=1)
        varies = jnp.where(valid, flux, -jnp.inf).max(axis=1) > low
        weight = jnp.where(valid & varies[:, None], 1.0, 0.0)
        density = jnp.asarray(star["mass"]) / jnp.asarray(star["radius"]) ** 3
        none = jnp.zeros(flux.shape, bool)
        curves = Curves(flux, weight, none, density, none[:, 0], jnp.zeros(len(flux)))
        found, said = whole(params, curves, jnp.asarray(star["mag"]), cadence)
        there = found.rows["there"]
        rows = {name: x for name, x in (found.rows | said).items() if x.ndim == 2}
        rows |= {name: rows[name] * cadence for name in _DAYS}
        told = {name: x if x.dtype == bool else jnp.where(there, x, jnp.nan) for name, x in rows.items()}
        first = there & (jnp.arange(layout.slots)[None] < layout.search.max_candidates)
        best = jnp.where(first, said["probability"], -jnp.inf).max(axis=1)
        return told, jnp.where(first.any(axis=1), best, run.calibration.share)

    return hunt


def judged_by(run: Run) -> Program:
    """What :func:`exojax.hunt.hunt` takes as its program to have every candidate judged by a run.

    Raises:
        InputError: the run's model is no network that looks at folds.
    """
    params = weights(run)
    known = [run.config.model, run.config.options, run.config.fold, run.calibration, run.inputs]

    @made_once
    def of(layout: Layout) -> Search:
        mag, cadence = jax.ShapeDtypeStruct((layout.n_stars,), jnp.float32), jax.ShapeDtypeStruct((), jnp.float32)
        whole = ahead(_whole(run, layout), (params, shapes(layout), mag, cadence), f"judged {layout} {known}")
        return lambda *given: whole(params, *given)

    return of


def _whole(run: Run, layout: Layout) -> Callable[..., tuple[Found, Columns]]:
    """``(params, curves, mag, cadence) -> (found, said)``: the search, and what the run says of what it found."""
    search, score = searcher(layout), _members(run, layout)
    n, slots = layout.n_stars * layout.slots, layout.slots
    at_once = min(_AT_ONCE, n)

    def whole(params: Weights, curves: Curves, mag: jax.Array, cadence: jax.Array) -> tuple[Found, Columns]:
        found = search(curves)
        there, density = found.rows["there"], jnp.asarray(curves.density)
        # Places of candidates first; what is left of the last few is dropped.
        places = jnp.pad(jnp.argsort(~there.reshape(-1), stable=True), (0, -n % at_once), constant_values=n)

        def some(number: jax.Array, logits: jax.Array) -> jax.Array:
            place = jax.lax.dynamic_slice(places, (number * at_once,), (at_once,))
            star, slot = jnp.minimum(place // slots, layout.n_stars - 1), place % slots
            told = Detection(**{name: found.rows[name][star, slot] for name in Detection._fields})
            seen = found.weight[star]
            for better in range(slots - 1):
                there_too = (better < slot) & there[star, better]
                other = (found.rows[name][star, better] for name in ("period", "t0", "duration"))
                seen = hide(seen, told.period, tuple(jnp.where(there_too, x, jnp.nan) for x in other))
            curve = (found.flat[star], seen, found.scatter[star])
            new = score(params, *curve, told, density[star], jnp.asarray(mag)[star], cadence)
            return logits.at[:, place].set(new, mode="drop")

        turns = -(-there.sum() // at_once)
        unknown = jnp.full((len(run.scorer.states), n), jnp.nan)
        logits = jax.lax.fori_loop(0, turns, some, unknown).reshape(-1, *there.shape)
        each = _probability(run.config.model, run.calibration, logits)
        said = {"probability": _probability(run.config.model, run.calibration, logits.mean(axis=0))}
        if len(each) > 1:
            said["disagreement"] = each.std(axis=0, ddof=1)
        return found, said

    return whole


def scorer(run: Run, layout: Layout) -> Callable[..., jax.Array]:
    """``score(params, flux, weight, scatter, found, density, mag, cadence) -> (m,)`` log-odds of m candidates.

    The last part of :func:`program`, differentiable in the flux that is folded. Arguments after ``params`` are those of
    :func:`exojax.shown.shown`.

    Raises:
        InputError: the run's model is no network that looks at folds.
    """
    each = _members(run, layout)
    return lambda params, *candidates: each(params, *candidates).mean(axis=0)


def _members(run: Run, layout: Layout) -> Callable[..., jax.Array]:
    """``(members, m)`` log-odds; NaN of a candidate that nothing was measured of."""
    _check(run)
    how, states = run.config.fold, run.scorer.states

    def score(params: Weights, *candidates: Any) -> jax.Array:
        made = shown(*candidates, absolute=layout.absolute, global_bins=how.global_bins, local_bins=how.local_bins)
        inputs = {name: made[name][:, None] for name in run.inputs}
        tree = unflatten_dict(dict(params), sep="/")
        each = jnp.stack([state.apply_fn(tree[str(k)], inputs, train=False) for k, state in enumerate(states)])
        seen = (made["global_view"][..., COVERAGE] > 0).any(axis=-1)
        return jnp.where(seen[None], each, jnp.nan)

    return score


def export(run: Run, layout: Layout, *, platforms: tuple[str, ...] = ("cpu", "cuda")) -> bytes:
    """The run's program for fixed shapes, as ``jax.export.deserialize`` reads it on any of the platforms.

    It needs neither this package nor its configuration, only the arrays of :func:`weights`. How many stars are folded
    together is chosen for the machine that exports, which costs some speed on another.

    Raises:
        InputError: as of :func:`program`.
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
    return bytes(exporting.export(jax.jit(program(run, layout)), platforms=platforms)(*given).serialize())


def _check(run: Run) -> None:
    if not suits(run):
        raise InputError(f"{run.folder}: {run.config.model} is no network that looks at folds; use one such as transit")


def _probability(model: str, how: Calibration, logits: jax.Array) -> jax.Array:
    """:func:`exojax.runs.from_logits` of a network, as a part of the program."""
    z = logits + float(logit(how.prior) - logit(0.5))
    bend = jnp.interp(z, jnp.asarray(how.curve.knots), jnp.asarray(how.curve.values)) if how.curve.knots else 0.0
    odds = how.curve.slope * z + how.curve.intercept + bend
    probability = jax.nn.sigmoid(odds + float(logit(how.share) - logit(how.prior)))
    return jnp.where(jnp.isnan(logits), how.share, probability)
