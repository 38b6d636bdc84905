"""Rows that no choice sees: a fifth of the stars of each real set, by a hash of their catalogue number."""

from __future__ import annotations

import hashlib

import numpy as np

SHARE = 5
"""one star in so many is set aside"""


def is_set_aside(number: object) -> np.ndarray:
    """Return whether stars are set aside: bool, of the shape of ``number``.

    The rule depends on the number alone, so that it is the same in every file, split and release.

    Args:
        number: catalogue numbers (KIC, TIC) as int or str, one or an array of any shape; 5 and ``"5"`` are one star.
    """
    numbers = np.asarray(number)
    names, place = np.unique(numbers.astype(str), return_inverse=True)
    aside = [int(hashlib.sha256(name.encode()).hexdigest(), 16) % SHARE == 0 for name in names.tolist()]
    return np.array(aside, bool)[place].reshape(numbers.shape)


def chosen(ids: np.ndarray, rows: str) -> np.ndarray:
    """Return ``(n,)`` bool, the rows that a name stands for.

    Args:
        ids: ``(n,)`` str, catalogue numbers.
        rows: ``rest`` (not set aside), ``set-aside`` or ``all``.

    Raises:
        ValueError: ``rows`` is none of these.
    """
    if rows == "all":
        return np.ones(len(ids), bool)
    if rows not in ("rest", "set-aside"):
        raise ValueError(f"rows is {rows!r}: give rest, set-aside or all")
    aside = is_set_aside(ids)
    return aside if rows == "set-aside" else ~aside
