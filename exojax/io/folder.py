"""Group files of single stars (FITS or tables) by star, and read them star by star."""

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
"""id of a star, and its files"""

_FITS = re.compile(r".*\.fits?(\.gz)?$", re.IGNORECASE)
TABLE = re.compile(r".*\.(csv|txt|dat|tsv|tbl|ecsv|tab|lc|asc|ascii|xls)(\.gz)?$", re.IGNORECASE)
_FEW = 300
"""number of files below which no workers are started: they take seconds to start, and a file takes milliseconds"""
_IN_FLIGHT = 4
"""stars per worker that are read before the caller needs them, which limits the memory"""


@dataclass(frozen=True)
class Skipped:
    """A star, or a file of a star, that could not be read: id of the star, file, and reason on one line."""

    id: str
    path: Path
    reason: str


def stars_in(paths: Iterable[str | Path]) -> list[Group]:
    """Group files by star, in the order of their paths.

    The star follows from the file's name, if it is a mission's name or begins with ``KIC``, ``EPIC`` or ``TIC``; else
    from the primary header of a FITS file; else every file is a separate star. Only headers are read here;
    :func:`read_stars` reports bad files.

    Args:
        paths: files, folders and globs. Folders are searched recursively for FITS files and tables.

    Returns:
        Id and files of each star. Ids are unique: two equal numbers get their catalogues as prefixes.

    Raises:
        InputError: a path or a glob matches nothing, or a folder holds neither FITS files nor tables.
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
    """Read a file of one star, as FITS if it begins with a FITS header, else as a table.

    Raises:
        InputError: the file is empty, is named as a FITS file but is none, or its reader raises.
    """
    with open_file.text(path) as stream:
        start = stream.read(9)
    if start.startswith(b"SIMPLE  ="):
        return fits.read(path, stated)
    if _FITS.match(path.name):
        raise InputError(
            f"{path}: is empty: download it again"
            if not start
            else f"{path}: is no FITS file, although its name is that of one: leave it out or download it again"
        )
    return table.read(path, stated)


def read_star(name: str, paths: Sequence[Path], stated: Stated = NOTHING_STATED) -> list[LightCurves | Skipped]:
    """Read the files of one star; return its skipped files, followed by one stitched light curve with id ``name``."""
    found: list[LightCurves | Skipped] = []
    segments: list[Segment] = []
    for path in paths:
        try:
            segments.append(read_file(path, stated))
        except InputError as error:
            found.append(_skipped(name, path, str(error)))
        # One bad file must not stop the reading of many good ones.
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError) as error:
            _log.warning("%s: could not be read; it is skipped", path, exc_info=True)
            found.append(_skipped(name, path, f"could not be read ({type(error).__name__}: {str(error)[:80]})"))
    if segments:
        try:
            found.append(stitch(segments, name))
        except InputError as error:
            found.append(_skipped(name, segments[0].path, str(error)))
    return found


def _skipped(name: str, path: Path, reason: str) -> Skipped:
    """Return a skipped file, with id, path and reason as printable UTF-8."""
    text = identity.printable(reason.removeprefix(f"{path}: "))
    return Skipped(name, Path(identity.printable(str(path))), text)


def read_stars(
    groups: Sequence[Group], workers: int = 1, stated: Stated = NOTHING_STATED
) -> Iterator[LightCurves | Skipped]:
    """Read stars one after another; workers read a few stars in advance.

    Args:
        groups: stars and their files, from :func:`stars_in`.
        workers: number of processes, which are spawned because JAX may run in this process; fewer than 300 files are
            read in this process.
        stated: units and clock stated by the user.

    Yields:
        In the order of ``groups``: a light curve for every star with at least one good file, and a ``Skipped`` for
        every bad file.
    """
    if workers < 2 or sum(len(paths) for _, paths in groups) < _FEW:
        for group in groups:
            yield from read_star(*group, stated)
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_follow_parent)
    waiting: deque[Future[list[LightCurves | Skipped]]] = deque()
    submitted = done = 0
    try:
        while done < len(groups):
            try:
                for group in groups[submitted : done + _IN_FLIGHT * workers]:
                    waiting.append(pool.submit(read_star, *group, stated))
                    submitted += 1
                found = waiting.popleft().result()
            except BrokenProcessPool:
                _log.warning("a process that reads files ended (out of memory?); this process reads the other files")
                break
            done += 1
            yield from found
    finally:
        pool.shutdown(cancel_futures=True)
    for group in groups[done:]:
        yield from read_star(*group, stated)


def _follow_parent() -> None:
    """Set up a worker: ignore Ctrl-C, which the parent handles, and exit when the parent ends."""
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
                raise InputError(f"{path}: holds no light curves: give a folder with *.fits or *.csv files")
        elif path.exists():
            inside = [path]
        else:
            inside = [Path(name) for name in sorted(glob.glob(str(given), recursive=True))]
            if not inside:
                raise InputError(f"{given}: no such file, and no file matches this pattern: check the path")
        found |= dict.fromkeys(inside)
    return list(found)


def _star(path: Path) -> tuple[str, str, bool]:
    if named := identity.of_name(path):
        return named[1], named[0], True
    if not TABLE.match(path.name):
        try:
            return fits.star_of(path)
        except InputError as error:
            _log.debug("%s", error)
    return identity.stem(path), "", False
