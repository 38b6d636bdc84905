"""Any number of stars through the search: batched by shape, on all cores, resumable part by part."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from exojax.batching import Stars, grouped
from exojax.config import SearchConfig
from exojax.errors import InputError
from exojax.hunt import Program, Trace, hunt, unjudged
from exojax.io.catalogue import Known
from exojax.io.folder import Skipped
from exojax.lightcurve import Candidates, LightCurves
from exojax.lightcurve import Stars as StarTable
from exojax.photometry.grid import to_even
from exojax.search.flags import flags, local_views, resolved, shape_of
from exojax.search.match import known_transits, match_candidates, match_known
from exojax.stored import check_same

PARTS = ".parts"
VERSION = 7
"""of what a part holds and how it was found; parts of another one are not mixed in"""

SHAPED = 3.0
"""durations of the fold from which a transit's shape is measured"""

Report = Callable[[int, int, float], None]
"""``(stars done, skipped, stars a second)``"""


class Judged(NamedTuple):
    """Of n candidates: ``(n,)`` probability of a planet, what is to be said of each star (empty where nothing is), and
    how far an ensemble's members differ, ``(n,)`` or None."""

    probability: np.ndarray
    said: list[str]
    disagreement: np.ndarray | None = None


Judge = Callable[[LightCurves, Candidates, Trace], Judged]
"""Of stars, their candidates and what the search saw."""
Row = dict[str, Any]
_KEYS = {"stars", "skipped", "rows", "warnings"}


@dataclass(frozen=True, eq=False)
class Found:
    """All candidates of a search, highest red-noise SNR first.

    Attributes:
        candidates: ``star`` numbers the stars that have any.
        time_system: ``(n,)`` str, of each.
        absolute: ``(n,)`` bool, depth is a fraction.
        flags: ``(n,)`` str, what speaks against each, as in :func:`exojax.search.flags.flags`.
        disagreement: ``(n,)`` float64, how far an ensemble's members differ; NaN where the judge is none.
        warnings: star to what a reader of its figures has to know.
        skipped: what could not be searched, in order of ids.
        n_stars: stars that were searched.
        seconds: this call took, resumed parts left out; 0 where all were there.
    """

    candidates: Candidates
    time_system: np.ndarray
    absolute: np.ndarray
    flags: np.ndarray
    disagreement: np.ndarray
    warnings: Mapping[str, tuple[str, ...]]
    skipped: tuple[Skipped, ...]
    n_stars: int
    seconds: float


def search(
    stars: Callable[[set[str]], Stars],
    config: SearchConfig,
    out: Path,
    *,
    settings: Mapping[str, Any],
    known: Known | None = None,
    mask_known: bool = False,
    judge: Judge | None = None,
    program: Program = unjudged,
    workers: int = 1,
    report: Report | None = None,
) -> Found:
    """Search stars, a batch at a time; what is in ``out`` already is not searched again.

    What is found does not depend on ``workers``, nor on how often the search was killed and called again.

    Args:
        stars: called with the ids that are done; gives light curves of one star or more, or what was skipped, in an
            order that is always the same. Ids are unique. Warnings are kept of light curves that come alone.
        config: of the search.
        out: folder; parts are kept below it.
        settings: what else decides what is found, such as the source: ``out`` must hold parts of nothing else.
        known: planets that are labelled in ``matches``.
        mask_known: search without the known planets' transits.
        judge: gives ``probability``.
        program: that is compiled; see :func:`exojax.hunt.hunt`.
        workers: batches at once; also the number of threads.
        report: progress.

    Raises:
        InputError: ``out`` holds another search, or a damaged part.
    """
    folder = out / PARTS
    wanted = {"version": VERSION, **settings, **asdict(config), "mask_known": mask_known}
    check_same(folder / "search.json", wanted, "search")
    parts, done = _resumed(folder)
    resumed, started = len(done), time.perf_counter()
    bad = sum(len(part["skipped"]) for part in parts)
    told: dict[str, list[str]] = {}
    searched = _batches(_heard(stars(set(done)), told), config, known if mask_known else None, judge, program, workers)
    with closing(searched):
        for part in searched:
            for name in part["stars"]:
                if texts := told.pop(name, []) + part["warnings"].get(name, []):
                    part["warnings"][name] = texts
            content = json.dumps([part["stars"], part["skipped"]])
            _write(folder / f"part-{hashlib.sha256(content.encode()).hexdigest()[:16]}.json", part)
            parts.append(part)
            done.update(part["stars"])
            bad += len(part["skipped"])
            if report:
                report(len(done), bad, (len(done) - resumed) / (time.perf_counter() - started))
    seconds = time.perf_counter() - started if len(done) > resumed else 0.0
    return _joined(parts, known, seconds)


def _resumed(folder: Path) -> tuple[list[dict[str, Any]], set[str]]:
    """The parts of an earlier call, and the stars that need not be read again."""
    read = {path: _read(path) for path in sorted(folder.glob("part-*.json"))}
    for path, part in read.items():
        if part.keys() != _KEYS:
            raise InputError(f"{path}: is damaged; remove it to have its stars searched again")
    done = {name for part in read.values() for name in part["stars"]}
    parts = []
    for path, part in read.items():
        # A file is told before its star is searched: of a star that is not, it will be told again, or has been mended.
        part["skipped"] = [one for one in part["skipped"] if one["id"] in done]
        if part["stars"] or part["skipped"]:
            parts.append(part)
        else:
            path.unlink(missing_ok=True)
    return parts, done


def _heard(stars: Stars, told: dict[str, list[str]]) -> Stars:
    """The stars; the warnings of those that come alone go to ``told``."""
    for given in stars:
        if isinstance(given, LightCurves) and len(given) == 1 and given.warnings:
            told[str(given.id[0])] = list(given.warnings)
        yield given


def traces(
    stars: Stars, config: SearchConfig, known: Known | None, program: Program = unjudged
) -> Iterator[tuple[LightCurves, Candidates, Trace]]:
    """Search a few stars again, for what a picture needs; in batches as ``search`` makes them."""
    for batch in grouped(stars, config):
        if not isinstance(batch, Skipped):
            yield batch, *hunt(batch, config, masked=_mask(batch, config, known), program=program)


def _batches(
    stars: Stars, config: SearchConfig, known: Known | None, judge: Judge | None, program: Program, workers: int
) -> Generator[dict[str, Any]]:
    """Parts, in the order of their batches; two batches a thread are in flight, which bounds the memory."""
    waiting: deque[Future[dict[str, Any]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for batch in grouped(stars, config):
            if isinstance(batch, Skipped):
                yield _part([], [batch], [], {})
                continue
            waiting.append(pool.submit(_one, batch, config, known, judge, program))
            while len(waiting) > 2 * workers or (waiting and waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # After Ctrl-C nobody waits for the batches that are under way.
        pool.shutdown(wait=False, cancel_futures=True)


def _one(
    batch: LightCurves, config: SearchConfig, known: Known | None, judge: Judge | None, program: Program
) -> dict[str, Any]:
    found, trace = hunt(batch, config, masked=_mask(batch, config, known), program=program)
    shape = shape_of(*local_views(found, trace.flat, durations=SHAPED), SHAPED)
    shape = resolved(shape, found.duration, trace.flat.cadence)
    unknown = np.full(len(found), np.nan)
    judged = Judged(unknown, [""] * len(batch)) if judge is None else judge(batch, found, trace)
    found = replace(found, probability=judged.probability)
    differ = unknown if judged.disagreement is None else judged.disagreement
    table = {field.name: getattr(found, field.name).tolist() for field in fields(found) if field.name != "star"}
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    unknown = np.full(len(batch), np.nan)
    stars = batch.stars if batch.stars is not None else StarTable(unknown, unknown, unknown, unknown)
    about = {field.name: getattr(stars, field.name)[found.star].tolist() for field in fields(StarTable)}
    for k, row in enumerate(rows):
        row |= {"time_system": batch.time_system, "absolute": batch.absolute, "shape": float(shape[k])}
        row["disagreement"] = float(differ[k])
        row |= {name: values[k] for name, values in about.items()}
    there, names = set(found.id.tolist()), batch.id.tolist()
    why = "no flux that varies" + (" outside the known transits" if known is not None else "")
    empty = [Skipped(name, Path(batch.source), why) for name in names if name not in there]
    return _part(names, empty, rows, {name: [text] for name, text in zip(names, judged.said) if text})


def _part(stars: list[str], skipped: list[Skipped], rows: list[Row], warnings: dict[str, list[str]]) -> dict[str, Any]:
    told = [{"id": s.id, "path": str(s.path), "reason": s.reason} for s in skipped]
    return {"stars": stars, "skipped": told, "rows": rows, "warnings": warnings}


def _mask(batch: LightCurves, config: SearchConfig, known: Known | None) -> np.ndarray | None:
    if known is None:
        return None
    even = to_even(batch, shortest=config.duration_min)
    told = np.isfinite(known.t0) & np.isfinite(known.duration)
    planets = (known.id[told], known.period[told], known.t0[told], known.duration[told])
    return known_transits(batch.id, even.start, even.cadence, even.flux.shape[1], *planets)


def _joined(parts: list[dict[str, Any]], known: Known | None, seconds: float) -> Found:
    """One list of all parts, matched against itself and the known planets."""
    rows = sorted(
        (row for part in parts for row in part["rows"]), key=lambda row: (-row["snr_red"], row["id"], row["rank"])
    )
    number: dict[str, int] = {}
    for row in rows:
        row["star"] = number.setdefault(row["id"], len(number))
    found = Candidates.of_rows(rows)
    told = match_candidates(
        found.star, found.id, found.period, found.t0, found.duration, found.period_error, found.t0_error
    )
    column = lambda name: np.array([row[name] for row in rows])  # noqa: E731
    about = StarTable(*(column(field.name).astype(np.float64) for field in fields(StarTable)))
    time_system, absolute = column("time_system").astype(np.str_), column("absolute").astype(bool)
    shape = column("shape").astype(np.float64)
    # Before the known planets of the star itself are added to what it shares with others.
    flagged = flags(replace(found, matches=told), about, absolute, time_system, shape)
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
    skipped = {(s["id"], s["path"], s["reason"]) for part in parts for s in part["skipped"]}
    return Found(
        replace(found, matches=told),
        time_system,
        absolute,
        flagged,
        column("disagreement").astype(np.float64),
        {name: tuple(texts) for part in parts for name, texts in part["warnings"].items()},
        tuple(Skipped(name, Path(path), reason) for name, path, reason in sorted(skipped)),
        len(number),
        seconds,
    )


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    # NaN is Python's own spelling here: nothing but this module reads these files.
    partial.write_text(json.dumps(value))
    os.replace(partial, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: is damaged ({error}); remove it to have its stars searched again") from None
