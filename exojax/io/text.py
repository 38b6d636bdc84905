"""Parse text tables into names, units and cells: CSV, TSV, blanks, ECSV, and the layouts of VizieR, IPAC and AAVSO."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.io.columns import time_rank
from exojax.io.grid import MISSING

LARGEST = 64 * 2**20
"""bytes, unpacked: largest table that is read; tables of one star are smaller"""
MOST_COLUMNS = 2000
"""largest number of columns"""
MARKS = (";", "\t", "|", ",", None)
"""separators of cells, in the order in which they are tried; None stands for any number of blanks"""
_COMMENT = re.compile(r"\s*(#|%|!|\\|//)")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d{1,3})?|[+-]?(inf|infinity)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d{1,3})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]|$)")
_LIMIT = re.compile(r"[<>]\s*[+-]?[\d.]+")
"""an upper or lower limit, which counts as missing"""
_RULER = re.compile(r"[-=+|\s]{3,}")
_KEY = re.compile(r"[#%!\\\s-]*+\{?\s*+([A-Za-z][\w-]{1,30})\s*[:=]\s*'?\"?([^'\"}]{1,80})")
_SAMPLE = 40
"""number of lines that decide the separator"""


@dataclass(frozen=True)
class TextTable:
    """Cells of a text table.

    Attributes:
        path: the file.
        names: names of the columns in the file; None without a header.
        units: units of the columns; empty texts where there are none.
        rows: one list of cells per line, all of the same length.
        lines: 1-based line number of each row.
        header: keys, in capitals, and values of the lines ``# key: value`` or ``# key = value``.
    """

    path: Path
    names: list[str] | None
    units: list[str]
    rows: list[list[str]]
    lines: Sequence[int]
    header: dict[str, str] = field(default_factory=dict)

    @cached_property
    def comma(self) -> bool:
        """True if numbers have a decimal comma."""
        cells = [cell for row in self.rows[:_SAMPLE] for cell in row]
        return any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells) and not any(
            "." in cell and is_number(cell) for cell in cells
        )

    def text(self, k: int) -> list[str]:
        """Return the cells of column ``k``."""
        return [row[k] for row in self.rows]

    def values(self, k: int) -> np.ndarray:
        """Return column ``k`` as ``(n,)`` float64, NaN where missing; as text if most cells are no numbers.

        Raises:
            InputError: a cell in a column of numbers is no number; the message names the line.
        """
        cells = self.text(k)
        try:
            return np.array(cells, np.float64)
        except ValueError:
            pass
        found = np.full(len(cells), np.nan)
        wrong = []
        filled = 0
        for n, cell in enumerate(cells):
            if cell.lower() in MISSING or _LIMIT.fullmatch(cell):
                continue
            filled += 1
            value = number(cell, self.comma)
            if value is None:
                wrong.append(n)
            else:
                found[n] = value
        if not wrong:
            return found
        if len(wrong) > filled / 2:
            return np.array(cells, np.str_)
        found_text = cells[wrong[0]][:40]
        raise InputError(
            f"{self.path}: line {self.lines[wrong[0]]}: {found_text!r} is not a number: correct it or leave it empty"
        )


def number(cell: str, comma: bool = False) -> float | None:
    """Return the number in a cell, which may have Fortran's exponent or a decimal comma; None if it is no number."""
    if comma and _DECIMAL_COMMA.fullmatch(cell):
        return float(cell.replace(",", "."))
    if not _NUMBER.fullmatch(cell):
        return None
    return float(cell.lower().replace("d", "e")) if cell[:1] not in "iI" else float(cell)


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number, with a decimal point or comma."""
    return bool(_NUMBER.fullmatch(cell) or _DECIMAL_COMMA.fullmatch(cell))


def decoded(raw: bytes, path: Path) -> str:
    """Decode a text file: UTF-8, UTF-16 with or without a byte-order mark, else Latin-1.

    Raises:
        InputError: the file is binary.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    head = raw[:4096]
    if head.count(b"\0") > 0.3 * len(head) and not head.startswith(b"\0\0"):
        return raw.decode("utf-16-be" if head[:1] == b"\0" else "utf-16-le", "replace")
    if b"\0" in head or raw.startswith(b"SIMPLE  ="):
        raise InputError(f"{path}: is binary, although its name is that of a text file: give a table of time and flux")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def parse(text: str, path: Path) -> TextTable:
    """Return the table in a text.

    Lines that begin with ``#``, ``%``, ``!`` or ``\\`` are comments; the last comment before the numbers may be the
    header. Between the header and the numbers there may be a line of units and a ruler.

    Raises:
        InputError: there is no line of numbers, or lines have different numbers of cells; the message names the line.
    """
    lines = re.split(r"\r\n|\r|\n", text)
    bars = [n for n, line in enumerate(lines[:2000]) if line.startswith("|") and line.rstrip().endswith("|")]
    if bars and not any(is_number(cell.strip()) for cell in lines[bars[0]].strip("| ").split("|")):
        return _ipac(lines, bars, path)
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    plain = [(n, line) for n, line in numbered if not _COMMENT.match(line)]
    comments = [(n, line) for n, line in numbered if _COMMENT.match(line)]
    mark, split = _separator([line for _, line in plain])
    first = next((k for k, (_, line) in enumerate(plain) if _is_data(split(line))), None)
    if first is None:
        raise InputError(f"{path}: has no line of numbers: give two or more columns, with time in days and flux")
    rows, at = _rows(plain[first:], split, path)
    if len(rows[0]) > MOST_COLUMNS:
        raise InputError(
            f"{path}: line {at[0]} has {len(rows[0])} values: give a table of one star, with columns of time and flux"
        )
    before = [line for n, line in comments if n < at[0]]
    names, units = _names(plain[:first], before, split, mark, len(rows[0]), at[0], path)
    header = {found[1].upper(): found[2].strip() for line in before if (found := _KEY.match(line))}
    if ecsv := _ecsv_units(before):
        units = [ecsv.get(name, "") for name in names or []] or units
    return TextTable(path, names, units, rows, at, header)


def _separator(lines: Sequence[str]) -> tuple[str | None, Callable[[str], list[str]]]:
    """Return the separator of cells, and the function that splits a line into cells."""
    sample = [*lines[: _SAMPLE // 2], *lines[len(lines) // 2 : len(lines) // 2 + _SAMPLE // 2]]
    best, most = None, 0
    for mark in MARKS:
        split = _splitter(mark)
        rows = [split(line) for line in sample if mark is None or mark in line]
        is_data = [len(row) > 1 and _is_data(row) and not any(map(_two_numbers, row)) for row in rows]
        # Lines above the first row of numbers are the header.
        below = is_data[is_data.index(True) :] if any(is_data) else []
        if sum(below) > most and sum(below) * 2 >= len(below):
            best, most = mark, sum(below)
    return best, _splitter(best)


def _two_numbers(cell: str) -> bool:
    return len(parts := cell.split()) > 1 and all(is_number(part) for part in parts)


def _splitter(mark: str | None) -> Callable[[str], list[str]]:
    def split(line: str) -> list[str]:
        cells = _quoted(line, mark) if '"' in line else line.split(mark)
        return [cell.strip(" \t'\ufeff") for cell in cells]

    return split


def _quoted(line: str, mark: str | None) -> list[str]:
    """Return the cells of a line with quotes; if its quotes are not those of a CSV, ignore them."""
    try:
        cells = next(csv.reader([line if mark else line.strip()], delimiter=mark or " ", skipinitialspace=True), [])
    except csv.Error:
        return line.split(mark)
    return [cell for cell in cells if cell or mark]


def _is_data(cells: Sequence[str]) -> bool:
    """Return whether a line is a row of numbers: at least two, or one next to missing values."""
    found = [is_number(cell) or bool(_DATE.match(cell)) for cell in cells]
    if len(cells) == 1:
        return found[0]
    missing = sum(cell.lower() in MISSING or bool(_LIMIT.fullmatch(cell)) for cell in cells)
    return sum(found) >= 2 or (sum(found) == 1 and missing > 0 and len(cells) - missing <= 2)


def _rows(
    numbered: Sequence[tuple[int, str]], split: Callable[[str], list[str]], path: Path
) -> tuple[list[list[str]], list[int]]:
    rows: list[list[str]] = []
    at: list[int] = []
    width = 0
    for n, line in numbered:
        cells = split(line)
        width = width or len(cells)
        if len(cells) == width + 1 and cells[-1] == "":
            cells.pop()
        elif len(cells) == width - 1 and rows and rows[0][-1] == "":
            cells.append("")
        if len(cells) != width:
            raise InputError(f"{path}: line {n} has {len(cells)} values, line {at[0]} {width}: correct it")
        rows.append(cells)
        at.append(n)
    return rows, at


def _names(
    above: Sequence[tuple[int, str]],
    comments: Sequence[str],
    split: Callable[[str], list[str]],
    mark: str | None,
    width: int,
    first: int,
    path: Path,
) -> tuple[list[str] | None, list[str]]:
    """Return the names of the columns, or None, and their units, from the lines above the numbers or a comment."""
    lines = [split(line) for _, line in above if not _RULER.fullmatch(line)]
    fitting = [cells for cells in lines if len(_trimmed(cells, width)) == width]
    if fitting:
        # A title may have the same number of cells as the table; prefer a line with a name of time.
        at = next((k for k, cells in enumerate(fitting) if any(time_rank(cell) is not None for cell in cells)), 0)
        units = _trimmed(fitting[at + 1], width) if len(fitting) > at + 1 else [""] * width
        return _trimmed(fitting[at], width), units
    for line in reversed(comments):
        bare = line.strip().lstrip("#%!\\/ ")
        for way in (split, _splitter(","), _splitter(None)):
            cells = _trimmed(way(bare), width)
            if len(cells) == width > 1 and not any(is_number(cell) for cell in cells):
                return cells, [""] * width
    if lines:
        raise InputError(
            f"{path}: the header names {len(lines[-1])} columns, and line {first} has {width}: correct the header"
        )
    return None, [""] * width


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Return the names without an empty last one, or with an empty first one for a column of row numbers."""
    if len(cells) == width + 1 and cells[-1] == "":
        return cells[:-1]
    return ["", *cells] if len(cells) == width - 1 and width > 3 and cells[0] == "Label" else cells


def _ecsv_units(comments: Iterable[str]) -> dict[str, str]:
    found = {}
    for line in comments:
        if (name := re.search(r"\{name:\s*'?\"?([^,'\"}]+)", line)) and (
            unit := re.search(r"unit:\s*'?\"?([^,'\"}]+)", line)
        ):
            found[name[1].strip()] = unit[1].strip()
    return found


def _ipac(lines: Sequence[str], bars: Sequence[int], path: Path) -> TextTable:
    """Return a table in IPAC's format: names, types, units and nulls between bars, and cells below the bars."""
    edges = [k for k, sign in enumerate(lines[bars[0]]) if sign == "|"]
    spans = list(pairwise(edges))

    def cut(line: str) -> list[str]:
        return [line[low + 1 : high].strip(" |") for low, high in spans]

    head = [cut(lines[n]) for n in bars[:4]]
    numbered = [(n, line) for n, line in enumerate(lines[bars[-1] + 1 :], bars[-1] + 2) if line.strip()]
    null = head[3] if len(head) > 3 else [""] * len(spans)
    rows, at = [], []
    for n, line in numbered:
        if line.startswith(("\\", "|", "#")):
            continue
        # A cell ends at the next bar, and the last one may be longer than its name.
        cells = [line[low : high if k < len(spans) - 1 else None].strip() for k, (low, high) in enumerate(spans)]
        rows.append(["" if cell == none else cell for cell, none in zip(cells, null)])
        at.append(n)
    if not rows or not spans:
        raise InputError(f"{path}: has no line of numbers: give two or more columns, with time in days and flux")
    header = {found[1].upper(): found[2].strip() for line in lines[: bars[0]] if (found := _KEY.match(line))}
    units = head[2] if len(head) > 2 else [""] * len(spans)
    return TextTable(path, head[0], units, rows, at, header)
