"""Write and read the parts of a search: one file with a checksum for each batch of stars.

A part is a dictionary: ``stars`` (ids of the searched stars), ``skipped`` (``id``, ``path`` and ``reason`` of each
skipped star), ``rows`` (one dictionary per candidate) and ``warnings`` (id to sentences). The file is one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from exojax.storage.json_files import DamagedError, read_checked, write_checked

Row = dict[str, Any]
Part = dict[str, Any]

_KEYS = {"stars", "skipped", "rows", "warnings"}


def write_part(folder: Path, part: Part) -> Path:
    """Write a part in one step and return its file, whose name is a hash of the stars."""
    content = json.dumps([part["stars"], part["skipped"]])
    path = folder / f"part-{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"
    write_checked(path, part, compact=True)
    return path


def read_part(path: Path) -> Part:
    """Read a part.

    Raises:
        DamagedError: its checksum does not match, or keys are missing.
        InputError: the file cannot be read.
    """
    part = read_checked(path, remedy="the same command searches its stars again", nan=True)
    if part.keys() != _KEYS:
        raise DamagedError(f"{path}: is no part of a search; the same command searches its stars again")
    return part
