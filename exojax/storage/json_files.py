"""Read JSON with limits and checks; write and read the JSON files of runs and output folders with a checksum.

A checked file begins with ``{"crc32": "0a1b2c3d",``: the CRC-32 of all bytes after the eight digits. Other programs
read it as normal JSON. A file with a changed byte, from the disk or from an editor, is an error. A file without a
checksum is an error too, because its beginning may be lost.
"""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any, NoReturn

from exojax.errors import InputError
from exojax.storage.write_file import write_atomically

_KEY = "crc32"
_HEAD = re.compile(rb'\{"crc32": "([0-9a-f]{8})"')
LARGEST = 2**30
"""bytes: size of the largest file that is read"""
AGAIN = "train again with --fresh"
"""remedy for damaged files of a run"""


class DamagedError(InputError):
    """The content of a file has changed since it was written."""


def write_json(path: Path, value: Any) -> None:
    """Write JSON in one step, indented, with a final newline.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def write_checked(path: Path, value: dict[str, Any], *, compact: bool = False) -> None:
    """Write a JSON object with at least one key and its checksum, in one step.

    Args:
        path: the file.
        value: the object, which :func:`read_checked` returns.
        compact: true writes one line and Python's ``NaN``, for files that only exojax reads.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(value, indent=None if compact else 1, allow_nan=compact)
    body = f",{text[1:]}\n".encode()
    write_atomically(path, b'{"%s": "%08x"' % (_KEY.encode(), zlib.crc32(body)) + body)


def read_checked(path: Path, *, remedy: str = AGAIN, nan: bool = False) -> dict[str, Any]:
    """Read a file that :func:`write_checked` has written.

    Args:
        path: the file.
        remedy: what to do if the file is damaged, for the message.
        nan: true allows ``NaN`` and infinite numbers.

    Raises:
        DamagedError: its checksum does not match, or it has none.
        InputError: the file cannot be read.
    """
    content = _content(path, remedy)
    value = _parsed(path, content, remedy, nan=nan)
    head = _HEAD.match(content)
    if head is None:
        raise DamagedError(f"{path}: has no checksum, so that it was changed or written by another version; {remedy}")
    if zlib.crc32(content[head.end() :]) != int(head[1], 16):
        raise DamagedError(f"{path}: its checksum does not match, so that it was changed or damaged; {remedy}")
    del value[_KEY]
    return value


def read_json(path: Path, *, remedy: str = "mend it") -> dict[str, Any]:
    """Read a JSON object that may be written by hand; ignore a checksum in it.

    Args:
        path: the file.
        remedy: what to do if the file is damaged, for the message.

    Raises:
        InputError: the file is missing, damaged, too large or nested too deep, holds no object, or holds NaN or an
            infinite number.
    """
    value = _parsed(path, _content(path, remedy), remedy)
    value.pop(_KEY, None)
    return value


def check_same(path: Path, settings: dict[str, Any], kind: str) -> None:
    """Write the settings of resumable work, or compare them with existing ones.

    Args:
        path: the file, in a folder of the work's parts below ``--out``.
        settings: the settings, with types that JSON preserves.
        kind: name of the work for messages, such as ``comparison`` or ``experiment``.

    Raises:
        InputError: the work was begun with other settings, which the message names, or by another version, whose
            ``sources`` differ.
    """
    if not path.exists():
        write_checked(path, settings)
        return
    before = read_checked(path, remedy="give another --out")
    if before.get("sources") != settings.get("sources"):
        raise InputError(
            f"{path.parent.parent}: another version of exojax began this {kind}, and parts of two versions cannot be "
            "mixed; give another --out"
        )
    changed = [f"{k}: {before.get(k)} -> {v}" for k, v in settings.items() if before.get(k) != v]
    if changed:
        raise InputError(f"{path.parent.parent}: holds another {kind} ({'; '.join(changed)}); give another --out")


def _content(path: Path, remedy: str) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: is larger than {LARGEST / 2**30:g} GB; {remedy}")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions, or {remedy}") from None


def _parsed(path: Path, content: bytes, remedy: str, *, nan: bool = False) -> dict[str, Any]:
    def refuse(number: str) -> NoReturn:
        raise ValueError(f"{number} is no number")

    def finite(number: str) -> float:
        found = float(number)
        return refuse(number) if found in (float("inf"), -float("inf")) else found

    try:
        # Numbers with thousands of digits, and bytes that are not UTF-8, raise ValueError too.
        text = content.decode("utf-8-sig")
        value = json.loads(text) if nan else json.loads(text, parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise DamagedError(f"{path}: cannot be read as JSON ({reason}); {remedy}") from None
    if not isinstance(value, dict):
        raise DamagedError(f"{path}: holds no JSON object; {remedy}")
    return value
