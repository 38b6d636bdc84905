"""Lines of comma-separated numbers -> rows of float32, fast, and the exact place of whatever is not a number.

Between brackets, a line of plain numbers is a JSON array, which simdjson parses at more than a gigabyte a second
(Langdale & Lemire 2019), several times as fast as a reader that has to guess types and build columns. What JSON does
not take (an empty cell, ``nan``, quotes, ``+1``) is left to Arrow, line by line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import numpy as np
import simdjson

from exojax.errors import InputError

# Arrow reads `nan` by itself. Its own list has entries that begin like numbers, and is slower by a fifth.
_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "#NA", "NULL", "null", "None"]


def rows(stream: IO[bytes], columns: Sequence[str], *, path: Path, first_line: int) -> Iterator[tuple[int, np.ndarray]]:
    """The table row by row, in the order of the file.

    Args:
        stream: positioned at the first line of numbers; ``\\n`` or ``\\r\\n`` ends a line, quotes are allowed, blank
            lines are skipped.
        columns: the names of the columns, in the order of the file.
        path: the file, for messages.
        first_line: 1-based number of the first line.

    Yields:
        Line number, and ``(n_columns,)`` float32 values: infinite beyond float32's range, and NaN where empty, ``nan``,
        ``NA``, ``null`` and the like.

    Raises:
        InputError: a line of another length, or text in a cell; names the line and the column.
    """
    parser = simdjson.Parser()
    for number, line in enumerate(stream, first_line):
        values = _plain(parser, line)
        if values is not None and values.size == len(columns):
            yield number, values
        elif text := line.strip():
            yield number, _any(text, number, columns, path)


def _plain(parser: simdjson.Parser, line: bytes) -> np.ndarray | None:
    # simdjson would flatten an array within the array.
    if b"[" in line:
        return None
    try:
        array = cast(simdjson.Array, parser.parse(b"[" + line + b"]"))
        values = np.frombuffer(array.as_buffer(of_type="d"))
    # RuntimeError: an integer beyond 64 bits.
    except (ValueError, TypeError, RuntimeError):
        return None
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _any(text: bytes, number: int, columns: Sequence[str], path: Path) -> np.ndarray:
    n_values = text.count(b",") + 1
    if n_values != len(columns):
        raise InputError(
            f"{path}: line {number} has {n_values} values where the header has {len(columns)}: "
            "repair or delete that line, or download the file again"
        )
    try:
        return _by_arrow(text, len(columns))
    except ValueError:
        raise _misplaced(text, number, columns, path) from None


def _by_arrow(text: bytes, size: int) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.csv

    # As one long column, so that Arrow neither makes thousands of columns nor has to be transposed.
    column = text.replace(b",", b"\n") + b"\n"
    parse = pa.csv.ParseOptions(quote_char='"' if b'"' in text else False, ignore_empty_lines=False)
    read = pa.csv.ReadOptions(use_threads=False, column_names=["value"], block_size=len(column) + 1)
    convert = pa.csv.ConvertOptions(column_types={"value": pa.float32()}, null_values=_MISSING)
    table = pa.csv.read_csv(pa.py_buffer(column), read, parse, convert)
    values: np.ndarray = table.column(0).to_numpy()
    if values.size != size:
        raise ValueError("a line end within a cell")
    return values


def _misplaced(text: bytes, number: int, columns: Sequence[str], path: Path) -> InputError:
    for name, cell in zip(columns, text.split(b","), strict=True):
        try:
            _by_arrow(cell, 1)
        except ValueError:
            shown = cell.decode("utf-8", "replace").strip()[:40]
            return InputError(
                f"{path}: line {number}, column {name}: {shown!r} is not a number: correct it or empty it"
            )
    return InputError(f"{path}: line {number}: quotes do not close: repair or delete that line")
