"""The parts of a search: one file for each batch of stars, written in one step and read back with its checksum.

A part is a dictionary: ``stars`` (ids that are searched), ``skipped`` (``id``, ``path``, ``reason`` of what could not
be), ``rows`` (one dictionary a candidate) and ``warnings`` (star to sentences). On disk it is one line of JSON, with
the CRC-32 of its text before it: a flipped digit would still be JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from pathlib import Path
from typing import Any

from exojax.errors import InputError

Row = dict[str, Any]
Part = dict[str, Any]

_KEYS = {"stars", "skipped", "rows", "warnings"}
_HEAD, _TAIL = '{"crc32": "%08x", "part": ', b"}\n"
_HEAD_SIZE = len(_HEAD % 0)


class DamagedError(ValueError):
    """A part does not hold what was written."""


def write_part(folder: Path, part: Part) -> Path:
    """Write a part in one step; its name follows from its stars. Returns the file."""
    content = json.dumps([part["stars"], part["skipped"]])
    path = folder / f"part-{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"
    folder.mkdir(parents=True, exist_ok=True)
    # NaN is Python's own spelling here: nothing but this module reads these files.
    text = json.dumps(part).encode()
    partial = path.with_suffix(".partial")
    partial.write_bytes((_HEAD % zlib.crc32(text)).encode() + text + _TAIL)
    os.replace(partial, path)
    return path


def read_part(path: Path) -> Part:
    """Read a part back.

    Raises:
        DamagedError: its checksum does not match, or it is none.
        InputError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions and the disk") from None
    text = content[_HEAD_SIZE : -len(_TAIL)]
    if content[:_HEAD_SIZE] != (_HEAD % zlib.crc32(text)).encode() or content[-len(_TAIL) :] != _TAIL:
        raise DamagedError("its checksum does not match")
    try:
        part = json.loads(text)
    except ValueError as error:
        raise DamagedError(str(error)) from None
    if not isinstance(part, dict) or part.keys() != _KEYS:
        raise DamagedError("it holds something else")
    return part
