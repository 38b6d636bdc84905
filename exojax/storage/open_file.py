"""Open a plain or packed file as a stream of bytes; errors are InputErrors that the user can mend.

Three megabytes can unpack to three gigabytes. Therefore a file that unpacks to more than :func:`most_unpacked` bytes is
an error.
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
"""bytes to which any file may unpack"""
MOST_TIMES = 100
"""largest ratio of unpacked to packed size of a larger file; light curves as text or arrays stay below 20"""


def most_unpacked(packed: int) -> int:
    """Return the number of bytes to which a file of ``packed`` bytes may unpack."""
    return max(LEAST_LIMIT, MOST_TIMES * packed)


def stamp(path: Path) -> str:
    """Return the size and the modification time (ns) of a file as text, which changes when the content changes.

    Raises:
        InputError: there is no such file, it is a folder, or it cannot be accessed.
    """
    with _mendable(path):
        status = path.stat()
        if path.is_dir():
            raise IsADirectoryError
    return f"{status.st_size} {status.st_mtime_ns}"


@contextmanager
def binary(path: Path) -> Iterator[BufferedReader]:
    """Open the bytes of a file without unpacking.

    Raises:
        InputError: the file is missing, a folder, or not readable, now or during a later read.
    """
    # The default buffer is shorter than a line of thousands of numbers, and small reads would double the time.
    with _mendable(path), path.open("rb", buffering=1 << 20) as stream:
        yield cast(BufferedReader, stream)


@contextmanager
def text(path: Path) -> Iterator[IO[bytes]]:
    """Open the bytes of a text file, of a gzip file, or of the only CSV in a zip archive.

    The first bytes of the file decide its kind, not its name, because browsers unpack ``.csv.gz`` without renaming it.

    Raises:
        InputError: as in :func:`binary`; or the archive is damaged, truncated, encrypted, unpacks to far more than its
            size, or holds no CSV or several.
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
                with _archive(stream) as archive, _member(archive, _only_csv(path, archive)) as member:
                    yield member
            else:
                yield stream
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: the packed data are damaged or cut short ({str(error)[:90]}): {again}") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path}: not a usable zip archive ({str(error)[:90]}): {again}") from error


def content(path: Path, most: int) -> bytes:
    """Return all bytes of a file that :func:`text` opens.

    Args:
        path: the file.
        most: largest number of unpacked bytes; reading stops there.

    Raises:
        InputError: as in :func:`text`, or the file is larger than ``most``.
    """
    with text(path) as stream:
        raw = stream.read(most + 1)
    if len(raw) > most:
        raise InputError(f"{path}: is larger than {most // 2**20} MB unpacked: give a file of one star")
    return raw


_OF_DAMAGE = (UnicodeDecodeError, OverflowError, RuntimeError)
"""errors by which Python reports some damage of an archive, such as a name that is no UTF-8"""


def _archive(stream: IO[bytes]) -> zipfile.ZipFile:
    """Open an archive; raises BadZipFile where it is damaged."""
    try:
        return zipfile.ZipFile(stream)
    except _OF_DAMAGE as error:
        raise zipfile.BadZipFile(str(error)) from error


def _member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """Open a member of an archive; raises BadZipFile where it is damaged."""
    try:
        return archive.open(name)
    except _OF_DAMAGE as error:
        raise zipfile.BadZipFile(str(error)) from error


def _only_csv(path: Path, archive: zipfile.ZipFile) -> str:
    # macOS adds a file `__MACOSX/._name.csv` for every member.
    members = [name for name in archive.namelist() if name.lower().endswith(".csv") and "__MACOSX" not in name]
    if len(members) != 1:
        raise InputError(f"{path}: holds {len(members)} CSV files, expected one: unpack it and give one of the CSVs")
    if archive.getinfo(members[0]).flag_bits & 1:
        raise InputError(f"{path}: the zip archive is encrypted: unpack it with its password first")
    size, most = archive.getinfo(members[0]).file_size, most_unpacked(path.stat().st_size)
    if size > most:
        raise InputError(_too_large(path, most))
    return members[0]


def _too_large(path: Path, most: int) -> str:
    return f"{path}: unpacks to more than {most / 1e6:,.0f} MB, which is too much for light curves: unpack it yourself"


class _Limited(io.RawIOBase):
    """A stream that raises InputError when it unpacks to more than :func:`most_unpacked` bytes."""

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        self._path, self._stream = path, stream
        self._most = self._left = most_unpacked(path.stat().st_size)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read bytes into ``buffer`` and return their number."""
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
        raise InputError(f"{path}: is a folder: give the file inside it") from error
    except gzip.BadGzipFile as error:
        raise InputError(f"{path}: the gzip data are damaged ({error}): download or pack it again") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): check its permissions and the disk") from error
