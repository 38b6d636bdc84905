"""Search any number of stars in batches on all cores; an interrupted search resumes part by part."""

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
from threading import Lock
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
from exojax.loops import compiled
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
"""folder of the parts, in the folder of a search"""
PART_SOURCES = (*SOURCES, "runs/survey.py", "runs/survey_parts.py", "runs/candidate_scores.py")
"""folders and files of the code on which the content of a part depends; a search does not mix parts of different
code"""

SHAPED = 3.0
"""width of the view in which the shape of a transit is measured, in durations"""


class CandidateScores(NamedTuple):
    """Scores of n candidates.

    Attributes:
        probability: ``(n,)`` float, probability of a planet; NaN where unknown.
        remarks: for each star a sentence, which may be empty.
        disagreement: ``(n,)`` float, standard deviation of the members' probabilities; None for a single model.
    """

    probability: np.ndarray
    remarks: list[str]
    disagreement: np.ndarray | None = None


ScoreCandidates = Callable[[Sequence[SearchedStar], Candidates, Mapping[str, np.ndarray]], CandidateScores]
"""takes stars, all their candidates, and the inputs of each candidate, as :func:`exojax.runs.fold_stars.joined` returns
them"""


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
    """Search stars batch by batch; stars whose parts are in ``out`` already are not searched again.

    The result depends neither on ``workers`` nor on interruptions.

    Args:
        stars: takes the set of finished ids; returns the other stars in a reproducible order, as light curves of one or
            more stars, or as skipped stars. Ids are unique. The warnings of light curves of a single star are kept.
        config: settings of the search.
        out: folder; the parts are written to a folder in it.
        settings: further settings on which the result depends, such as the source; all parts in ``out`` share them.
        known: known planets, which the column ``matches`` names.
        mask_known: leave out the transits of the known planets before searching.
        given: ephemerides to measure instead of searching; stars without an ephemeris are skipped.
        score_candidates: returns the probabilities of candidates; None for no probabilities.
        how: bins of the views; None for the defaults.
        workers: number of threads, each with one batch.
        report: receives the progress.

    Returns:
        The candidates of all parts, including those of earlier calls. The rows stay on disk.

    Raises:
        InputError: ``out`` holds another search.
    """
    folder = out / PARTS
    content = {"sources": of_sources(*PART_SOURCES), **settings, **asdict(config), "mask_known": mask_known}
    check_same(folder / "search.json", content, "search")
    paths, done, bad = _resumed(folder)
    progress, n_batches = _Progress(len(done), bad, report), 0
    warned: dict[str, list[str]] = {}
    searched = _batches(
        _with_warnings(
            _on_one_clock(stars(set(done)), given if given is not None else known if mask_known else None), warned
        ),
        workers,
        partial(
            _search_batch,
            config=config,
            known=known if mask_known else None,
            given=given,
            score_candidates=score_candidates,
            how=how or FoldConfig(),
            progress=progress,
        ),
        config,
    )
    with closing(searched):
        for part in searched:
            for name in part["stars"]:
                if texts := warned.pop(name, []) + part["warnings"].get(name, []):
                    part["warnings"][name] = texts
            for star in part["skipped"]:
                warned.pop(star["id"], None)
            paths.append(write_part(folder, part))
            n_batches += bool(part["stars"])
            progress.add_skipped(len(part["skipped"]))
    # Sorted by file name, which depends on the stars only, because batches end in any order.
    return ranked(sorted(set(paths)), known, progress.rate(min(workers, n_batches)))


class _Progress:
    """Count the searched stars and the seconds of their searches; called from all threads."""

    def __init__(self, done: int, bad: int, report: ReportCount | None) -> None:
        self._done, self._bad, self._report = done, bad, report
        self._stars, self._seconds = 0, 0.0
        self._lock = Lock()

    def add_star(self, seconds: float) -> None:
        """Count a star that was searched in so many seconds."""
        with self._lock:
            self._stars += 1
            self._seconds += seconds
            self._send()

    def add_skipped(self, n: int) -> None:
        """Count skipped files or stars."""
        with self._lock:
            self._bad += n
            self._send()

    def _send(self) -> None:
        if self._report:
            self._report(self._done + self._stars, self._bad)

    def rate(self, threads: int) -> float | None:
        """Return the stars per second of some threads, without compilation and scoring; None if none was searched."""
        return threads * self._stars / max(self._seconds, 1e-9) if self._stars else None


def _resumed(folder: Path) -> tuple[list[Path], set[str], int]:
    """Return the parts of an earlier call, the ids of their stars, and the number of skipped stars.

    A damaged part, and a part with a star of another part, is removed, so that its stars are searched again.
    """
    paths: list[Path] = []
    done: set[str] = set()
    reported: list[tuple[Path, set[str]]] = []
    bad = 0
    existing = sorted(folder.glob("part-*.json"))
    for number, path in enumerate(existing):
        announce.phase("reading the results of an earlier search", number, len(existing), unit="parts")
        try:
            part = read_part(path)
        except DamagedError as error:
            _log.warning("%s", error)
            path.unlink()
            continue
        if twice := done.intersection(part["stars"]):
            _log.warning("%s: holds star %s of another part; its stars are searched again", path, min(twice))
            path.unlink()
            continue
        if part["stars"]:
            done.update(part["stars"])
            paths.append(path)
            bad += len(part["skipped"])
        else:
            reported.append((path, {star["id"] for star in part["skipped"]}))
    if existing:
        announce.phase("reading the results of an earlier search", len(existing), len(existing), unit="parts")
    for path, names in reported:
        # A bad file is reported before its star is searched. If the star is not finished, its files are read again, so
        # that a file which is still bad is reported again.
        if names <= done:
            paths.append(path)
            bad += 1
        else:
            path.unlink(missing_ok=True)
    return paths, done, bad


def _with_warnings(stars: Stars, warned: dict[str, list[str]]) -> Stars:
    """Yield the stars; add the warnings of light curves of a single star to ``warned``."""
    for item in stars:
        if isinstance(item, LightCurves) and len(item) == 1 and item.warnings:
            warned[str(item.id[0])] = list(item.warnings)
        yield item


def _on_one_clock(stars: Stars, known: Known | None) -> Stars:
    """Yield the stars; skip those whose known epochs cannot be converted to the clock of their light curve."""
    for item in stars:
        if known is None or isinstance(item, Skipped):
            yield item
            continue
        reasons = [known.mismatch(name, item.time_system) for name in item.id.tolist()]
        for name, reason in zip(item.id.tolist(), reasons):
            if reason:
                yield Skipped(name, Path(item.source), reason)
        yield item.take(np.array([not reason for reason in reasons])) if any(reasons) else item


def again(
    stars: Stars, config: SearchConfig, known: Known | None, how: FoldConfig, given: Known | None = None
) -> Iterator[tuple[SearchedStar, Trace]]:
    """Search a few stars again and yield each with its trace, for plots; skipped stars are left out.

    Args:
        stars: light curves of one or more stars, or skipped stars.
        config: settings of the search.
        known: known planets to mask; None masks nothing.
        how: bins of the views.
        given: ephemerides to measure instead of searching; None searches.
    """
    for item in one_by_one(stars, config):
        if not isinstance(item, Skipped):
            yield from _found_each([item], config, known, given, how)


def _found_each(
    stars: list[LightCurves], config: SearchConfig, known: Known | None, given: Known | None, how: FoldConfig
) -> Iterator[tuple[SearchedStar, Trace]]:
    if given is not None:
        return vet_each(stars, config, how, given=given)
    return search_each(stars, config, how, masks=[_mask(star, config, known) for star in stars])


def _batches(
    stars: Stars, workers: int, search_batch: Callable[[list[LightCurves]], Part], config: SearchConfig
) -> Generator[Part]:
    """Yield the parts in the order of their batches; at most two batches per thread are in memory."""
    waiting: deque[Future[Part]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for batch in batches(stars, config):
            if isinstance(batch, Skipped):
                yield _part([], [batch], [], {})
                continue
            waiting.append(pool.submit(search_batch, batch))
            while len(waiting) > 2 * workers or (waiting and waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # After Ctrl-C, do not wait for the running batches.
        pool.shutdown(wait=False, cancel_futures=True)


def _search_batch(
    batch: list[LightCurves],
    *,
    config: SearchConfig,
    known: Known | None,
    given: Known | None,
    score_candidates: ScoreCandidates | None,
    how: FoldConfig,
    progress: _Progress,
) -> Part:
    searched, shapes = [], []
    vetting: list[Vetting] = []
    compiled.ready()
    began = time.perf_counter()
    for searched_star, trace in _found_each(batch, config, known, given, how):
        searched.append(searched_star)
        vetting += searched_star.vetting
        shape = shape_of(*local_views(searched_star.found, trace.flat, durations=SHAPED), SHAPED)
        shapes += resolved(shape, searched_star.found.duration, trace.flat.cadence).tolist()
        now = time.perf_counter()
        progress.add_star(now - began)
        began = now
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
        row["sectors"] = ";".join(str(piece.number) for piece in star.pieces if piece.kind)
        row["disagreement"] = float(differ[k])
        # Six digits, because a row has forty numbers and there may be millions of rows.
        rounded = {name: float(f"{value:.6g}") for name, value in vetting[k].numbers.items()}
        row |= {"vetting": rounded, "verdicts": dict(vetting[k].verdicts)}
        for field in fields(StarTable):
            row[field.name] = float("nan") if star.stars is None else float(getattr(star.stars, field.name)[0])
    with_candidates, names = set(found.id.tolist()), [str(star.id[0]) for star in batch]
    reason = "the flux is constant" + (" outside the known transits" if known is not None else "")
    if given is not None:
        reason = "no ephemeris is given for this star, or its flux is constant"
    empty = [
        Skipped(name, Path(star.source), reason) for name, star in zip(names, batch) if name not in with_candidates
    ]
    return _part(names, empty, rows, {name: [text] for name, text in zip(names, scored.remarks) if text})


def _part(stars: list[str], skipped: list[Skipped], rows: list[Row], warnings: dict[str, list[str]]) -> Part:
    reasons = [{"id": s.id, "path": str(s.path), "reason": s.reason} for s in skipped]
    return {"stars": stars, "skipped": reasons, "rows": rows, "warnings": warnings}


def _mask(star: LightCurves, config: SearchConfig, known: Known | None) -> np.ndarray | None:
    if known is None:
        return None
    even = to_even(star, shortest=config.duration_min)
    known = known.of(str(star.id[0])).on_clock(star.time_system)
    complete = np.isfinite(known.t0) & np.isfinite(known.duration)
    planets = (known.id[complete], known.period[complete], known.t0[complete], known.duration[complete])
    return known_transits(star.id, even.start, even.cadence, even.flux.shape[1], *planets)[0]
