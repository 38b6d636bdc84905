"""Decide which column of a table is time, flux, error, quality, centroid and star: one rule for every reader.

A reader turns its file into a :class:`Table`; :func:`measured` returns what stands in it. Names are compared as words
(``rel_flux_T1`` is *rel*, *flux*, *t1*; brackets are units). The order of preference:

- time: barycentric (BJD, BTJD, BKJD), then ``time``, then HJD, MJD, JD, then dates and days;
- flux: the names of ``FLUXES`` in their order, then whatever is called corrected, calibrated, detrended or relative,
  then plain flux, then magnitudes, then raw flux; among equals the first of the file. Never a background, sky, error,
  model, centroid, limit or the like (``NOT_FLUX``);
- error: of the chosen flux, by its name; else the only error of its kind;
- quality: the mission's bits where the column is the mission's, letters, or a flag that is 0 where all is well.
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
"""corrected flux of Kepler, K2, TESS; QLP since sector 56 and before; eleanor; K2SFF; TASOC; PATHOS; DIAMANTE; the
data-validation time series of TESS; SuperWASP"""
_CORRECTED = _set(
    "corr cor corrected fcor cal calibrated det detrended detrend dtr flat flattened clean cleaned pdcsap pdc rm pca "
    "cbv norm normalized normalised rel relative ksp kspsap init decorr decorrelated systematics"
)
_RAW = _set("raw fraw sap uncorrected simple inst instrumental")
_FLUX = _set("flux fluxes nflux fcor fraw intensity counts count adu electrons lc lc0 lc1 f sap pdcsap")
_MAG = _set("mag mags magnitude magnitudes dmag tmag vmag gmag rmag imag bmag kmag diff dm")
_MAG_FORMS = re.compile(r"(irm|tfa|pca|epd)\d|mag\d*")
"""CDIPS's and ASAS-3's numbered apertures"""
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
    """Units and clock that the user states of files; None leaves it to them.

    Attributes:
        flux_unit: one of ``FLUX_UNITS``.
        time_unit: one of ``clocks.UNITS``.
        clock: one of ``clocks.ZERO``.
    """

    flux_unit: str | None = None
    time_unit: str | None = None
    clock: str | None = None


NOTHING_STATED = Stated()


def checked(flux_unit: str | None, time_unit: str | None, clock: str | None) -> Stated:
    """Return what the user states.

    Raises:
        InputError: a word is not known; the message lists those that are.
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
        name: as the file has it.
        unit: as the file has it; empty where it has none.
        values: returns ``(n,)`` or ``(n, ...)`` of numbers, or of text where they are none. Called only for columns
            that are used.
        text: returns ``(n,)`` of text as the file has it; None takes it from ``values``. A long catalogue number loses
            digits as a float.
    """

    name: str
    unit: str
    values: Callable[[], np.ndarray]
    text: Callable[[], list[str]] | None = None

    @property
    def key(self) -> str:
        """The name without brackets, in lower case, its words joined with ``_``."""
        return "_".join(words(self.name))


@dataclass(frozen=True)
class Table:
    """Columns of one star's file, and its header.

    Attributes:
        path: the file, for messages.
        columns: in the order of the file.
        header: keywords in capitals; empty where there is none.
        named: whether the names are the file's own (a table without a header has none).
    """

    path: Path
    columns: Sequence[Column]
    header: Mapping[str, Any] = field(default_factory=dict)
    named: bool = True


@dataclass(frozen=True, eq=False)
class Measured:
    """Measurements as a table has them, on one scale of time; all arrays are ``(n,)``.

    Attributes:
        time: float64, days in ``clock``, NaN where unknown.
        flux: float64 or as stored, in ``unit``.
        error: of ``flux``, or None.
        good: bool, false where the file says that the measurement is bad, or it is none.
        centroid: ``(n, 2)`` pixels, or None.
        clock: of ``clocks.ZERO``, or ``file``.
        unit: ``magnitudes``, ``flux``, or empty where nothing tells.
        stated: whether the unit is the file's or the user's own word, and not the column's name.
        name: of the column of flux.
        star: catalogue number or name in a column of the table; empty where there is none.
        notes: what a reader of the figures has to know, one sentence each.
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
    """Return the words of a column's name in lower case, without what stands in brackets.

    >>> words("rel_flux_T1"), words("Flux (mJy)"), words("fluxErr"), words("J.D.-2400000")
    (['rel', 'flux', 't1'], ['flux'], ['flux', 'err'], ['jd'])
    """
    bare = re.sub(r"[\[({].*?[\])}]|[\[({].*$", " ", name).replace("J.D.", "JD").replace("j.d.", "jd")
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
    """Return what stands in a name's brackets, its unit; empty where there are none."""
    found = re.search(r"[\[({](.*?)[\])}]", name)
    return found[1].strip() if found else ""


def measured(table: Table, mission: str = "", catalogue: str = "", stated: Stated = NOTHING_STATED) -> Measured:
    """Return the measurements of a table.

    Args:
        table: of one star.
        mission: ``Kepler`` or ``TESS`` where the header or the file's name tells it; empty otherwise.
        catalogue: of the star, ``KIC``, ``EPIC``, ``TIC``, or empty.
        stated: what the user states.

    Raises:
        InputError: there is no column of times or of flux, or two readings fit and nothing decides.
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
        raise InputError(f"{flux_column.name} holds images, it is a target pixel file: give the light curve file")
    if len(flux) != len(raw_time):
        raise InputError(f"{time_column.name} has {len(raw_time)} values and {flux_column.name} {len(flux)}")
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
    """Return values as numbers, NaN where masked; None where they are none."""
    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values.astype(np.float64), np.nan) if values.dtype.kind in "fiub" else values.filled("")
    if values.dtype.kind in "fiu":
        return values
    if values.dtype.kind == "b":
        return values.astype(np.uint8)
    return None


def _with_pairs(columns: Sequence[Column]) -> list[Column]:
    """Return the columns with astropy's ``time.jd1`` and ``time.jd2`` as one, ``time``, of the form (n, 2)."""
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
    parts = [numbers(one.values()) for one in (first, second)]
    if any(part is None for part in parts):
        raise InputError(f"{first.name} and {second.name} hold no numbers")
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
                notes.append(f"time: {column.name} is read (also there: {', '.join(others)[:80]})")
            return column, values
    has = ", ".join(column.name for column in table.columns)[:80]
    if ranked:
        raise InputError(f"{table.columns[ranked[0][1]].name} holds no time: give days (it has {has})")
    raise InputError(f"has no time column ({has}): name one of them time")


def time_rank(name: str) -> int | None:
    """Return how far back in the order of preference a column of that name stands; None where it is no time."""
    found = words(name)
    if _NOT_TIME & set(found) or _ERROR & set(found):
        return None
    for rank, forms in enumerate(_TIMES):
        if any(word in forms for word in found):
            return None if set(found) & (_FLUX | _MAG) else rank
    return None


def _times_in(values: np.ndarray) -> np.ndarray | None:
    """Return float64 of numbers, of pairs of doubles (astropy's ``Time``), or of ISO dates (as a Julian date)."""
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
        text = [str(one).strip().replace(" ", "T").rstrip("Z") for one in texts(values)]
        if not re.match(r"\d{4}-\d\d-\d\d", text[0]):
            return None
        moments = np.array(text, "datetime64[us]")
    except ValueError:
        return None
    return _julian(moments)


def _julian(moments: np.ndarray) -> np.ndarray:
    """Return the Julian dates of ``(n,)`` datetime64, float64, NaN where there is none."""
    since = moments.astype("datetime64[us]") - np.datetime64("2000-01-01T12:00:00", "us")
    return np.where(np.isnat(moments), np.nan, since.astype(np.float64) / 86400e6 + 2451545.0)


def texts(values: np.ndarray) -> list[str]:
    """Return the elements of ``(n,)`` bytes, text or numbers as text; nothing of more dimensions."""
    return (
        []
        if values.ndim != 1
        else [one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in values.tolist()]
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
            notes.append(f"{', '.join(empty)[:80]} holds no number: {column.name} is read")
        # That the missions' corrected flux comes before their raw flux is known.
        elif others and column.key != "pdcsap_flux":
            notes.append(f"flux: {column.name} is read (also there: {', '.join(others)[:80]})")
        return column, values
    has = ", ".join(column.name for column in table.columns)[:80]
    if empty:
        raise InputError(f"not one of its rows has both a time and a flux ({', '.join(empty)[:70]}): leave it out")
    raise InputError(f"has no flux column ({has}): name one of them flux")


def flux_rank(name: str) -> tuple[int, int] | None:
    """Return how far back in the order of preference a column of that name stands; None where it is no flux."""
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
    """Return the kind of unit, whether it was stated, flux and error in it, and remarks.

    Parts per million and the like become fractions.
    """
    notes: list[str] = []
    error = _error(table, column)
    text = f"{column.unit} {bracket(column.name)}".strip()
    unit = stated.flux_unit or flux_unit(text, column.name, table.header)
    if unit in _FACTORS:
        flux = flux.astype(np.float64) * _FACTORS[unit]
        known = flux[np.isfinite(flux)]
        about_zero = len(known) > 0 and abs(float(np.median(known))) < 0.5
        notes.append(f"{column.name} is in {unit}: taken as relative flux" + (" minus 1" if about_zero else ""))
        error = None if error is None else error * _FACTORS[unit]
        return "flux", True, flux + 1 if about_zero else flux, error, notes
    if unit in ("magnitudes", "mmag"):
        notes.append(f"{column.name} is in {unit}: converted to flux")
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
            f"{column.name} (median {middle:.4g}, scatter {scatter:.2g}) may be magnitudes or counts, and nothing in "
            "the file tells: state it with --flux-unit magnitudes or --flux-unit counts"
        )
    if looks:
        notes.append(
            f"{column.name} is taken for flux by its name; if it is in magnitudes, state --flux-unit magnitudes"
        )
    return "flux" if named else "", False, flux, error, notes


def flux_unit(text: str, name: str, header: Mapping[str, Any]) -> str | None:
    """Return the unit of flux that a unit's text, a column's name or the header tells: of ``FLUX_UNITS``, or None."""
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
    # KEPSEISMIC's flux has no unit of its own.
    if str(header.get("ORIGIN", "")).strip() == "CEA & SSI" and "flux" in found:
        return "ppm"
    # Electrons, counts, janskys and the like are physical fluxes.
    return "counts" if plain not in _NO_UNIT else None


def _error(table: Table, flux: Column) -> np.ndarray | None:
    """Return the errors of a column of flux, float64; None where the table has none."""
    own = set(words(flux.name))
    best: tuple[int, Column] | None = None
    for column in table.columns:
        found = words(column.name)
        marks = set(found) & _ERROR
        if not marks or (marks == {"e"} and found[0] != "e") or set(found) & {"bkg", "background", "sky", "snr"}:
            continue
        rest = set(found) - _ERROR
        # An error of magnitudes is none of flux; one of another column of flux is none of this.
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
    """Return ``flux``, ``mag`` or, where the words tell neither, an empty text."""
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
    """Return the one star that a column of the table names, if there is such a column.

    Raises:
        InputError: it names several.
    """
    by_key = {column.key: column for column in table.columns}
    for name in _STAR_IDS:
        if name not in by_key:
            continue
        text = by_key[name].text
        values = texts(by_key[name].values()) if text is None else text()
        ids = {one.strip() for one in values} - {"", "nan"}
        if len(ids) == 1:
            return identity.spelling(ids.pop())
        # A number of its own in each row is the row's.
        if 1 < len(ids) < 0.5 * len(values):
            raise InputError(f"{by_key[name].name} names {len(ids)} stars: give one table a star")
    return ""
