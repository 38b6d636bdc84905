"""Which data was it? The SHA-256 of a file, and of a set of files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from exojax.storage import cache, open_file


def of_file(path: Path) -> str:
    """SHA-256 of the bytes on disk, 64 hex digits; computed once for each size and modification time.

    Raises:
        InputError: the file cannot be read.
    """

    def digest() -> dict[str, np.ndarray]:
        with open_file.binary(path) as stream:
            return {"sha256": np.array(hashlib.file_digest(stream, "sha256").hexdigest())}

    stored = cache.load_or_make(f"sha256 v1 {path.resolve()}", digest, stamp=open_file.stamp(path))
    return str(stored["sha256"])


def of_folder(by_name: Mapping[str, str]) -> str:
    """SHA-256 over the fingerprints of a folder's files, taken in the order of the files' names.

    Args:
        by_name: file name -> its ``of_file``. The names only order the fingerprints: a renamed folder, or
            files renamed without changing their order, stay the same data.
    """
    joined = "\n".join(by_name[name] for name in sorted(by_name))
    return hashlib.sha256(joined.encode()).hexdigest()
