"""Light curves to candidates for one batch of stars: put on an even grid, and searched by one compiled program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from threading import Lock

import numpy as np

from exojax.ahead import ahead
from exojax.config import SearchConfig
from exojax.layout import ROOM, Layout, nominal, slices
from exojax.lightcurve import Candidates, EvenCurves, LightCurves
from exojax.photometry.clean import clip_upward
from exojax.photometry.detrend import flatten, room_for, spans
from exojax.photometry.grid import padded_size, to_even
from exojax.rounds import Columns, Curves, Found, searcher, shapes

_TYPICAL_CADENCES, _LEAST_STARS = 3584, 8
_FEW = (
    4  # stars and fewer are padded to this many, more to a whole batch: a program takes longer to compile than a star
)
_SAME = (
    "depth",
    "depth_error",
    "snr",
    "snr_red",
    "sde",
    "odd_even_sigma",
    "secondary_sigma",
    "secondary_phase",
    "centroid_sigma",
)
_DAYS = ("period", "period_error", "t0_error", "duration", "period_min")

Search = Callable[[Curves, np.ndarray, np.float32], tuple[Found, Columns]]
"""``(curves, mag, cadence)`` of a batch -> what is found, and what a judge says of it."""
Program = Callable[[Layout], Search]
"""Gives the compiled search of a layout."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What the search of a batch saw, for pictures and for judges.

    Attributes:
        even: before detrending.
        flat: after it, the transits of all candidates kept from the trend; of altered curves, those that were searched.
        periods: ``(n_slices,)`` float64, days, increasing: some four thousand slices of log period.
        power: ``(n_candidates, n_slices)`` float32, highest white-noise SNR of each in the search that found it.
        disagreement: ``(n_candidates,)`` float64, how far the members of the ensemble that judged them differ; or None.
    """

    even: EvenCurves
    flat: EvenCurves
    periods: np.ndarray
    power: np.ndarray
    disagreement: np.ndarray | None = None


def batch_size(n_cadences: int, config: SearchConfig) -> int:
    """Stars searched at once: ``config.batch`` of the usual length, down to 8 of longer curves; a power of two."""
    most = min(max(config.batch * _TYPICAL_CADENCES // max(n_cadences, 1), _LEAST_STARS), config.batch)
    return 2 ** (max(most, 1).bit_length() - 1)


def made_once(make: Program) -> Program:
    """``make``, whose answers are kept. One of several threads that ask for a layout makes it, and the others wait."""
    made: dict[Layout, Search] = {}
    locks: dict[Layout, Lock] = {}
    guard = Lock()

    @wraps(make)
    def of(layout: Layout) -> Search:
        with guard:
            lock = locks.setdefault(layout, Lock())
        with lock:
            if layout not in made:
                made[layout] = make(layout)
            return made[layout]

    return of


@made_once
def unjudged(layout: Layout) -> Search:
    """The search alone."""
    search = ahead(searcher(layout), (shapes(layout),), f"search {layout}")
    return lambda curves, mag, cadence: (search(curves), {})


def hunt(
    curves: LightCurves,
    config: SearchConfig,
    *,
    masked: np.ndarray | None = None,
    alter: Callable[[EvenCurves], EvenCurves] | None = None,
    program: Program = unjudged,
) -> tuple[Candidates, Trace]:
    """The candidates of each star: its best, however weak, and further ones and single transits that stand out.

    How they are found, :func:`exojax.rounds.searcher` says.

    Args:
        curves: stars of one cadence; at most ``batch_size`` of them.
        config: ranges and thresholds.
        masked: ``(n_stars, n_cadences)`` bool on the even grid, cadences of known transits; or None.
        alter: done to the flat, clean curves (those of ``masked`` without weight) before they are searched, such as
            turning them upside down; they are searched for one candidate a star, as what is found is then elsewhere.
        program: the search that is compiled; one with a judge fills ``probability``.

    Returns:
        Candidates in the order of their stars, best first, ``matches`` still empty; and what the search saw.

    Raises:
        ValueError: more stars than a batch, or curves that cannot hold the range of periods.
    """
    even = to_even(curves, shortest=config.duration_min)
    n, size = even.flux.shape
    batch = batch_size(size, config)
    if n > batch:
        raise ValueError(f"{n} stars in a batch of {batch}")
    taken = np.zeros((n, size), bool) if masked is None else masked
    needed = room_for(even.weight, *spans(config.window, nominal(even.cadence)))
    room = padded_size(needed) if needed > size // ROOM else None
    given = even
    if alter is not None:
        given = alter(_clean(even, taken, curves.absolute, config))
        taken = np.zeros_like(taken)
    whole = min(_FEW, batch) if n <= _FEW else batch
    layout = Layout(whole, size, nominal(even.cadence), curves.absolute, config, room, given.centroid is not None)
    periods = slices(layout.plan)[0] * even.cadence / layout.plan.cadence
    unknown = np.full(n, np.nan)
    density, mag = (unknown, unknown) if curves.stars is None else (curves.stars.density, curves.stars.mag)
    more = lambda x: np.pad(x, ((0, whole - n), *((0, 0) for _ in x.shape[1:])))  # noqa: E731
    arrays = Curves(
        more(given.flux),
        more(given.weight),
        more(taken),
        more(density.astype(np.float32)),
        more(np.full(n, alter is not None)),
        more(given.scatter),
        None if given.centroid is None else more(given.centroid),
    )
    found, said = program(layout)(arrays, more(mag.astype(np.float32)), np.float32(even.cadence))
    star, slot = np.nonzero(np.asarray(found.rows["there"])[:n])
    read = lambda x: np.asarray(x)[star, slot]  # noqa: E731
    rows = {name: read(x) for name, x in (found.rows | said).items()}
    flat, weight, scatter = (np.asarray(x)[:n] for x in (found.flat, found.weight, found.scatter))
    seen = replace(given, flux=flat, weight=weight, scatter=scatter)
    table = _table(rows, curves.id, star, slot, even, even.cadence / layout.plan.cadence)
    disagreement = rows["disagreement"].astype(np.float64) if "disagreement" in said else None
    return table, Trace(even, seen, periods, read(found.power), disagreement)


def _clean(even: EvenCurves, taken: np.ndarray, absolute: bool, config: SearchConfig) -> EvenCurves:
    """Flat curves, upward outliers out; what is ``taken`` is kept from the trend, and has no weight after it."""
    flat = flatten(even, config.window, absolute=absolute, in_transit=taken if taken.any() else None)
    weight = np.asarray(clip_upward(flat.flux, flat.weight, flat.scatter))
    return replace(flat, weight=np.where(taken, np.float32(0), weight))


def _table(
    rows: dict[str, np.ndarray], name: np.ndarray, star: np.ndarray, slot: np.ndarray, even: EvenCurves, scale: float
) -> Candidates:
    """Columns in cadences as candidates in days; ``scale`` takes the plan's days to the curves'."""
    columns = {key: rows[key].astype(np.float64) for key in (*_SAME, *_DAYS, "t0")}
    columns |= {key: columns[key] * even.cadence for key in _DAYS}
    columns["t0"] = even.start[star] + columns["t0"] * even.cadence
    aliases = []
    for period, snr, least in zip(rows["alias"] * scale, rows["alias_snr"], 0.5 * rows["snr"], strict=True):
        best = np.argsort(-snr, kind="stable")
        aliases.append(";".join(f"{p:.6g}" for p, s in zip(period[best], snr[best]) if s >= max(least, 1e-6)))
    return Candidates(
        star=star,
        id=name[star],
        rank=slot + 1,
        n_transits=np.rint(rows["n_transits"]).astype(np.int64),
        single=rows["single"],
        aliases=np.array(aliases, np.str_),
        matches=np.full(len(star), "", np.str_),
        probability=rows["probability"].astype(np.float64) if "probability" in rows else np.full(len(star), np.nan),
        **columns,
    )
