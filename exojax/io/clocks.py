"""Convert the times of a file to days on a known clock: BKJD, BTJD, BJD, HJD, JD or MJD; ``file`` if it is unknown."""

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
"""barycentric clocks, which differ in their zero only; the others deviate by up to 8.3 minutes"""
PLAUSIBLE = {"BKJD": (50.0, 5000.0), "BTJD": (1200.0, 12000.0), "MJD": (30000.0, 80000.0)}
"""clock -> range of plausible times, days"""
JULIAN = 2400000.0
"""days above which a time is a full Julian date"""
UNITS = {"days": 1.0, "hours": 1 / 24, "minutes": 1 / 1440, "seconds": 1 / 86400}
"""unit -> days"""
_UNITS = {
    "days": ("d", "day", "days"),
    "hours": ("h", "hr", "hrs", "hour", "hours"),
    "minutes": ("min", "mins", "minute", "minutes"),
    "seconds": ("s", "sec", "secs", "second", "seconds"),
}
_SHORT = ("d", "h", "min", "s")
"""words that mean a unit in brackets or in a header, but not in a name (``t_min`` is the first time)"""
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
"""days: longest plausible light curve of one star; longer times are in another unit"""
_COARSE = 0.2
"""days: longest regular step that is plausible; longer steps may be in hours or minutes"""
_FINE = 5 / 86400
"""days: shortest plausible step of photometry"""


@dataclass(frozen=True)
class Clock:
    """The conversion of a file's times to days.

    Attributes:
        name: a key of ``ZERO``, or ``file`` if the clock is unknown.
        factor: days per unit of the file's times.
        shift: days to add after the multiplication.
        notes: one sentence for each choice or conversion that changes the meaning of the times.
    """

    name: str
    factor: float = 1.0
    shift: float = 0.0
    notes: tuple[str, ...] = ()

    def days(self, time: np.ndarray) -> np.ndarray:
        """Return ``time (n,)`` in days; bit-identical if no conversion is needed."""
        days = time if self.factor == 1 else time * self.factor
        return days if self.shift == 0 else days + self.shift


def of_text(text: str) -> tuple[str, float | None] | None:
    """Return the clock in the name or unit of a column, and the Julian date that was subtracted; None without a clock.

    >>> of_text("BJD - 2457000, days"), of_text("BJD_TDB"), of_text("time")
    (('BTJD', 2457000.0), ('BJD', None), None)
    """
    plain = text.upper().replace("J.D.", "JD")
    # Time scales such as TDB and UTC are ignored.
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
    """Return the unit of time: ``days``, ``hours``, ``minutes`` or ``seconds``; None if it is unknown.

    Args:
        name: name of the column, whose words are considered last.
        unit: unit of the column, considered first.
        stated: unit of times in the header.

    Raises:
        InputError: the unit is another unit of time, such as years.
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
    """Return the conversion of a column of times to days on a clock.

    The sources of information, in this order: the user; the name and unit of the column; the header's reference date
    (``BJDREFI`` and ``BJDREFF``, ``JDREF``, ``MJDREF``); the mission; the size of the times.

    Args:
        name: name of the column.
        unit: unit of the column, as in the file.
        header: keywords of the file, in capitals.
        mission_clock: ``BKJD`` or ``BTJD`` if the star's catalogue or the mission is known, else empty.
        time: ``(n,)`` float64, NaN where unknown.
        time_unit: unit stated by the user, a key of ``UNITS``; or None.
        clock: clock stated by the user, a key of ``ZERO``; or None.

    Raises:
        InputError: the times may be in days or in another unit. The message names the option that states the unit.
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
        notes.append(f"times are in {words}; they were converted to days")
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
        notes.append(f"{name} is read as {named[0]} - 2400000")
    elif named and named[0] in ("HJD", "JD") and 1000 < middle < 15000:
        found, shift = named[0], 2450000.0
        notes.append(f"{name} is read as {named[0]} - 2450000")
    else:
        found, shift = "file", 0.0
    low, high = PLAUSIBLE.get(found, (-np.inf, np.inf))
    if len(known) and not low <= middle + shift <= high:
        notes.append(f"times of about {middle:.6g} cannot be {found}; the clock is unknown (state it with --clock)")
        found, shift = "file", 0.0
    return Clock(found, factor, shift, tuple(notes))


def convert(t: np.ndarray, source: str, target: str) -> np.ndarray:
    """Convert epochs ``t (n,)``, float64 days, from one clock to another.

    Raises:
        InputError: one of the clocks is unknown.
    """
    if source == target:
        return t
    for name in (source, target):
        if name not in ZERO:
            raise InputError(f"the clock {name!r} is unknown: give one of {', '.join(ZERO)}")
    return t + (ZERO[source] - ZERO[target])


def _reference(header: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the clock of a header's reference date, and the days to add to its times; None without such a date."""
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
            # BJDREFF holds a fraction of a day, which is added.
            if letters == "BJD" and 0 <= zero - ZERO[clock] < 1:
                return clock, zero - ZERO[clock]
        return letters, zero
    return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return None
    return float(value)


def _plain_days(known: np.ndarray) -> str:
    """Return ``days`` if the steps and the span of the times exclude other units.

    Raises:
        InputError: another unit fits the times as well, or better.
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
            f"times in steps of {step:.4g} over {span:.6g} may be in days or in {others}, and the file does not state "
            "the unit: give --time-unit"
        )
    return "days"
