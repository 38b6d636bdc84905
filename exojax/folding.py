"""Light curves of any number of stars -> folded events: searched, and every candidate folded, cached by batch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import numpy as np

from exojax.batching import grouped
from exojax.config import FoldConfig, SearchConfig
from exojax.features.views import fold
from exojax.folded import SCALARS, VIEWS, WIDE_VIEWS
from exojax.hunt import Trace, hunt
from exojax.io import cache
from exojax.lightcurve import Candidates, EvenCurves, LightCurves
from exojax.photometry.grid import to_even
from exojax.search.grid import transit_duration
from exojax.search.match import known_transits
from exojax.searching import VERSION as SEARCH_VERSION

VERSION = 1
"""of what is kept of a batch"""
_SAME = 0.01
"""share by which two periods differ that are of one signal"""

Report = Callable[[int, int], None]
"""``(stars done, of how many)``"""
Alter = Callable[[EvenCurves], EvenCurves]


def folded_events(
    curves: LightCurves,
    search: SearchConfig,
    how: FoldConfig,
    *,
    alter: Alter | None = None,
    without: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    report: Report | None = None,
) -> dict[str, np.ndarray]:
    """Search every star and fold what is found; batches that were searched before come from the cache.

    Args:
        curves: n stars.
        search: of the search; ``max_candidates`` is K.
        how: bins of the views.
        alter: done to the flat curves before they are searched, as in :func:`exojax.hunt.hunt`; K is 1 then.
        without: ``(n,)`` period, t0 and duration of a signal of each star that is masked first, days; NaN for none.
        report: progress.

    Returns:
        ``(n, K, bins, 3)`` of each of :data:`exojax.folded.VIEWS`, and ``scalars (n, K, len(SCALARS))``. Stars that
        cannot be searched have no coverage anywhere. ``period``, ``t0``, ``duration`` ``(n,)`` float64 days of each
        star's best candidate, NaN where there is none.
    """
    if alter is not None:
        search = replace(search, max_candidates=1)
    n, k = len(curves), search.max_candidates
    out: dict[str, np.ndarray] = {}
    for name in VIEWS:
        out[name] = np.zeros((n, k, how.global_bins if name in WIDE_VIEWS else how.local_bins, 3), np.float32)
    out["scalars"] = np.full((n, k, len(SCALARS)), np.nan, np.float32)
    out |= {name: np.full(n, np.nan) for name in ("period", "t0", "duration")}
    # A row's number instead of its name, to find it again among the batches.
    numbered = replace(curves, id=np.arange(n).astype(str), label=None, kind=None, warnings=())

    def one(batch: LightCurves) -> tuple[LightCurves, dict[str, np.ndarray]]:
        masked = None if without is None else _mask(batch, search, without)

        def make() -> dict[str, np.ndarray]:
            found, trace = hunt(batch, search, masked=masked, alter=alter)
            return of_batch(batch, found, trace, how)

        if alter is not None:
            return batch, make()
        settings = sorted(asdict(search).items()) + sorted(asdict(how).items())
        key = f"folded {VERSION} {SEARCH_VERSION} {settings} {_digest(batch, masked)}"
        return batch, cache.load_or_make(key, make)

    done = 0
    for batch, made in _mapped(one, (b for b in grouped([numbered], search) if isinstance(b, LightCurves))):
        rows = batch.id.astype(int)
        row, rank = rows[made["star"]], made["rank"] - 1
        kept = rank < k
        for name in (*VIEWS, "scalars"):
            out[name][row[kept], rank[kept]] = made[name][kept]
        best = rank == 0
        for name in ("period", "t0", "duration"):
            out[name][row[best]] = made[name][best]
        done += len(batch)
        if report:
            report(done, n)
    return out


def of_batch(batch: LightCurves, found: Candidates, trace: Trace, how: FoldConfig) -> dict[str, np.ndarray]:
    """The views and scalars of the candidates of one batch.

    Args:
        batch: the stars that were searched.
        found: m candidates.
        trace: what the search saw.
        how: bins of the views.

    Returns:
        ``(m, bins, 3)`` views, ``scalars (m, len(SCALARS))``, and ``star``, ``rank``, ``period``, ``t0``, ``duration``
        of ``found``. A single transit is folded at twice the baseline, so that it meets nothing but itself.
    """
    m, flat = len(found), trace.flat
    size, days = flat.flux.shape[1], flat.cadence
    period = np.where(found.single, 2.0 * size, found.period / days)
    t0 = (found.t0 - flat.start[found.star]) / days
    # Padded to a power of two: a handful of compilations serve any number of candidates.
    pad = (1 << max(m - 1, 0).bit_length()) - m
    padded = lambda x, filler: np.pad(x.astype(np.float32), (0, pad), constant_values=filler)  # noqa: E731
    more = ((0, pad), (0, 0))
    weight = np.where(_others(found, period, t0, days, size), np.float32(0), flat.weight[found.star])
    views, depths = fold(
        np.pad(flat.flux[found.star], more),
        np.pad(weight, more),
        padded(period, 2.0),
        padded(t0, 0.0),
        padded(found.duration / days, 1.0),
        padded(np.where(found.single, np.nan, found.secondary_phase), np.nan),
        global_bins=how.global_bins,
        local_bins=how.local_bins,
    )
    depth = {name: np.asarray(x, np.float64)[:m] for name, x in depths.items()}
    out = {name: np.asarray(view)[:m] for name, view in views.items()}
    out["scalars"] = scalars_of(batch, found, depth, flat.scatter)
    out |= {name: getattr(found, name) for name in ("star", "rank", "period", "t0", "duration")}
    return out


def scalars_of(batch: LightCurves, found: Candidates, depth: dict[str, np.ndarray], scatter: np.ndarray) -> np.ndarray:
    """``(m, len(SCALARS))`` float32 numbers beside the views, NaN where unknown.

    Args:
        batch: the stars.
        found: m candidates.
        depth: ``(m,)`` depths of the views, in units of the flat flux.
        scatter: ``(n_stars,)`` of the flat flux.
    """
    m, star = len(found), found.star
    unknown = np.full(len(batch), np.nan)
    density = unknown if batch.stars is None else batch.stars.density
    sunlike = np.where(np.isfinite(density) & (density > 0), density, 1.0)[star]
    expected = transit_duration(np.where(found.single, found.period_min, found.period), sunlike)
    local = np.maximum(depth["local_view"], 1e-9)
    columns = {
        "log_period": _log(found.period),
        "log_duration": _log(found.duration),
        "log_depth": _log(found.depth) if batch.absolute else np.full(m, np.nan),
        "log_snr": _log(found.snr),
        "sde": found.sde,
        "duration_ratio": found.duration / expected,
        "odd_even_sigma": found.odd_even_sigma,
        "secondary_sigma": found.secondary_sigma,
        "centroid_sigma": found.centroid_sigma,
        "log_n_transits": _log(found.n_transits),
        "mag": (unknown if batch.stars is None else batch.stars.mag)[star],
        "log_view_depth": _log(depth["local_view"]) if batch.absolute else np.full(m, np.nan),
        "log_snr_red": _log(found.snr_red),
        "log_depth_scatters": _log(depth["local_view"] / scatter[star]),
        "secondary_ratio": depth["secondary_view"] / local,
        "odd_even_ratio": (depth["odd_view"] - depth["even_view"]) / local,
    }
    return np.stack([columns.get(name, np.full(m, np.nan)) for name in SCALARS], axis=-1).astype(np.float32)


def _log(values: np.ndarray) -> np.ndarray:
    positive = np.isfinite(values) & (values > 0)
    return np.where(positive, np.log10(np.where(positive, values, 1)), np.nan)


def _others(found: Candidates, period: np.ndarray, t0: np.ndarray, days: float, size: int) -> np.ndarray:
    """``(m, size)`` bool: cadences in transit of a better candidate of the same star.

    One of the same period, or half or twice of it, stays: a fold must show a binary's other eclipse.
    """
    out = np.zeros((len(found), size), bool)
    cadences = np.arange(size)
    for i in np.flatnonzero(found.rank > 1):
        for j in np.flatnonzero((found.star == found.star[i]) & (found.rank < found.rank[i])):
            ratio = period[i] / period[j]
            if any(abs(ratio / same - 1) < _SAME for same in (0.5, 1.0, 2.0)):
                continue
            late = cadences - t0[j]
            late = late - np.rint(late / period[j]) * period[j]
            out[i] |= np.abs(late) <= 0.75 * found.duration[j] / days
    return out


def _mask(batch: LightCurves, search: SearchConfig, without: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    period, t0, duration = (x[batch.id.astype(int)] for x in without)
    told = np.isfinite(t0) & np.isfinite(duration)
    even = to_even(batch, shortest=search.duration_min)
    size = even.flux.shape[1]
    return known_transits(
        batch.id, even.start, even.cadence, size, batch.id[told], period[told], t0[told], duration[told]
    )


def _digest(batch: LightCurves, masked: np.ndarray | None) -> str:
    """Fingerprint of everything about a batch that decides what is found."""
    content = hashlib.blake2b(digest_size=16)
    stars = () if batch.stars is None else (batch.stars.radius, batch.stars.mass, batch.stars.mag)
    some = () if batch.centroid is None else (batch.centroid,)
    for array in (batch.time, batch.flux, batch.valid, *stars, *some, *(() if masked is None else (masked,))):
        content.update(np.ascontiguousarray(array).tobytes())
    return f"{content.hexdigest()} {batch.cadence!r} {batch.absolute} {masked is None}"


def _mapped(
    one: Callable[[LightCurves], tuple[LightCurves, dict[str, np.ndarray]]], batches: Iterator[LightCurves]
) -> Iterator[tuple[LightCurves, dict[str, np.ndarray]]]:
    """``one`` of every batch, on all cores, in order; few are in flight, which bounds the memory."""
    workers = os.cpu_count() or 1
    pool = ThreadPoolExecutor(workers)
    try:
        waiting = []
        for batch in batches:
            waiting.append(pool.submit(one, batch))
            if len(waiting) > 2 * workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
