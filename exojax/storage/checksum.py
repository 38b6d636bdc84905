"""Compute the SHA-256 of a file, of a set of files, and of exojax's own sources."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from exojax.storage import cache, open_file

_NOT_DECIDING = ("__init__", "__main__", "config", "errors")


def of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hex digits; compute it once for each size and modification time.

    Raises:
        InputError: the file cannot be read.
    """

    def digest() -> dict[str, np.ndarray]:
        with open_file.binary(path) as stream:
            return {"sha256": np.array(hashlib.file_digest(stream, "sha256").hexdigest())}

    stored = cache.load_or_make(f"sha256 v1 {path.resolve()}", digest, stamp=open_file.stamp(path))
    return str(stored["sha256"])


def of_folder(by_name: Mapping[str, str]) -> str:
    """Return the SHA-256 of the fingerprints of a folder's files, in the order of the files' names.

    Args:
        by_name: file name to its fingerprint from :func:`of_file`. The names only set the order, so that renaming a
            folder, or files without changing their order, does not change the result.
    """
    joined = "\n".join(by_name[name] for name in sorted(by_name))
    return hashlib.sha256(joined.encode()).hexdigest()


@lru_cache
def of_sources(*rooms: str) -> str:
    """Return 16 hex digits, a fingerprint of the code in the named rooms and in the containers that all rooms share.

    Args:
        rooms: folders of the package, such as ``detection``, or single files, such as ``runs/survey.py``.
    """
    package = Path(__file__).parents[1]
    content = hashlib.sha256()
    # config.py is left out, because the keys contain its settings.
    loose = [path for path in package.glob("*.py") if path.stem not in _NOT_DECIDING]
    files = [
        path
        for room in rooms
        for path in ((package / room).rglob("*.py") if (package / room).is_dir() else [package / room])
    ]
    for path in sorted([*loose, *files]):
        content.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return content.hexdigest()[:16]
