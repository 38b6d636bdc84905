"""Which star? One spelling for a catalogue number, and the star that a file's name tells."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

# K2 kept Kepler's clock: BKJD = BJD - 2454833; BTJD = BJD - 2457000.
TIME_SYSTEM = {"KIC": "BKJD", "EPIC": "BKJD", "TIC": "BTJD"}

_NUMBER = re.compile(r"(?:(?:KIC|EPIC|TIC)[\s_-]*)?0*([1-9]\d*)(?:\.0*)?", re.IGNORECASE)
_NAMES = [
    ("KIC", re.compile(r"(?:^|_)kplr(\d{9})[-_]")),
    ("EPIC", re.compile(r"^ktwo(\d{9})[-_]|^hlsp_.*_k2_.*?(?<!\d)(\d{9})-c\d+")),
    ("TIC", re.compile(r"^tess\d+-s\d+(?:-s\d+)?-(\d{16})-|^hlsp_.*?(?<!\d)(\d{16})(?!\d)(?:[-_].*)?_tess_")),
    ("TIC", re.compile(r"^hlsp_.*_tess_.*?(?<!\d)(\d{16})[-_]|^hlsp_.*[-_]tic[-_]?0*(\d{1,11})(?!\d)")),
    ("Gaia", re.compile(r"^hlsp_.*[-_]gaia(?:two|dr\d|id)?[-_]?0*(\d{15,19})(?!\d)")),
    *((name, re.compile(rf"^{name}[\s_-]*0*(\d{{1,11}})(?!\d)", re.IGNORECASE)) for name in TIME_SYSTEM),
]
_ENDING = re.compile(r"(\.(fits?|csv|txt|dat|tsv|tbl|ecsv|tab|lc|asc|ascii|xls))?(\.gz|\.zip)?$", re.IGNORECASE)
_LONGEST = 11
"""digits of a catalogue number; Gaia's have 15 to 19"""
_FIRST_EPIC = 200_000_001
"""K2's numbers begin here, above all of Kepler's"""


def spelling(name: str) -> str:
    """A star's identifier as it is spelled everywhere: ``TIC 00123``, ``123.0`` and ``123`` are ``123``.

    Anything but a catalogue number is kept, without the blanks around it.
    """
    number = _NUMBER.fullmatch(name.strip())
    return number[1] if number else name.strip()


def spellings(names: np.ndarray) -> np.ndarray:
    """``spelling`` of every element of ``(n,)`` str."""
    text = np.char.strip(names.astype(str))
    bare = np.char.lstrip(text, "0")
    # Most are plain digits already, and a catalogue has many.
    plain = np.char.isdigit(text) & (bare != "")
    return np.where(plain, bare, [name if ok else spelling(name) for name, ok in zip(text.tolist(), plain.tolist())])


def stem(path: Path) -> str:
    """Return the file's name without its endings, packed or not, as text that can be written anywhere."""
    return printable(_ENDING.sub("", path.name))


def printable(text: str) -> str:
    """Return text that is UTF-8: bytes of a file's name that are none become ``\\xff`` and the like."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def of_name(path: Path) -> tuple[str, str] | None:
    """Return catalogue (``KIC``, ``EPIC``, ``TIC`` or ``Gaia``) and number, where a file's name tells them."""
    for catalogue, pattern in _NAMES:
        if found := pattern.match(path.name):
            number = next(group for group in found.groups() if group)
            return catalogue, spelling(number)
    return None


def number_in(value: object) -> str:
    """Return a catalogue number that a header holds as a number or as text, spelled as everywhere; else empty."""
    text = spelling(str(value)) if isinstance(value, str | int | np.integer) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() and int(text[:30]) > 0 else ""


def of_number(number: str, catalogue: str) -> str:
    """Return the catalogue of a number that a mission's file has: Gaia's are longer, K2's above Kepler's."""
    if len(number) > _LONGEST:
        return "Gaia"
    if catalogue in ("KIC", "EPIC"):
        return "EPIC" if int(number) >= _FIRST_EPIC else catalogue
    return catalogue
