"""Recognise the columns of a table: time, flux, error, quality, centroid and star, by one rule for every reader.

A reader turns its file into a :class:`Table`, and :func:`measured` returns the measurements in it. Names are compared
word by word (``rel_flux_T1`` has the words *rel*, *flux* and *t1*); brackets hold units. The order of preference:

- time: barycentric times (BJD, BTJD, BKJD), then ``time``, then HJD, MJD, JD, then dates and days;
- flux: the names in ``FLUXES`` in their order, then names with a word such as corrected, calibrated, detrended or
  relative, then plain flux, then magnitudes, then raw flux; among equals the first column of the file. A name with a
  word in ``NOT_FLUX``, such as background, error or model, is no flux;
- error: the error of the chosen flux, by its name, else the only error of the same kind;
- quality: the mission's quality bits, letters, or a flag that is 0 for good rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from exojax.errors import InputError
from exojax.io import clocks, identity, quality
from exojax.io.scale import MAGNITUDES, RELATIVE_SCATTER


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


FLUXES = (
    "pdcsap_flux",
    "sys_rm_flux",
    "kspsap_flux",
    "det_flux",
    "corr_flux",
    "fcor",
    "flux_corr",
    "psf_flux_cor",
    "lc1_ap1",
    "lc_init",
    "tamflux2",
)
"""names of corrected flux: Kepler, K2 and TESS; QLP since sector 56 and before; eleanor; K2SFF; TASOC; PATHOS;
DIAMANTE; the data-validation time series of TESS; SuperWASP"""
_CORRECTED = _set(
    "corr cor corrected fcor cal calibrated det detrended detrend dtr flat flattened clean cleaned pdcsap pdc rm pca "
    "cbv norm normalized normalised rel relative ksp kspsap init decorr decorrelated systematics"
)
_RAW = _set("raw fraw sap uncorrected simple inst instrumental")
_FLUX = _set("flux fluxes nflux fcor fraw intensity counts count adu electrons lc lc0 lc1 f sap pdcsap")
_MAG = _set("mag mags magnitude magnitudes dmag tmag vmag gmag rmag imag bmag kmag diff dm")
LONGEST_NAME = 500
"""characters of a name that are read; a damaged table may have a megabyte of them"""
_MAG_FORMS = re.compile(r"(irm|tfa|pca|epd)\d|mag\d*")
"""numbered apertures of CDIPS and ASAS-3, in magnitudes"""
_ERROR = _set(
    "err errs error errors eflux emag merr mer uncertainty uncertainties unc sigma sig std stddev stdev e fluxerr"
)
NOT_FLUX = _ERROR | _set(
    "bkg bg bkgd background back sky rms var variance mad centroid centroids cen centr x y snr model models fit "
    "residual residuals res trend flag flags quality qual limit lim lower upper weight weights phase airmass fwhm "
    "exptime exposure ratio fraction frac sml lag white whitened contamination conta dark smearing comp check ref "
    "reference template width peak saturated scatter dispersion noise cdpp crowding threshold number num id index cmag "
    "kname zp zeropoint radius"
)
_NOT_TIME = _set(
    "corr correction timecorr err error bary barycorr exposure exptime int start end stamp delta phase orbital rate"
)
_TIMES = (
    ("bjd", "btjd", "tbjd", "bkjd", "kbjd", "bmjd", "mbjd"),
    ("time", "t", "times", "tmid"),
    ("hjd",),
    ("mjd",),
    ("jd", "julian"),
    ("date", "day", "days", "dates"),
)
_STAR_IDS = (
    "kepid",
    "kepler_id",
    "kic",
    "ticid",
    "tic_id",
    "tic",
    "tid",
    "epicid",
    "epic_id",
    "epic",
    "gaia_id",
    "source_id",
    "star",
    "star_id",
    "id",
    "object",
    "target",
    "name",
    "object_id",
    "target_id",
    "asas_sn_id",
)
_CENTROIDS = (("mom_centr1", "mom_centr2"), ("centroid_col", "centroid_row"))
FLUX_UNITS = ("relative", "ppm", "ppt", "percent", "counts", "magnitudes", "mmag")
_FACTORS = {"ppm": 1e-6, "ppt": 1e-3, "percent": 1e-2}
_UNIT_WORDS = {
    "ppm": {"ppm"},
    "ppt": {"ppt", "permille", "permil", "‰"},
    "percent": {"percent", "%", "pct"},
    "mmag": {"mmag", "mmags", "millimag"},
    "magnitudes": {"mag", "mags", "magnitude", "magnitudes"},
}
_NO_UNIT = ("", "-", "--", "---", "none", "1", "unitless", "unit", "nan")


@dataclass(frozen=True)
class Stated:
    """Units and clock of files as the user states them; None where the file decides.

    Attributes:
        flux_unit: one of ``FLUX_UNITS``.
        time_unit: a key of ``clocks.UNITS``.
        clock: a key of ``clocks.ZERO``.
    """

    flux_unit: str | None = None
    time_unit: str | None = None
    clock: str | None = None


NOTHING_STATED = Stated()
"""the files decide units and clock"""


def checked(flux_unit: str | None, time_unit: str | None, clock: str | None) -> Stated:
    """Return the units and the clock that the user states, after checking them.

    Raises:
        InputError: a unit or a clock is unknown; the message lists the known ones.
    """
    for option, value, known in (
        ("--flux-unit", flux_unit, FLUX_UNITS),
        ("--time-unit", time_unit, tuple(clocks.UNITS)),
        ("--clock", clock, tuple(clocks.ZERO)),
    ):
        if value is not None and value not in known:
            raise InputError(f"{option} {value}: give one of {', '.join(known)}")
    return Stated(flux_unit, time_unit, clock)


@dataclass(frozen=True)
class Column:
    """One column of a file.

    Attributes:
        name: name in the file.
        unit: unit in the file; may be empty.
        values: returns ``(n,)`` or ``(n, ...)`` numbers, or text. It is called only for columns that are used.
        text: returns the ``n`` cells as text, for long catalogue numbers, which lose digits as floats; None converts
            ``values`` to text.
    """

    name: str
    unit: str
    values: Callable[[], np.ndarray]
    text: Callable[[], list[str]] | None = None

    @property
    def key(self) -> str:
        """Name without brackets, in lower case, with its words joined by ``_``."""
        return "_".join(words(self.name))


@dataclass(frozen=True)
class Table:
    """Columns and header of a file of one star.

    Attributes:
        path: the file, for messages.
        columns: the columns, in the order of the file.
        header: keywords in capitals; may be empty.
        named: false if the file has no header, so that the names of the columns are assumed.
    """

    path: Path
    columns: Sequence[Column]
    header: Mapping[str, Any] = field(default_factory=dict)
    named: bool = True


@dataclass(frozen=True, eq=False)
class Measured:
    """The ``n`` measurements of a table, with time in days.

    Attributes:
        time: ``(n,)`` float64, days in ``clock``, NaN where unknown.
        flux: ``(n,)`` float64, or the stored type, in ``unit``.
        error: ``(n,)`` one sigma of ``flux``, or None.
        good: ``(n,)`` bool, false for bad or missing measurements.
        centroid: ``(n, 2)`` float32, pixels, or None.
        clock: a key of ``clocks.ZERO``, or ``file``.
        unit: ``magnitudes``, ``flux``, or empty if unknown.
        stated: true if the user or the unit of the column states the unit; false if it follows from the name.
        name: name of the column of flux.
        star: catalogue number or name in a column of the table; may be empty.
        notes: one sentence for each choice or conversion that changes the meaning of the measurements.
    """

    time: np.ndarray
    flux: np.ndarray
    error: np.ndarray | None
    good: np.ndarray
    centroid: np.ndarray | None
    clock: str
    unit: str
    stated: bool
    name: str
    star: str
    notes: tuple[str, ...]


def words(name: str) -> list[str]:
    """Return the words of a column's name in lower case, without the text in brackets.

    >>> words("rel_flux_T1"), words("Flux (mJy)"), words("fluxErr"), words("J.D.-2400000")
    (['rel', 'flux', 't1'], ['flux'], ['flux', 'err'], ['jd'])
    """
    bare = re.sub(r"[\[({].*?[\])}]|[\[({].*$", " ", name[:LONGEST_NAME]).replace("J.D.", "JD").replace("j.d.", "jd")
    bare = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare).lower()
    bare = re.sub(
        r"(?<![a-z])(d|n|rel|norm|raw|bkg|sky|bg|e|sap|pdc|pdcsap)?(flux|mag)(err|error|unc|bkg|corr|raw)?(?![a-z])",
        _apart,
        bare,
    )
    return [word for word in re.split(r"[^a-z0-9%]+", bare) if word and not re.fullmatch(r"24\d{5}", word)]


def _apart(match: re.Match[str]) -> str:
    if match[1] in ("d", "n"):
        return match[0]
    return " ".join(part for part in match.groups() if part)


def bracket(name: str) -> str:
    """Return the text in the brackets of a name, which is its unit; may be empty."""
    found = re.search(r"[\[({](.*?)[\])}]", name[:LONGEST_NAME])
    return found[1].strip() if found else ""


def measured(table: Table, mission: str = "", catalogue: str = "", stated: Stated = NOTHING_STATED) -> Measured:
    """Return the measurements of a table.

    Args:
        table: table of one star.
        mission: a key of ``quality.MISSION_BAD``, such as ``Kepler``; empty if unknown.
        catalogue: catalogue of the star: ``KIC``, ``EPIC``, ``TIC``, or empty.
        stated: units and clock stated by the user.

    Raises:
        InputError: there is no column of times or of flux, or a unit cannot be decided; the message then names the
            option that states it.
    """
    try:
        return _measured(table, mission, catalogue, stated)
    except InputError as error:
        text = str(error)
        raise error if text.startswith(f"{table.path}: ") else InputError(f"{table.path}: {text}") from None


def _measured(table: Table, mission: str, catalogue: str, stated: Stated) -> Measured:
    notes: list[str] = []
    table = replace(table, columns=_with_pairs(table.columns))
    time_column, raw_time = _time(table, notes)
    flux_column, flux = _flux(table, notes)
    if flux.ndim != 1:
        raise InputError(f"{flux_column.name} holds images, as a target pixel file does: give the light curve file")
    if len(flux) != len(raw_time):
        raise InputError(
            f"{time_column.name} has {len(raw_time)} values and {flux_column.name} {len(flux)}: give columns of the "
            "same length"
        )
    own_clock = {"": "", "Kepler": "BKJD"}.get(mission, "BTJD") or identity.TIME_SYSTEM.get(catalogue, "")
    unit = f"{time_column.unit} {bracket(time_column.name)}".strip()
    clock = clocks.clock_of(
        time_column.name, unit, table.header, own_clock, raw_time, time_unit=stated.time_unit, clock=stated.clock
    )
    notes += clock.notes
    kind, known, flux, error, of_unit = _in_unit(table, flux_column, flux, stated)
    notes += of_unit
    good = np.ones(len(flux), bool)
    dated, remark = quality.dated(raw_time)
    notes += remark
    time = clock.days(np.where(dated, raw_time, np.nan) if remark else raw_time)
    good &= quality.no_sentinels(flux, kind, flux_column.name, notes)
    flags = {column.key: column.values for column in table.columns}
    good &= quality.unflagged(flags, flux_column.key, mission, clock.name, time, notes)
    good &= quality.of_one_band(flags, good & np.isfinite(flux), notes)
    return Measured(
        time=time,
        flux=flux,
        error=error,
        good=good,
        centroid=_centroid(table),
        clock=clock.name,
        unit=kind,
        stated=known,
        name=flux_column.name,
        star=_star(table),
        notes=tuple(notes),
    )


def numbers(values: np.ndarray) -> np.ndarray | None:
    """Return values as numbers, NaN where masked; None if they are no numbers."""
    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values.astype(np.float64), np.nan) if values.dtype.kind in "fiub" else values.filled("")
    if values.dtype.kind in "fiu":
        return values
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    return None


def _with_pairs(columns: Sequence[Column]) -> list[Column]:
    """Return the columns, with astropy's ``time.jd1`` and ``time.jd2`` merged into one column ``(n, 2)``."""
    by_name = {column.name: column for column in columns}
    made = []
    for column in columns:
        stem, _, end = column.name.rpartition(".")
        other = by_name.get(f"{stem}.jd2")
        if end == "jd1" and other is not None:
            made.append(Column(f"{stem} [JD]", "", partial(_pair, column, other)))
        elif not (end == "jd2" and f"{stem}.jd1" in by_name):
            made.append(column)
    return made


def _pair(first: Column, second: Column) -> np.ndarray:
    parts = [numbers(column.values()) for column in (first, second)]
    if any(part is None for part in parts):
        raise InputError(f"{first.name} and {second.name} hold values that are no numbers: give Julian dates")
    return np.stack([np.asarray(part, np.float64) for part in parts], axis=1)


def _time(table: Table, notes: list[str]) -> tuple[Column, np.ndarray]:
    ranked = sorted((rank, k) for k, column in enumerate(table.columns) if (rank := time_rank(column.name)) is not None)
    for _, k in ranked:
        column = table.columns[k]
        stored = column.values()
        values = _times_in(stored)
        if values is not None and np.isfinite(values).any():
            if stored.dtype.kind not in "fiub":
                column = Column(f"{column.name} [JD]", "", column.values)
            others = [table.columns[other].name for _, other in ranked if other != k]
            if others:
                notes.append(f"time: the column {column.name} is used (not used: {', '.join(others)[:80]})")
            return column, values
    has = ", ".join(column.name for column in table.columns)[:80]
    if ranked:
        raise InputError(f"{table.columns[ranked[0][1]].name} holds no times: give days (the columns are {has})")
    raise InputError(f"has no time column ({has}): name one of them time")


def time_rank(name: str) -> int | None:
    """Return the rank of a column of times by its name, 0 for the most preferred; None if it is no column of times."""
    found = words(name)
    if _NOT_TIME & set(found) or _ERROR & set(found):
        return None
    for rank, forms in enumerate(_TIMES):
        if any(word in forms for word in found):
            return None if set(found) & (_FLUX | _MAG) else rank
    return None


def _times_in(values: np.ndarray) -> np.ndarray | None:
    """Return times as ``(n,)`` float64, from numbers, pairs of doubles or ISO dates (as Julian dates); None if none."""
    found = numbers(values)
    if found is not None:
        if found.ndim == 2 and found.shape[1] == 2:
            return found.astype(np.float64).sum(axis=1)
        return found.astype(np.float64) if found.ndim == 1 else None
    if values.ndim != 1 or not len(values):
        return None
    if values.dtype.kind == "M":
        return _julian(values)
    try:
        text = [cell.strip().replace(" ", "T").rstrip("Z") for cell in texts(values)]
        if not re.match(r"\d{4}-\d\d-\d\d", text[0]):
            return None
        moments = np.array(text, "datetime64[us]")
    except ValueError:
        return None
    return _julian(moments)


def _julian(moments: np.ndarray) -> np.ndarray:
    """Convert ``(n,)`` datetime64 to float64 Julian dates; NaN where missing."""
    since = moments.astype("datetime64[us]") - np.datetime64("2000-01-01T12:00:00", "us")
    return np.where(np.isnat(moments), np.nan, since.astype(np.float64) / 86400e6 + 2451545.0)


def texts(values: np.ndarray) -> list[str]:
    """Return the elements of ``(n,)`` bytes, text or numbers as text; an empty list for more dimensions."""
    return (
        []
        if values.ndim != 1
        else [cell.decode("latin-1") if isinstance(cell, bytes) else str(cell) for cell in values.tolist()]
    )


def _flux(table: Table, notes: list[str]) -> tuple[Column, np.ndarray]:
    ranked = sorted((rank, k) for k, column in enumerate(table.columns) if (rank := flux_rank(column.name)) is not None)
    empty: list[str] = []
    for _, k in ranked:
        column = table.columns[k]
        values = numbers(column.values())
        if values is None:
            continue
        if values.ndim == 1 and not np.isfinite(values).any():
            empty.append(column.name)
            continue
        others = [table.columns[other].name for _, other in ranked if other != k]
        if empty:
            notes.append(f"flux: {', '.join(empty)[:80]} holds no finite number; the column {column.name} is used")
        # No note for mission files, where the corrected flux is the usual choice.
        elif others and column.key != "pdcsap_flux":
            notes.append(f"flux: the column {column.name} is used (not used: {', '.join(others)[:80]})")
        return column, values
    has = ", ".join(column.name for column in table.columns)[:80]
    if empty:
        raise InputError(f"no row has both a time and a flux ({', '.join(empty)[:70]}): leave the file out")
    raise InputError(f"has no flux column ({has}): name one of them flux")


def flux_rank(name: str) -> tuple[int, int] | None:
    """Return the rank of a column of flux by its name, (0, 0) for the most preferred; None if it is no flux."""
    found = words(name)
    key = "_".join(found)
    if key in FLUXES:
        return 0, FLUXES.index(key)
    stems = {re.sub(r"\d+$", "", word) for word in found} | set(found)
    if NOT_FLUX & set(found) or not found:
        return None
    magnitudes = bool(stems & _MAG) or any(_MAG_FORMS.fullmatch(word) for word in found)
    if not magnitudes and not stems & _FLUX:
        return None
    corrected = bool(stems & _CORRECTED) or any(
        word[:3] in ("tfa", "pca", "epd") and word[3:].isdigit() for word in found
    )
    raw = bool(stems & _RAW) or any(word[:3] in ("irm", "ifl") and word[3:].isdigit() for word in found)
    order = 1 if corrected and not raw else 5 if raw else 2
    return order + (1 if magnitudes and order > 1 else 0), 0


def _in_unit(
    table: Table, column: Column, flux: np.ndarray, stated: Stated
) -> tuple[str, bool, np.ndarray, np.ndarray | None, list[str]]:
    """Return the unit (``flux``, ``magnitudes`` or empty), whether it was stated, flux and error in it, and notes.

    Parts per million, parts per thousand and per cent are converted to fractions.
    """
    notes: list[str] = []
    error = _error(table, column)
    text = f"{column.unit} {bracket(column.name)}".strip()
    unit = stated.flux_unit or flux_unit(text, column.name, table.header)
    if unit in _FACTORS:
        flux = flux.astype(np.float64) * _FACTORS[unit]
        known = flux[np.isfinite(flux)]
        about_zero = len(known) > 0 and abs(float(np.median(known))) < 0.5
        notes.append(f"{column.name} is in {unit}; it is read as relative flux" + (" minus 1" if about_zero else ""))
        error = None if error is None else error * _FACTORS[unit]
        return "flux", True, flux + 1 if about_zero else flux, error, notes
    if unit in ("magnitudes", "mmag"):
        notes.append(f"{column.name} is in {unit}; it was converted to flux")
        thousandth = 1e-3 if unit == "mmag" else 1.0
        error = None if error is None else error * thousandth
        return "magnitudes", True, flux.astype(np.float64) * thousandth, error, notes
    if unit in ("relative", "counts"):
        return "flux", True, flux, error, notes
    named = bool({re.sub(r"\d+$", "", word) for word in words(column.name)} & (_FLUX | _RAW))
    known = flux[np.isfinite(flux)].astype(np.float64)
    middle = float(np.median(known))
    scatter = 1.4826 * float(np.median(np.abs(known - middle)))
    looks = MAGNITUDES[0] < middle < MAGNITUDES[1] and 0 < scatter < RELATIVE_SCATTER
    if looks and not (named and table.named):
        raise InputError(
            f"{column.name} (median {middle:.4g}, scatter {scatter:.2g}) may be in magnitudes or counts, and the file "
            "does not state the unit: give --flux-unit magnitudes or --flux-unit counts"
        )
    if looks:
        notes.append(
            f"{column.name} is read as flux because of its name; if it is in magnitudes, give --flux-unit magnitudes"
        )
    return "flux" if named else "", False, flux, error, notes


def flux_unit(text: str, name: str, header: Mapping[str, Any]) -> str | None:
    """Return the unit of a column of flux, one of ``FLUX_UNITS``; None if it is unknown.

    Args:
        text: unit of the column, as in the file.
        name: name of the column.
        header: keywords of the file, in capitals.
    """
    plain = text.lower().strip()
    found = set(words(name))
    stems = {re.sub(r"\d+$", "", word) for word in found}
    unit_words = set(re.findall(r"[a-z%‰]+", plain))
    for unit, forms in _UNIT_WORDS.items():
        if unit_words & forms or found & forms:
            return unit
    if stems & (_MAG - {"diff", "dm"}) or any(_MAG_FORMS.fullmatch(word) for word in found):
        return "magnitudes"
    kind = str(header.get("MEASUREMENT_TYPE", "")).lower()
    if "diff" in found and kind:
        return "magnitudes" if "mag" in kind else "relative"
    # The files of KEPSEISMIC do not state the unit of their flux, which is ppm.
    if str(header.get("ORIGIN", "")).strip() == "CEA & SSI" and "flux" in found:
        return "ppm"
    # Electrons, counts, janskys and the like are physical fluxes.
    return "counts" if plain not in _NO_UNIT else None


def _error(table: Table, flux: Column) -> np.ndarray | None:
    """Return the errors of a column of flux, float64; None if the table has none."""
    own = set(words(flux.name))
    best: tuple[int, Column] | None = None
    for column in table.columns:
        found = words(column.name)
        marks = set(found) & _ERROR
        if not marks or (marks == {"e"} and found[0] != "e") or set(found) & {"bkg", "background", "sky", "snr"}:
            continue
        rest = set(found) - _ERROR
        # Skip errors of another column, and errors in magnitudes for flux or the reverse.
        if rest - own - {"flux", "mag"} or _kind(found) not in ("", _kind(words(flux.name))):
            continue
        distance = len(own - rest)
        if best is None or distance < best[0]:
            best = distance, column
    if best is None:
        return None
    try:
        values = numbers(best[1].values())
    except InputError:
        return None
    return values.astype(np.float64) if values is not None and values.ndim == 1 else None


def _kind(name: list[str]) -> str:
    """Return ``flux`` or ``mag`` if a word of the name contains it, else an empty text."""
    return next((kind for kind in ("flux", "mag") if any(kind in word for word in name)), "")


def _centroid(table: Table) -> np.ndarray | None:
    by_key = {column.key: column for column in table.columns}
    for pair in _CENTROIDS:
        if set(pair) <= by_key.keys():
            axes = [numbers(by_key[name].values()) for name in pair]
            if all(axis is not None and axis.ndim == 1 for axis in axes):
                return np.stack([np.asarray(axis, np.float32) for axis in axes], axis=1)
    return None


def _star(table: Table) -> str:
    """Return the id of the star in a column of the table; empty without such a column.

    Raises:
        InputError: the column names several stars.
    """
    by_key = {column.key: column for column in table.columns}
    for name in _STAR_IDS:
        if name not in by_key:
            continue
        text = by_key[name].text
        values = texts(by_key[name].values()) if text is None else text()
        ids = {cell.strip() for cell in values} - {"", "nan"}
        if len(ids) == 1:
            return identity.spelling(ids.pop())
        # A column with another value in almost every row holds numbers of rows, not stars.
        if 1 < len(ids) < 0.5 * len(values):
            raise InputError(f"{by_key[name].name} names {len(ids)} stars: give one table per star")
    return ""
