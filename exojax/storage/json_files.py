"""JSON read with limits and checks, and JSON of a run or an output folder with a checksum.

A checked file begins with ``{"crc32": "0a1b2c3d",``: the CRC-32 of every byte after the eight digits. It is JSON for
any other program; a byte that changes is refused, be it by a disk or by an editor. So is a file without a checksum, as
versions before there were any wrote them: what lost its beginning looks alike.
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
"""bytes of a file that are read at most"""
AGAIN = "train again with --fresh"


class DamagedError(InputError):
    """A file does not hold what was written."""


def write_json(path: Path, value: Any) -> None:
    """Write JSON in one step, indented, with a final newline.

    Raises:
        OSError: the file cannot be written.
    """
    write_atomically(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def write_checked(path: Path, value: dict[str, Any], *, compact: bool = False) -> None:
    """Write a JSON object of one key or more with its checksum, in one step.

    Args:
        path: the file.
        value: what :func:`read_checked` returns again.
        compact: on one line, with ``NaN`` as Python spells it, for files that nothing else reads.

    Raises:
        OSError: the file cannot be written.
    """
    text = json.dumps(value, indent=None if compact else 1, allow_nan=compact)
    body = f",{text[1:]}\n".encode()
    write_atomically(path, b'{"%s": "%08x"' % (_KEY.encode(), zlib.crc32(body)) + body)


def read_checked(path: Path, *, remedy: str = AGAIN, nan: bool = False) -> dict[str, Any]:
    """Read a file of :func:`write_checked`.

    Args:
        path: the file.
        remedy: what to do where it is damaged, for the message.
        nan: whether numbers that are none are allowed.

    Raises:
        DamagedError: a byte of it was changed, or it has no checksum.
        InputError: the file cannot be read.
    """
    content = _content(path, remedy)
    value = _parsed(path, content, remedy, nan=nan)
    head = _HEAD.match(content)
    if head is None:
        raise DamagedError(f"{path}: has no checksum: it was changed, or another version wrote it; {remedy}")
    if zlib.crc32(content[head.end() :]) != int(head[1], 16):
        raise DamagedError(f"{path}: its checksum does not match: it was changed or damaged; {remedy}")
    del value[_KEY]
    return value


def read_json(path: Path, *, remedy: str = "mend it") -> dict[str, Any]:
    """Read a JSON object that a person may have written; a checksum in it is not looked at.

    Args:
        path: the file.
        remedy: what to do where it is damaged, for the message.

    Raises:
        InputError: the file is missing, damaged, too large or too deep, or holds something else, or a number that is
            none.
    """
    value = _parsed(path, _content(path, remedy), remedy)
    value.pop(_KEY, None)
    return value


def check_same(path: Path, wanted: dict[str, Any], what: str) -> None:
    """Write the settings of resumable work, or compare them with those that are there.

    Args:
        path: the file, in a folder of the work's parts below its ``--out``.
        wanted: the settings, as JSON gives them back.
        what: ``comparison``, ``experiment``, ...

    Raises:
        InputError: the work was begun with others; the differences are named. Or it was begun by another version, whose
            ``sources`` differ.
    """
    if not path.exists():
        write_checked(path, wanted)
        return
    before = read_checked(path, remedy="give another --out")
    if before.get("sources") != wanted.get("sources"):
        raise InputError(
            f"{path.parent.parent}: holds the parts of another version's {what}, which this one does not mix with its "
            f"own; give another --out"
        )
    changed = [f"{k}: {before.get(k)} -> {v}" for k, v in wanted.items() if before.get(k) != v]
    if changed:
        raise InputError(f"{path.parent.parent}: holds another {what} ({'; '.join(changed)}); give another --out")


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
        # A number of thousands of digits is a ValueError, and so are bytes that are no UTF-8.
        text = content.decode("utf-8-sig")
        value = json.loads(text) if nan else json.loads(text, parse_constant=refuse, parse_float=finite)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise DamagedError(f"{path}: cannot be read as JSON ({reason}); {remedy}") from None
    if not isinstance(value, dict):
        raise DamagedError(f"{path}: holds no JSON object; {remedy}")
    return value
