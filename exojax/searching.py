"""Any number of stars through the search: batched by shape, on all cores, resumable part by part."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from exojax.batching import Stars, grouped
from exojax.config import SearchConfig
from exojax.errors import InputError
from exojax.hunt import Trace, hunt
from exojax.io.catalogue import Known
from exojax.io.folder import Skipped
from exojax.lightcurve import Candidates, LightCurves
from exojax.search.match import known_transits, match_candidates, match_known

PARTS = ".parts"
VERSION = 1
"""of what a part holds and how it was found; parts of another one are not mixed in"""

Report = Callable[[int, int, float], None]
"""``(stars done, skipped, stars a second)``"""
Judge = Callable[[LightCurves], np.ndarray]
"""Light curves -> ``(n_stars,)`` probability of a planet."""
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Found:
    """All candidates of a search, highest red-noise SNR first.

    Attributes:
        candidates: ``star`` numbers the stars that have any.
        time_system: ``(n,)`` str, of each.
        absolute: ``(n,)`` bool, depth is a fraction.
        skipped: what could not be searched.
        n_stars: stars that were searched.
        seconds: this call took, resumed parts left out; 0 where all were there.
    """

    candidates: Candidates
    time_system: np.ndarray
    absolute: np.ndarray
    skipped: tuple[Skipped, ...]
    n_stars: int
    seconds: float


def search(
    stars: Callable[[set[str]], Stars],
    config: SearchConfig,
    out: Path,
    *,
    source: str,
    known: Known | None = None,
    mask_known: bool = False,
    judge: Judge | None = None,
    workers: int = 1,
    report: Report | None = None,
) -> Found:
    """Search stars, a batch at a time; what is in ``out`` already is not searched again.

    Args:
        stars: called with the ids that are done; gives light curves of one star or more, or what was skipped.
        config: of the search.
        out: folder; parts are kept below it.
        source: what is searched, for the check that ``out`` holds parts of nothing else.
        known: planets that are labelled in ``matches``.
        mask_known: search without the known planets' transits.
        judge: gives ``probability``.
        workers: batches at once; also the number of threads.
        report: progress.

    Raises:
        InputError: ``out`` holds another search.
    """
    folder = out / PARTS
    _check_same(folder / "search.json", {"version": VERSION, "source": source, **asdict(config), "mask": mask_known})
    parts = [_read(path) for path in sorted(folder.glob("part-*.json"))]
    done = {name for part in parts for name in part["stars"]} | {s["id"] for part in parts for s in part["skipped"]}
    resumed, started = len(done), time.perf_counter()
    masks = known if mask_known else None
    for part in _batches(stars(done), config, masks, judge, workers):
        names = part["stars"] + [s["id"] for s in part["skipped"]]
        key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
        _write(folder / f"part-{key}.json", part)
        parts.append(part)
        done.update(names)
        if report:
            bad = sum(len(one["skipped"]) for one in parts)
            report(len(done), bad, (len(done) - resumed) / (time.perf_counter() - started))
    seconds = time.perf_counter() - started if len(done) > resumed else 0.0
    return _joined(parts, known, seconds)


def traces(stars: Stars, config: SearchConfig, known: Known | None) -> Iterator[tuple[LightCurves, Candidates, Trace]]:
    """Search a few stars again, for what a picture needs; in batches as ``search`` makes them."""
    for batch in grouped(stars, config):
        if not isinstance(batch, Skipped):
            yield batch, *hunt(batch, config, masked=_mask(batch, config, known))


def _batches(
    stars: Stars, config: SearchConfig, known: Known | None, judge: Judge | None, workers: int
) -> Iterator[dict[str, Any]]:
    """Parts, in the order of their batches; two batches a thread are in flight, which bounds the memory."""
    waiting: deque[Future[dict[str, Any]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for batch in grouped(stars, config):
                if isinstance(batch, Skipped):
                    yield _part([], [batch], [])
                    continue
                waiting.append(pool.submit(_one, batch, config, known, judge))
                while len(waiting) > 2 * workers or (waiting and waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _one(batch: LightCurves, config: SearchConfig, known: Known | None, judge: Judge | None) -> dict[str, Any]:
    found, _ = hunt(batch, config, masked=_mask(batch, config, known))
    if judge is not None:
        found = replace(found, probability=judge(batch)[found.star])
    table = {field.name: getattr(found, field.name).tolist() for field in fields(found) if field.name != "star"}
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    for row in rows:
        row |= {"time_system": batch.time_system, "absolute": batch.absolute}
    there = set(found.id.tolist())
    empty = [
        Skipped(name, Path(batch.source), "no flux that varies") for name in batch.id.tolist() if name not in there
    ]
    return _part([name for name in batch.id.tolist() if name in there], empty, rows)


def _part(stars: list[str], skipped: list[Skipped], rows: list[Row]) -> dict[str, Any]:
    told = [{"id": s.id, "path": str(s.path), "reason": s.reason} for s in skipped]
    return {"stars": stars, "skipped": told, "rows": rows}


def _mask(batch: LightCurves, config: SearchConfig, known: Known | None) -> np.ndarray | None:
    if known is None:
        return None
    from exojax.photometry.grid import to_even

    even = to_even(batch, shortest=config.duration_min)
    told = np.isfinite(known.t0) & np.isfinite(known.duration)
    return known_transits(
        batch.id,
        even.start,
        even.cadence,
        even.flux.shape[1],
        known.id[told],
        known.period[told],
        known.t0[told],
        known.duration[told],
    )


def _joined(parts: list[dict[str, Any]], known: Known | None, seconds: float) -> Found:
    """One list of all parts, matched against itself and the known planets."""
    rows = sorted((row for part in parts for row in part["rows"]), key=lambda row: (-row["snr_red"], row["id"]))
    number: dict[str, int] = {}
    for row in rows:
        row["star"] = number.setdefault(row["id"], len(number))
    whole = ("star", "rank", "n_transits")
    kinds: dict[str, Any] = dict.fromkeys(whole, np.int64) | dict.fromkeys(("id", "aliases", "matches"), np.str_)
    kinds["single"] = np.bool_
    table = {f.name: np.array([row[f.name] for row in rows], kinds.get(f.name, np.float64)) for f in fields(Candidates)}
    found = Candidates(**table)
    told = match_candidates(
        found.star, found.id, found.period, found.t0, found.duration, found.period_error, found.t0_error
    )
    if known is not None:
        of = match_known(
            found.id,
            found.period,
            found.t0,
            found.duration,
            known.id,
            known.name,
            known.period,
            known.t0,
            known.duration,
        )
        told = np.array([";".join(filter(None, pair)) for pair in zip(of.tolist(), told.tolist())], np.str_)
    skipped = tuple(Skipped(s["id"], Path(s["path"]), s["reason"]) for part in parts for s in part["skipped"])
    return Found(
        replace(found, matches=told),
        np.array([row["time_system"] for row in rows], np.str_),
        np.array([row["absolute"] for row in rows], bool),
        skipped,
        sum(len(part["stars"]) for part in parts),
        seconds,
    )


def _check_same(path: Path, wanted: dict[str, Any]) -> None:
    if not path.exists():
        _write(path, wanted)
        return
    before = _read(path)
    changed = [f"{k}: {before.get(k)} -> {v}" for k, v in wanted.items() if before.get(k) != v]
    if changed:
        raise InputError(f"{path.parent.parent}: holds another search ({'; '.join(changed)}); give another --out")


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    # NaN is Python's own spelling here: nothing but this module reads these files.
    partial.write_text(json.dumps(value))
    os.replace(partial, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is damaged ({error}); remove it to have its stars searched again") from None
