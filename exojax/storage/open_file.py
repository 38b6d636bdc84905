"""Open a file as a stream of bytes, unpacked where it is packed; what fails is the user's to mend.

Three megabytes can unpack to three gigabytes. What unpacks to more than :func:`most_unpacked` is refused before, or
while, it is unpacked.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, cast

from exojax.errors import InputError

LEAST_LIMIT = 2**28
"""bytes that any file may unpack to"""
MOST_TIMES = 100
"""times its packed size that a larger file may unpack to; light curves as text or arrays stay below 20"""


def most_unpacked(packed: int) -> int:
    """Return how many bytes a file of ``packed`` bytes may unpack to."""
    return max(LEAST_LIMIT, MOST_TIMES * packed)


def stamp(path: Path) -> str:
    """Return size and modification time (ns) of a file: while they stay, its content is taken to stay.

    Raises:
        InputError: there is no such file, it is a folder, or it may not be looked at.
    """
    with _mendable(path):
        status = path.stat()
        if path.is_dir():
            raise IsADirectoryError
    return f"{status.st_size} {status.st_mtime_ns}"


@contextmanager
def binary(path: Path) -> Iterator[BufferedReader]:
    """Open the file's bytes as they lie on disk.

    Raises:
        InputError: it is missing, a folder, or not readable; also when reading fails later on.
    """
    # A line of thousands of numbers is longer than the default buffer, and half the time would go in small reads.
    with _mendable(path), path.open("rb", buffering=1 << 20) as stream:
        yield cast(BufferedReader, stream)


@contextmanager
def text(path: Path) -> Iterator[IO[bytes]]:
    """Open the bytes of a text file, of a gzip file, or of the one CSV in a zip archive.

    The file's first bytes decide which it is, not its name: browsers unpack ``.csv.gz`` without renaming it.

    Raises:
        InputError: as ``binary``; or the archive is damaged, cut short, encrypted, unpacks to far more than its size,
            or holds no or several CSVs.
    """
    again = "download or pack it again"
    try:
        with binary(path) as stream:
            magic = stream.read(4)
            stream.seek(0)
            if magic.startswith(b"\x1f\x8b"):
                with gzip.open(stream) as unpacked:
                    yield io.BufferedReader(_Limited(path, cast(IO[bytes], unpacked)), buffer_size=1 << 20)
            elif magic.startswith(b"PK"):
                with zipfile.ZipFile(stream) as archive, archive.open(_only_csv(path, archive)) as member:
                    yield member
            else:
                yield stream
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: the packed data are damaged or cut short ({str(error)[:90]}): {again}") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path}: not a usable zip archive ({str(error)[:90]}): {again}") from error


def content(path: Path, most: int) -> bytes:
    """Return what :func:`text` gives, whole.

    Args:
        path: the file.
        most: bytes, unpacked. A larger file is refused before it is in memory: a few kilobytes can unpack to gigabytes.

    Raises:
        InputError: as :func:`text`, or it is larger.
    """
    with text(path) as stream:
        raw = stream.read(most + 1)
    if len(raw) > most:
        raise InputError(f"{path}: is larger than {most // 2**20} MB unpacked: that is no file of one star")
    return raw


def _only_csv(path: Path, archive: zipfile.ZipFile) -> str:
    # macOS adds a shadow `__MACOSX/._name.csv` for every member.
    members = [name for name in archive.namelist() if name.lower().endswith(".csv") and "__MACOSX" not in name]
    if len(members) != 1:
        raise InputError(f"{path}: holds {len(members)} CSV files, expected one: unpack it and name the CSV you mean")
    if archive.getinfo(members[0]).flag_bits & 1:
        raise InputError(f"{path}: the zip archive is encrypted: unpack it with its password first")
    size, most = archive.getinfo(members[0]).file_size, most_unpacked(path.stat().st_size)
    if size > most:
        raise InputError(_too_large(path, most))
    return members[0]


def _too_large(path: Path, most: int) -> str:
    return f"{path}: unpacks to more than {most / 1e6:,.0f} MB, as no light curves do: unpack it yourself"


class _Limited(io.RawIOBase):
    """A stream that is refused once more is read from it than a file of that size may hold."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self._path, self._stream = path, stream
        self._most = self._left = most_unpacked(path.stat().st_size)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes."""
        content = self._stream.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise InputError(_too_large(self._path, self._most))
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def _mendable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: check the path") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: is a folder: name the file inside it") from error
    except gzip.BadGzipFile as error:
        raise InputError(f"{path}: the gzip data are damaged ({error}): download or pack it again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): check its permissions and the disk") from error
