"""Read CSV tables of stars and planets: ``--labels``, ``--stars``, ``--known`` and ``--candidates``."""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.io import clocks, columns, identity, text
from exojax.light_curves import LightCurves, Stars
from exojax.storage import open_file

# Names of columns: our own first, then those of the NASA Exoplanet Archive, MAST, ExoFOP and SHERLOCK.
_IDS = (
    *("id", "kepid", "tic_id", "ticid", "tid", "epic_id", "epic", "kic_id", "kic", "tic", "epic_hostname", "star"),
    *("object_id", "target_id", "star_id", "target", "object", "hostname", "gaia_id", "source_id"),
)
_STAR = {
    "radius": ("radius", "koi_srad", "st_rad", "rad", "stellar_radius"),
    "mass": ("mass", "koi_smass", "st_mass", "stellar_mass"),
    "teff": ("teff", "koi_steff", "st_teff", "stellar_eff_temp"),
    "mag": ("mag", "kepmag", "koi_kepmag", "tmag", "st_tmag", "tessmag", "tess_mag", "sy_tmag", "sy_kepmag"),
}
_PERIODS = ("period", "period_days", "koi_period", "pl_orbper", "orbital_period", "orbper", "per", "p")
_EPOCHS = (
    *("t0", "t0_days", "t0_btjd", "t0_bkjd", "t0_bjd", "t0_bjd_tdb", "t_0", "tc", "koi_time0bk", "koi_time0"),
    *("pl_tranmid", "epoch", "transit_epoch", "epoch_bjd", "epoch_btjd", "epoch_bkjd", "epoch_value", "epoc"),
    *("mid_transit", "tranmid", "transit_midpoint"),
)
_DURATIONS = (
    *("duration", "duration_days", "duration_hours", "duration_minutes", "duration_d", "duration_h", "duration_min"),
    *("koi_duration", "pl_trandur", "pl_trandurh", "transit_duration", "transit_duration_hours", "t_dur", "dur", "t14"),
    *("duration_value",),
)
_IN_HOURS = ("koi_duration", "pl_trandur", "pl_trandurh", "duration_value")
"""columns of durations whose archives use hours although the name has no unit"""
_IN_MINUTES = ("per_err",)
"""columns of SHERLOCK's tables, in which durations are in minutes"""
_CLOCKS = {"koi_time0bk": "BKJD", "koi_time0": "BJD", "pl_tranmid": "BJD"}
_NAMES = ("name", "planet", "kepler_name", "kepoi_name", "pl_name", "toi", "ctoi", "toi_id")
_MARKS = ("planet", "false positive", "unsure")
_MISSING = ("", "nan", "na", "n/a", "null", "none", "--")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Known:
    """Ephemerides of known planets or binaries; every attribute is an array of ``n`` objects.

    Attributes:
        id: str, name of the star.
        name: str, name of the planet; empty where the file has none.
        period: float64, days; NaN for a single transit.
        t0: float64, days in ``clock``; NaN where unknown.
        duration: float64, days; NaN where unknown.
        clock: str, a key of ``clocks.ZERO``, or empty where the table does not state it, which means the clock of the
            light curve. None means empty for all.
    """

    id: np.ndarray
    name: np.ndarray
    period: np.ndarray
    t0: np.ndarray
    duration: np.ndarray
    clock: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.id)

    def of(self, star: str) -> Known:
        """Return the planets of one star."""
        return self._take(self.id == star)

    def on_clock(self, time_system: str) -> Known:
        """Return the ephemerides with ``t0`` on the clock of a light curve, without those that cannot be converted."""
        clock = np.full(len(self), "") if self.clock is None else self.clock
        t0 = self.t0.copy()
        kept = np.array([not _mismatch(*epoch, time_system) for epoch in zip(clock.tolist(), t0.tolist())], bool)
        for name in set(clock[kept].tolist()) - {"", time_system}:
            rows = kept & (clock == name)
            t0[rows] = clocks.convert(t0[rows], name, time_system)
        return replace(self, t0=t0, clock=np.where(clock == "", "", time_system))._take(kept)

    def mismatch(self, star: str, time_system: str) -> str:
        """Return why an epoch of a star cannot be converted to the clock of its light curve, or an empty text."""
        planets = self.of(star)
        clock = [""] * len(planets) if planets.clock is None else planets.clock.tolist()
        reasons = (_mismatch(*epoch, time_system) for epoch in zip(clock, planets.t0.tolist()))
        return next((reason for reason in reasons if reason), "")

    def _take(self, index: np.ndarray) -> Known:
        clock = None if self.clock is None else self.clock[index]
        return Known(self.id[index], self.name[index], self.period[index], self.t0[index], self.duration[index], clock)


def _mismatch(clock: str, t0: float, time_system: str) -> str:
    """Return why an epoch on ``clock`` (empty if unknown) cannot be converted to ``time_system``, or an empty text."""
    if math.isnan(t0) or clock == time_system:
        return ""
    if clock and time_system not in clocks.ZERO:
        return f"its known t0 is in {clock}, and the clock of its light curve is unknown: state it with --clock"
    if clock:
        return ""
    if time_system not in ("BJD", "HJD", "JD"):
        if t0 <= clocks.JULIAN:
            return ""
        return (
            f"its known t0 is {t0:.10g}, a Julian date, and its light curve is in {time_system}: name the column "
            f"t0_bjd, or give t0 in {time_system}"
        )
    # An epoch without a clock can be on the light curve's clock of Julian dates only if it is a Julian date.
    return (
        ""
        if t0 > clocks.JULIAN
        else (
            f"its known t0 is {t0:g}, and its light curve is in {time_system}: name the column t0_btjd or t0_bkjd, or "
            f"give t0 in {time_system}"
        )
    )


def labels(path: Path) -> tuple[dict[str, int], str]:
    """Read the labels of stars from columns ``id`` and ``label``, or from the marks that the vetting page exports.

    In ``marks.csv`` (``id,rank,mark,note``, one line per candidate), a star with a planet is labelled 1, and a star
    with false positives only is labelled 0. Any other star has no label.

    Returns:
        Star id to 1 (planet host) or 0; and a sentence on the stars without a label, empty if there are none.

    Raises:
        InputError: a column is missing, a label is neither 0 nor 1, a mark is unknown, or a star has two labels; the
            message names the line.
    """
    found: dict[str, int] = {}
    marks: dict[str, set[str]] = {}
    for line, row in _rows(path, needed=("label", "mark")):
        if "label" not in row:
            mark = row["mark"].lower()
            if mark not in (*_MARKS, ""):
                raise InputError(
                    f"{path}: line {line}: mark is {row['mark'][:40]!r}: give {', '.join(_MARKS)}, or leave it empty"
                )
            marks.setdefault(row["id"], set()).add(mark)
            continue
        value = _number(row, ("label",), path, line)
        if value not in (0, 1):
            raise InputError(
                f"{path}: line {line}: label is {row['label'][:40]!r}: give 1 for planet hosts and 0 for other stars"
            )
        if found.setdefault(row["id"], int(value)) != value:
            raise InputError(
                f"{path}: line {line}: star {row['id'][:40]} has label {int(value)} here and another label above: "
                "keep one of them"
            )
    unsure = 0
    for star, given in marks.items():
        if "planet" in given:
            found[star] = 1
        elif given - {""} == {"false positive"}:
            found[star] = 0
        else:
            unsure += 1
    stars = "stars" if unsure > 1 else "star"
    reason = "no candidate is marked as a planet, and some are unsure or not marked"
    return found, f"{path}: {unsure} {stars} without a label: {reason}" if unsure else ""


def stars(path: Path) -> dict[str, dict[str, float]]:
    """Read properties of stars: star id to ``radius`` and ``mass`` (solar units), ``teff`` (K) and ``mag``.

    Empty cells and missing columns are left out.

    Raises:
        InputError: there is no column of ids, or none of the four columns; or a cell is no number or not positive. The
            message names the line.
    """
    found: dict[str, dict[str, float]] = {}
    for line, row in _rows(path, needed=tuple(name for names in _STAR.values() for name in names)):
        values = {key: _number(row, names, path, line) for key, names in _STAR.items()}
        for key in ("radius", "mass", "teff"):
            if values[key] <= 0:
                raise InputError(
                    f"{path}: line {line}: {key} of star {row['id'][:40]} is {values[key]:g}: give a number above 0, "
                    "or leave it empty"
                )
        found[row["id"]] = {key: value for key, value in values.items() if not math.isnan(value)}
    return found


def with_stars(curves: LightCurves, known: Mapping[str, Mapping[str, float]]) -> LightCurves:
    """Return the light curves with the stellar properties in ``known``, from :func:`stars`, in place of their own."""
    unknown = np.full(len(curves), np.nan)
    old = curves.stars or Stars(unknown, unknown, unknown, unknown)
    rows = [known.get(star, {}) for star in curves.id.tolist()]
    new = {key: [row.get(key, value) for row, value in zip(rows, getattr(old, key).tolist())] for key in _STAR}
    return replace(curves, stars=Stars(**{key: np.array(values, np.float64) for key, values in new.items()}))


def known(path: Path) -> Known:
    """Read known planets: ``id``, ``period`` (days) and, optionally, ``t0``, ``duration`` (days) and ``name``.

    Names of columns may also be those of the NASA Exoplanet Archive (``koi_period``, ``pl_orbper``), of ExoFOP
    (``Period (days)``, ``Epoch (BJD)``, ``Duration (hours)``) and of SHERLOCK (``T. dur (min)``). A unit may stand in
    brackets or at the end of the name; otherwise the archive's unit is used. The clock of ``t0`` follows from the name
    of the column, from the size of the numbers, or from the catalogue of the star. Lines without a period are left out.

    Raises:
        InputError: there is no column of ids or periods, or a cell is no number or not positive. The message names the
            line.
    """
    rows: list[tuple[str, str, float, float, float, str]] = []
    for line, row in _rows(path, needed=_PERIODS):
        period, t0 = _number(row, _PERIODS, path, line), _number(row, _EPOCHS, path, line)
        duration = _number(row, _DURATIONS, path, line) * _days_of(row)
        if period <= 0 or duration <= 0:
            raise InputError(
                f"{path}: line {line}: the period or the duration of star {row['id'][:40]} is not positive: correct it"
            )
        if not math.isnan(period):
            name = next((row[key] for key in _NAMES if row.get(key)), "")
            rows.append((row["id"], name, period, t0, duration, _clock_of(row, t0)))
    if rows:
        _report_unknown(path, next(iter(_rows(path, needed=_PERIODS)))[1], rows)
    stored: Sequence[Sequence[object]] = list(zip(*rows)) or [()] * 6
    kinds = (np.str_, np.str_, np.float64, np.float64, np.float64, np.str_)
    return Known(*(np.array(column, kind) for column, kind in zip(stored, kinds)))


def _given(row: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the first of the named columns with a value in this row, or an empty text."""
    return next((name for name in names if row.get(name, "").lower() not in _MISSING), "")


def _days_of(row: Mapping[str, str]) -> float:
    """Return the unit of the row's duration, in days."""
    name = _given(row, _DURATIONS)
    unit = row.get(f"unit of {name}", "").lower()
    end = name.rpartition("_")[2]
    for words, days in (("day d", 1.0), ("hour hr h durh", 1 / 24), ("min minute m", 1 / 1440), ("s sec", 1 / 86400)):
        if any(unit.rstrip("s") == word or end.rstrip("s") == word for word in words.split()):
            return days
    if name in _IN_HOURS:
        return 1 / 24
    return 1 / 1440 if set(_IN_MINUTES) & row.keys() else 1.0


def _clock_of(row: Mapping[str, str], t0: float) -> str:
    """Return the clock of a row's epoch, or an empty text."""
    name = _given(row, _EPOCHS)
    notes = _CLOCKS.get(name) or next(iter(clocks.of_text(f"{name} {row.get(f'unit of {name}', '')}") or ()), "")
    if t0 > clocks.JULIAN:
        return notes if notes in ("BJD", "HJD", "JD") else "BJD"
    # A small number in a column called BJD lacks its first digits. The catalogue of the star determines them.
    return notes if notes in ("BKJD", "BTJD", "MJD") else row["clock"]


def _report_unknown(path: Path, row: Mapping[str, str], rows: Sequence[Sequence[object]]) -> None:
    """Warn if no planet has an epoch, or none has a duration; name the columns that were not recognised."""
    for n, (quantity, names) in enumerate((("t0", _EPOCHS), ("duration", _DURATIONS)), 3):
        if all(math.isnan(float(str(planet[n]))) for planet in rows):
            others = [
                name for name in row if not name.startswith("unit of ") and name not in ("clock", "id", *_PERIODS)
            ]
            unknown = (
                "" if set(names) & row.keys() else f" (not recognised: {', '.join(others)[:80] or 'no other column'})"
            )
            _log.warning("%s: no planet has a %s%s", path, quantity, unknown)


def ephemerides(path: Path) -> Known:
    """Read candidates to vet: ``id``, ``period``, ``t0`` and ``duration`` in days, with columns as in :func:`known`.

    Raises:
        InputError: as in :func:`known`; or an epoch or a duration is missing, or a duration is longer than half of the
            period. The message names the star.
    """
    found = known(path)
    if not len(found):
        raise InputError(f"{path}: no line has a period: give id, period, t0 and duration in days")
    check_ephemerides(found, str(path))
    return found


def check_ephemerides(found: Known, source: str) -> None:
    """Check that every ephemeris is complete and possible.

    Raises:
        InputError: an epoch or a duration is missing, a number is not positive, or a duration is longer than half of
            the period. The message begins with ``source``.
    """
    for name in ("t0", "duration"):
        bad = ~np.isfinite(getattr(found, name))
        if bad.any():
            raise InputError(
                f"{source}: star {str(found.id[bad][0])[:40]} has a candidate without {name}: give {name} in days"
            )
    bad = (found.period <= 0) | (found.duration <= 0) | (found.duration > 0.5 * found.period)
    if bad.any():
        k = int(np.argmax(bad))
        raise InputError(
            f"{source}: star {str(found.id[k])[:40]} has a period of {found.period[k]:g} and a duration of "
            f"{found.duration[k]:g} days: give numbers above 0, and a duration of at most half of the period"
        )


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line's number, and its cells by lower-case column name.

    ``id`` is normalised; ``clock`` is added: the clock of the star's catalogue, or empty.
    """
    lines = text.decoded(open_file.content(path, text.LARGEST), path).splitlines()
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not numbered:
        raise InputError(f"{path}: is empty: give a table with a header and a column id")
    first = numbered[0][1]
    mark = next((mark for mark in (",", ";", "\t", "|") if mark in first), ",")
    bare = [line.strip(mark) if mark == "|" else line for _, line in numbered]
    table = csv.reader(bare, delimiter=mark, skipinitialspace=True)
    try:
        titles = [name.strip() for name in next(table)]
    except csv.Error as error:
        raise InputError(f"{path}: line {numbered[0][0]} cannot be read ({error}): correct it") from None
    header = ["_".join(columns.words(name)) or name.lower() for name in titles]
    units = {f"unit of {name}": columns.bracket(title) for name, title in zip(header, titles)}
    has = f"it has {', '.join(header)[:80]}"
    id_name = next((name for name in _IDS if name in header), None)
    if id_name is None:
        raise InputError(f"{path}: line {numbered[0][0]} names no column of stars: call one id ({has})")
    if not set(needed) & set(header):
        raise InputError(f"{path}: line {numbered[0][0]} names no column {needed[0]}: add it ({has})")
    clock = "BTJD" if id_name.startswith("ti") else "BKJD" if id_name[0] in "ke" else ""
    for (line, _), cells in zip(numbered[1:], _cells_of(table, path)):
        if len(cells) != len(header):
            raise InputError(f"{path}: line {line} has {len(cells)} values, the header {len(header)}: correct it")
        row = dict(zip(header, (cell.strip() for cell in cells)))
        if row[id_name].lower() in _MISSING:
            raise InputError(f"{path}: line {line} has no {id_name}: add it or remove the line")
        prefixes = identity.TIME_SYSTEM.items()
        own = next((system for name, system in prefixes if row[id_name].upper().startswith(name)), clock)
        yield line, {**units, **row, "id": identity.spelling(row[id_name]), "clock": own}


def _cells_of(table: Iterator[list[str]], path: Path) -> Iterator[list[str]]:
    try:
        yield from table
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read ({error}): correct it") from None


def _number(row: Mapping[str, str], names: tuple[str, ...], path: Path, line: int) -> float:
    """Return the value of the first of the named columns that has one; NaN if none has."""
    for name in names:
        if (text := row.get(name, "")).lower() in _MISSING:
            continue
        try:
            value = float(text)
        except ValueError:
            value = math.inf
        if not math.isfinite(value):
            raise InputError(
                f"{path}: line {line}: {name} is {text[:40]!r}, not a number: correct it or leave it empty"
            )
        return value
    return math.nan
