"""Normalise the ids of stars, and find the star in the name of a file."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

TIME_SYSTEM = {"KIC": "BKJD", "EPIC": "BKJD", "TIC": "BTJD"}
"""catalogue -> clock of its mission: BKJD = BJD - 2454833, which K2 uses too; BTJD = BJD - 2457000"""

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
"""largest number of digits of a KIC, EPIC or TIC number; Gaia's have 15 to 19"""
_FIRST_EPIC = 200_000_001
"""smallest EPIC number, above all KIC numbers"""


def spelling(name: str) -> str:
    """Return the normalised id of a star: ``TIC 00123``, ``123.0`` and ``123`` give ``123``.

    A name that is no catalogue number is returned without leading and trailing blanks.
    """
    number = _NUMBER.fullmatch(name.strip())
    return number[1] if number else name.strip()


def spellings(names: np.ndarray) -> np.ndarray:
    """Return :func:`spelling` of every element of ``names (n,)``, as ``(n,)`` str."""
    text = np.char.strip(names.astype(str))
    bare = np.char.lstrip(text, "0")
    # Plain digits, the most frequent case, are handled by NumPy for speed.
    plain = np.char.isdigit(text) & (bare != "")
    return np.where(plain, bare, [name if ok else spelling(name) for name, ok in zip(text.tolist(), plain.tolist())])


def stem(path: Path) -> str:
    """Return the name of a file without its endings, such as ``.fits.gz``, as printable UTF-8."""
    return printable(_ENDING.sub("", path.name))


def printable(text: str) -> str:
    """Return text as UTF-8: bytes of a file name that are not UTF-8 become escapes such as ``\\xff``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def of_name(path: Path) -> tuple[str, str] | None:
    """Return catalogue (``KIC``, ``EPIC``, ``TIC`` or ``Gaia``) and number in a file's name; None if it has none."""
    for catalogue, pattern in _NAMES:
        if found := pattern.match(path.name):
            number = next(group for group in found.groups() if group)
            return catalogue, spelling(number)
    return None


def number_in(value: object) -> str:
    """Return the normalised catalogue number in the value of a header's keyword; empty if it is none."""
    text = spelling(str(value)) if isinstance(value, str | int | np.integer) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() and int(text[:30]) > 0 else ""


def of_number(number: str, catalogue: str) -> str:
    """Return the catalogue of a number in a file of a mission, corrected for Gaia (long) and EPIC (large) numbers."""
    if len(number) > _LONGEST:
        return "Gaia"
    if catalogue in ("KIC", "EPIC"):
        return "EPIC" if int(number) >= _FIRST_EPIC else catalogue
    return catalogue
