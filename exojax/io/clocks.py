"""Times of a file -> days on a known clock: BKJD, BTJD, BJD, HJD, JD or MJD; ``file`` where nothing tells which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from exojax.errors import InputError

ZERO = {"BJD": 0.0, "HJD": 0.0, "JD": 0.0, "MJD": 2400000.5, "BKJD": 2454833.0, "BTJD": 2457000.0}
"""Julian date of each clock's zero, days"""
BARYCENTRIC = ("BJD", "BKJD", "BTJD")
"""clocks that count the same days from different zeros; the others are up to 8.3 minutes off"""
PLAUSIBLE = {"BKJD": (50.0, 5000.0), "BTJD": (1200.0, 12000.0), "MJD": (30000.0, 80000.0)}
"""days between which a mission's times (or those of this century) lie"""
JULIAN = 2400000.0
"""days above which a time is a full Julian date"""
UNITS = {"days": 1.0, "hours": 1 / 24, "minutes": 1 / 1440, "seconds": 1 / 86400}
_UNITS = {
    "days": ("d", "day", "days"),
    "hours": ("h", "hr", "hrs", "hour", "hours"),
    "minutes": ("min", "mins", "minute", "minutes"),
    "seconds": ("s", "sec", "secs", "second", "seconds"),
}
_SHORT = ("d", "h", "min", "s")
"""words that are a unit in brackets or in a header, but not in a name (``t_min`` is the first time)"""
_FOREIGN = ("yr", "year", "years", "ms", "us", "ns", "century")
_NAMES = (
    ("BKJD", "BKJD|KBJD|KJD"),
    ("BTJD", "BTJD|TBJD|TJD"),
    ("BMJD", "BMJD|MBJD"),
    ("MJD", "MJD"),
    ("BJD", "BJD"),
    ("HJD", "HJD"),
    ("JD", "R?JD|JULIAN"),
)
_LONGEST = 20000.0
"""days between first and last that photometry of one star covers at most; more is another unit"""
_COARSE = 0.2
"""days: a regular step of more may be hours or minutes"""
_FINE = 5 / 86400
"""days: photometry of stars has no shorter step"""


@dataclass(frozen=True)
class Clock:
    """Rule by which times of a file become days.

    Attributes:
        name: of ``ZERO``, or ``file`` where the clock is not known.
        factor: days of one unit of the file's.
        shift: days to add after that.
        notes: what a reader of the figures has to know, one sentence each.
    """

    name: str
    factor: float = 1.0
    shift: float = 0.0
    notes: tuple[str, ...] = ()

    def days(self, time: np.ndarray) -> np.ndarray:
        """Return ``time (n,)`` in days; the same bits where nothing is to be converted."""
        days = time if self.factor == 1 else time * self.factor
        return days if self.shift == 0 else days + self.shift


def of_text(text: str) -> tuple[str, float | None] | None:
    """Return the clock that a name or unit tells, and the Julian date that was subtracted, where it does.

    >>> of_text("BJD - 2457000, days"), of_text("BJD_TDB"), of_text("time")
    (('BTJD', 2457000.0), ('BJD', None), None)
    """
    plain = text.upper().replace("J.D.", "JD")
    # The letters TDB, UTC and the like are no clock of their own.
    letters = next((name for name, form in _NAMES if re.search(rf"(?<![A-Z])(?:{form})(?![A-Z])", plain)), None)
    zero = re.search(r"(?<!\d)(24\d{5}(?:\.\d+)?)(?!\d)", plain)
    if zero is not None:
        number = float(zero[1])
        named = next((name for name in ("BKJD", "BTJD", "MJD") if ZERO[name] == number), None)
        if named is not None and (named == "MJD" or letters in (None, "BJD", named)):
            return named, number
        letters = letters if letters in ("HJD", "JD") else "BJD"
        return letters, number
    return None if letters is None else (letters, None)


def unit_of(name: str, unit: str, stated: str = "") -> str | None:
    """Return ``days``, ``hours``, ``minutes`` or ``seconds``, from a unit, a header's unit, or words of the name.

    Raises:
        InputError: the unit is of time, but none of these.
    """
    for text, short in ((unit, True), (stated, True), (name, False)):
        words = re.findall(r"[a-z]+", text.lower())
        for days, forms in _UNITS.items():
            if any(word in forms and (short or word not in _SHORT) for word in words):
                return days
        if short and any(word in _FOREIGN for word in words):
            raise InputError(f"times are in {text.strip()}: give days, hours, minutes or seconds")
    return None


def clock_of(
    name: str,
    unit: str,
    header: Mapping[str, Any],
    mission_clock: str,
    time: np.ndarray,
    *,
    time_unit: str | None = None,
    clock: str | None = None,
) -> Clock:
    """Return how a column of times becomes days, and on which clock.

    The order: what the user states; the column's own name and unit; the header's reference date (``BJDREFI`` and
    ``BJDREFF``, ``JDREF``, ``MJDREF``); the mission; the size of the times.

    Args:
        name: of the column.
        unit: of the column, as the file has it.
        header: keywords of the file, in capitals.
        mission_clock: ``BKJD`` or ``BTJD`` where the star's catalogue or the mission is known, else empty.
        time: ``(n,)`` float64, NaN where unknown.
        time_unit: stated by the user: one of ``UNITS``.
        clock: stated by the user: one of ``ZERO``.

    Raises:
        InputError: times can be days or another unit and nothing decides. The message names the option that does.
    """
    notes: list[str] = []
    known = time[np.isfinite(time)]
    middle = float(np.median(known)) if len(known) else 0.0
    header_unit = str(header.get("TIMEUNIT", ""))
    named = of_text(
        f"{name} {unit} {header.get('DATE_TYPE', '')} {header.get('DATE', '') if name.upper() == 'DATE' else ''}"
    )
    words = time_unit or unit_of(name, unit, header_unit)
    if words is None:
        words = "days" if named or mission_clock or middle > JULIAN else _plain_days(known)
    factor = UNITS[words]
    if factor != 1:
        notes.append(f"times are in {words}: converted to days")
        known, middle = known * factor, middle * factor
    if clock is not None:
        shift = ZERO[clock] if clock == "MJD" and middle > JULIAN else 0.0
        return Clock(clock, factor, -shift, tuple(notes))
    if middle > JULIAN:
        found = named[0] if named and named[0] in ("HJD", "JD") else "BJD"
        return Clock(found, factor, 0.0, tuple(notes))
    reference = _reference(header)
    if named and (named[1] is not None or named[0] in ("BKJD", "BTJD", "MJD", "BMJD")):
        found, shift = named[0], named[1] or 0.0
        if found == "BMJD":
            found, shift = "BJD", ZERO["MJD"]
        if found in ("BKJD", "BTJD", "MJD"):
            shift = 0.0
    elif reference is not None:
        found, shift = reference
    elif mission_clock and (named is None or named[0] == "BJD"):
        found, shift = mission_clock, 0.0
    elif named and 40000 < middle < 80000:
        found, shift = named[0], 2400000.0
        notes.append(f"{name} is taken for {named[0]} - 2400000")
    elif named and named[0] in ("HJD", "JD") and 1000 < middle < 15000:
        found, shift = named[0], 2450000.0
        notes.append(f"{name} is taken for {named[0]} - 2450000")
    else:
        found, shift = "file", 0.0
    low, high = PLAUSIBLE.get(found, (-np.inf, np.inf))
    if len(known) and not low <= middle + shift <= high:
        notes.append(f"times of about {middle:.6g} cannot be {found}: the clock is not known (--clock states it)")
        found, shift = "file", 0.0
    return Clock(found, factor, shift, tuple(notes))


def convert(t: np.ndarray, source: str, target: str) -> np.ndarray:
    """Return epochs ``(n,)`` float64 of one clock on another.

    Raises:
        InputError: one of the clocks is not known.
    """
    if source == target:
        return t
    for one in (source, target):
        if one not in ZERO:
            raise InputError(f"the clock {one!r} is not known: give one of {', '.join(ZERO)}")
    return t + (ZERO[source] - ZERO[target])


def _reference(header: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the clock of a header's reference date, and the days to add to its times."""
    for stem, letters, origin in (
        ("BJDREF", "BJD", 0.0),
        ("JDREF", "JD", 0.0),
        ("JD_REF", "JD", 0.0),
        ("MJDREF", "MJD", 0.0),
    ):
        parts = [_number(header.get(f"{stem}{end}")) for end in ("", "I", "F")]
        if all(part is None for part in parts):
            continue
        zero = sum(part or 0.0 for part in parts) + origin
        if not np.isfinite(zero):
            return None
        for clock in ("BKJD", "BTJD"):
            # A fraction stands in BJDREFF, and is added.
            if letters == "BJD" and 0 <= zero - ZERO[clock] < 1:
                return clock, zero - ZERO[clock]
        return letters, zero
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return None
    return float(value)


def _plain_days(known: np.ndarray) -> str:
    """Return ``days`` where the times by themselves can be nothing else that photometry has.

    Raises:
        InputError: they fit another unit as well, or better.
    """
    if len(known) < 3:
        return "days"
    steps = np.diff(np.sort(known))
    steps = steps[steps > 0]
    span = float(np.ptp(known))
    if not len(steps):
        return "days"
    step = float(np.median(steps))
    regular = float(np.mean(np.abs(steps - step) < 0.02 * step)) > 0.8
    if span > _LONGEST or (regular and step > _COARSE):
        fit = [words for words, days in UNITS.items() if span * days <= _LONGEST and _FINE <= step * days <= _COARSE]
        others = " or ".join(fit) or "another unit"
        raise InputError(
            f"times in steps of {step:.4g} over {span:.6g} may be days or {others}, and nothing in the file tells: "
            "state it with --time-unit"
        )
    return "days"
