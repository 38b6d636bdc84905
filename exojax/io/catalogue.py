"""Tables about stars: ``--labels``, ``--stars`` and ``--known``. A header, and one line a star or a planet."""

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

# The plain name first, then those of the NASA Exoplanet Archive, MAST, ExoFOP and SHERLOCK.
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
"""durations that their archives give in hours without saying so in the name"""
_IN_MINUTES = ("per_err",)
"""columns of SHERLOCK's tables, whose durations are minutes"""
_CLOCKS = {"koi_time0bk": "BKJD", "koi_time0": "BJD", "pl_tranmid": "BJD"}
_NAMES = ("name", "planet", "kepler_name", "kepoi_name", "pl_name", "toi", "ctoi", "toi_id")
_MARKS = ("planet", "false positive", "unsure")
_MISSING = ("", "nan", "na", "n/a", "null", "none", "--")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Known:
    """Planets (or binaries) that are known already; every attribute is an array over them.

    Attributes:
        id: str, the star's.
        name: str, the planet's; empty where the file has none.
        period: float64, days.
        t0: float64, days in ``clock``, NaN where unknown.
        duration: float64, days, NaN where unknown.
        clock: str, of ``clocks.ZERO``; empty where the table does not tell, which is the light curve's own. None is
            empty throughout.
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
        """Return the same with ``t0`` on a light curve's clock; those that cannot be brought there are left out."""
        clock = np.full(len(self), "") if self.clock is None else self.clock
        t0 = self.t0.copy()
        kept = np.array([not _mismatch(*one, time_system) for one in zip(clock.tolist(), t0.tolist())], bool)
        for name in set(clock[kept].tolist()) - {"", time_system}:
            mine = kept & (clock == name)
            t0[mine] = clocks.convert(t0[mine], name, time_system)
        return replace(self, t0=t0, clock=np.where(clock == "", "", time_system))._take(kept)

    def mismatch(self, star: str, time_system: str) -> str:
        """Return why an epoch of a star cannot be brought to its light curve's clock, or an empty text."""
        mine = self.of(star)
        clock = [""] * len(mine) if mine.clock is None else mine.clock.tolist()
        reasons = (_mismatch(*one, time_system) for one in zip(clock, mine.t0.tolist()))
        return next((reason for reason in reasons if reason), "")

    def _take(self, index: np.ndarray) -> Known:
        clock = None if self.clock is None else self.clock[index]
        return Known(self.id[index], self.name[index], self.period[index], self.t0[index], self.duration[index], clock)


def _mismatch(clock: str, t0: float, time_system: str) -> str:
    """Return why an epoch of ``clock`` (empty where it is not known) is none of ``time_system``, or an empty text."""
    if math.isnan(t0) or clock == time_system:
        return ""
    if clock and time_system not in clocks.ZERO:
        return f"its known t0 is {clock}, and the clock of its light curve is not known: state it with --clock"
    if clock or (time_system not in ("BJD", "HJD", "JD")):
        return ""
    # Without a clock, an epoch that is no Julian date is none of such a light curve.
    return (
        ""
        if t0 > clocks.JULIAN
        else (
            f"its known t0 is {t0:g}, its light curve is in {time_system}: name the column t0_btjd or t0_bkjd, or give "
            f"{time_system}"
        )
    )


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
                f"{path}: line {line}: label is {row['label'][:40]!r}: it must be 1 (planet host) or 0 (the rest)"
            )
        if found.setdefault(row["id"], int(value)) != value:
            raise InputError(
                f"{path}: line {line}: star {row['id'][:40]} has label {int(value)} here, another above: keep one"
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
    """Return star id -> ``radius`` and ``mass`` (Sun's), ``teff`` (K), ``mag``, where the file has them.

    Raises:
        InputError: no column of ids, none of the four, or a cell that is no number or not positive; it names the line.
    """
    found: dict[str, dict[str, float]] = {}
    for line, row in _rows(path, needed=tuple(name for names in _STAR.values() for name in names)):
        values = {key: _number(row, names, path, line) for key, names in _STAR.items()}
        for key in ("radius", "mass", "teff"):
            if values[key] <= 0:
                raise InputError(
                    f"{path}: line {line}: {key} of star {row['id'][:40]} is not positive: correct or empty it"
                )
        found[row["id"]] = {key: value for key, value in values.items() if not math.isnan(value)}
    return found


def with_stars(curves: LightCurves, known: Mapping[str, Mapping[str, float]]) -> LightCurves:
    """Return the light curves with what ``known`` (of ``stars``) holds in place of their files' own."""
    unknown = np.full(len(curves), np.nan)
    old = curves.stars or Stars(unknown, unknown, unknown, unknown)
    about = [known.get(star, {}) for star in curves.id.tolist()]
    new = {key: [of.get(key, was) for of, was in zip(about, getattr(old, key).tolist())] for key in _STAR}
    return replace(curves, stars=Stars(**{key: np.array(values, np.float64) for key, values in new.items()}))


def known(path: Path) -> Known:
    """Return known planets: ``id``, ``period`` and where known ``t0``, ``duration`` (days) and ``name``.

    Names of the NASA Exoplanet Archive (``koi_period``, ``pl_orbper``), of ExoFOP (``Period (days)``, ``Epoch (BJD)``,
    ``Duration (hours)``) and of SHERLOCK (``T. dur (min)``) are understood; units stand in brackets, at the end of the
    name, or are the archive's. Its column's name or brackets, its size, or the star's catalogue decide the clock
    of ``t0``. Lines without a period are left out.

    Raises:
        InputError: no column of ids or periods, or a cell that is no number or not positive; it names the line.
    """
    rows: list[tuple[str, str, float, float, float, str]] = []
    for line, row in _rows(path, needed=_PERIODS):
        period, t0 = _number(row, _PERIODS, path, line), _number(row, _EPOCHS, path, line)
        duration = _number(row, _DURATIONS, path, line) * _days_of(row)
        if period <= 0 or duration <= 0:
            raise InputError(
                f"{path}: line {line}: a period or duration of star {row['id'][:40]} is not positive: correct it"
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
    """Return the first of the columns that has a value in this row, or an empty text."""
    return next((name for name in names if row.get(name, "").lower() not in _MISSING), "")


def _days_of(row: Mapping[str, str]) -> float:
    """Return the days of one unit of the row's duration."""
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
    # A small number in a column called BJD has lost its first digits: the catalogue tells which.
    return notes if notes in ("BKJD", "BTJD", "MJD") else row["clock"]


def _report_unknown(path: Path, row: Mapping[str, str], rows: Sequence[Sequence[object]]) -> None:
    """Warn of a table in which no epoch or no duration is understood, and of the columns that might be it."""
    for n, (what, names) in enumerate((("t0", _EPOCHS), ("duration", _DURATIONS)), 3):
        if all(math.isnan(float(str(one[n]))) for one in rows):
            others = [
                name for name in row if not name.startswith("unit of ") and name not in ("clock", "id", *_PERIODS)
            ]
            unknown = (
                "" if set(names) & row.keys() else f" (not understood: {', '.join(others)[:80] or 'no other column'})"
            )
            _log.warning("%s: no planet has a %s%s", path, what, unknown)


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
            raise InputError(
                f"{source}: star {str(found.id[bad][0])[:40]} has a candidate without {name}: give it in days"
            )
    bad = (found.period <= 0) | (found.duration <= 0) | (found.duration > 0.5 * found.period)
    if bad.any():
        k = int(np.argmax(bad))
        raise InputError(
            f"{source}: star {str(found.id[k])[:40]} has a period of {found.period[k]:g} and a duration of "
            f"{found.duration[k]:g} days: a transit lasts half of its period at most, and both are above 0"
        )


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells by lower-case column name; ``id`` as spelled everywhere, ``clock`` its own."""
    lines = text.decoded(open_file.content(path, text.LARGEST), path).splitlines()
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    if not numbered:
        raise InputError(f"{path}: is empty: it must have a header with a column id")
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
        own = next((of for name, of in identity.TIME_SYSTEM.items() if row[id_name].upper().startswith(name)), clock)
        yield line, {**units, **row, "id": identity.spelling(row[id_name]), "clock": own}


def _cells_of(table: Iterator[list[str]], path: Path) -> Iterator[list[str]]:
    try:
        yield from table
    except csv.Error as error:
        raise InputError(f"{path}: cannot be read ({error}): correct it") from None


def _number(row: Mapping[str, str], names: tuple[str, ...], path: Path, line: int) -> float:
    """Return the first of the columns that has a value; NaN where none has."""
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
