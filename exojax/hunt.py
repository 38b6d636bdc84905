"""Light curves to candidates for one batch of stars: grid, detrend, search, refine, vet, mask, and search again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from exojax.config import SearchConfig
from exojax.lightcurve import Candidates, EvenCurves, LightCurves
from exojax.photometry.clean import clip_upward
from exojax.photometry.detrend import flatten
from exojax.photometry.grid import to_even
from exojax.search.choose import WIDER, Choice, allowed_durations, choose
from exojax.search.grid import Plan, plan
from exojax.search.measure import MASKED, Measured, measure
from exojax.search.single import SingleEvents, shortest_period
from exojax.search.sweep import periodogram
from exojax.search.vet import harmonics

MOST_SINGLES = 3
"""single transits of a star that are told, beside its ``max_candidates``"""
LONGEST_PERIOD = 500.0
MOST_TAKEN = 0.6
"""share of a curve's cadences that may be left out of its last trend"""
Array = TypeVar("Array", np.ndarray, jax.Array)
_TYPICAL_CADENCES, _LEAST_STARS = 3584, 8
_PARTS = 8  # of a batch, each searched by itself on a CPU, so that the few stars that are searched again fill one
_FEW = 4  # stars and fewer are padded to this many, more to whole parts


@dataclass(frozen=True, eq=False)
class Trace:
    """What the search of a batch saw, for pictures.

    Attributes:
        even: before detrending.
        flat: after it, the transits of all candidates kept from the trend.
        periods: ``(n_periods,)`` float64, days, increasing.
        power: ``(n_candidates, n_periods)`` float32, white-noise SNR in the search that found each.
    """

    even: EvenCurves
    flat: EvenCurves
    periods: np.ndarray
    power: np.ndarray


def batch_size(n_cadences: int, config: SearchConfig) -> int:
    """Stars searched at once: ``config.batch`` of the usual length, down to 8 of longer curves; a power of two."""
    most = min(max(config.batch * _TYPICAL_CADENCES // max(n_cadences, 1), _LEAST_STARS), config.batch)
    return 2 ** (max(most, 1).bit_length() - 1)


def nominal(cadence: float) -> float:
    """Days, to 2 %: what is compiled must not depend on the last digits of a cadence."""
    return float(2 ** (np.round(np.log2(cadence) * 32) / 32))


@lru_cache(maxsize=64)
def plan_for(n_cadences: int, cadence: float, config: SearchConfig) -> Plan:
    """Periods and durations for curves of one padded length.

    Raises:
        ValueError: the curves cannot hold the range of periods.
    """
    wanted = LONGEST_PERIOD if config.period_max is None else config.period_max
    return plan(
        n_cadences,
        cadence,
        period_min=config.period_min,
        period_max=min(n_cadences * cadence / 2, wanted),
        duration_min=config.duration_min,
        duration_max=config.duration_max,
    )


def hunt(
    curves: LightCurves,
    config: SearchConfig,
    *,
    masked: np.ndarray | None = None,
    alter: Callable[[EvenCurves], EvenCurves] | None = None,
) -> tuple[Candidates, Trace]:
    """The candidates of each star: its best, however weak, and further ones and single transits that stand out.

    A star is searched, its best candidate is masked, its trend is found again without the transits, and it is searched
    again, until nothing above ``config.snr_min`` is left or it has ``config.max_candidates`` that repeat. Where one
    event outshines the best fold, or a fold pairs events that differ, the strongest event is a candidate of its own.

    Args:
        curves: stars of one cadence; at most ``batch_size`` of them.
        config: ranges and thresholds.
        masked: ``(n_stars, n_cadences)`` bool on the even grid, cadences of known transits; or None.
        alter: done to the flat, clean curves (those of ``masked`` without weight) before they are searched, such as
            turning them upside down; only with ``config.max_candidates`` 1, as what is found is then elsewhere.

    Returns:
        Candidates in the order of their stars, best first, ``matches`` and ``probability`` still empty; and what the
        search saw.

    Raises:
        ValueError: more stars than a batch, curves that cannot hold the range of periods, or more than one candidate
            of altered curves.
    """
    if alter is not None and config.max_candidates != 1:
        raise ValueError("altered curves are searched for one candidate")
    even = to_even(curves, shortest=config.duration_min)
    n, size = even.flux.shape
    grid = plan_for(size, nominal(even.cadence), config)
    # The plan's days are of the nominal cadence.
    days = even.cadence / grid.cadence
    batch = batch_size(size, config)
    if n > batch:
        raise ValueError(f"{n} stars in a batch of {batch}")
    # A program takes far longer to compile than a star to search, so that there are two a shape at most.
    whole = batch // _PARTS if jax.default_backend() == "cpu" else batch
    part = min(_FEW, batch) if n <= _FEW else max(whole, min(_FEW, batch))
    taken = np.zeros((n, size), bool) if masked is None else masked.copy()
    order = np.argsort(grid.periods, kind="stable")
    rows: list[dict[str, Any]] = []
    active = np.flatnonzero((even.weight > 0).any(axis=1))
    left = np.full(n, config.max_candidates)
    for turn in range(config.max_candidates + (MOST_SINGLES if alter is None else 0)):
        if len(active) == 0:
            break
        goes_on = np.zeros(len(active), bool)
        for first in range(0, len(active), part):
            some = active[first : first + part]
            flat, power, periodic, single, chosen = _search(
                grid, _take(even, some), taken[some], curves.take(some), config, part, alter, first=turn == 0
            )
            for k, star in enumerate(some.tolist()):
                if not chosen.stands[k]:
                    continue
                row = _row(grid, days, periodic, single, chosen, power, k)
                late = np.arange(size) - row["t0"]
                late -= 0.0 if row["single"] else np.rint(late / row["period"]) * row["period"]
                taken[star] |= np.abs(late) <= MASKED * row["duration"] * (WIDER if row["single"] else 1.0)
                unit = float(flat.scatter[k]) if curves.absolute else 1.0
                found = {**_physical(row, even, star, unit), "power": power[order, k]}
                rows.append({"star": star, "id": curves.id[star], **found})
                left[star] -= not row["single"]
                goes_on[first + k] = row["snr_red"] >= config.snr_min and left[star] > 0
        active = active[goes_on]
    rows.sort(key=lambda row: (row["star"], -row["snr_red"]))
    powers = np.array([row.pop("power") for row in rows], np.float32).reshape(len(rows), len(order))
    kept = protected(taken, even.weight)
    final = _clean(even, kept, curves.absolute, config, to=part if n <= part else batch)
    return _table(rows), Trace(even, _take(final, np.arange(n)), grid.periods[order] * days, powers)


def protected(taken: Array, weight: Array) -> Array:
    """``(n_stars, n_cadences)`` bool: what of ``taken`` is kept from a star's last trend.

    Nothing where it covers most of what was measured (``weight`` above 0), as transits do that last as long as their
    period: there would be no trend, and nothing to fold.
    """
    seen = weight > 0
    share = (taken & seen).sum(axis=1) / seen.sum(axis=1).clip(1)
    return taken & (share <= MOST_TAKEN)[:, None]


def _clean(even: EvenCurves, taken: np.ndarray, absolute: bool, config: SearchConfig, *, to: int) -> EvenCurves:
    """Flat curves, upward outliers out; what is ``taken`` is kept from the trend. Padded ``to`` so many stars."""
    even, taken = _padded(even, to), np.pad(taken, ((0, to - len(taken)), (0, 0)))
    flat = flatten(even, config.window, absolute=absolute, in_transit=taken if taken.any() else None)
    return replace(flat, weight=np.asarray(clip_upward(flat.flux, flat.weight, flat.scatter)))


def _search(
    grid: Plan,
    even: EvenCurves,
    taken: np.ndarray,
    curves: LightCurves,
    config: SearchConfig,
    batch: int,
    alter: Callable[[EvenCurves], EvenCurves] | None,
    *,
    first: bool,
) -> tuple[EvenCurves, np.ndarray, Measured, SingleEvents, Choice]:
    """One search of some stars: flat curves, ``(n_periods, n)`` periodogram, best signal, best single event, choice."""
    n = len(even.flux)
    flat = _clean(even, taken, curves.absolute, config, to=batch)
    flat = replace(flat, weight=np.where(np.pad(taken, ((0, batch - n), (0, 0))), np.float32(0), flat.weight))
    flat = flat if alter is None else alter(flat)
    y, w = flat.flux / flat.scatter[:, None], flat.weight
    power = np.asarray(periodogram(grid, y, w))
    density = np.full(batch, np.nan, np.float32)
    if curves.stars is not None:
        density[:n] = curves.stars.density
    shortest, longest = allowed_durations(grid, jnp.asarray(density))
    found = measure(grid, power, y, w, flat.centroid, shortest, longest)
    chosen = choose(*found, jnp.asarray(first), snr_min=config.snr_min)
    cut = lambda kind, columns: kind(*(np.asarray(x)[:n] for x in columns))  # noqa: E731
    periodic, single = cut(Measured, found[0]), cut(SingleEvents, found[1])
    return _take(flat, np.arange(n)), power[:, :n], periodic, single, cut(Choice, chosen)


def _row(
    grid: Plan, days: float, periodic: Measured, events: SingleEvents, chosen: Choice, power: np.ndarray, k: int
) -> dict[str, Any]:
    """The candidate of star ``k``, cadences and units of scatter."""
    best = {name: np.asarray(value)[k].item() for name, value in periodic._asdict().items()}
    if not chosen.single[k]:
        near = harmonics(grid.periods, power[:, k], best["period"] * grid.cadence)
        aliases = ";".join(f"{p * days:.6g}" for p, snr in near if snr >= 0.5 * best["snr"])
        return {**best, "single": False, "aliases": aliases}
    event = {name: getattr(chosen, name)[k].item() for name in ("t0", "duration", "depth", "snr", "snr_red")}
    shortest = np.nan
    if chosen.apart[k]:
        shortest = float(shortest_period(events.watched[k : k + 1], events.duration[k : k + 1])[0])
    return {**event, "single": True, "period_min": shortest, "sde": np.nan, "n_transits": 1, "aliases": ""}


def _physical(row: dict[str, Any], even: EvenCurves, star: int, unit: float) -> dict[str, Any]:
    """A row in days and fractions, with the columns of ``Candidates``."""
    days = lambda name: row.get(name, np.nan) * even.cadence  # noqa: E731
    unknown = {
        name: row.get(name, np.nan)
        for name in ("odd_even_sigma", "secondary_sigma", "secondary_phase", "centroid_sigma")
    }
    single = row["single"]
    return {
        **unknown,
        "period": np.nan if single else days("period"),
        "period_error": np.nan if single else days("period_error"),
        "t0": float(even.start[star] + days("t0")),
        # A box is placed to a cadence.
        "t0_error": even.cadence / 2 if single else days("t0_error"),
        "duration": days("duration"),
        "depth": row["depth"] * unit,
        "depth_error": row["depth"] * unit / max(row["snr_red"], 1e-6),
        "snr": row["snr"],
        "snr_red": row["snr_red"],
        "sde": row["sde"],
        "n_transits": int(row["n_transits"]),
        "single": single,
        "period_min": days("period_min") if single else np.nan,
        "aliases": row["aliases"],
    }


def _table(rows: list[dict[str, Any]]) -> Candidates:
    """Rows, in the order of stars and best first, as columns."""
    rank, last = 0, -1
    for row in rows:
        rank = rank + 1 if row["star"] == last else 1
        last = row["star"]
        row |= {"rank": rank, "matches": "", "probability": np.nan}
    return Candidates.of_rows(rows)


def _take(even: EvenCurves, index: np.ndarray) -> EvenCurves:
    centroid = None if even.centroid is None else even.centroid[index]
    return replace(
        even,
        start=even.start[index],
        flux=even.flux[index],
        weight=even.weight[index],
        scatter=even.scatter[index],
        centroid=centroid,
    )


def _padded(even: EvenCurves, n: int) -> EvenCurves:
    """With stars without weight, up to ``n``."""
    more = lambda x: np.pad(x, ((0, n - len(x)), *((0, 0) for _ in x.shape[1:])))  # noqa: E731
    centroid = None if even.centroid is None else more(even.centroid)
    return replace(
        even,
        start=more(even.start),
        flux=more(even.flux),
        weight=more(even.weight),
        scatter=more(even.scatter),
        centroid=centroid,
    )
