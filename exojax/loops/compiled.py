"""Compile the loops once per machine, and store them in the cache with checksums; compile damaged ones again.

Numba's index of compiled functions is a pickle, in a folder of this user's cache. It is read only if the checksum of
every file of the folder is the recorded one. The name of the folder is a fingerprint of the sources, of Numba and of
the processor, and a complete folder never changes.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

from exojax.storage import announce, cache

_log = logging.getLogger(__name__)
_MANIFEST = "checksums.json"
_lock = Lock()
_done = False


def ready() -> None:
    """Make every loop callable; the first call on a machine compiles for some ten seconds, later ones load at once."""
    global _done
    if _done:
        return
    with _lock:
        if not _done:
            _prepare(cache.directory() / "loops")
            _done = True


def _modules() -> tuple[ModuleType, ...]:
    from exojax.loops import (
        boxes,
        candidate,
        harmonics,
        least_squares,
        periodogram,
        seasons,
        single,
        tolerant,
        trend,
        views,
    )

    return trend, periodogram, candidate, least_squares, single, views, boxes, seasons, harmonics, tolerant


def _prepare(home: Path) -> None:
    folder = home / _fingerprint()
    if _intact(folder):
        try:
            _compile(folder)
            return
        except Exception as error:  # for a damaged file, Numba raises exceptions of many kinds
            _log.info("%s cannot be read (%s): compiled again", folder, error)
    announce.note("compiling the loops of the search, once for this machine: about 15 seconds")
    try:
        home.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=home, prefix=".new-"))
    except OSError as error:
        announce.note(f"the cache {home} cannot be written ({error.strerror}): the loops are compiled anew each time")
        _compile(None)
        return
    try:
        _compile(fresh)
        (fresh / _MANIFEST).write_text(json.dumps(_checksums(fresh)))
        if folder.exists():
            os.replace(folder, fresh.with_name(fresh.name.replace("new", "old")))
        os.replace(fresh, folder)
    except OSError as error:
        # Another process may have been faster; a full disk costs time only.
        _log.info("%s cannot be kept (%s)", folder, error)
        _compile(None)
    finally:
        for left in (fresh, fresh.with_name(fresh.name.replace("new", "old"))):
            shutil.rmtree(left, ignore_errors=True)


def _compile(folder: Path | None) -> None:
    """Load all loops from ``folder``, or compile them and store them there; None stores nothing."""
    for module in _modules():
        for name, signature in module.SIGNATURES.items():
            loop = getattr(module, name)
            if loop.signatures:
                continue
            if folder is not None:
                with _kept_in(folder):
                    loop.enable_caching()
            loop.compile(signature)
            # Arguments of any other type are a mistake, and not to be compiled for.
            loop.disable_compile()


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Set the folder that Numba reads when the caching of a function is enabled, and set it back."""
    from numba import config as settings

    config: Any = settings

    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before


def _fingerprint() -> str:
    """Return the name of the compiled code: sources, versions, processor."""
    import llvmlite  # type: ignore[import-untyped]
    import numba
    import numpy as np
    from llvmlite import binding

    content = sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        # Numba also compares the modification times of files.
        content.update(path.read_bytes() + str(path.stat().st_mtime_ns).encode())
    versions = (numba.__version__, llvmlite.__version__, np.__version__, platform.python_version())
    processor = (platform.machine(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    content.update(json.dumps([*versions, *processor, str(Path(__file__).parent)]).encode())
    return content.hexdigest()[:32]


def _checksums(folder: Path) -> dict[str, int]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _MANIFEST)
    return {path.relative_to(folder).as_posix(): zlib.crc32(path.read_bytes()) for path in files}


def _intact(folder: Path) -> bool:
    """Return whether every file is as it was written, and none is missing or added."""
    with suppress(OSError, ValueError):
        return bool(json.loads((folder / _MANIFEST).read_text()) == _checksums(folder))
    return False
