"""Read the CSV layout of Kaggle's "Exoplanet Hunting in Deep Space": ``LABEL, FLUX.1, ...``, one star per line."""

from __future__ import annotations

import csv
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.io import cadence, grid, scale
from exojax.light_curves import LightCurves, shared_time
from exojax.storage import cache, checksum, open_file

_LAYOUT = "a comma-separated header LABEL, FLUX.1, FLUX.2, ..."


def read(path: Path, *, cadence_minutes: float | None = None, require_label: bool = True) -> LightCurves:
    """Read one CSV: plain, gzipped, or the only file of a zip archive.

    All rows are returned, including empty, constant and duplicate ones. The parsed numbers are stored in the user's
    cache; the file is parsed again when its size or modification time changes.

    Args:
        path: the file. ``LABEL`` is 2 for planet hosts and 1 for other stars; the order of the columns is free.
        cadence_minutes: minutes between samples; None assumes 29.4244, as in the Kaggle set, and adds a warning.
        require_label: true raises for a file without ``LABEL``; false returns ``label`` None.

    Returns:
        Light curves with ``id`` ``<file stem>:<0-based row>``, time in days from 0, and ``time_system`` ``assumed``.
        Flux is scaled by :mod:`exojax.io.scale`; the flux of the Kaggle set has no scale and stays unchanged. ``valid``
        is false where a value is missing or infinite.

    Raises:
        InputError: the file is missing or cannot be read, has another layout, or has a cell that is no number.
    """
    days, warnings = cadence.stated(cadence_minutes)
    stamp = open_file.stamp(path)
    with ThreadPoolExecutor(1) as beside:
        sha256 = beside.submit(checksum.of_file, path)
        table = cache.load_or_make(f"kaggle v2 {path.resolve()}", lambda: _parse(path), stamp=stamp)
    if require_label and "label" not in table:
        raise InputError(f"{path}: line 1 has no column LABEL: add it (2 for planet hosts, 1 for other stars)")
    flux = table["flux"]
    valid = np.isfinite(flux)
    scaled = scale.relative(flux, valid, unit="flux", measured=table["moments"])
    flux, valid = scaled.flux, scaled.valid
    flux[~valid] = 0
    # No warning for flux without a scale, which is the normal case in this layout.
    warnings += () if scaled.kind == "none" else scale.remarks(scaled)
    stem = re.sub(r"(\.csv)?(\.gz|\.zip)?$", "", path.name, flags=re.IGNORECASE)
    return LightCurves(
        id=np.array([f"{stem}:{row}" for row in range(len(flux))]),
        time=shared_time(flux.shape[0], flux.shape[1], days),
        flux=flux,
        valid=valid,
        label=table.get("label"),
        kind=None,
        catalogued=False,
        absolute=scaled.absolute,
        cadence=days,
        time_system="assumed",
        source=str(path),
        sha256=sha256.result(),
        warnings=warnings,
    )


def _parse(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file: ``flux (n, c)`` float32, NaN where missing; its ``moments``; ``label (n,)`` int8."""
    fluxes, labels, lines = [], [], []
    with open_file.text(path) as stream:
        columns = _header(stream.readline(), path)
        order = _flux_order(columns, path)
        for line, values in grid.rows(stream, columns, path=path, first_line=2):
            fluxes.append(values[order])
            if "LABEL" in columns:
                labels.append(values[columns.index("LABEL")])
                lines.append(line)
    if not fluxes:
        raise InputError(f"{path}: has a header but no rows: download the file again")
    flux = np.stack(fluxes)
    table = {"flux": flux, "moments": scale.moments(flux, np.isfinite(flux))}
    return table | {"label": _labels(np.array(labels), lines, path)} if labels else table


def _header(line: bytes, path: Path) -> list[str]:
    if not line:
        raise InputError(f"{path}: the file is empty: download it again")
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"F\0L\0U\0X" in line:
        raise InputError(f"{path}: is UTF-16 text: save it again as UTF-8 (in Excel, 'CSV UTF-8')")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError(f"{path}: is binary, not text: expected {_LAYOUT}")
    for name, sign in (("semicolons", ";"), ("tabs", "\t")):
        if sign in text and "," not in text:
            raise InputError(f"{path}: line 1 is separated by {name}: save the file again with commas")
    try:
        return [name.strip() for name in next(csv.reader([text]), [])]
    except csv.Error as error:
        raise InputError(f"{path}: line 1 cannot be read ({error}): expected {_LAYOUT}") from None


def _flux_order(columns: list[str], path: Path) -> np.ndarray:
    """Return ``(n_cadences,)`` int, the positions of ``FLUX.1``, ``FLUX.2``, ... among the columns of the file."""
    position: dict[int, int] = {}
    seen: set[str] = set()
    for index, name in enumerate(columns):
        match = re.fullmatch(r"FLUX\.(\d{1,7})", name)
        if name in seen or (match and int(match[1]) in position):
            raise InputError(f"{path}: line 1 names the column {name[:40]} twice: rename or remove one")
        seen.add(name)
        if match:
            position[int(match[1])] = index
        elif name != "LABEL" and any(other.startswith("FLUX.") for other in columns):
            raise InputError(f"{path}: line 1 has an unknown column {name[:40]!r}: remove it; expected {_LAYOUT}")
    if not position:
        start = ", ".join(columns[:3])[:60]
        raise InputError(f"{path}: line 1 has no FLUX columns (it begins {start!r}): expected {_LAYOUT}")
    for before, after in zip(sorted(position), sorted(position)[1:]):
        if after != before + 1:
            raise InputError(
                f"{path}: line 1 has FLUX.{before} and FLUX.{after}, but no column between: add the missing columns"
            )
    return np.array([position[number] for number in sorted(position)])


def _labels(values: np.ndarray, lines: list[int], path: Path) -> np.ndarray:
    wrong = np.flatnonzero((values != 1) & (values != 2))
    if wrong.size:
        value, line = values[wrong[0]], lines[wrong[0]]
        text = "missing" if np.isnan(value) else f"{value:g}"
        raise InputError(f"{path}: line {line}: LABEL is {text}: give 2 for planet hosts and 1 for other stars")
    return (values == 2).astype(np.int8)
