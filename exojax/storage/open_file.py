"""A path -> an open stream of bytes, unpacked where it is packed; failures are told as the user's to mend."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from exojax.errors import InputError


def stamp(path: Path) -> str:
    """Size and modification time (ns) of a file: while they stay, its content is taken to stay.

    Raises:
        InputError: there is no such file, it is a folder, or it may not be looked at.
    """
    with _told(path):
        status = path.stat()
        if path.is_dir():
            raise IsADirectoryError
    return f"{status.st_size} {status.st_mtime_ns}"


@contextmanager
def binary(path: Path) -> Iterator[BufferedReader]:
    """The file's bytes as they lie on disk.

    Raises:
        InputError: it is missing, a folder, or not readable; also when reading fails later on.
    """
    # A line of thousands of numbers is longer than the default buffer, and half the time would go in small reads.
    with _told(path), path.open("rb", buffering=1 << 20) as stream:
        yield cast(BufferedReader, stream)


@contextmanager
def text(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a text file, of a gzip file, or of the one CSV in a zip archive.

    The file's first bytes decide which it is, not its name: browsers unpack ``.csv.gz`` without renaming it.

    Raises:
        InputError: as ``binary``; or the archive is damaged, cut short, encrypted, or holds no or several
            CSVs.
    """
    again = "download or pack it again"
    try:
        with binary(path) as stream:
            magic = stream.read(4)
            stream.seek(0)
            if magic.startswith(b"\x1f\x8b"):
                with gzip.open(stream) as unpacked:
                    yield cast(IO[bytes], unpacked)
            elif magic.startswith(b"PK"):
                with zipfile.ZipFile(stream) as archive, archive.open(_only_csv(path, archive)) as member:
                    yield member
            else:
                yield stream
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: the packed data are damaged or cut short ({error}): {again}") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path}: not a usable zip archive ({error}): {again}") from error


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
    return members[0]


@contextmanager
def _told(path: Path) -> Iterator[None]:
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
