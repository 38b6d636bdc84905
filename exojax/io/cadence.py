"""Return the cadence of rows without a time axis."""

from __future__ import annotations

import math

from exojax.config import KEPLER_CADENCE_MINUTES
from exojax.errors import InputError


def stated(cadence_minutes: float | None) -> tuple[float, tuple[str, ...]]:
    """Return the days between samples, and a warning if no cadence was stated.

    Args:
        cadence_minutes: the stated cadence, minutes; None assumes that of Kepler and K2, 29.4244.

    Raises:
        InputError: the cadence is not a positive number.
    """
    if cadence_minutes is None:
        warning = f"a cadence of {KEPLER_CADENCE_MINUTES} minutes is assumed, because the file has no time axis"
        return KEPLER_CADENCE_MINUTES / 1440, (warning,)
    if not (math.isfinite(cadence_minutes) and cadence_minutes > 0):
        raise InputError(f"--cadence-minutes {cadence_minutes}: give a positive number, such as 29.4244")
    return cadence_minutes / 1440, ()
