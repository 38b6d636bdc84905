"""Find the bad rows of a table: quality flags, sentinels, times of zero, other bands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

KEPLER_BAD = 1 | 2 | 4 | 8 | 32 | 256 | 16384 | 65536 | 1048576
"""bad bits of the Kepler Archive Manual (KDMC-10008, table 2-3): attitude tweak, safe mode, coarse point, Earth point,
desaturation, manual exclude, detector anomaly, no data, thruster firing"""
TESS_BAD = 1 | 2 | 4 | 8 | 16 | 32 | 128 | 16384
"""bad bits of the TESS Science Data Products Description (EXP-TESS-ARC-ICD-0014): attitude tweak, safe mode, coarse
point, Earth point, Argabrightening, desaturation, manual exclude, bad calibration. "Impulsive outlier" (512, in Kepler
2048) is not among them, because deep, short transits have this bit"""
DUMPS = 32 | 1048576
"""bits of wheel desaturation (Kepler, TESS) and thruster firing (K2), when the star moves on the detector"""
QLP_BAD = (1 << 12, 1 << 30)
"""bit of QLP for low precision because of scattered light, up to sector 55 and since sector 56"""
MISSION_BAD = {"Kepler": KEPLER_BAD, "TESS": TESS_BAD, "QLP": TESS_BAD | QLP_BAD[0], "QLP 2": TESS_BAD | QLP_BAD[1]}
"""mission or pipeline -> bits that mark a bad cadence"""
_EITHER_BAD = KEPLER_BAD & TESS_BAD
"""bits that are bad in both missions, for files of an unknown mission"""

_BITS = ("sap_quality", "quality", "dquality", "tess_flags", "tess_quality", "kepler_quality", "spoc_quality")
"""names of columns with a mission's quality bits"""
_FLAGS = (
    "tglc_flags",
    "moving",
    "event",
    "status",
    "flag",
    "flags",
    "bad",
    "outlier",
    "qual",
    "flagged",
    "quality_flag",
)
"""names of columns that are 0 in good rows"""
_LETTERS = ("quality", "qual", "flag", "grade", "q")
_LETTERS_ONLY = ("grade", "q")
_GOOD_LETTERS = ("", "G", "A", "B", "0", "GOOD", "OK")
_ASAS_SN_BAD = ("B", "BAD")
_DATES = {"Kepler": (2454900.0, 2458300.0), "TESS": (2458300.0, 2480000.0)}
"""mission -> range of the full Julian dates of its observations"""
_ZERO_DATE = {"BJD": 0.0, "HJD": 0.0, "JD": 0.0, "MJD": 2400000.5}
_BANDS = ("filter", "filt", "band", "phot_filter", "passband", "bandpass")
_SENTINELS: tuple[float, ...] = (
    -99.0,
    -99.9,
    -99.99,
    -99.999,
    -999.0,
    -999.9,
    -9999.0,
    -99999.0,
    99.0,
    99.9,
    99.99,
    99.999,
    29.999,
)
_SENTINELS += (999.0, 999.9, 999.99, 9999.0, 99999.0, 1e10, -1e10, 1e30, -1e30)
"""numbers that mark a missing value"""
_FAR = 10.0
"""distance from the median, in robust scatters, beyond which a sentinel cannot be a measurement"""
_MOST_FLAGGED = 0.9
"""share of rows: a flag of another pipeline that is set in more rows does not mark bad rows"""


def dated(time: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return ``(n,)`` bool, false where the time is a sentinel, or a zero far from all other times; and notes."""
    with np.errstate(invalid="ignore"):
        known = np.isfinite(time) & (time != 0) & (time > -90)
    if not known.any():
        return np.ones(len(time), bool), []
    first, span = float(time[known].min()), float(np.ptp(time[known]))
    wrong = np.isfinite(time) & ~known
    # A time of 0 is valid if the other times begin near 0.
    if not wrong.any() or first < 2 * max(span, 1.0):
        return np.ones(len(time), bool), []
    return ~wrong, [f"{wrong.sum()} rows whose time is 0 or a sentinel were dropped"]


def no_sentinels(flux: np.ndarray, kind: str, name: str, notes: list[str]) -> np.ndarray:
    """Return ``(n,)`` bool, false where flux is a sentinel: a number that marks a missing value.

    Sentinels are exact zeros among positive flux, and numbers such as -99 or 99.999 far from all other flux.

    Args:
        flux: ``(n,)`` float, in any unit.
        kind: unit of the flux, as in :class:`exojax.io.columns.Measured`.
        name: name of the column, for the notes.
        notes: list to which sentences are added.
    """
    good = np.ones(len(flux), bool)
    finite = np.isfinite(flux)
    if not finite.any():
        return good
    values, counts = np.unique(flux[finite], return_counts=True)
    sentinel = (
        np.array([any(np.isclose(value, number, rtol=1e-6, atol=0) for number in _SENTINELS) for value in values])
        if len(values) < 50
        else np.isin(np.round(values, 4), np.round(_SENTINELS, 4))
    )
    zero = values == 0
    if not (sentinel.any() or zero.any()):
        return good
    plain = flux[finite & ~np.isin(flux, values[sentinel | zero])].astype(np.float64)
    if not len(plain):
        return good
    middle = float(np.median(plain))
    scatter = 1.4826 * float(np.median(np.abs(plain - middle)))
    far = np.abs(values - middle) > _FAR * scatter
    # A number that occurs once may be an outlier, except in magnitudes, where 99 is impossible.
    often = (counts > 1) | (kind == "magnitudes")
    for value in values[sentinel & far & often]:
        good &= flux != value
    if (~good).any():
        first = values[sentinel & far & often][0]
        notes.append(f"{(~good).sum()} values of {name} are sentinels ({first:g}) and were dropped")
    positive = float(np.mean(plain > 0)) > 0.99 and middle > 5 * scatter
    if zero.any() and positive and kind != "magnitudes":
        at_zero = flux == 0
        notes.append(f"{at_zero.sum()} values of {name} are exactly 0 among positive flux and were dropped")
        good &= ~at_zero
    return good


def unflagged(
    columns: Mapping[str, Callable[[], np.ndarray]],
    flux: str,
    mission: str,
    clock: str,
    time: np.ndarray,
    notes: list[str],
) -> np.ndarray:
    """Return ``(n,)`` bool, false where a column of quality or flags marks the measurement as bad.

    Args:
        columns: name in lower case to the function that returns the values of the column.
        flux: name of the column of flux; the flag of an aperture has the same number at its end.
        mission: a key of ``MISSION_BAD``; if it is empty, ``clock`` and ``time`` determine the mission.
        clock: clock of ``time``.
        time: ``(n,)`` float64, days.
        notes: list to which sentences are added.
    """
    good = np.ones(len(time), bool)
    number = re.search(r"(\d)$", flux)
    own = (f"irq{number[1]}", f"flag_ap{number[1]}") if number else ()
    for name in dict.fromkeys((*_BITS, *_FLAGS, *_LETTERS, *own)):
        if name not in columns or name == flux:
            continue
        values = columns[name]()
        if values.ndim != 1 or len(values) != len(good) or (name in _LETTERS_ONLY and values.dtype.kind in "fiub"):
            continue
        kept = (
            _by_bits(values, name, mission or _mission(clock, time))
            if values.dtype.kind in "fiub"
            else _by_letter(values)
        )
        if kept is None:
            continue
        if name not in _BITS and (~kept).mean() > _MOST_FLAGGED:
            notes.append(f"{name} is set in {(~kept).mean():.0%} of the rows; it was not used as a flag of bad rows")
            continue
        if name not in _BITS or not mission:
            lost = good & ~kept
            if lost.any():
                notes.append(f"{lost.sum()} rows that {name} flags as bad were left out")
        good &= kept
    return good


def _by_bits(values: np.ndarray, name: str, mission: str) -> np.ndarray:
    """Return ``(n,)`` bool, true for good rows: without bad bits of the mission, or 0 in another pipeline's flag."""
    number = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=1.0, neginf=1.0)
    if name not in _BITS:
        return number == 0
    bits = np.clip(number, -(2.0**62), 2.0**62).astype(np.int64)
    if mission:
        return (bits & MISSION_BAD[mission]) == 0
    if bits.max(initial=0) <= 1:
        return bits == 0
    return (bits & _EITHER_BAD) == 0


def _by_letter(values: np.ndarray) -> np.ndarray | None:
    letters = np.array(
        [(cell.decode("latin-1") if isinstance(cell, bytes) else str(cell)).strip().upper() for cell in values]
    )
    kinds = set(np.unique(letters).tolist())
    if len(kinds) > 10:
        return None
    if kinds <= {"TRUE", "FALSE", ""}:
        return letters != "TRUE"
    good = set(_GOOD_LETTERS)
    # In ASAS-SN, G is good and B is bad; ASAS-3 has grades from A to D, of which A and B are good.
    if "G" in kinds or "GOOD" in kinds:
        good -= set(_ASAS_SN_BAD)
    return np.isin(letters, sorted(good))


def _mission(clock: str, time: np.ndarray) -> str:
    """Return the mission that follows from the clock and the dates, or an empty text."""
    if clock in ("BKJD", "BTJD"):
        return {"BKJD": "Kepler", "BTJD": "TESS"}[clock]
    if clock not in _ZERO_DATE or not np.isfinite(time).any():
        return ""
    middle = float(np.nanmedian(time)) + _ZERO_DATE[clock]
    return next((name for name, (low, high) in _DATES.items() if low < middle < high), "")


def of_one_band(columns: Mapping[str, Callable[[], np.ndarray]], measured: np.ndarray, notes: list[str]) -> np.ndarray:
    """Return ``(n,)`` bool, true in the band with most measurements, because each band has another scale of flux.

    Args:
        columns: name in lower case to the function that returns the values of the column.
        measured: ``(n,)`` bool, true for good measurements.
        notes: list to which sentences are added.
    """
    for name in _BANDS:
        if name not in columns:
            continue
        values = columns[name]()
        if values.ndim != 1 or len(values) != len(measured):
            continue
        bands = np.array(
            [(cell.decode("latin-1") if isinstance(cell, bytes) else str(cell)).strip() for cell in values.tolist()]
        )
        counts = Counter(bands[measured].tolist())
        if 1 < len(counts) <= 20:
            best, n = counts.most_common(1)[0]
            notes.append(f"{name} has {len(counts)} bands; only {best} is used ({n} of {measured.sum()} measurements)")
            return bands == best
    return np.ones(len(measured), bool)
