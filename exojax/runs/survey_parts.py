"""The parts of a search: one file for each batch of stars, written in one step and read back with its checksum.

A part is a dictionary: ``stars`` (ids that are searched), ``skipped`` (``id``, ``path``, ``reason`` of what could not
be), ``rows`` (one dictionary a candidate) and ``warnings`` (star to sentences). On disk it is one line of JSON.
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
    """Write a part in one step; its name follows from its stars. Returns the file."""
    content = json.dumps([part["stars"], part["skipped"]])
    path = folder / f"part-{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"
    write_checked(path, part, compact=True)  # a column that was not measured is NaN
    return path


def read_part(path: Path) -> Part:
    """Read a part back.

    Raises:
        DamagedError: its checksum does not match, or it is no part.
        InputError: the file cannot be read.
    """
    part = read_checked(path, remedy="the same command searches its stars again", nan=True)
    if part.keys() != _KEYS:
        raise DamagedError(f"{path}: holds no part of a search")
    return part
