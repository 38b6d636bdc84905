"""Injection and recovery composed: transits into a source's curves, the search, and the same search without signal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from exojax.candidates import Candidates
from exojax.config import SearchConfig
from exojax.detection.batch import BATCH_STARS, one_by_one
from exojax.detection.ephemeris_match import known_transits
from exojax.detection.search_star import Alter, Trace, search_star
from exojax.errors import InputError
from exojax.injection.nulls import inverted, scrambled
from exojax.injection.planets import Quantity, between, inject_planets
from exojax.injection.recovery import Injections, recover
from exojax.light_curves import LightCurves
from exojax.runs.fold_stars import SOURCES
from exojax.simulate.random_streams import generator
from exojax.storage.announce import ReportStage
from exojax.storage.array_files import load_arrays, save_arrays
from exojax.storage.checksum import of_sources
from exojax.storage.json_files import check_same

PART_SOURCES = (*SOURCES, "simulate", "injection", "runs/inject.py")
"""code that decides what a part holds"""
BLOCK = 2.0
"""longest durations in a block of a scrambled curve"""
FOREVER = 1e9  # days: the period of an event that does not come again


@dataclass(frozen=True)
class InjectionPlan:
    """What is injected, and how it is searched for.

    Attributes:
        quantity: what ``size`` is: ``radius`` in Earth radii, ``depth`` a fraction, ``snr`` of the white-noise
            matched filter.
        period: days, shortest and longest; log-uniform.
        size: smallest and largest; log-uniform.
        n: injections.
        n_null: stars that are searched inverted and scrambled, at most.
        seed: of everything that is drawn.
        search: of the search.
    """

    quantity: Quantity
    period: tuple[float, float]
    size: tuple[float, float]
    n: int
    n_null: int
    seed: int
    search: SearchConfig


@dataclass(frozen=True, eq=False)
class InjectionOutcome:
    """Every injection, and the strongest signal of every curve that holds none.

    Attributes:
        injected: column name -> ``(n,)``: ``id``, ``period``, ``t0``, ``duration``, ``impact``, ``size``, ``depth``
            (mid-transit, of the unit of the flux), ``snr`` (white noise, as injected), ``n_transits`` (observed), and
            the red-noise SNRs ``exact``, ``harmonic``, ``single`` with which it was found (0 where it was not).
        inverted: ``(n_null,)`` float64, best red-noise SNR of each star's curve turned upside down.
        scrambled: ``(n_null,)`` float64, of its curve cut into blocks that are shuffled.
        n_stars: stars that were injected into.
        skipped: ``(id, reason)`` of stars that cannot be searched.
    """

    injected: dict[str, np.ndarray]
    inverted: np.ndarray
    scrambled: np.ndarray
    n_stars: int
    skipped: tuple[tuple[str, str], ...]


def usable(curves: LightCurves) -> LightCurves:
    """Return the stars that are not labelled as planet hosts.

    Raises:
        InputError: there are none.
    """
    if curves.label is None:
        return curves
    if not (curves.label != 1).any():
        raise InputError(f"{curves.source}: every star is a planet host; give stars without a known planet")
    return curves.take(curves.label != 1)


def quantity_of(curves: LightCurves) -> Quantity:
    """Return ``radius`` where stellar radii are known, else ``depth``, and ``snr`` where flux has no absolute scale."""
    if not curves.absolute:
        return "snr"
    known = curves.stars is not None and bool(np.isfinite(curves.stars.radius).any())
    return "radius" if known else "depth"


def run(
    plan: InjectionPlan, curves: LightCurves, out: Path, *, workers: int = 1, report: ReportStage | None = None
) -> InjectionOutcome:
    """Inject, search, and search what holds no signal.

    Each star gets as many planets as the others, in a copy of its curve each. Signal-free curves are a star's own,
    cleaned, without the cadences of what the search found there above ``snr_min``: turned upside down, and cut into
    blocks of twice the longest duration that are put together in another order (both as Kepler's DR25 catalogue was
    vetted; Coughlin 2017, KSCI-19114; Thompson et al. 2018, ApJS 235, 38).

    Args:
        plan: what.
        curves: as measured; stars with planets of their own had better be left out (``usable``).
        out: folder; a batch that is finished there is not searched again.
        workers: batches at once.
        report: progress.

    Raises:
        InputError: no star can be searched, or ``out`` holds another experiment.
    """
    if plan.quantity == "radius" and curves.stars is not None:
        curves = curves.take(np.isfinite(curves.stars.radius))
    stars: list[LightCurves] = []
    skipped: list[tuple[str, str]] = []
    for one in one_by_one([curves], plan.search):
        if isinstance(one, LightCurves):
            stars.append(one)
        else:
            skipped.append((one.id, one.reason))
    if not stars:
        raise InputError(f"{curves.source}: no star can be searched ({skipped[0][1] if skipped else 'there is none'})")
    folder = out / "parts"
    about = b"" if curves.stars is None else np.stack([curves.stars.radius, curves.stars.mass]).tobytes()
    content = {"sha256": curves.sha256, "stars": len(curves), "about": hashlib.sha256(about).hexdigest()}
    check_same(
        folder / "plan.json",
        {"sources": of_sources(*PART_SOURCES), "cadence_days": curves.cadence} | content | _flat(plan),
        "experiment",
    )
    jobs = dict(_jobs(plan, stars, folder))
    say = report or (lambda what, done, total: None)
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(job) for path, job in jobs.items() if not path.exists()]
        try:
            for done, future in enumerate(as_completed(waiting), len(jobs) - len(waiting) + 1):
                future.result()
                say("batches", done, len(jobs))
        finally:
            pool.shutdown(cancel_futures=True)
    parts = [(path.name, load_arrays(path)) for path in jobs]
    joined, null = (_joined([part for name, part in parts if name.startswith(kind)]) for kind in ("injected", "null"))
    order = np.argsort(joined.pop("number"))
    return InjectionOutcome(
        {name: column[order] for name, column in joined.items()},
        null["inverted"],
        null["scrambled"],
        len(stars),
        tuple(skipped),
    )


def _jobs(plan: InjectionPlan, stars: list[LightCurves], folder: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Yield each part's file, and what makes it: a batch of stars."""
    n = len(stars)
    rounds = [generator(plan.seed, "injected stars", k).permutation(n) for k in range(-(-plan.n // n))]
    star = np.concatenate(rounds)[: plan.n]
    numbers = generator(plan.seed, "injected planets").random((plan.n, 5))
    for k, first in enumerate(range(0, plan.n, BATCH_STARS)):
        which = np.arange(first, min(first + BATCH_STARS, plan.n))
        path = folder / f"injected-{k}.npz"
        yield path, _saving(path, _injected, plan, [stars[i] for i in star[which]], which, numbers[which])
    null = np.sort(generator(plan.seed, "signal-free stars").permutation(n)[: plan.n_null])
    for k, first in enumerate(range(0, len(null), BATCH_STARS)):
        which = null[first : first + BATCH_STARS]
        path = folder / f"null-{k}.npz"
        yield path, _saving(path, _null, plan, [stars[i] for i in which], which)


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _saving(path: Path, make: Callable[..., dict[str, np.ndarray]], *given: Any) -> Callable[[], None]:
    return lambda: save_arrays(path, make(*given))


def _injected(
    plan: InjectionPlan, stars: list[LightCurves], number: np.ndarray, uniforms: np.ndarray
) -> dict[str, np.ndarray]:
    return _joined([_one_injected(plan, star, k, u) for star, k, u in zip(stars, number, uniforms, strict=True)])


def _one_injected(plan: InjectionPlan, star: LightCurves, number: int, uniforms: np.ndarray) -> dict[str, np.ndarray]:
    u = uniforms[:, None]
    period, size = between(*plan.period, u[0]), between(*plan.size, u[1])
    made = inject_planets(star, period, size, plan.quantity, u[2:])
    orbits = made.orbits
    found, _ = search_star(made.curves, plan.search)
    truth = Injections(period, orbits.t0, orbits.duration, made.span, np.array([star.cadence]))
    seen = recover(truth, found.star, found.period, found.t0, found.duration, found.snr_red)
    return {
        "number": np.array([number]),
        "id": star.id,
        "period": period,
        "t0": orbits.t0,
        "duration": orbits.duration,
        "impact": orbits.impact,
        "size": size,
        "depth": made.depth,
        "snr": made.snr,
        "n_transits": made.n_transits,
        **{field.name: getattr(seen, field.name) for field in fields(seen)},
    }


def _null(plan: InjectionPlan, stars: list[LightCurves], number: np.ndarray) -> dict[str, np.ndarray]:
    return _joined([_one_null(plan, star, int(k)) for star, k in zip(stars, number, strict=True)])


def _one_null(plan: InjectionPlan, star: LightCurves, number: int) -> dict[str, np.ndarray]:
    own, trace = search_star(star, plan.search)
    taken = _own_transits(own.take(own.snr_red >= plan.search.snr_min), trace)
    rng = generator(plan.seed, "shuffled blocks", number)

    def best(alter: Alter) -> np.ndarray:
        # As many searches and candidates as a star has without being altered.
        found, _ = search_star(star, plan.search, masked=taken, alter=alter)
        return np.array([found.snr_red.max(initial=0.0)])

    block = int(np.ceil(BLOCK * plan.search.duration_max / trace.even.cadence))
    return {
        "inverted": best(inverted),
        "scrambled": best(lambda flat: scrambled(flat, block, rng)),
    }


def _own_transits(own: Candidates, trace: Trace) -> np.ndarray:
    """Return what the search found in the star itself, ``(n_cadences,)`` bool."""
    period = np.where(own.single, FOREVER, own.period)
    even, name = trace.even, np.array(["star"])
    names = np.full(len(own), "star")
    size = even.flux.shape[1]
    return known_transits(name, even.start, even.cadence, size, names, period, own.t0, own.duration)[0]


def _flat(plan: InjectionPlan) -> dict[str, Any]:
    """As JSON gives it back: lists for tuples."""
    told = asdict(plan)
    search = {f"search.{name}": value for name, value in told.pop("search").items()}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in (told | search).items()}
