"""Write files in one step, so that readers, also after a kill, see either the whole old file or the whole new one."""

from __future__ import annotations

import csv
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any

from exojax.storage.plain_text import csv_cell

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG)


@contextmanager
def written_in_one_step(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file and move it to ``path`` at the end; after an error remove it.

    Raises:
        OSError: the folder or the file cannot be written, or the disk is full; its ``filename`` is ``path``.
    """
    # With a fixed name, so that the next call overwrites the file that a killed process left.
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w+b") as stream:
            yield stream
        os.replace(partial, path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename in (None, str(partial)):
            raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file in one step.

    Raises:
        OSError: as of :func:`written_in_one_step`.
    """
    with written_in_one_step(path) as stream:
        stream.write(content)


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a CSV in UTF-8 in one step, row by row, with cells escaped by :func:`csv_cell`.

    Args:
        path: the file.
        columns: the header.
        rows: rows of numbers and texts; None gives an empty cell.

    Raises:
        OSError: as of :func:`written_in_one_step`.
    """
    with written_in_one_step(path) as stream:
        writer = csv.writer(_Encoded(stream), lineterminator="\n")
        for row in chain([columns], rows):
            writer.writerow([csv_cell(cell) for cell in row])


def disk_error(error: BaseException) -> OSError | None:
    """Return the disk error (full, over quota, read-only, broken) that caused an error; None if there is none.

    Libraries wrap disk errors. Therefore the causes of the error are searched too, and the texts in which TensorStore,
    SQLite and others mention a disk error.
    """
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or cause in seen:
            continue
        seen.append(cause)
        waiting += [cause.__cause__, cause.__context__, *getattr(cause, "exceptions", ())]
        for number in _OF_THE_DISK:
            if isinstance(cause, OSError) and cause.errno == number:
                return cause
            if os.strerror(number) in str(cause):
                return OSError(number, os.strerror(number))
        if "database or disk is full" in str(cause):
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None


class _Encoded:
    """A text stream for the csv module that writes UTF-8 to a stream of bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text as UTF-8."""
        return self._stream.write(text.encode())
