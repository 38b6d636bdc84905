"""Keep arrays between runs in the user's cache directory.

One uncompressed ``.npz`` an entry, whose checksum is verified whenever it is read; no entry is ever unpickled. Entries
live in ``$EXOJAX_CACHE``, else where the system keeps a user's caches
(``~/.cache/exojax`` on Linux); never beside the data, so that a read-only data folder needs no special case. There is
one entry for each file read (about a quarter of its CSV's size), replaced when the file changes. Where the entries
take more than :data:`LIMIT` bytes, those that were not used for longest are removed; ``exojax cache`` shows the
cache and clears it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from exojax.storage.array_files import read_arrays, reason_of, write_arrays

_log = logging.getLogger(__name__)
_STAMP = "_stamp"
LIMIT = 4 * 2**30
"""bytes of entries that are kept; ``$EXOJAX_CACHE_GB`` states another limit"""


def directory() -> Path:
    """Return the folder of the entries; it need not exist, nor be writable.

    A user without a home folder has no cache: the path returned can never be created.
    """
    if chosen := os.environ.get("EXOJAX_CACHE"):
        return Path(chosen)
    with suppress(RuntimeError):
        return user_cache_path("exojax", appauthor=False).absolute()
    return Path(os.devnull) / "exojax"


def entries() -> list[Path]:
    """Return the entries, those that were not used for longest first; of none, or of no such directory, nothing."""
    with suppress(OSError):
        return sorted(directory().glob("*.npz"), key=lambda path: path.stat().st_mtime)
    return []


def limit() -> float:
    """Return how many bytes of entries are kept."""
    try:
        return float(os.environ.get("EXOJAX_CACHE_GB", "")) * 2**30
    except ValueError:
        return LIMIT


def prune(most: float) -> int:
    """Remove the entries that were not used for longest until the rest take ``most`` bytes or less.

    Returns:
        How many were removed.
    """
    removed = 0
    with suppress(OSError):
        found = [(path, path.stat().st_size) for path in entries()]
        total = sum(size for _, size in found)
        for path, size in found:
            if total <= most:
                break
            path.unlink(missing_ok=True)
            total -= size
            removed += 1
    return removed


def load_or_make(key: str, make: Callable[[], dict[str, np.ndarray]], *, stamp: str = "") -> dict[str, np.ndarray]:
    """Return the arrays stored under ``key``, or those of ``make()``, which are then stored.

    An entry is made again when its ``stamp`` is another one or when it is damaged (which the log says). A
    cache that cannot be written costs time, never an error; ``make``'s own errors pass through and store
    nothing.

    Args:
        key: what the arrays are, the same from run to run; a change of their layout needs another key.
        make: returns named arrays of any shape and any dtype but object.
        stamp: what the arrays were made from, such as a file's size and modification time.

    Returns:
        the named arrays, writeable and owned by the caller.
    """
    path = directory() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    stored = _load(path, stamp)
    if stored is not None:
        return stored
    made = make()
    try:
        _store(path, {**made, _STAMP: np.array(stamp)})
        _prune_sometimes()
    except OSError as error:
        _log.info("%s cannot be written (%s): nothing is cached", path, error)
    return made


_stored = 0


def _prune_sometimes() -> None:
    """Look at the whole directory at the first entry of a process and at every hundredth."""
    global _stored
    if _stored % 100 == 0:
        prune(limit())
    _stored += 1


def _load(path: Path, stamp: str) -> dict[str, np.ndarray] | None:
    try:
        found = read_arrays(path)
        if str(found.pop(_STAMP)) != stamp:
            return None
        with suppress(OSError):
            os.utime(path)  # used now
        return found
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except Exception as error:
        _log.warning("the cache entry %s is damaged (%s): made again", path, reason_of(error))
        return None


def _store(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            write_arrays(stream, arrays)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
