"""The words in which a test of a candidate ends, and the limits that lead to them."""

from __future__ import annotations

import math
from typing import Literal

Verdict = Literal["pass", "inconclusive", "fail", "not known"]
_BADNESS: tuple[Verdict, ...] = ("fail", "inconclusive", "pass", "not known")


def above(value: float, doubtful: float, failed: float) -> Verdict:
    """Return the verdict of a number that speaks against a planet where it is large.

    Args:
        value: NaN where it was not measured.
        doubtful: from here on it is inconclusive.
        failed: from here on the candidate fails.
    """
    if math.isnan(value):
        return "not known"
    return "fail" if value >= failed else "inconclusive" if value >= doubtful else "pass"


def below(value: float, doubtful: float, failed: float) -> Verdict:
    """Return the verdict of a number that speaks against a planet where it is small; see :func:`above`."""
    return above(-value, -doubtful, -failed)


def worst(*verdicts: Verdict) -> Verdict:
    """Return the worst of several verdicts; "not known" only where all are."""
    return min(verdicts, key=_BADNESS.index)
