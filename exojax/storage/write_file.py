"""Write files in one step: a reader, and the next call after a kill, sees the old file or the new one, never half."""

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
    """Open a file beside ``path`` and move it there at the end; nothing remains where an error ends it.

    Raises:
        OSError: the folder or the file cannot be written, or the disk is full; its ``filename`` is ``path``.
    """
    # Of one name, so that the rest of a kill is written over by the next call.
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
    """Write a CSV of UTF-8 in one step, row by row; no text in it is a formula (see :func:`csv_cell`).

    Args:
        path: the file.
        columns: the header.
        rows: numbers as they are, or texts; None is empty.

    Raises:
        OSError: as of :func:`written_in_one_step`.
    """
    with written_in_one_step(path) as stream:
        writer = csv.writer(_Encoded(stream), lineterminator="\n")
        for row in chain([columns], rows):
            writer.writerow([csv_cell(cell) for cell in row])


def disk_error(error: BaseException) -> OSError | None:
    """Return the fault of the disk that an error comes from (full, over quota, read-only, broken), else None.

    Libraries wrap it: it is looked for among the causes, and in the text that TensorStore, SQLite and others leave.
    """
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in seen:
            continue
        seen.append(one)
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
        for number in _OF_THE_DISK:
            if isinstance(one, OSError) and one.errno == number:
                return one
            if os.strerror(number) in str(one):
                return OSError(number, os.strerror(number))
        if "database or disk is full" in str(one):
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None


class _Encoded:
    """Encodes what the csv module writes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text as UTF-8."""
        return self._stream.write(text.encode())
