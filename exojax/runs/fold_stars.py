"""Search light curves and fold every candidate into views; results are cached by batch."""

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
"""folders and files of the code on which the search and the folds depend"""


@dataclass(frozen=True, eq=False)
class SearchedStar:
    """One star after its search.

    Attributes:
        curves: light curve of the star.
        found: its candidates, best first.
        scatter: robust standard deviation of a cadence of weight 1 of the flat curve, in units of its flux.
        folded: for each candidate, the sums over the bins of its views.
        vetting: for each candidate, the results of all vetting tests.
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
    """Search stars and fold their candidates; yield each star with the trace of its search.

    Args:
        stars: light curves of one star each.
        search: settings of the search.
        how: bins of the views.
        masks, alter: as in :func:`exojax.detection.search_star.search_each_star`.
    """
    results = search_each_star(stars, search, masks=masks, alter=alter)
    for curves, (candidates, trace) in zip(stars, results, strict=True):
        yield _folded(curves, candidates, trace, how), trace


def vet_each(
    stars: Sequence[LightCurves], search: SearchConfig, how: FoldConfig, *, given: Known
) -> Iterator[tuple[SearchedStar, Trace]]:
    """Measure and fold stars at given ephemerides, without a search; yield each star with its trace.

    Args:
        stars: light curves of one star each.
        search: settings, of which the detrending window and the ranges are used.
        how: bins of the views.
        given: ephemerides of these and other stars, with finite ``t0`` and ``duration``; a period of NaN is a single
            transit.
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
    """Return the results of all vetting tests of candidate ``k``; transits of earlier candidates have weight 0."""
    size = StarSize()
    if curves.stars is not None:
        radius, mass, density = (getattr(curves.stars, name)[0] for name in ("radius", "mass", "density"))
        size = StarSize(float(radius), float(mass), float(density))
    ephemeris = float(found.period[k]), float(found.t0[k]), float(found.duration[k])
    return all_tests(
        of_even(trace.flat, trace.weights[k], *ephemeris),
        size,
        absolute=curves.absolute,
        cadence=trace.flat.cadence,
        time_system=curves.time_system,
        centroid_sigma=float(found.centroid_sigma[k]),
        dumps=np.concatenate([one.dumps for one in curves.pieces]) if curves.pieces else None,
    )


def _with_centroids(found: Candidates, trace: Trace) -> Candidates:
    """Return the candidates with ``centroid_sigma`` measured.

    NaN without centroids, for single transits, and where transits are off time by more than they last.
    """
    even = trace.even
    if even.centroid is None:
        return found
    t0 = (found.t0 - even.start[0]) / even.cadence
    period, duration = found.period / even.cadence, found.duration / even.cadence
    sigma = np.full(len(found), np.nan)
    for k in np.flatnonzero(~found.single & ~(found.ttv_amplitude > found.duration)):
        sigma[k] = centroid_shift(even.centroid[0], trace.weights[k], period[k], t0[k], duration[k]).sigma
    return replace(found, centroid_sigma=sigma)


def joined(stars: Sequence[SearchedStar]) -> tuple[Candidates, dict[str, np.ndarray]]:
    """Return the candidates of several stars, and the model inputs of each candidate.

    Args:
        stars: n stars; all views have the same bins.

    Returns:
        The m candidates of all stars, where ``star`` is an index into ``stars``; and float32 arrays by name:
        :data:`exojax.folded_events.VIEWS` ``(m, bins, 3)``, ``scalars (m, len(SCALARS))`` and
        ``vetting (m, len(NUMBERS))``. Without a candidate there are no arrays.
    """
    tables = [replace(star.found, star=np.full(len(star.found), k)) for k, star in enumerate(stars)]
    found = Candidates(**{f.name: np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(Candidates)})
    if not len(found):
        return found, {}
    scatter = np.array([star.scatter for star in stars])[found.star]
    absolute = np.array([star.curves.absolute for star in stars])[found.star]
    folded = [sums for star in stars for sums in star.folded]
    properties = Stars(*(_property(stars, field.name) for field in fields(Stars)))
    inputs = candidate_inputs(found, folded, scatter, properties, absolute=absolute)
    numbers = [list(vetting.numbers.values()) for star in stars for vetting in star.vetting]
    return found, inputs | {"vetting": np.array(numbers, np.float32)}


def _property(stars: Sequence[SearchedStar], name: str) -> np.ndarray:
    """Return ``(n,)`` float64, one property of :class:`exojax.light_curves.Stars` for each star; NaN where unknown."""
    known = [star.curves.stars for star in stars]
    return np.array([np.nan if properties is None else getattr(properties, name)[0] for properties in known])


def folded_events(
    curves: LightCurves,
    search: SearchConfig,
    how: FoldConfig,
    *,
    alter: Alter | None = None,
    without: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    report: ReportCount | None = None,
) -> dict[str, np.ndarray]:
    """Search every star and fold its candidates; read batches that were searched before from the cache.

    Args:
        curves: n stars.
        search: settings of the search; ``max_candidates`` is K.
        how: bins of the views.
        alter: function applied to the flat curves before the search, as in
            :func:`exojax.detection.search_star.search_star`.
        without: period, t0 and duration, each ``(n,)`` float64 days, of a signal of each star that is masked before the
            search; NaN for no signal.
        report: receives the progress.

    Returns:
        Arrays by name. Float32: each of :data:`exojax.folded_events.VIEWS` ``(n, K, bins, 3)``, with coverage 0 for a
        star that cannot be searched; ``scalars (n, K, len(SCALARS))`` and ``vetting (n, K, len(NUMBERS))``, NaN where
        unknown. Float64: ``period``, ``t0`` and ``duration`` ``(n,)``, days, of the best candidate of each star, NaN
        without a candidate.
    """
    n, k = len(curves), search.max_candidates
    out: dict[str, np.ndarray] = {}
    for name in VIEWS:
        out[name] = np.zeros((n, k, how.global_bins if name in WIDE_VIEWS else how.local_bins, 3), np.float32)
    out["scalars"] = np.full((n, k, len(SCALARS)), np.nan, np.float32)
    out["vetting"] = np.full((n, k, len(NUMBERS)), np.nan, np.float32)
    out |= {name: np.full(n, np.nan) for name in ("period", "t0", "duration")}
    # The id of a star becomes its row number, which identifies it in the batches.
    numbered = replace(curves, id=np.arange(n).astype(str), label=None, kind=None, warnings=())

    def search_batch(batch: list[LightCurves]) -> tuple[list[LightCurves], dict[str, np.ndarray]]:
        masks = [None if without is None else _mask(star, search, without) for star in batch]

        def make() -> dict[str, np.ndarray]:
            stars = [star for star, _ in search_each(batch, search, how, masks=masks, alter=alter)]
            found, made = joined(stars)
            return made | {name: getattr(found, name) for name in ("star", "rank", "period", "t0", "duration")}

        if alter is not None:
            return batch, make()
        settings = sorted(asdict(search).items()) + sorted(asdict(how).items())
        return batch, cache.load_or_make(f"folded {of_sources(*SOURCES)} {settings} {_digest(batch, masks)}", make)

    done = 0
    for batch, made in _mapped(search_batch, (b for b in batches([numbered], search) if isinstance(b, list))):
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
    """Return a fingerprint of the content of a batch on which its result depends."""
    content = hashlib.blake2b(digest_size=16)
    for star, mask in zip(batch, masks, strict=True):
        properties = () if star.stars is None else (star.stars.radius, star.stars.mass, star.stars.mag)
        optional = [x for x in (star.centroid, mask) if x is not None]
        content.update(f"{star.cadence!r} {star.absolute} {len(properties)} {mask is None}".encode())
        for array in (star.time, star.flux, star.valid, *properties, *optional):
            content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def _mapped(
    function: Callable[[list[LightCurves]], tuple[list[LightCurves], dict[str, np.ndarray]]],
    all_batches: Iterator[list[LightCurves]],
) -> Iterator[tuple[list[LightCurves], dict[str, np.ndarray]]]:
    """Yield ``function(batch)`` for every batch in order, computed on all cores.

    At most two batches per core are in memory ahead of the consumer.
    """
    workers = cores()
    pool = ThreadPoolExecutor(workers)
    try:
        waiting = []
        for batch in all_batches:
            waiting.append(pool.submit(function, batch))
            if len(waiting) > 2 * workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
