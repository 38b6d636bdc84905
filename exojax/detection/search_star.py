"""Search one star: clean its light curve, find the best candidate, mask it, and repeat while a signal is
significant."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from exojax.candidates import Candidates
from exojax.config import SearchConfig
from exojax.detection.curve import FlatCurve
from exojax.detection.measure import (
    MASK_REACH,
    Ephemeris,
    FittedTransit,
    PeriodicSignal,
    describe,
    fit_transit,
    measure,
)
from exojax.detection.peaks import aliases
from exojax.detection.period_grid import INNER, PeriodGrid
from exojax.detection.periodogram import Periodogram, periodogram
from exojax.detection.red_noise import Noise
from exojax.detection.refit import in_transit, refit, without_others
from exojax.detection.seasons import (
    coverage,
    measure_seasons,
)
from exojax.detection.select import SINGLE_SNR, NextCandidate, choose
from exojax.detection.single_transits import shortest_period, single_event
from exojax.detection.star import WINDOW, Star, is_better
from exojax.detection.timing import straightened, time_transits
from exojax.detection.tolerant import tolerant_signal
from exojax.detection.transit_depths import TransitDepths
from exojax.ephemeris import next_transit, phase, transit_mask
from exojax.light_curves import EvenCurves, LightCurves
from exojax.loops import compiled
from exojax.photometry.resample import to_even

MOST_SINGLES = 3
"""largest number of single transits of a star, in addition to its ``max_candidates``"""
SINGLE_MASK_SCALE = 1.5
"""factor on the width of the mask of a single transit, whose duration is less certain than that of a periodic one"""
MOST_EXCLUDED = 0.6
"""largest share of a curve's cadences that is left out of its last trend"""
RESIDUAL_REACH = 1.5
"""a further signal within this distance of a transit, in durations, is a residual beside its mask"""
LATE_MARGIN = 1.1
"""smallest ratio of the SNR of a candidate off time to that of the candidate on time for which the former is taken"""
MOST_RESIDUALS = 2
"""largest number of searches of one star that return a residual"""
HOPELESS = 0.85
"""in a further search, peaks below this share of ``snr_min`` are not refined, because refining adds a tenth at most"""

Alter = Callable[[EvenCurves], EvenCurves]
"""Function that changes one star's flat, clean curve before the search, for example turns it upside down."""


PLUGINS = ("jax_cuda12_plugin", "jax_cuda13_plugin", "jax_rocm7_plugin", "libtpu")
"""packages through which JAX uses an accelerator"""


@dataclass(frozen=True, eq=False)
class Trace:
    """Curves and periodograms of the search of one star, for figures and models.

    Attributes:
        even: curve of the star before detrending.
        flat: curve after detrending; the transits of all candidates were left out of the trend. If the curve was
            altered, this is the altered curve.
        periodograms: for each candidate, the periodogram in which it was found.
        weights: for each candidate, ``(n_cadences,)`` float32 weights, 0 in the transits of earlier candidates.
        active: whether the curve without the periodic signals of the star was searched too.
    """

    even: EvenCurves
    flat: EvenCurves
    periodograms: tuple[Periodogram, ...]
    weights: tuple[np.ndarray, ...]
    active: bool = False


SearchSteps = Generator[tuple[PeriodGrid, FlatCurve], Periodogram, tuple[Candidates, Trace]]
"""Generator that requests periodograms of curves, and returns the candidates at the end."""


def search_star(
    curves: LightCurves, config: SearchConfig, *, masked: np.ndarray | None = None, alter: Alter | None = None
) -> tuple[Candidates, Trace]:
    """Return a star's candidates: the best signal, even if weak, and further significant signals and single transits.

    The search finds the best candidate, masks its transits, computes the trend again without them, and searches again,
    until no signal is above ``snr_min`` or ``max_candidates`` periodic candidates are found. If a single event is more
    significant than the best fold, or if a fold combines events that differ, the strongest event becomes a candidate as
    a single transit. Residuals of a candidate beside its mask are masked too, and are no candidates.

    Args:
        curves: one star.
        config: ranges and thresholds.
        masked: ``(n_cadences,)`` bool on the even grid, cadences of known transits; or None.
        alter: function that changes the flat, clean curve, in which the cadences of ``masked`` have no weight. The
            altered curve is searched like any other, but not detrended again. None: no change.

    Returns:
        Candidates, best first, with ``matches`` still empty (no candidates if the flux does not vary); and the trace.

    Raises:
        ValueError: the curve cannot hold the range of periods.
    """
    (found,) = search_each_star([curves], config, masks=[masked], alter=alter)
    return found


def search_each_star(
    stars: Sequence[LightCurves],
    config: SearchConfig,
    *,
    masks: Sequence[np.ndarray | None],
    alter: Alter | None = None,
) -> Iterator[tuple[Candidates, Trace]]:
    """Yield the result of :func:`search_star` for each of several stars, in their order.

    A CPU searches the stars one after another; a GPU or TPU computes the periodograms of all stars together.

    Args:
        stars: light curves of one star each.
        config, alter: as in :func:`search_star`.
        masks: for each star, ``masked`` of :func:`search_star`.
    """
    compiled.ready()
    searches = [_search_steps(star, config, mask, alter) for star, mask in zip(stars, masks, strict=True)]
    if not on_accelerator():
        for one in searches:
            yield _run_on_cpu(one)
        return
    from exojax.detection.accelerator import periodograms

    yield from run_together(searches, periodograms)


def on_accelerator() -> bool:
    """Return whether JAX runs on a GPU or TPU; JAX is imported only if a package of ``PLUGINS`` is installed."""
    if "jax" not in sys.modules and not any(find_spec(name) for name in PLUGINS):
        return False
    import jax

    return jax.default_backend() != "cpu"


def _run_on_cpu(steps: SearchSteps) -> tuple[Candidates, Trace]:
    """Run the search of a star with periodograms of the CPU, and return its result."""
    answer = None
    while True:
        try:
            grid, curve = steps.send(answer) if answer is not None else next(steps)
        except StopIteration as end:
            return end.value
        answer = periodogram(grid, curve.flux, curve.weight)


def run_together(
    searches: Sequence[SearchSteps],
    periodograms: Callable[[PeriodGrid, Sequence[tuple[np.ndarray, np.ndarray]]], list[Periodogram]],
) -> list[tuple[Candidates, Trace]]:
    """Run several searches and return their results; one call computes all periodograms that share a plan.

    Args:
        searches: searches that have not started.
        periodograms: function of a plan and of flux and weight of each star; it returns one periodogram per star.
    """
    results: dict[int, tuple[Candidates, Trace]] = {}
    answers: dict[int, Periodogram | None] = dict.fromkeys(range(len(searches)))
    while answers:
        requests: dict[int, list[tuple[int, PeriodGrid, FlatCurve]]] = {}
        for k, answer in answers.items():
            try:
                grid, curve = next(searches[k]) if answer is None else searches[k].send(answer)
                requests.setdefault(id(grid), []).append((k, grid, curve))
            except StopIteration as end:
                results[k] = end.value
        answers = {}
        for group in requests.values():
            made = periodograms(group[0][1], [(curve.flux, curve.weight) for _, _, curve in group])
            answers |= {k: one for (k, _, _), one in zip(group, made, strict=True)}
    return [results[k] for k in range(len(searches))]


def measure_star(
    curves: LightCurves, config: SearchConfig, period: np.ndarray, t0: np.ndarray, duration: np.ndarray
) -> tuple[Candidates, Trace]:
    """Measure a star's candidates at given ephemerides in the same way as the search, without searching.

    Period, epoch and duration stay as given. The transits of all candidates are left out of the trend, and those of the
    other candidates out of each measurement. Depth and errors come from a least-squares fit if it ends near the given
    epoch, otherwise from the mean over the transits. If no transit was observed, depth and significance are NaN.

    Args:
        curves: one star.
        config: ranges and window.
        period: ``(k,)`` float64 days; NaN for a single transit.
        t0: ``(k,)`` float64 days, any mid-transit, in the curve's time system.
        duration: ``(k,)`` float64 days, first to last contact.

    Returns:
        Candidates in the order of the arguments, and the trace.

    Raises:
        ValueError: the curve cannot hold the range of periods.
    """
    compiled.ready()
    even = to_even(curves, shortest=config.duration_min)
    size, days = even.flux.shape[1], even.cadence
    if not even.weight.any():
        return _table([], curves, even, 1.0), Trace(even, even, (), ())
    star = Star.of(curves, even, config)
    shortest, longest = star.limits
    turns = np.where(np.isfinite(period), period / days, np.inf)
    first, lengths = (t0 - even.start[0]) / days, duration / days
    repeats = np.isfinite(turns)
    first[repeats] -= turns[repeats] * np.floor(first[repeats] / turns[repeats])
    given = list(zip(turns.tolist(), first.tolist(), lengths.tolist()))
    inside = [transit_mask(np.arange(size), p, t, 2 * MASK_REACH * d) for p, t, d in given]
    taken = np.any(inside, axis=0) if inside else np.zeros(size, bool)
    flat = star.clean(_kept_from_trend(taken, even.weight[0]))
    flux = flat.flux[0] / flat.scatter[0]
    whole = FlatCurve.of(flux, flat.weight[0])
    noise = Noise.of(whole, float(star.grid.durations[-1]))
    seen = star.periodogram(whole)
    rows, weights = [], []
    for k, (p, t, d) in enumerate(given):
        curve = without_others(flux, flat.weight[0], inside, k)
        rows.append(_given_row(curve, noise, Ephemeris(p, t, d, 0.0), min(shortest, d), max(longest, d)))
        weights.append(curve.weight)
        timing = time_transits(curve, noise, p, t, d) if np.isfinite(p) else None
        if timing is not None:
            rows[-1] |= {"ttv_sigma": timing.sigma, "ttv_amplitude": timing.amplitude}
    scale = float(flat.scatter[0]) if curves.absolute else 1.0
    return _table(rows, curves, even, scale), Trace(even, flat, (seen,) * len(rows), tuple(weights))


def _template_snr(curve: FlatCurve, given: Ephemeris) -> float:
    """Return the SNR of the periodogram's template at an ephemeris; it is negative if the flux rises in transit."""
    share = np.abs(phase(np.arange(len(curve.flux)), given.period, given.t0)) / given.duration
    template = np.where(share <= 0.5 * INNER, 1.0, np.where(share <= 0.5, 0.5, 0.0))
    first, second = ((curve.weight * template**power).sum(dtype=np.float64) for power in (1, 2))
    return float(-(template * curve.centred).sum() / np.sqrt(max(second - first**2 / curve.total, 1e-9)))


def _given_row(curve: FlatCurve, noise: Noise, given: Ephemeris, shortest: float, longest: float) -> dict[str, Any]:
    """Return the columns of a candidate at a given ephemeris, as ``_row`` does of a detection."""
    events = TransitDepths.of(curve, noise, given.period, given.t0, given.duration)
    white = float(events.white.sum())
    unknown = dict.fromkeys((*PeriodicSignal.__dataclass_fields__, "period_min"), np.nan) | {
        "alias": [],
        "n_transits": 0,
    }
    unknown |= {"period": given.period, "t0": given.t0, "duration": given.duration}
    unknown |= {"single": bool(np.isinf(given.period)), "detrending": WINDOW}
    if not white > 0:
        return unknown
    mean = float((events.depth * events.white).sum()) / white
    signal = given._replace(snr=_template_snr(curve, given))
    fit = fit_transit(curve, signal._replace(snr=max(signal.snr, 3.0)), shortest, longest)
    late = phase(fit.t0, given.period, given.t0)
    near = np.isfinite(fit.t0_error) and abs(late) < 0.5 * given.duration and fit.depth > 0.5 * mean
    errors = (fit.period_error, fit.t0_error) if near else (np.nan, np.nan)
    shape = FittedTransit(given.period, given.t0, given.duration, *errors, fit.depth if near and mean > 0 else mean)
    if np.isfinite(given.period):
        found, _ = describe(curve, signal, shape, np.nan, noise)
        return unknown | vars(found) | {"depth": shape.depth}
    red = float(signal.snr / events.scatter[0])
    return unknown | {"t0_error": errors[1], "depth": shape.depth, "snr": signal.snr, "snr_red": red, "n_transits": 1}


def _search_steps(
    curves: LightCurves, config: SearchConfig, masked: np.ndarray | None, alter: Alter | None
) -> SearchSteps:
    """Request one periodogram after another, and return the candidates and the trace; see :func:`search_star`."""
    even = to_even(curves, shortest=config.duration_min)
    size, absolute = even.flux.shape[1], curves.absolute
    known = np.zeros(size, bool) if masked is None else masked
    if not even.weight.any():
        return _table([], curves, even, 1.0), Trace(even, even, (), ())
    star = Star.of(curves, even, config)
    taken = np.zeros(size, bool) if alter is not None else known.copy()
    flats, kept = star.detrended(known), known
    active = len(flats) > 1
    if alter is not None:
        flats = {name: alter(flat) for name, flat in flats.items()}
    rows: list[dict[str, Any]] = []
    seen: list[tuple[Periodogram, np.ndarray]] = []
    n_wanted, n_residuals = config.max_candidates, 0
    while n_wanted > 0 and len(rows) < config.max_candidates + MOST_SINGLES:
        if seen and alter is None:
            flats, kept = {name: star.clean(taken, name) for name in flats}, taken.copy()
        found, row, weight = None, None, np.zeros(size, np.float32)
        for name, flat in flats.items():
            curve = FlatCurve.of(flat.flux[0] / flat.scatter[0], np.where(taken, np.float32(0), flat.weight[0]))
            if not curve.weight.any():
                continue
            its, new = yield from _next_row(star, curve, first=not rows)
            if new is not None and (row is None or _is_better(new, row, even.cadence)):
                found, row, weight = its, new | {"detrending": name}, curve.weight
        if row is None or found is None:
            break
        # After the first candidate, the search continues with the detrending that found it.
        flats = {row["detrending"]: flats[row["detrending"]]}
        taken |= in_transit(row, size)
        if any(_is_residual(row, before, star.tolerance) for before in rows):
            n_residuals += 1
            if n_residuals > MOST_RESIDUALS:
                break
            continue
        rows.append(row)
        seen.append((found, weight))
        n_wanted -= not row["single"]
        if row["snr_red"] < config.snr_min:
            break
    (name, last), *_ = flats.items()
    if alter is None and not np.array_equal(kept, final := _kept_from_trend(taken, even.weight[0])):
        last = star.clean(final, name)
    order = sorted(range(len(rows)), key=lambda k: -rows[k]["snr_red"])
    weights = [weight for _, weight in seen]
    if alter is None:
        last, timings = refit(rows, last, star)
        for timing in timings:
            weights = [straightened(weight, weight, timing)[1] for weight in weights]
    scale = float(last.scatter[0]) if absolute else 1.0
    table = _table([rows[k] for k in order], curves, even, scale)
    return table, Trace(even, last, tuple(seen[k][0] for k in order), tuple(weights[k] for k in order), active)


def _is_better(new: dict[str, Any], old: dict[str, Any], cadence: float) -> bool:
    return is_better(new["snr_red"], old["snr_red"], old["duration"], old["period"], cadence)


def _next_row(
    star: Star, curve: FlatCurve, *, first: bool
) -> Generator[tuple[PeriodGrid, FlatCurve], Periodogram, tuple[Periodogram, dict[str, Any] | None]]:
    """Request a periodogram, and return it and the columns of the star's next candidate, None where there is none."""
    found, row = yield from _on_time_row(star, curve, first=first)
    late = _late_row(star, curve) if star.tolerance > 0 else None
    if late is None or (row is not None and late["snr_red"] < LATE_MARGIN * row["snr_red"]):
        return found, row
    return found, late


def _late_row(star: Star, curve: FlatCurve) -> dict[str, Any] | None:
    """Return the columns of the best candidate whose transits may be off time, None where there is none."""
    longest = min(star.longest_period, 0.5 * (curve.last - curve.first)) if star.seasons else star.grid.period_max
    periods = star.grid.period_min, longest
    signal = tolerant_signal(curve, star.even.cadence, star.tolerance, periods, star.limits)
    if signal is None or signal.periodic.snr_red < star.config.snr_min:
        return None
    reach = MASK_REACH * max(signal.periodic.duration, signal.timing.duration)
    row = vars(signal.periodic) | {"single": False, "period_min": np.nan, "alias": [], "reach": reach}
    return row | {"timing": signal.timing}


def _on_time_row(
    star: Star, curve: FlatCurve, *, first: bool
) -> Generator[tuple[PeriodGrid, FlatCurve], Periodogram, tuple[Periodogram, dict[str, Any] | None]]:
    """Request a periodogram, and return it and the columns of the best candidate that is on time, None for none."""
    if star.seasons:
        seen = measure_seasons(star.grid, curve, star.seasons, *star.limits, star.longest_period)
        choice = choose(seen.periodic, seen.event, first=first, snr_min=star.config.snr_min)
        if choice is None:
            return seen.found, None
        row = _row(choice, seen.periodic, seen.found, curve, star)
        if choice.single is None:
            row["alias"] = list(seen.possible) + ([] if seen.duo else row["alias"])
        if choice.single is None and seen.duo:
            row |= dict.fromkeys(("sde", "odd_even_sigma", "secondary_sigma", "secondary_phase"), np.nan)
            row |= {"single": True, "period_min": min(seen.possible), "reach": SINGLE_MASK_SCALE * row["reach"]}
        return seen.found, row
    found = yield star.grid, curve
    if not first and float(found.power.max()) < HOPELESS * star.config.snr_min:
        event = single_event(curve, Noise.of(curve, float(star.grid.durations[-1])))
        if event.snr_red < max(SINGLE_SNR, star.config.snr_min):
            return found, None
    periodic, noise = measure(star.grid, found, curve, *star.limits)
    choice = choose(periodic, single_event(curve, noise), first=first, snr_min=star.config.snr_min)
    return found, None if choice is None else _row(choice, periodic, found, curve, star)


def _row(
    choice: NextCandidate,
    periodic: PeriodicSignal,
    found: Periodogram,
    curve: FlatCurve,
    star: Star,
) -> dict[str, Any]:
    """Return a candidate's columns: times in cadences, depth in units of the star's scatter."""
    if choice.single is None:
        row = dict(vars(periodic))
        alias = aliases(found, periodic.period, 0.5 * periodic.snr)
        return row | {"single": False, "period_min": np.nan, "alias": alias, "reach": MASK_REACH * periodic.duration}
    event = choice.single
    least = np.nan
    if choice.apart:
        covered = coverage(curve.weight, star.seasons) if star.seasons else None
        least = shortest_period(curve, event.t0, event.duration, event.depth, covered=covered)
    shape = fit_transit(curve, Ephemeris(np.inf, event.t0, event.duration, event.snr), *star.limits)
    fitted = shape.depth > 0.5 * event.depth and np.isfinite(shape.t0_error)
    unknown = dict.fromkeys(("sde", "odd_even_sigma", "secondary_sigma", "secondary_phase"), np.nan)
    return unknown | {
        "period": np.inf,
        "period_error": np.nan,
        "t0": shape.t0 if fitted else event.t0,
        # A box is placed to a cadence.
        "t0_error": shape.t0_error if fitted else 0.5,
        "duration": shape.duration if fitted else event.duration,
        "depth": shape.depth if fitted else event.depth,
        "snr": event.snr,
        "snr_red": event.snr_red,
        "n_transits": 1,
        "single": True,
        "period_min": least,
        "alias": [],
        "reach": SINGLE_MASK_SCALE * MASK_REACH * max(event.duration, shape.duration if fitted else 0.0),
    }


def _is_residual(new: dict[str, Any], old: dict[str, Any], tolerance: float = 0.0) -> bool:
    """Return whether the signal ``new`` is a residual of ``old``: all its transits lie beside the mask of ``old``.

    Either signal is a single transit, or the new period is a simple multiple or fraction of the old one. For an ``old``
    that was found off time, the distance may be larger by ``tolerance`` cadences.
    """
    reach = RESIDUAL_REACH * old["duration"] + (0.0 if old.get("timing") is None else tolerance)
    beside = bool(transit_mask(new["t0"], old["period"], old["t0"], 2 * reach))
    if new["single"] or old["single"]:
        return beside and new["single"]
    ratio = new["period"] / old["period"]
    multiple = float(np.rint(ratio))
    if multiple < 1 or abs(ratio / multiple - 1) > old["duration"] / old["period"] / 4:
        return False
    return beside


def _kept_from_trend(taken: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the cadences of ``taken`` that are left out of a star's last trend, ``(n_cadences,)`` bool.

    If ``taken`` covers most of the measured cadences (``weight`` above 0), none is left out: otherwise there would be
    no trend and nothing to fold. This happens for transits that last about as long as their period.
    """
    measured = weight > 0
    share = int((taken & measured).sum()) / max(int(measured.sum()), 1)
    return taken if share <= MOST_EXCLUDED else np.zeros_like(taken)


def _table(rows: list[dict[str, Any]], curves: LightCurves, even: EvenCurves, scale: float) -> Candidates:
    """Convert rows in cadences and scatters to candidates in days and, by the factor ``scale``, in units of the
    flux."""
    days, start = even.cadence, float(even.start[0])
    seen = np.flatnonzero(even.weight[0] > 0)
    last = float(seen[-1]) if len(seen) else 0.0
    lines = []
    for rank, row in enumerate(rows, 1):
        depth = row["depth"] * scale
        period = np.nan if row["single"] else row["period"]
        middle = 0.5 * (even.flux.shape[1] - 1.0)
        coming, error = next_transit(period, row["t0"], row["period_error"], row["t0_error"], last + 1.0, middle)
        wander = row.get("ttv_amplitude", np.nan)
        lines.append(
            row
            | {
                "star": 0,
                "id": curves.id[0],
                "rank": rank,
                "period": np.nan if row["single"] else row["period"] * days,
                "period_error": row["period_error"] * days,
                "t0": start + row["t0"] * days,
                "t0_error": row["t0_error"] * days,
                "duration": row["duration"] * days,
                "period_min": row["period_min"] * days,
                "depth": depth,
                "depth_error": depth / max(row["snr_red"], 1e-6),
                "aliases": ";".join(f"{p * days:.6g}" for p in row["alias"]),
                "matches": "",
                "detrending": row["detrending"],
                "ttv_sigma": row.get("ttv_sigma", np.nan),
                "ttv_amplitude": wander * days,
                "next_transit": start + float(coming) * days,
                "next_transit_error": float(np.hypot(error, np.nan_to_num(wander))) * days,
                "centroid_sigma": np.nan,
                "probability": np.nan,
            }
        )
    return Candidates.of_rows(lines)
