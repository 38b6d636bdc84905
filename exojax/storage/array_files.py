"""Write named arrays to one file in one step, and read them after a check, without unpickling."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from exojax.errors import InputError
from exojax.storage.open_file import most_unpacked
from exojax.storage.write_file import written_in_one_step

MOST_ARRAYS = 10_000
"""largest number of arrays in a file"""
_ENDING = ".npy"
_MARK = b"crc32 "
_DIGITS = 8


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as an ``.npz`` with a checksum, in one step.

    Raises:
        OSError: the file cannot be written.
    """
    with written_in_one_step(path) as stream:
        write_arrays(stream, arrays)


def write_arrays(stream: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to a stream that can also be read.

    The comment at the end of the archive is the CRC-32 of all bytes before it, because the checksums of the zip format
    do not protect the list of members.
    """
    np.savez(stream, allow_pickle=False, **arrays)
    stream.seek(-2, os.SEEK_END)  # the length of the comment
    stream.write((len(_MARK) + _DIGITS).to_bytes(2, "little") + _MARK)
    digits = b"%08x" % _crc32(stream, stream.seek(0, os.SEEK_END))
    stream.write(digits)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read arrays of a run or an output folder, after verifying their checksum and without unpickling.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        return read_arrays(path)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; train the run first") from None
    except Exception as error:  # a damaged archive raises exceptions of many kinds
        raise InputError(f"{path}: damaged ({reason_of(error)}); train again with --fresh") from None


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read a file that :func:`write_arrays` has written.

    Raises:
        Exception: of many kinds, if the file is missing, damaged or of another format.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - len(_MARK) - _DIGITS, 0))
        ending = stream.read()
        if not ending.startswith(_MARK):
            raise ValueError("it has no checksum, or an earlier version wrote it")
        if int(ending.removeprefix(_MARK), 16) != _crc32(stream, size - _DIGITS):
            raise ValueError("its checksum does not match")
        check_archive(path)
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


def _crc32(stream: IO[bytes], size: int) -> int:
    """Return the CRC-32 of the first ``size`` bytes of a stream, and leave the stream after them."""
    stream.seek(0)
    found, left = 0, size
    while left > 0 and (part := stream.read(min(left, 1 << 20))):
        found, left = zlib.crc32(part, found), left - len(part)
    return found


def reason_of(error: Exception) -> str:
    """Return the first line of an error's text, at most a hundred characters."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:100]


def check_archive(path: Path) -> None:
    """Check an ``.npz`` before unpacking any array: its format, and that it will not fill the memory.

    Raises:
        ValueError: it is no archive of arrays; it holds too many arrays, two of one name, objects, or an array whose
            shape does not fit its size; or it unpacks to far more than its own size.
        OSError: the file cannot be read.
    """
    most = most_unpacked(path.stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MOST_ARRAYS:
                raise ValueError(f"it holds {len(members):,} arrays, {MOST_ARRAYS:,} at most are read")
            if len({member.filename for member in members}) < len(members):
                raise ValueError("it holds two arrays of one name")
            if sum(member.file_size for member in members) > most:
                raise ValueError(f"it unpacks to more than {most / 1e6:,.0f} MB, far more than its size")
            for member in members:
                if not member.filename.endswith(_ENDING):
                    raise ValueError(f"it holds {member.filename!r}, which is no array")
                with archive.open(member) as stream:
                    _check_header(member.filename.removesuffix(_ENDING), stream, member.file_size)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, struct.error) as error:
        raise ValueError(str(error) or "it is no archive") from None


def _check_header(name: str, stream: IO[bytes], size: int) -> None:
    """Check that an array holds no objects, and that its shape fits its ``size`` bytes, header included."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(stream)
    if kind.hasobject:
        raise ValueError(f"array {name!r} holds objects")
    promised = math.prod(shape) * kind.itemsize
    if min(shape, default=0) < 0 or promised != size - stream.tell():
        raise ValueError(f"array {name!r} has shape {shape}, which does not fit its size")
