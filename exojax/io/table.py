"""A table of one star: ``time,flux[,flux_err]``, with a header or without -> one segment of a light curve."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.io import identity
from exojax.io.segment import Segment, make
from exojax.storage import open_file

_TIME = re.compile(r"t|time|jd|hjd|days?|date|time[_ (].*|.*_time|t?(bjd|bkjd|btjd)\b.*")
_FLUXES = ("pdcsap_flux", "flux", "fcor", "corr_flux", "sap_flux", "f")
_QUALITIES = ("quality", "sap_quality")
_MISSING = ("", "nan", "na", "n/a", "null", "none")
_LAYOUT = "two columns or more of numbers: time in days, flux"


def read(path: Path) -> Segment:
    """One star's table, plain, gzipped or alone in a zip archive; ``,``, ``;``, tabs or blanks between the values.

    With a header, time and flux are found by their names, and a column ``quality`` that is not 0 makes a row bad;
    without one they are the first two columns. Lines that begin with ``#`` are skipped, but the last of them before the
    numbers may be the header. Flux may be relative, relative minus 1, in counts, or in magnitudes (the header says
    ``mag``, or the values lie between 5 and 20 and scatter by less than 0.1); the warnings say what it was taken for.
    Times need not be in order. The star is the catalogue number in the file's name (``EPIC201367065.csv``), else the
    name.

    Returns:
        The segment; float64 time as it stands, ``time_system`` ``BJD`` where times exceed 2,400,000, else what the
        header or the star's catalogue tells, else ``file``.

    Raises:
        InputError: the file is missing, empty, damaged or holds something else; a cell is no number; there is no
            column of times or of flux; or too few measurements. It names the line.
    """
    with open_file.text(path) as stream:
        raw = stream.read()
    if not raw.strip():
        raise InputError(f"{path}: is empty: it must have {_LAYOUT}")
    if b"\0" in raw[:4096] or raw.startswith(b"SIMPLE  ="):
        raise InputError(f"{path}: is no text, whatever its name: it must have {_LAYOUT}")
    names, first, lines = _header(raw.decode("utf-8-sig", "replace").splitlines())
    if not lines:
        raise InputError(f"{path}: has no line of numbers: it must have {_LAYOUT}")
    values = _values(lines, first, path)
    if values.shape[1] < 2:
        raise InputError(f"{path}: line {first} has one value: it must have {_LAYOUT}")
    if names is None:
        names = ["time", "flux", *(f"column {n + 1}" for n in range(2, values.shape[1]))]
    if len(names) != values.shape[1]:
        raise InputError(
            f"{path}: the header names {len(names)} columns, line {first} has {values.shape[1]}: correct it"
        )
    time_name, flux_name = _time_and_flux(names, path)
    time, flux = values[:, names.index(time_name)], values[:, names.index(flux_name)]
    quality = next((name for name in _QUALITIES if name in names), None)
    good = np.ones(len(time), bool) if quality is None else values[:, names.index(quality)] == 0
    magnitudes = "mag" in flux_name
    catalogue, star = identity.of_name(path) or ("", identity.stem(path))
    return make(
        path,
        time,
        flux,
        good,
        None,
        star=(star, catalogue, catalogue != ""),
        time_system=_clock(time_name, catalogue, time),
        sha256=hashlib.sha256(raw).hexdigest(),
        unit="magnitudes" if magnitudes else "",
        name=flux_name,
        counts=True,
        told=(f"{flux_name} is in magnitudes: converted to flux",) if magnitudes else (),
    )


def holds_one_star(path: Path) -> bool:
    """Whether a CSV is a table of one star, rather than of Kaggle's layout with a star a line (``LABEL, FLUX.1, ...``).

    Raises:
        InputError: it cannot be opened.
    """
    with open_file.text(path) as stream:
        return re.search(rb"\bFLUX\.1\b", stream.readline(), re.IGNORECASE) is None


def _header(lines: list[str]) -> tuple[list[str] | None, int, list[str]]:
    """Lower-case names (None without a header), the 1-based number of the first line of numbers, and those lines."""
    names: list[str] | None = None
    comment = False
    for number, line in enumerate(lines):
        if not (text := line.strip()):
            continue
        cells = _cells(text.lstrip("# "))
        if not text.startswith("#") and any(_is_number(cell) for cell in cells[:2]):
            # A comment in words is no header; a header that does not fit is.
            return None if comment and names and len(names) != len(cells) else names, number + 1, lines[number:]
        names, comment = [cell.strip("\"' ").lower() for cell in cells], text.startswith("#")
    return None, 0, []


def _cells(line: str) -> list[str]:
    mark = _mark(line)
    return [cell.strip() for cell in line.split(mark)]


def _mark(line: str) -> str | None:
    """What separates the values; None is any number of blanks."""
    return next((mark for mark in (",", ";", "\t") if mark in line), None)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _values(lines: list[str], first: int, path: Path) -> np.ndarray:
    """``(n, n_columns)`` float64, NaN where a cell is empty or says so."""
    try:
        return np.loadtxt(io.StringIO("\n".join(lines)), delimiter=_mark(lines[0]), ndmin=2)
    except ValueError:
        # Not plain numbers throughout: cell by cell, which finds where.
        pass
    rows: list[list[float]] = []
    for number, line in enumerate(lines, first):
        if not line.strip() or line.startswith("#"):
            continue
        cells = _cells(line)
        if rows and len(cells) != len(rows[0]):
            raise InputError(f"{path}: line {number} has {len(cells)} values, line {first} {len(rows[0])}: correct it")
        for cell in cells:
            if not (_is_number(cell) or cell.lower() in _MISSING):
                raise InputError(f"{path}: line {number}: {cell[:40]!r} is not a number: correct it or empty it")
        rows.append([float(cell) if _is_number(cell) else np.nan for cell in cells])
    return np.array(rows)


def _time_and_flux(names: list[str], path: Path) -> tuple[str, str]:
    has = ", ".join(names)[:80]
    time = next((name for name in names if _TIME.fullmatch(name)), None)
    if time is None:
        raise InputError(f"{path}: has no time column ({has}): name one of them time")
    likely = [name for name in names if ("flux" in name or "mag" in name) and "err" not in name]
    flux = next((name for name in (*_FLUXES, *likely) if name in names), None)
    if flux is None:
        raise InputError(f"{path}: has no flux column ({has}): name one of them flux")
    return time, flux


def _clock(name: str, catalogue: str, time: np.ndarray) -> str:
    if np.isfinite(time).any() and np.nanmedian(time) > 2400000:
        return "BJD"
    told = next((clock for clock in ("BKJD", "BTJD") if clock.lower() in name), None)
    return told or identity.TIME_SYSTEM.get(catalogue, "file")
