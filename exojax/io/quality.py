"""Find the rows of a table that are no measurement: flags, sentinels, times of zero, other bands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

# Bits of the Kepler Archive Manual (KDMC-10008, table 2-3): attitude tweak, safe mode, coarse point, Earth point,
# desaturation, manual exclude, detector anomaly, no data, thruster firing.
KEPLER_BAD = 1 | 2 | 4 | 8 | 32 | 256 | 16384 | 65536 | 1048576
# Bits of the TESS Science Data Products Description (EXP-TESS-ARC-ICD-0014): attitude tweak, safe mode, coarse point,
# Earth point, Argabrightening, desaturation, manual exclude, bad calibration. "Impulsive outlier" (512, Kepler's 2048)
# is left out on purpose: deep, short transits carry it.
TESS_BAD = 1 | 2 | 4 | 8 | 16 | 32 | 128 | 16384
# Desaturation of the reaction wheels, Kepler's and TESS's, and K2's thrusters: the star moves on the detector.
DUMPS = 32 | 1048576
# QLP's own "low precision" (scattered light): bit 13 up to sector 55, bit 31 since.
QLP_BAD = (1 << 12, 1 << 30)
MISSION_BAD = {"Kepler": KEPLER_BAD, "TESS": TESS_BAD, "QLP": TESS_BAD | QLP_BAD[0], "QLP 2": TESS_BAD | QLP_BAD[1]}
"""bits that make a cadence bad, by whose they are"""
_EITHER_BAD = KEPLER_BAD & TESS_BAD
"""bits that are bad in both missions, for a file that tells neither"""

_BITS = ("sap_quality", "quality", "dquality", "tess_flags", "tess_quality", "kepler_quality", "spoc_quality")
"""columns that hold the missions' bits, in every pipeline that has them"""
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
"""columns that are 0 where all is well"""
_LETTERS = ("quality", "qual", "flag", "grade", "q")
_LETTERS_ONLY = ("grade", "q")
_GOOD_LETTERS = ("", "G", "A", "B", "0", "GOOD", "OK")
_ASAS_SN_BAD = ("B", "BAD")
_DATES = {"Kepler": (2454900.0, 2458300.0), "TESS": (2458300.0, 2480000.0)}
"""full Julian dates between which a mission observed"""
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
"""numbers that stand for none"""
_FAR = 10.0
"""robust scatters from the median beyond which a sentinel cannot be a measurement"""
_MOST_FLAGGED = 0.9
"""share of rows; a flag of other pipelines that is up in more rows is up where all is well"""


def dated(time: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return ``(n,)`` bool, false where the time is a sentinel or a zero far from all others, and a remark."""
    with np.errstate(invalid="ignore"):
        known = np.isfinite(time) & (time != 0) & (time > -90)
    if not known.any():
        return np.ones(len(time), bool), []
    first, span = float(time[known].min()), float(np.ptp(time[known]))
    wrong = np.isfinite(time) & ~known
    # A clock may begin at 0, unless all its other times are far from there.
    if not wrong.any() or first < 2 * max(span, 1.0):
        return np.ones(len(time), bool), []
    return ~wrong, [f"{wrong.sum()} rows whose time is 0 or a sentinel were dropped"]


def no_sentinels(flux: np.ndarray, kind: str, name: str, notes: list[str]) -> np.ndarray:
    """Return ``(n,)`` bool, false where flux is a number that stands for none; remarks go to ``notes``.

    Such are exact zeros amid positive flux, and -99, 99.999 and the like far from all other flux.
    """
    good = np.ones(len(flux), bool)
    finite = np.isfinite(flux)
    if not finite.any():
        return good
    values, counts = np.unique(flux[finite], return_counts=True)
    sentinel = (
        np.array([any(np.isclose(value, one, rtol=1e-6, atol=0) for one in _SENTINELS) for value in values])
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
    # A single one may be a wild measurement, unless the values are magnitudes, where none is 99.
    often = (counts > 1) | (kind == "magnitudes")
    for value in values[sentinel & far & often]:
        good &= flux != value
    if (~good).any():
        notes.append(f"{(~good).sum()} values of {name} are sentinels ({values[sentinel & far & often][0]:g}): dropped")
    positive = float(np.mean(plain > 0)) > 0.99 and middle > 5 * scatter
    if zero.any() and positive and kind != "magnitudes":
        at_zero = flux == 0
        notes.append(f"{at_zero.sum()} values of {name} are exactly 0 amid positive flux: dropped")
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
    """Return ``(n,)`` bool, false where a column of quality or flags says that the measurement is bad.

    Args:
        columns: values of every column, by its name in lower case.
        flux: name of the column of flux; an aperture's own flag has its number.
        mission: of ``MISSION_BAD``, or empty where ``clock`` and ``time`` decide.
        clock: of ``time``.
        time: ``(n,)`` days.
        notes: takes remarks.
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
            notes.append(f"{name} is up in {(~kept).mean():.0%} of the rows: not taken for a flag")
            continue
        if name not in _BITS or not mission:
            lost = good & ~kept
            if lost.any():
                notes.append(f"{lost.sum()} rows that {name} flags as bad were left out")
        good &= kept
    return good


def _by_bits(values: np.ndarray, name: str, mission: str) -> np.ndarray:
    """Return whether rows are good by a number: the mission's bits, or 0 where it is a pipeline's own flag."""
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
        [(one.decode("latin-1") if isinstance(one, bytes) else str(one)).strip().upper() for one in values]
    )
    kinds = set(np.unique(letters).tolist())
    if len(kinds) > 10:
        return None
    if kinds <= {"TRUE", "FALSE", ""}:
        return letters != "TRUE"
    good = set(_GOOD_LETTERS)
    # ASAS-SN has G and B, good and bad; ASAS-3 grades A to D.
    if "G" in kinds or "GOOD" in kinds:
        good -= set(_ASAS_SN_BAD)
    return np.isin(letters, sorted(good))


def _mission(clock: str, time: np.ndarray) -> str:
    """Return the mission that a barycentric clock or date tells, or an empty text."""
    if clock in ("BKJD", "BTJD"):
        return {"BKJD": "Kepler", "BTJD": "TESS"}[clock]
    if clock not in _ZERO_DATE or not np.isfinite(time).any():
        return ""
    middle = float(np.nanmedian(time)) + _ZERO_DATE[clock]
    return next((name for name, (low, high) in _DATES.items() if low < middle < high), "")


def of_one_band(columns: Mapping[str, Callable[[], np.ndarray]], measured: np.ndarray, notes: list[str]) -> np.ndarray:
    """Return ``(n,)`` bool, true in the band that most measurements were made in; bands have scales of their own."""
    for name in _BANDS:
        if name not in columns:
            continue
        values = columns[name]()
        if values.ndim != 1 or len(values) != len(measured):
            continue
        bands = np.array(
            [(one.decode("latin-1") if isinstance(one, bytes) else str(one)).strip() for one in values.tolist()]
        )
        counts = Counter(bands[measured].tolist())
        if 1 < len(counts) <= 20:
            best, n = counts.most_common(1)[0]
            notes.append(f"{name} has {len(counts)} bands: {best} is read ({n} of {measured.sum()} measurements)")
            return bands == best
    return np.ones(len(measured), bool)
