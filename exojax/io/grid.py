"""Read lines of comma-separated numbers as float32; report line and column of a cell that is no number."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from exojax.errors import InputError

MISSING = ("", "na", "n/a", "#n/a", "#na", "nan", "null", "none", "--")
"""cells, in lower case, that mean a missing value"""
_LINES = 64
"""number of lines that NumPy parses at once"""


def rows(stream: IO[bytes], columns: Sequence[str], *, path: Path, first_line: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the table row by row, in the order of the file.

    Args:
        stream: positioned at the first line of numbers. Lines end with ``\\n`` or ``\\r\\n``; quotes are allowed;
            blank lines are skipped.
        columns: names of the columns, in the order of the file.
        path: the file, for messages.
        first_line: 1-based number of the first line.

    Yields:
        Line number, and ``(n_columns,)`` float32 values: infinite beyond the range of float32, NaN for cells in
        :data:`MISSING`.

    Raises:
        InputError: a line has another number of cells, or a cell holds text; the message names the line and the column.
    """
    numbered = ((number, line) for number, line in enumerate(stream, first_line) if line.strip())
    while lines := list(islice(numbered, _LINES)):
        block = _block([line for _, line in lines], len(columns))
        for k, (number, line) in enumerate(lines):
            yield number, _line(line, number, columns, path) if block is None else block[k]


def _block(lines: list[bytes], n_columns: int) -> np.ndarray | None:
    """Return ``(n_lines, n_columns)`` float32 if all cells are plain numbers, else None."""
    if any(b'"' in line for line in lines):
        return None
    try:
        with np.errstate(over="ignore"):
            values = np.loadtxt(lines, np.float32, comments=None, delimiter=",", ndmin=2)
    except ValueError:
        return None
    return values if values.shape == (len(lines), n_columns) else None


def _line(line: bytes, number: int, columns: Sequence[str], path: Path) -> np.ndarray:
    text = line.decode("utf-8", "replace").strip()
    try:
        cells = next(csv.reader([text])) if '"' in text else text.split(",")
    except csv.Error as error:
        raise InputError(f"{path}: line {number} cannot be read ({error}): repair or delete that line") from None
    if len(cells) != len(columns):
        raise InputError(
            f"{path}: line {number} has {len(cells)} values where the header has {len(columns)}: "
            "repair or delete that line, or download the file again"
        )
    values = np.empty(len(cells))
    for k, cell in enumerate(cells):
        try:
            values[k] = number_in(cell)
        except ValueError:
            raise InputError(
                f"{path}: line {number}, column {columns[k]}: {cell.strip()[:40]!r} is not a number: correct it or "
                "leave it empty"
            ) from None
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def number_in(cell: str) -> float:
    """Return the number in a cell; NaN for a cell in :data:`MISSING`.

    Raises:
        ValueError: the cell holds other text.
    """
    bare = cell.strip()
    if bare.lower() in MISSING:
        return float("nan")
    # Python accepts 1_000 and non-ASCII digits as numbers; in a table they are mistakes.
    if "_" in bare or not bare.isascii():
        raise ValueError(bare)
    return float(bare)
