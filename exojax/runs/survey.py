"""Any number of stars through the search: in batches, on all cores, resumable part by part."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from exojax.candidates import Candidates
from exojax.config import FoldConfig, SearchConfig
from exojax.detection.batch import Stars, batches, one_by_one
from exojax.detection.ephemeris_match import known_transits
from exojax.detection.search_star import Trace
from exojax.io.catalogue import Known
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves
from exojax.light_curves import Stars as StarTable
from exojax.photometry.resample import to_even
from exojax.runs.fold_stars import SOURCES, SearchedStar, joined, search_each, vet_each
from exojax.runs.ranked_candidates import RankedCandidates, ranked
from exojax.runs.survey_parts import Part, Row, read_part, write_part
from exojax.storage import announce
from exojax.storage.announce import ReportCount
from exojax.storage.checksum import of_sources
from exojax.storage.json_files import DamagedError, check_same
from exojax.vetting.all_tests import Vetting
from exojax.vetting.flags import local_views, resolved, shape_of

_log = logging.getLogger(__name__)

PARTS = ".parts"
PART_SOURCES = (*SOURCES, "runs/survey.py", "runs/survey_parts.py", "runs/candidate_scores.py")
"""code that decides what a part holds; parts of other code are not mixed in"""

SHAPED = 3.0
"""durations of the fold from which a transit's shape is measured"""


class CandidateScores(NamedTuple):
    """Scores of n candidates.

    Attributes:
        probability: ``(n,)`` of a planet.
        remarks: a sentence on each star, or an empty text.
        disagreement: ``(n,)`` how far an ensemble's members differ, or None.
    """

    probability: np.ndarray
    remarks: list[str]
    disagreement: np.ndarray | None = None


ScoreCandidates = Callable[[Sequence[SearchedStar], Candidates, Mapping[str, np.ndarray]], CandidateScores]
"""Called with stars, all their candidates, and the views and scalars of each, as of
:func:`exojax.runs.fold_stars.joined`."""


def search(
    stars: Callable[[set[str]], Stars],
    config: SearchConfig,
    out: Path,
    *,
    settings: Mapping[str, Any],
    known: Known | None = None,
    mask_known: bool = False,
    given: Known | None = None,
    score_candidates: ScoreCandidates | None = None,
    how: FoldConfig | None = None,
    workers: int = 1,
    report: ReportCount | None = None,
) -> RankedCandidates:
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
        given: ephemerides to measure instead of a search; stars without one are skipped.
        score_candidates: gives ``probability``.
        how: bins of the views that the score_candidates sees; the defaults where it is None.
        workers: batches at once; also the number of threads.
        report: progress.

    Returns:
        What all parts hold, those of earlier calls included. Its rows stay on disk: memory does not grow with them.

    Raises:
        InputError: ``out`` holds another search.
    """
    folder = out / PARTS
    wanted = {"sources": of_sources(*PART_SOURCES), **settings, **asdict(config), "mask_known": mask_known}
    check_same(folder / "search.json", wanted, "search")
    paths, done, bad = _resumed(folder)
    clock = _Clock()
    warned: dict[str, list[str]] = {}
    searched = _batches(
        _with_warnings(
            _on_one_clock(stars(set(done)), given if given is not None else known if mask_known else None), warned
        ),
        workers,
        partial(
            _one,
            config=config,
            known=known if mask_known else None,
            given=given,
            score_candidates=score_candidates,
            how=how or FoldConfig(),
        ),
        config,
    )
    with closing(searched):
        for part in searched:
            for name in part["stars"]:
                if texts := warned.pop(name, []) + part["warnings"].get(name, []):
                    part["warnings"][name] = texts
            for one in part["skipped"]:
                warned.pop(one["id"], None)
            paths.append(write_part(folder, part))
            done.update(part["stars"])
            bad += len(part["skipped"])
            clock.count(len(part["stars"]))
            if report:
                report(len(done), bad)
    # In the order of their names, which follows from their stars: two batches may have ended in any order.
    return ranked(sorted(set(paths)), known, clock.rate)


class _Clock:
    """Stars a second, from the end of the first batch on: before it something may have been compiled."""

    def __init__(self) -> None:
        self._first = self._last = 0.0
        self._counted = 0

    def count(self, n: int) -> None:
        """Note that a part with ``n`` stars is finished."""
        self._last = time.perf_counter()
        if not n:
            return
        if self._first:
            self._counted += n
        else:
            self._first = self._last

    @property
    def rate(self) -> float | None:
        """Stars a second, or None before the second batch."""
        return self._counted / max(self._last - self._first, 1e-9) if self._counted else None


def _resumed(folder: Path) -> tuple[list[Path], set[str], int]:
    """Return the parts of an earlier call, the stars that need not be read again, and how many were skipped.

    A damaged part is removed, so that its stars, which were one batch, are searched again; so is a part with a star of
    another part.
    """
    paths: list[Path] = []
    done: set[str] = set()
    reported: list[tuple[Path, set[str]]] = []
    bad = 0
    there = sorted(folder.glob("part-*.json"))
    for number, path in enumerate(there):
        announce.phase("reading what was searched before", number, len(there), unit="parts")
        try:
            part = read_part(path)
        except DamagedError as error:
            _log.warning("%s", error)
            path.unlink()
            continue
        if twice := done.intersection(part["stars"]):
            _log.warning("%s: holds star %s, as another part does; its stars are searched again", path, min(twice))
            path.unlink()
            continue
        if part["stars"]:
            done.update(part["stars"])
            paths.append(path)
            bad += len(part["skipped"])
        else:
            reported.append((path, {one["id"] for one in part["skipped"]}))
    if there:
        announce.phase("reading what was searched before", len(there), len(there), unit="parts")
    for path, names in reported:
        # A file is reported before its star is searched: of a star that is not, it will be reported again, or has been
        # mended.
        if names <= done:
            paths.append(path)
            bad += 1
        else:
            path.unlink(missing_ok=True)
    return paths, done, bad


def _with_warnings(stars: Stars, warned: dict[str, list[str]]) -> Stars:
    """Yield the stars; the warnings of those that come alone go to ``warned``."""
    for given in stars:
        if isinstance(given, LightCurves) and len(given) == 1 and given.warnings:
            warned[str(given.id[0])] = list(given.warnings)
        yield given


def _on_one_clock(stars: Stars, known: Known | None) -> Stars:
    """Yield the stars; those whose known epochs cannot be brought to their light curve's clock as skipped."""
    for one in stars:
        if known is None or isinstance(one, Skipped):
            yield one
            continue
        named = [known.mismatch(name, one.time_system) for name in one.id.tolist()]
        for name, reason in zip(one.id.tolist(), named):
            if reason:
                yield Skipped(name, Path(one.source), reason)
        yield one.take(np.array([not reason for reason in named])) if any(named) else one


def again(
    stars: Stars, config: SearchConfig, known: Known | None, how: FoldConfig, given: Known | None = None
) -> Iterator[tuple[SearchedStar, Trace]]:
    """Search a few stars again, for what a picture needs; ``known`` is masked, arguments as of :func:`search`."""
    for one in one_by_one(stars, config):
        if not isinstance(one, Skipped):
            yield from _found_each([one], config, known, given, how)


def _found_each(
    stars: list[LightCurves], config: SearchConfig, known: Known | None, given: Known | None, how: FoldConfig
) -> Iterator[tuple[SearchedStar, Trace]]:
    if given is not None:
        return vet_each(stars, config, how, given=given)
    return search_each(stars, config, how, masks=[_mask(star, config, known) for star in stars])


def _batches(
    stars: Stars, workers: int, one: Callable[[list[LightCurves]], Part], config: SearchConfig
) -> Generator[Part]:
    """Yield parts, in the order of their batches; two batches a thread are in flight, which bounds the memory."""
    waiting: deque[Future[Part]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for batch in batches(stars, config):
            if isinstance(batch, Skipped):
                yield _part([], [batch], [], {})
                continue
            waiting.append(pool.submit(one, batch))
            while len(waiting) > 2 * workers or (waiting and waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # After Ctrl-C nobody waits for the batches that are under way.
        pool.shutdown(wait=False, cancel_futures=True)


def _one(
    batch: list[LightCurves],
    *,
    config: SearchConfig,
    known: Known | None,
    given: Known | None,
    score_candidates: ScoreCandidates | None,
    how: FoldConfig,
) -> Part:
    searched, shapes = [], []
    vetting: list[Vetting] = []
    for one, trace in _found_each(batch, config, known, given, how):
        searched.append(one)
        vetting += one.vetting
        shape = shape_of(*local_views(one.found, trace.flat, durations=SHAPED), SHAPED)
        shapes += resolved(shape, one.found.duration, trace.flat.cadence).tolist()
    found, inputs = joined(searched)
    unknown = np.full(len(found), np.nan)
    scored = (
        CandidateScores(unknown, [""] * len(batch))
        if score_candidates is None
        else score_candidates(searched, found, inputs)
    )
    found = replace(found, probability=scored.probability)
    differ = unknown if scored.disagreement is None else scored.disagreement
    table = {field.name: getattr(found, field.name).tolist() for field in fields(found) if field.name != "star"}
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    for k, row in enumerate(rows):
        star = batch[int(found.star[k])]
        row |= {"time_system": star.time_system, "absolute": star.absolute, "shape": shapes[k]}
        row["sectors"] = ";".join(str(one.number) for one in star.pieces if one.kind)
        row["disagreement"] = float(differ[k])
        # Six digits: a row has forty of them, and there may be millions of rows.
        rounded = {name: float(f"{value:.6g}") for name, value in vetting[k].numbers.items()}
        row |= {"vetting": rounded, "verdicts": dict(vetting[k].verdicts)}
        for field in fields(StarTable):
            row[field.name] = float("nan") if star.stars is None else float(getattr(star.stars, field.name)[0])
    there, names = set(found.id.tolist()), [str(star.id[0]) for star in batch]
    why = "no flux that varies" + (" outside the known transits" if known is not None else "")
    if given is not None:
        why = "no ephemeris is given for it, or no flux that varies"
    empty = [Skipped(name, Path(star.source), why) for name, star in zip(names, batch) if name not in there]
    return _part(names, empty, rows, {name: [text] for name, text in zip(names, scored.remarks) if text})


def _part(stars: list[str], skipped: list[Skipped], rows: list[Row], warnings: dict[str, list[str]]) -> Part:
    reasons = [{"id": s.id, "path": str(s.path), "reason": s.reason} for s in skipped]
    return {"stars": stars, "skipped": reasons, "rows": rows, "warnings": warnings}


def _mask(star: LightCurves, config: SearchConfig, known: Known | None) -> np.ndarray | None:
    if known is None:
        return None
    even = to_even(star, shortest=config.duration_min)
    known = known.of(str(star.id[0])).on_clock(star.time_system)
    there = np.isfinite(known.t0) & np.isfinite(known.duration)
    planets = (known.id[there], known.period[there], known.t0[there], known.duration[there])
    return known_transits(star.id, even.start, even.cadence, even.flux.shape[1], *planets)[0]
