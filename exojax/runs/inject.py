"""Run an injection experiment: inject transits into light curves and search them; search signal-free curves too."""

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
"""folders and files of the code on which the content of a part depends"""
BLOCK = 2.0
"""length of a block of a scrambled curve, in longest transit durations"""
FOREVER = 1e9
"""days: period that stands for a single transit, longer than any light curve"""


@dataclass(frozen=True)
class InjectionPlan:
    """Settings of an injection experiment.

    Attributes:
        quantity: meaning of ``size``: ``radius`` in Earth radii, ``depth`` as a fraction, or ``snr`` of the white-noise
            matched filter.
        period: shortest and longest period, days; the distribution is log-uniform.
        size: smallest and largest size; the distribution is log-uniform.
        n: number of injections.
        n_null: largest number of stars that are searched inverted and scrambled.
        seed: seed of all random numbers.
        search: settings of the search.
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
    """Result of every injection, and the strongest detection in every signal-free curve.

    Attributes:
        injected: column name -> ``(n,)``: ``id``, ``period``, ``t0``, ``duration`` (days), ``impact``, ``size``,
            ``depth`` (mid-transit, in the unit of the flux), ``snr`` (white noise, injected), ``n_transits``
            (observed), and the red-noise SNRs ``exact``, ``harmonic`` and ``single`` of the detections that match the
            injection (0 without one); ``active``, whether the star was searched without its periodic signals too, and
            ``detrending`` of the exact detection (empty without one).
        inverted: ``(n_null,)`` float64, highest red-noise SNR in the inverted curve of each star.
        scrambled: ``(n_null,)`` float64, the same in the curve whose blocks are shuffled.
        active: ``(n_null,)`` bool, the same as in ``injected``.
        detrending: ``inverted`` and ``scrambled`` -> ``(n_null,)`` str, detrending of the highest signal.
        n_stars: number of stars with injections.
        skipped: ``(id, reason)`` of each star that cannot be searched.
    """

    injected: dict[str, np.ndarray]
    inverted: np.ndarray
    scrambled: np.ndarray
    active: np.ndarray
    detrending: dict[str, np.ndarray]
    n_stars: int
    skipped: tuple[tuple[str, str], ...]


def usable(curves: LightCurves) -> LightCurves:
    """Return the stars that are not labelled as planet hosts.

    Raises:
        InputError: all stars are labelled as hosts.
    """
    if curves.label is None:
        return curves
    if not (curves.label != 1).any():
        raise InputError(f"{curves.source}: every star is a planet host; give stars without a known planet")
    return curves.take(curves.label != 1)


def quantity_of(curves: LightCurves) -> Quantity:
    """Return the best quantity for the size: ``snr`` without an absolute flux scale, else ``radius``, else
    ``depth``."""
    if not curves.absolute:
        return "snr"
    known = curves.stars is not None and bool(np.isfinite(curves.stars.radius).any())
    return "radius" if known else "depth"


def run(
    plan: InjectionPlan, curves: LightCurves, out: Path, *, workers: int = 1, report: ReportStage | None = None
) -> InjectionOutcome:
    """Inject planets and search the curves; search signal-free curves with the same settings.

    The injections are spread evenly over the stars; each is in a separate copy of the curve. Signal-free curves are the
    cleaned curves without the cadences of detections above ``snr_min``, once inverted, and once cut into blocks of
    twice the longest duration in random order, as in the vetting of Kepler's DR25 catalogue (Coughlin 2017, KSCI-19114;
    Thompson et al. 2018, ApJS 235, 38).

    Args:
        plan: settings of the experiment.
        curves: raw light curves; leave out stars with known planets (:func:`usable`).
        out: folder; finished batches there are read back.
        workers: number of batches at once.
        report: receives the progress.

    Raises:
        InputError: no star can be searched, or ``out`` holds another experiment.
    """
    if plan.quantity == "radius" and curves.stars is not None:
        curves = curves.take(np.isfinite(curves.stars.radius))
    stars: list[LightCurves] = []
    skipped: list[tuple[str, str]] = []
    for item in one_by_one([curves], plan.search):
        if isinstance(item, LightCurves):
            stars.append(item)
        else:
            skipped.append((item.id, item.reason))
    if not stars:
        reason = f"the first: {skipped[0][1]}" if skipped else "it holds no star with a known radius"
        raise InputError(f"{curves.source}: no star can be searched ({reason}); give other light curves")
    folder = out / "parts"
    properties = b"" if curves.stars is None else np.stack([curves.stars.radius, curves.stars.mass]).tobytes()
    content = {"sha256": curves.sha256, "stars": len(curves), "about": hashlib.sha256(properties).hexdigest()}
    check_same(
        folder / "plan.json",
        {"sources": of_sources(*PART_SOURCES), "cadence_days": curves.cadence} | content | _flat(plan),
        "experiment",
    )
    jobs = dict(_jobs(plan, stars, folder))
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(job) for path, job in jobs.items() if not path.exists()]
        try:
            for done, future in enumerate(as_completed(waiting), len(jobs) - len(waiting) + 1):
                future.result()
                if report:
                    report("batches", done, len(jobs))
        finally:
            pool.shutdown(cancel_futures=True)
    parts = [(path.name, load_arrays(path)) for path in jobs]
    joined, null = (_joined([part for name, part in parts if name.startswith(kind)]) for kind in ("injected", "null"))
    order = np.argsort(joined.pop("number"))
    return InjectionOutcome(
        {name: column[order] for name, column in joined.items()},
        null["inverted"],
        null["scrambled"],
        null["active"],
        {kind: null[f"{kind}_detrending"] for kind in ("inverted", "scrambled")},
        len(stars),
        tuple(skipped),
    )


def _jobs(plan: InjectionPlan, stars: list[LightCurves], folder: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Yield the file of each part and the function that computes and writes it, for a batch of stars."""
    n = len(stars)
    passes = [generator(plan.seed, "injected stars", k).permutation(n) for k in range(-(-plan.n // n))]
    star = np.concatenate(passes)[: plan.n]
    uniforms = generator(plan.seed, "injected planets").random((plan.n, 5))
    for k, first in enumerate(range(0, plan.n, BATCH_STARS)):
        number = np.arange(first, min(first + BATCH_STARS, plan.n))
        path = folder / f"injected-{k}.npz"
        yield path, _saving(path, _injected, plan, [stars[i] for i in star[number]], number, uniforms[number])
    null = np.sort(generator(plan.seed, "signal-free stars").permutation(n)[: plan.n_null])
    for k, first in enumerate(range(0, len(null), BATCH_STARS)):
        number = null[first : first + BATCH_STARS]
        path = folder / f"null-{k}.npz"
        yield path, _saving(path, _null, plan, [stars[i] for i in number], number)


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
    found, trace = search_star(made.curves, plan.search)
    truth = Injections(period, orbits.t0, orbits.duration, made.span, np.array([star.cadence]))
    seen = recover(truth, found.star, found.period, found.t0, found.duration, found.snr_red)
    exact = found.detrending[found.snr_red == seen.exact[0]][:1] if seen.exact[0] > 0 else np.array([""])
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
        "active": np.array([trace.active]),
        "detrending": exact.astype(np.str_),
    }


def _null(plan: InjectionPlan, stars: list[LightCurves], number: np.ndarray) -> dict[str, np.ndarray]:
    return _joined([_one_null(plan, star, int(k)) for star, k in zip(stars, number, strict=True)])


def _one_null(plan: InjectionPlan, star: LightCurves, number: int) -> dict[str, np.ndarray]:
    detected, trace = search_star(star, plan.search)
    transits = _transits(detected.take(detected.snr_red >= plan.search.snr_min), trace)
    rng = generator(plan.seed, "shuffled blocks", number)

    block = int(np.ceil(BLOCK * plan.search.duration_max / trace.even.cadence))
    alterations: dict[str, Alter] = {"inverted": inverted, "scrambled": lambda flat: scrambled(flat, block, rng)}
    part = {"active": np.array([trace.active])}
    for kind, alter in alterations.items():
        # As many searches and candidates as a star has without being altered.
        found, _ = search_star(star, plan.search, masked=transits, alter=alter)
        top = np.argsort(found.snr_red)[-1:]
        part[kind] = found.snr_red[top] if len(top) else np.zeros(1)
        part[f"{kind}_detrending"] = found.detrending[top].astype(np.str_) if len(top) else np.array([""])
    return part


def _transits(candidates: Candidates, trace: Trace) -> np.ndarray:
    """Return ``(n_cadences,)`` bool, true in the transits of the candidates of one star."""
    period = np.where(candidates.single, FOREVER, candidates.period)
    even, name = trace.even, np.array(["star"])
    names = np.full(len(candidates), "star")
    size = even.flux.shape[1]
    return known_transits(name, even.start, even.cadence, size, names, period, candidates.t0, candidates.duration)[0]


def _flat(plan: InjectionPlan) -> dict[str, Any]:
    """Return the settings as one flat dictionary with lists instead of tuples, as JSON returns it."""
    settings = asdict(plan)
    search = {f"search.{name}": value for name, value in settings.pop("search").items()}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in (settings | search).items()}
