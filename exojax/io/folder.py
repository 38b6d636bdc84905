"""Many files of single stars, FITS or tables: grouped by star cheaply, then read one star after the other."""

from __future__ import annotations

import glob
import logging
import multiprocessing
import os
import re
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from exojax.errors import InputError
from exojax.io import fits, identity, table
from exojax.io.columns import NOTHING_STATED, Stated
from exojax.io.segment import Segment
from exojax.io.stitch import stitch
from exojax.light_curves import LightCurves
from exojax.storage import open_file

_log = logging.getLogger(__name__)
Group = tuple[str, list[Path]]

_FITS = re.compile(r".*\.fits?(\.gz)?$", re.IGNORECASE)
TABLE = re.compile(r".*\.(csv|txt|dat|tsv|tbl|ecsv|tab|lc|asc|ascii|xls)(\.gz)?$", re.IGNORECASE)
_FEW = 300
"""files that are read here: the workers take seconds to start, a file milliseconds"""
_AHEAD = 4
"""stars in flight for each worker, which bounds the memory"""


@dataclass(frozen=True)
class Skipped:
    """A file (or all of a star's) that could not be used: the star's id, the file, and why, in one line."""

    id: str
    path: Path
    reason: str


def stars_in(paths: Iterable[str | Path]) -> list[Group]:
    """The stars behind files, folders (with all below them) and globs, in the order in which they come up.

    A file's star is told by its name where that is the missions' or begins with ``KIC``, ``EPIC`` or ``TIC``; else by
    its primary header; else it is a star of its own. Files that are named are taken as they are, folders are searched
    for FITS and tables. Nothing but headers is read, and a file that is no good is left for ``read_stars`` to report.

    Returns:
        Star id and files, by star; ids are unique, with the catalogue before the number where two catalogues share it.

    Raises:
        InputError: a path or a glob names nothing, or a folder holds no such file.
    """
    groups: dict[tuple[str, str], Group] = {}
    for path in _files(paths):
        name, catalogue, named = _star(path)
        key = (catalogue, name) if named else ("file", str(path))
        groups.setdefault(key, (name, []))[1].append(path)
    often = Counter(name for name, _ in groups.values())
    unique = []
    for (catalogue, _), (name, files) in groups.items():
        if often[name] > 1:
            name = identity.printable(str(files[0])) if catalogue == "file" else f"{catalogue} {name}".strip()
        unique.append((name, files))
    return unique


def read_file(path: Path, stated: Stated = NOTHING_STATED) -> Segment:
    """Return the segment in a file of one star: FITS where the file begins as FITS does, else a table.

    Raises:
        InputError: it is neither, or as of the reader.
    """
    with open_file.text(path) as stream:
        start = stream.read(9)
    if start.startswith(b"SIMPLE  ="):
        return fits.read(path, stated)
    if _FITS.match(path.name):
        raise InputError(
            f"{path}: is empty: download it again"
            if not start
            else f"{path}: is no FITS file, whatever its name: leave it out or download it again"
        )
    return table.read(path, stated)


def read_star(name: str, paths: Sequence[Path], stated: Stated = NOTHING_STATED) -> list[LightCurves | Skipped]:
    """Return one star's files, stitched into one light curve of id ``name``, after those of them that are no good."""
    found: list[LightCurves | Skipped] = []
    segments: list[Segment] = []
    for path in paths:
        try:
            segments.append(read_file(path, stated))
        except InputError as error:
            found.append(_skipped(name, path, str(error)))
        # A thousand good files are worth more than a traceback of the one that is not.
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
            _log.warning("%s: could not be read", path, exc_info=True)
            found.append(_skipped(name, path, f"could not be read ({type(error).__name__}: {str(error)[:80]})"))
    if segments:
        try:
            found.append(stitch(segments, name))
        except InputError as error:
            found.append(_skipped(name, segments[0].path, str(error)))
    return found


def _skipped(name: str, path: Path, reason: str) -> Skipped:
    """Return why a file is skipped, in text that can be written anywhere."""
    text = identity.printable(reason.removeprefix(f"{path}: "))
    return Skipped(name, Path(identity.printable(str(path))), text)


def read_stars(
    groups: Sequence[Group], workers: int = 1, stated: Stated = NOTHING_STATED
) -> Iterator[LightCurves | Skipped]:
    """Read stars one after the other, a few ahead of the caller.

    Args:
        groups: of ``stars_in``.
        workers: processes that read (spawned, as JAX may run in this one); few files are read in this process.
        stated: what the user states of all files.

    Yields:
        In the order of ``groups``: a light curve for every star of which a file could be used, and a ``Skipped`` for
        every file that could not.
    """
    if workers < 2 or sum(len(paths) for _, paths in groups) < _FEW:
        for group in groups:
            yield from read_star(*group, stated)
        return
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_obey)
    waiting: deque[Future[list[LightCurves | Skipped]]] = deque()
    submitted = done = 0
    try:
        while done < len(groups):
            try:
                for group in groups[submitted : done + _AHEAD * workers]:
                    waiting.append(pool.submit(read_star, *group, stated))
                    submitted += 1
                found = waiting.popleft().result()
            except BrokenProcessPool:
                _log.warning("a process that read files died (out of memory?): the rest are read by this one")
                break
            done += 1
            yield from found
    finally:
        pool.shutdown(cancel_futures=True)
    for group in groups[done:]:
        yield from read_star(*group, stated)


def _obey() -> None:
    """In a worker: Ctrl-C is the parent's to answer, and a parent that was killed leaves no worker behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _files(paths: Iterable[str | Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = [p for p in sorted(path.rglob("*")) if _FITS.match(p.name) or TABLE.match(p.name)]
            if not inside:
                raise InputError(f"{path}: holds no light curves: it needs *.fits or *.csv files")
        elif path.exists():
            inside = [path]
        else:
            inside = [Path(name) for name in sorted(glob.glob(str(given), recursive=True))]
            if not inside:
                raise InputError(f"{given}: no such file, and no file matches it: check the path")
        found |= dict.fromkeys(inside)
    return list(found)


def _star(path: Path) -> tuple[str, str, bool]:
    if told := identity.of_name(path):
        return told[1], told[0], True
    if not TABLE.match(path.name):
        try:
            return fits.star_of(path)
        except InputError as error:
            _log.debug("%s", error)
    return identity.stem(path), "", False
