"""Light curves of any number of stars -> folded events: searched, and every candidate folded, cached by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from exojax.candidates import Candidates
from exojax.config import FoldConfig, SearchConfig
from exojax.detection.batch import batches
from exojax.detection.ephemeris_match import known_transits
from exojax.detection.search_star import Alter, Trace, measure_star, search_each_star
from exojax.features.candidate_inputs import candidate_inputs, star_moments
from exojax.features.views import Moments
from exojax.folded_events import SCALARS, VIEWS, WIDE_VIEWS
from exojax.io.catalogue import Known
from exojax.light_curves import LightCurves, Stars
from exojax.photometry.resample import to_even
from exojax.storage import cache
from exojax.storage.announce import ReportCount
from exojax.storage.checksum import of_sources
from exojax.storage.cores import cores
from exojax.vetting.all_tests import NUMBERS, StarSize, Vetting, all_tests
from exojax.vetting.centroid import centroid_shift
from exojax.vetting.transit_series import of_even

SOURCES = ("loops", "photometry", "detection", "vetting", "features", "runs/fold_stars.py")
"""rooms whose code decides what is found and how it is folded"""


@dataclass(frozen=True, eq=False)
class SearchedStar:
    """One star after its search.

    Attributes:
        curves: the star.
        found: its candidates, best first.
        scatter: of a cadence of weight 1 of the flat curve, in units of its flux.
        folded: the sums over the bins of each candidate's views.
        vetting: what all tests gave for each candidate.
    """

    curves: LightCurves
    found: Candidates
    scatter: float
    folded: list[Moments]
    vetting: list[Vetting]


def search_each(
    stars: Sequence[LightCurves],
    search: SearchConfig,
    how: FoldConfig,
    *,
    masks: Sequence[np.ndarray | None],
    alter: Alter | None = None,
) -> Iterator[tuple[SearchedStar, Trace]]:
    """Yield each star searched and folded, and the trace of its search.

    The arguments are those of :func:`exojax.detection.search_star.search_each_star`.
    """
    found_each = search_each_star(stars, search, masks=masks, alter=alter)
    for curves, (candidates, trace) in zip(stars, found_each, strict=True):
        yield _folded(curves, candidates, trace, how), trace


def vet_each(
    stars: Sequence[LightCurves], search: SearchConfig, how: FoldConfig, *, given: Known
) -> Iterator[tuple[SearchedStar, Trace]]:
    """Yield each star measured and folded at the given ephemerides, nothing searched.

    Args:
        stars: one star each.
        search: window and ranges.
        how: bins of the views.
        given: ephemerides of any stars, ``t0`` and ``duration`` known; a period that is NaN is a single transit.
    """
    for curves in stars:
        mine = given.of(str(curves.id[0])).on_clock(curves.time_system)
        candidates, trace = measure_star(curves, search, mine.period, mine.t0.copy(), mine.duration)
        yield _folded(curves, candidates, trace, how), trace


def _folded(curves: LightCurves, candidates: Candidates, trace: Trace, how: FoldConfig) -> SearchedStar:
    found = _with_centroids(candidates, trace)
    folded = star_moments(found, trace.flat, global_bins=how.global_bins, local_bins=how.local_bins)
    vetting = [_vetted(curves, found, trace, k) for k in range(len(found))]
    return SearchedStar(curves, found, float(trace.flat.scatter[0]), folded, vetting)


def _vetted(curves: LightCurves, found: Candidates, trace: Trace, k: int) -> Vetting:
    """Return what all tests give for candidate ``k`` of a star, without the transits of those found before it."""
    size = StarSize()
    if curves.stars is not None:
        radius, mass, density = (getattr(curves.stars, name)[0] for name in ("radius", "mass", "density"))
        size = StarSize(float(radius), float(mass), float(density))
    where = float(found.period[k]), float(found.t0[k]), float(found.duration[k])
    return all_tests(
        of_even(trace.flat, trace.weights[k], *where),
        size,
        absolute=curves.absolute,
        cadence=trace.flat.cadence,
        time_system=curves.time_system,
        centroid_sigma=float(found.centroid_sigma[k]),
    )


def _with_centroids(found: Candidates, trace: Trace) -> Candidates:
    """Return the candidates with ``centroid_sigma`` measured, NaN for single transits and without centroids."""
    even = trace.even
    if even.centroid is None:
        return found
    t0 = (found.t0 - even.start[0]) / even.cadence
    period, duration = found.period / even.cadence, found.duration / even.cadence
    sigma = np.full(len(found), np.nan)
    for k in np.flatnonzero(~found.single):
        sigma[k] = centroid_shift(even.centroid[0], trace.weights[k], period[k], t0[k], duration[k]).sigma
    return replace(found, centroid_sigma=sigma)


def joined(stars: Sequence[SearchedStar]) -> tuple[Candidates, dict[str, np.ndarray]]:
    """Return the candidates of several stars, and the views and scalars of each.

    Args:
        stars: n of them, with views of the same bins.

    Returns:
        m candidates, ``star`` the place of its star among ``stars``; :data:`exojax.folded_events.VIEWS`
        ``(m, bins, 3)``, ``scalars (m, len(SCALARS))`` and ``vetting (m, len(NUMBERS))`` float32, no arrays where
        there is no candidate.
    """
    each = [replace(one.found, star=np.full(len(one.found), k)) for k, one in enumerate(stars)]
    found = Candidates(**{f.name: np.concatenate([getattr(one, f.name) for one in each]) for f in fields(Candidates)})
    if not len(found):
        return found, {}
    scatter = np.array([one.scatter for one in stars])[found.star]
    absolute = np.array([one.curves.absolute for one in stars])[found.star]
    folded = [sums for one in stars for sums in one.folded]
    inputs = candidate_inputs(found, folded, scatter, _about(stars), absolute=absolute)
    numbers = [list(vetting.numbers.values()) for one in stars for vetting in one.vetting]
    return found, inputs | {"vetting": np.array(numbers, np.float32)}


def _about(stars: Sequence[SearchedStar]) -> Stars:
    known = [one.curves.stars for one in stars]
    column = lambda name: np.array([np.nan if s is None else getattr(s, name)[0] for s in known])  # noqa: E731
    return Stars(*(column(field.name) for field in fields(Stars)))


def folded_events(
    curves: LightCurves,
    search: SearchConfig,
    how: FoldConfig,
    *,
    alter: Alter | None = None,
    without: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    report: ReportCount | None = None,
) -> dict[str, np.ndarray]:
    """Search every star and fold what is found; batches that were searched before come from the cache.

    Args:
        curves: n stars.
        search: of the search; ``max_candidates`` is K.
        how: bins of the views.
        alter: done to the flat curves before they are searched, as in :func:`exojax.detection.search_star.search_star`.
        without: ``(n,)`` period, t0 and duration of a signal of each star that is masked first, days; NaN for none.
        report: progress.

    Returns:
        ``(n, K, bins, 3)`` of each of :data:`exojax.folded_events.VIEWS`, ``scalars (n, K, len(SCALARS))`` and
        ``vetting (n, K, len(NUMBERS))`` of :data:`exojax.vetting.all_tests.NUMBERS`, NaN where unknown. Stars
        that cannot be searched have no coverage anywhere. ``period``, ``t0``, ``duration`` ``(n,)`` float64 days of
        each star's best candidate, NaN where there is none.
    """
    n, k = len(curves), search.max_candidates
    out: dict[str, np.ndarray] = {}
    for name in VIEWS:
        out[name] = np.zeros((n, k, how.global_bins if name in WIDE_VIEWS else how.local_bins, 3), np.float32)
    out["scalars"] = np.full((n, k, len(SCALARS)), np.nan, np.float32)
    out["vetting"] = np.full((n, k, len(NUMBERS)), np.nan, np.float32)
    out |= {name: np.full(n, np.nan) for name in ("period", "t0", "duration")}
    # A row's number instead of its name, to find it again among the batches.
    numbered = replace(curves, id=np.arange(n).astype(str), label=None, kind=None, warnings=())

    def one(batch: list[LightCurves]) -> tuple[list[LightCurves], dict[str, np.ndarray]]:
        masks = [None if without is None else _mask(star, search, without) for star in batch]

        def make() -> dict[str, np.ndarray]:
            stars = [one for one, _ in search_each(batch, search, how, masks=masks, alter=alter)]
            found, made = joined(stars)
            return made | {name: getattr(found, name) for name in ("star", "rank", "period", "t0", "duration")}

        if alter is not None:
            return batch, make()
        settings = sorted(asdict(search).items()) + sorted(asdict(how).items())
        return batch, cache.load_or_make(f"folded {of_sources(*SOURCES)} {settings} {_digest(batch, masks)}", make)

    done = 0
    for batch, made in _mapped(one, (b for b in batches([numbered], search) if isinstance(b, list))):
        rows = np.array([int(star.id[0]) for star in batch])
        row, rank = rows[made["star"]], made["rank"] - 1
        kept = rank < k
        for name in (*VIEWS, "scalars", "vetting") if len(row) else ():
            out[name][row[kept], rank[kept]] = made[name][kept]
        best = rank == 0
        for name in ("period", "t0", "duration"):
            out[name][row[best]] = made[name][best]
        done += len(batch)
        if report:
            report(done, n)
    return out


def _mask(
    star: LightCurves, search: SearchConfig, without: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> np.ndarray | None:
    period, t0, duration = (x[star.id.astype(int)] for x in without)
    if not (np.isfinite(t0) & np.isfinite(duration)).all():
        return None
    even = to_even(star, shortest=search.duration_min)
    size = even.flux.shape[1]
    return known_transits(star.id, even.start, even.cadence, size, star.id, period, t0, duration)[0]


def _digest(batch: Sequence[LightCurves], masks: Sequence[np.ndarray | None]) -> str:
    """Return a fingerprint of everything about a batch that decides what is found."""
    content = hashlib.blake2b(digest_size=16)
    for one, mask in zip(batch, masks, strict=True):
        about = () if one.stars is None else (one.stars.radius, one.stars.mass, one.stars.mag)
        some = [x for x in (one.centroid, mask) if x is not None]
        content.update(f"{one.cadence!r} {one.absolute} {len(about)} {mask is None}".encode())
        for array in (one.time, one.flux, one.valid, *about, *some):
            content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def _mapped(
    one: Callable[[list[LightCurves]], tuple[list[LightCurves], dict[str, np.ndarray]]],
    given: Iterator[list[LightCurves]],
) -> Iterator[tuple[list[LightCurves], dict[str, np.ndarray]]]:
    """Yield ``one`` of every batch, on all cores, in order; few are in flight, which bounds the memory."""
    workers = cores()
    pool = ThreadPoolExecutor(workers)
    try:
        waiting = []
        for batch in given:
            waiting.append(pool.submit(one, batch))
            if len(waiting) > 2 * workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
