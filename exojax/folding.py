"""Light curves of any number of stars -> folded events: searched, and every candidate folded, cached by batch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import jax.numpy as jnp
import numpy as np

from exojax.batching import grouped
from exojax.config import FoldConfig, SearchConfig
from exojax.folded import SCALARS, VIEWS, WIDE_VIEWS
from exojax.hunt import Trace, hunt
from exojax.io import cache
from exojax.lightcurve import Candidates, EvenCurves, LightCurves, Stars
from exojax.photometry.grid import to_even
from exojax.search.match import known_transits
from exojax.searching import VERSION as SEARCH_VERSION
from exojax.shown import Detection, hide, shown

VERSION = 1
"""of what is kept of a batch"""

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
    n, k = len(curves), search.max_candidates if alter is None else 1
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
    m, flat, days = len(found), trace.flat, trace.flat.cadence
    unknown = np.full(len(batch), np.nan)
    stars = batch.stars if batch.stars is not None else Stars(unknown, unknown, unknown, unknown)
    told = {name: getattr(found, name).astype(np.float64) for name in Detection._fields}
    told |= {name: told[name] / days for name in ("period", "period_min", "duration")}
    told["t0"] = (found.t0 - flat.start[found.star]) / days
    told["period"] = np.where(found.single, np.nan, told["period"])
    # Padded to a power of two: a handful of compilations serve any number of candidates.
    pad = (1 << max(m - 1, 0).bit_length()) - m
    padded = lambda x: jnp.asarray(np.pad(x, (0, pad), constant_values=np.nan), jnp.float32)  # noqa: E731
    curve = lambda x: jnp.asarray(np.pad(x[found.star], ((0, pad), (0, 0))))  # noqa: E731
    detected = Detection(**{name: padded(x) for name, x in told.items()})
    weight = curve(flat.weight)
    for rank in range(1, int(found.rank.max(initial=1))):
        better = _of_rank(found, rank)
        period, t0, duration = (
            padded(np.where(better >= 0, told[name][better], np.nan)) for name in ("period", "t0", "duration")
        )
        weight = hide(weight, detected.period, (period, t0, duration))
    made = shown(
        curve(flat.flux),
        weight,
        padded(flat.scatter[found.star]),
        detected,
        padded(stars.density[found.star]),
        padded(stars.mag[found.star]),
        jnp.float32(days),
        absolute=batch.absolute,
        global_bins=how.global_bins,
        local_bins=how.local_bins,
    )
    out = {name: np.asarray(x)[:m] for name, x in made.items()}
    return out | {name: getattr(found, name) for name in ("star", "rank", "period", "t0", "duration")}


def _of_rank(found: Candidates, rank: int) -> np.ndarray:
    """``(m,)`` int, the place of the candidate of this rank of each candidate's star; -1 for those no worse than it."""
    place = np.full(int(found.star.max()) + 1, -1)
    place[found.star[found.rank == rank]] = np.flatnonzero(found.rank == rank)
    return np.where(found.rank > rank, place[found.star], -1)


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
