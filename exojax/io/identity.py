"""Which star? One spelling for a catalogue number, and the star that a file's name tells."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

# K2 kept Kepler's clock: BKJD = BJD - 2454833; BTJD = BJD - 2457000.
TIME_SYSTEM = {"KIC": "BKJD", "EPIC": "BKJD", "TIC": "BTJD"}

_NUMBER = re.compile(r"(?:(?:KIC|EPIC|TIC)[\s_-]*)?0*([1-9]\d*)(?:\.0*)?", re.IGNORECASE)
_NAMES = [
    ("KIC", re.compile(r"^kplr(\d{9})[-_]")),
    ("EPIC", re.compile(r"^ktwo(\d{9})[-_]|^hlsp_.*_k2_.*?(\d{9})-c\d+")),
    ("TIC", re.compile(r"^tess\d+-s\d+-(\d{16})-|^hlsp_.*?(\d{16})(?:[-_].*)?_tess_|^hlsp_.*_tess_.*?(\d{16})[-_]")),
    *((name, re.compile(rf"^{name}[\s_-]*0*(\d+)(?!\d)", re.IGNORECASE)) for name in TIME_SYSTEM),
]
_ENDING = re.compile(r"(\.(fits?|csv|txt))?(\.gz|\.zip)?$", re.IGNORECASE)


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
    """The file's name without its endings, packed or not."""
    return _ENDING.sub("", path.name)


def of_name(path: Path) -> tuple[str, str] | None:
    """Catalogue (``KIC``, ``EPIC`` or ``TIC``) and number, where the file's name tells them as the missions do."""
    for catalogue, pattern in _NAMES:
        if found := pattern.match(path.name):
            number = next(group for group in found.groups() if group)
            return catalogue, spelling(number)
    return None
