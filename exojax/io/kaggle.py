"""The CSV layout of Kaggle's "Exoplanet Hunting in Deep Space": ``LABEL, FLUX.1, ...``, one star a line."""

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
    """Read one CSV, plain, gzipped, or alone in a zip archive.

    Every row is returned: those without a measurement, constant ones and duplicates too. The numbers are
    cached in the user's cache directory, whether or not the file's own folder is writable, and the file is
    parsed again when its size or modification time changes.

    Args:
        path: the file. ``LABEL`` is 2 for a planet host and 1 for the rest; columns may stand in any order.
        cadence_minutes: minutes between samples, which the file does not tell; None assumes the Kaggle set's
            29.4244 and adds a warning.
        require_label: whether a file without ``LABEL`` is refused; otherwise its ``label`` is None.

    Returns:
        Light curves with ``id`` ``<file stem>:<0-based row>``, time from 0 in days, ``time_system``
        ``assumed``, flux on the scale that :mod:`exojax.io.scale` finds (the Kaggle set's has none and stays as
        it is), and ``valid`` false where a value is missing or infinite.

    Raises:
        InputError: the file is missing, not readable, not in this layout, or holds anything but numbers and
            labels.
    """
    days, warnings = cadence.stated(cadence_minutes)
    stamp = open_file.stamp(path)
    with ThreadPoolExecutor(1) as beside:
        sha256 = beside.submit(checksum.of_file, path)
        table = cache.load_or_make(f"kaggle v2 {path.resolve()}", lambda: _parse(path), stamp=stamp)
    if require_label and "label" not in table:
        raise InputError(f"{path}: line 1 has no LABEL column: add it (2 for a planet host, 1 for the rest)")
    flux = table["flux"]
    valid = np.isfinite(flux)
    scaled = scale.relative(flux, valid, unit="flux", measured=table["moments"])
    flux, valid = scaled.flux, scaled.valid
    flux[~valid] = 0
    # That the Kaggle set's own flux has no scale is known.
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
    """``flux`` ``(n_stars, n_cadences)`` float32, NaN where missing; its ``moments``; ``label`` ``(n_stars,)`` int8."""
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
        raise InputError(f"{path}: has a header and no rows: download the file again")
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
    """Positions of ``FLUX.n`` in the file, by ``n``: ``(n_cadences,)`` int."""
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
        shown = ", ".join(columns[:3])[:60]
        raise InputError(f"{path}: line 1 has no FLUX columns (it begins {shown!r}): expected {_LAYOUT}")
    for before, after in zip(sorted(position), sorted(position)[1:]):
        if after != before + 1:
            raise InputError(f"{path}: line 1 goes from FLUX.{before} to FLUX.{after}: add the missing columns")
    return np.array([position[number] for number in sorted(position)])


def _labels(values: np.ndarray, lines: list[int], path: Path) -> np.ndarray:
    wrong = np.flatnonzero((values != 1) & (values != 2))
    if wrong.size:
        value, line = values[wrong[0]], lines[wrong[0]]
        shown = "missing" if np.isnan(value) else f"{value:g}"
        raise InputError(f"{path}: line {line}: LABEL is {shown}: it must be 2 (planet host) or 1 (the rest)")
    return (values == 2).astype(np.int8)
