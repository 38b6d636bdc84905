"""Store arrays between commands in the user's cache directory.

Each entry is an uncompressed ``.npz``; its checksum is verified at every reading, and nothing is unpickled. The
directory is ``$EXOJAX_CACHE``, or else the system's directory for caches (``~/.cache/exojax`` on Linux). It is never
the folder of the data, which may be read-only. Each file that was read has one entry (about a quarter of the size of
its CSV), which is replaced when the file changes. When the entries exceed :data:`LIMIT` bytes, those with the oldest
use are removed. ``exojax cache`` shows and clears the cache.
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
"""bytes: default size limit of the entries; ``$EXOJAX_CACHE_GB`` sets another one"""


def directory() -> Path:
    """Return the folder of the entries, which may be missing or read-only.

    For a user without a home folder, the path returned cannot be created, so that nothing is cached.
    """
    if chosen := os.environ.get("EXOJAX_CACHE"):
        return Path(chosen)
    with suppress(RuntimeError):
        return user_cache_path("exojax", appauthor=False).absolute()
    return Path(os.devnull) / "exojax"


def entries() -> list[Path]:
    """Return the files of the entries, the oldest use first; an empty list without a cache."""
    with suppress(OSError):
        return sorted(directory().glob("*.npz"), key=lambda path: path.stat().st_mtime)
    return []


def limit() -> float:
    """Return the size limit of the entries, bytes."""
    try:
        return float(os.environ.get("EXOJAX_CACHE_GB", "")) * 2**30
    except ValueError:
        return LIMIT


def prune(most: float) -> int:
    """Remove the entries with the oldest use until the others take at most ``most`` bytes.

    Returns:
        The number of removed entries.
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
    """Return the arrays stored under ``key``; if there are none, call ``make()``, store its result and return it.

    An entry with another ``stamp`` is replaced, and so is a damaged entry, with a warning in the log. If the cache
    cannot be written, nothing is stored and no error is raised. Errors of ``make`` pass through.

    Args:
        key: text that identifies the arrays and everything on which their content and layout depend.
        make: returns named arrays of any shape and of any dtype except object.
        stamp: text that identifies the origin of the arrays, such as the size and modification time of a file.

    Returns:
        The named arrays; the caller may change them.
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
        _log.info("%s: cannot be written (%s); nothing was cached", path, error)
    return made


_stored = 0


def _prune_sometimes() -> None:
    """Prune the cache after the first entry of a process and after every hundredth."""
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
            os.utime(path)  # the time of the last use
        return found
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except Exception as error:
        _log.warning("the cache entry %s is damaged (%s); it is computed again", path, reason_of(error))
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
