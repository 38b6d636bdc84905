"""Tables about stars: ``--labels``, ``--stars`` and ``--known``. A header, and one line a star or a planet."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.io import identity
from exojax.light_curves import LightCurves, Stars
from exojax.storage import open_file

# The plain name first, then the NASA Exoplanet Archive's and MAST's.
_IDS = ("id", "kepid", "tic_id", "ticid", "tid", "epic_id", "epic", "kic", "tic", "epic_hostname", "star")
_STAR = {
    "radius": ("radius", "koi_srad", "st_rad", "rad"),
    "mass": ("mass", "koi_smass", "st_mass"),
    "teff": ("teff", "koi_steff", "st_teff"),
    "mag": ("mag", "kepmag", "koi_kepmag", "tmag", "st_tmag", "tessmag", "sy_tmag", "sy_kepmag"),
}
_PERIODS = ("period", "period_days", "koi_period", "pl_orbper")
_EPOCHS = ("t0", "t0_days", "koi_time0bk", "koi_time0", "pl_tranmid")
_DAYS, _HOURS = ("duration", "duration_days"), ("duration_hours", "koi_duration", "pl_trandur", "pl_trandurh")
_NAMES = ("name", "kepler_name", "kepoi_name", "pl_name", "toi")
_MARKS = ("planet", "false positive", "unsure")
_MISSING = ("", "nan", "na", "n/a", "null", "none")
_ZERO = {"BKJD": 2454833.0, "BTJD": 2457000.0}


@dataclass(frozen=True, eq=False)
class Known:
    """Planets (or binaries) that are known already; every attribute is an array over them.

    Attributes:
        id: str, the star's.
        name: str, the planet's; empty where the file has none.
        period: float64, days.
        t0: float64, days in the mission's time (a full BJD is brought there where the star's catalogue tells the
            mission), NaN where unknown.
        duration: float64, days, NaN where unknown.
    """

    id: np.ndarray
    name: np.ndarray
    period: np.ndarray
    t0: np.ndarray
    duration: np.ndarray

    def __len__(self) -> int:
        return len(self.id)

    def of(self, star: str) -> Known:
        """Those of one star."""
        mine = self.id == star
        return Known(**{field.name: getattr(self, field.name)[mine] for field in fields(self)})


def labels(path: Path) -> tuple[dict[str, int], str]:
    """Return the stars' labels, of columns ``id`` and ``label`` or of the marks that the vetting page exports.

    A star of ``marks.csv`` (``id,rank,mark,note``, a line a candidate) with any planet is 1, with false positives only
    it is 0; one of which a candidate is unsure, and none a planet, has no label.

    Returns:
        Star id -> 1 (planet host) or 0; and a sentence on the stars without a label, empty where there are none.

    Raises:
        InputError: a column is missing, a label is neither 0 nor 1, a mark is none, or a star has two labels; it names
            the line.
    """
    found: dict[str, int] = {}
    marks: dict[str, set[str]] = {}
    for line, row in _rows(path, needed=("label", "mark")):
        if "label" not in row:
            mark = row["mark"].lower()
            if mark not in (*_MARKS, ""):
                raise InputError(
                    f"{path}: line {line}: mark is {row['mark'][:40]!r}: it must be {', '.join(_MARKS)}, or empty"
                )
            marks.setdefault(row["id"], set()).add(mark)
            continue
        value = _number(row, ("label",), path, line)
        if value not in (0, 1):
            raise InputError(
                f"{path}: line {line}: label is {row['label']!r}: it must be 1 (planet host) or 0 (the rest)"
            )
        if found.setdefault(row["id"], int(value)) != value:
            raise InputError(
                f"{path}: line {line}: star {row['id']} has label {int(value)} here, another above: keep one"
            )
    unsure = 0
    for star, given in marks.items():
        if "planet" in given:
            found[star] = 1
        elif given - {""} == {"false positive"}:
            found[star] = 0
        else:
            unsure += 1
    plural = "stars have" if unsure > 1 else "star has"
    return found, f"{path}: {unsure} {plural} no planet and no clear false positive, and no label" if unsure else ""


def stars(path: Path) -> dict[str, dict[str, float]]:
    """Star id -> ``radius`` and ``mass`` (Sun's), ``teff`` (K), ``mag``; those that the file has and that are known.

    Raises:
        InputError: no column of ids, none of the four, or a cell that is no number or not positive; it names the line.
    """
    found: dict[str, dict[str, float]] = {}
    for line, row in _rows(path, needed=tuple(name for names in _STAR.values() for name in names)):
        values = {key: _number(row, names, path, line) for key, names in _STAR.items()}
        for key in ("radius", "mass", "teff"):
            if values[key] <= 0:
                raise InputError(f"{path}: line {line}: {key} of star {row['id']} is not positive: correct or empty it")
        found[row["id"]] = {key: value for key, value in values.items() if not math.isnan(value)}
    return found


def with_stars(curves: LightCurves, known: Mapping[str, Mapping[str, float]]) -> LightCurves:
    """The light curves with what ``known`` (of ``stars``) tells in place of what their files told."""
    unknown = np.full(len(curves), np.nan)
    old = curves.stars or Stars(unknown, unknown, unknown, unknown)
    about = [known.get(star, {}) for star in curves.id.tolist()]
    new = {key: [of.get(key, was) for of, was in zip(about, getattr(old, key).tolist())] for key in _STAR}
    return replace(curves, stars=Stars(**{key: np.array(values, np.float64) for key, values in new.items()}))


def known(path: Path) -> Known:
    """Known planets: ``id``, ``period`` and where known ``t0``, ``duration`` (days) and ``name``.

    The NASA Exoplanet Archive's column names are taken too (``kepid, koi_period, koi_time0bk, koi_duration``, ``tid,
    pl_orbper, pl_tranmid, pl_trandurh``); its durations are hours. Lines without a period are left out.

    Raises:
        InputError: no column of ids or periods, or a cell that is no number or not positive; it names the line.
    """
    rows: list[tuple[str, str, float, float, float]] = []
    for line, row in _rows(path, needed=_PERIODS):
        period, t0 = _number(row, _PERIODS, path, line), _number(row, _EPOCHS, path, line)
        days, hours = _number(row, _DAYS, path, line), _number(row, _HOURS, path, line)
        duration = hours / 24 if math.isnan(days) else days
        if period <= 0 or duration <= 0:
            raise InputError(
                f"{path}: line {line}: a period or duration of star {row['id']} is not positive: correct it"
            )
        if t0 > 2400000:
            t0 -= _ZERO.get(row["clock"], 0.0)
        if not math.isnan(period):
            rows.append((row["id"], next((row[key] for key in _NAMES if row.get(key)), ""), period, t0, duration))
    columns: Sequence[Sequence[object]] = list(zip(*rows)) or [()] * 5
    kinds = (np.str_, np.str_, np.float64, np.float64, np.float64)
    return Known(*(np.array(column, kind) for column, kind in zip(columns, kinds)))


def ephemerides(path: Path) -> Known:
    """Return given candidates: ``id``, ``period``, ``t0`` and ``duration`` in days, columns named as in :func:`known`.

    Raises:
        InputError: as :func:`known`; or an epoch or a duration is missing, or a duration is longer than half its
            period. It names the star.
    """
    found = known(path)
    if not len(found):
        raise InputError(f"{path}: holds no line with a period: give id, period, t0 and duration in days")
    check_ephemerides(found, str(path))
    return found


def check_ephemerides(found: Known, source: str) -> None:
    """Refuse ephemerides that cannot be measured.

    Raises:
        InputError: see :func:`ephemerides`; ``source`` begins the message.
    """
    for name in ("t0", "duration"):
        bad = ~np.isfinite(getattr(found, name))
        if bad.any():
            raise InputError(f"{source}: star {found.id[bad][0]} has a candidate without {name}: give it in days")
    bad = (found.period <= 0) | (found.duration <= 0) | (found.duration > 0.5 * found.period)
    if bad.any():
        k = int(np.argmax(bad))
        raise InputError(
            f"{source}: star {found.id[k]} has a period of {found.period[k]:g} and a duration of {found.duration[k]:g} "
            "days: a transit lasts half of its period at most, and both are above 0"
        )


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells by lower-case column name; ``id`` spelled as everywhere, ``clock`` its catalogue's."""
    with open_file.text(path) as stream:
        lines = stream.read().decode("utf-8-sig", "replace").splitlines()
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not numbered:
        raise InputError(f"{path}: is empty: it must have a header with a column id")
    table = csv.reader([line for _, line in numbered], skipinitialspace=True)
    header = [name.strip().lower() for name in next(table)]
    has = f"it has {', '.join(header)[:80]}"
    id_name = next((name for name in _IDS if name in header), None)
    if id_name is None:
        raise InputError(f"{path}: line {numbered[0][0]} names no column of stars: call one id ({has})")
    if not set(needed) & set(header):
        raise InputError(f"{path}: line {numbered[0][0]} names no column {needed[0]}: add it ({has})")
    clock = "BTJD" if id_name.startswith("ti") else "" if id_name in ("id", "star") else "BKJD"
    for (line, _), cells in zip(numbered[1:], table):
        if len(cells) != len(header):
            raise InputError(f"{path}: line {line} has {len(cells)} values, the header {len(header)}: correct it")
        row = dict(zip(header, (cell.strip() for cell in cells)))
        if row[id_name].lower() in _MISSING:
            raise InputError(f"{path}: line {line} has no {id_name}: add it or remove the line")
        yield line, {**row, "id": identity.spelling(row[id_name]), "clock": clock}


def _number(row: Mapping[str, str], names: tuple[str, ...], path: Path, line: int) -> float:
    """The first of the columns that has a value; NaN where none has."""
    for name in names:
        if (text := row.get(name, "")).lower() in _MISSING:
            continue
        try:
            value = float(text)
        except ValueError:
            value = math.inf
        if not math.isfinite(value):
            raise InputError(f"{path}: line {line}: {name} is {text[:40]!r}, not a number: correct it or empty it")
        return value
    return math.nan
