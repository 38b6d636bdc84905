"""Set aside a fifth of the stars with a catalogue number, so that no training and no choice sees them."""

from __future__ import annotations

import hashlib

import numpy as np

SHARE = 5
"""one star in this number is set aside"""


def is_set_aside(number: object) -> np.ndarray:
    """Return whether stars are set aside: bool, of the shape of ``number``.

    The rule, SHA-256 of the number modulo 5, is the same in every file, split and release.

    Args:
        number: catalogue numbers (KIC, TIC) as int or str, one or an array of any shape; 5 and ``"5"`` are one star.
    """
    numbers = np.asarray(number)
    names, place = np.unique(numbers.astype(str), return_inverse=True)
    aside = [int(hashlib.sha256(name.encode()).hexdigest(), 16) % SHARE == 0 for name in names.tolist()]
    return np.array(aside, bool)[place].reshape(numbers.shape)


def chosen(ids: np.ndarray, rows: str) -> np.ndarray:
    """Return ``(n,)`` bool, true for the rows that ``rows`` names.

    Args:
        ids: ``(n,)`` str, catalogue numbers.
        rows: ``rest`` (not set aside), ``set-aside`` or ``all``.

    Raises:
        ValueError: ``rows`` is another text.
    """
    if rows == "all":
        return np.ones(len(ids), bool)
    if rows not in ("rest", "set-aside"):
        raise ValueError(f"rows is {rows!r}: give rest, set-aside or all")
    aside = is_set_aside(ids)
    return aside if rows == "set-aside" else ~aside
