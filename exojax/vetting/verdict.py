"""The verdict of a test of a candidate, from a measured number and two limits."""

from __future__ import annotations

import math
from typing import Literal

Verdict = Literal["pass", "inconclusive", "fail", "not known"]
_BADNESS: tuple[Verdict, ...] = ("fail", "inconclusive", "pass", "not known")


def above(value: float, doubtful: float, failed: float) -> Verdict:
    """Return the verdict for a number that speaks against a planet if it is large.

    Args:
        value: the number; NaN if it was not measured, which gives "not known".
        doubtful: smallest value with the verdict "inconclusive".
        failed: smallest value with the verdict "fail".
    """
    if math.isnan(value):
        return "not known"
    return "fail" if value >= failed else "inconclusive" if value >= doubtful else "pass"


def below(value: float, doubtful: float, failed: float) -> Verdict:
    """Return the verdict for a number that speaks against a planet if it is small; see :func:`above`."""
    return above(-value, -doubtful, -failed)


def worst(*verdicts: Verdict) -> Verdict:
    """Return the worst of several verdicts; "not known" only if all are "not known"."""
    return min(verdicts, key=_BADNESS.index)
