"""The cadence of rows that come without a time axis."""

from __future__ import annotations

import math

from exojax.config import KEPLER_CADENCE_MINUTES
from exojax.errors import InputError


def stated(cadence_minutes: float | None) -> tuple[float, tuple[str, ...]]:
    """Days between samples, and the warning that belongs to it where nobody stated a cadence (None).

    Raises:
        InputError: the cadence is not a positive number.
    """
    if cadence_minutes is None:
        warning = f"cadence of {KEPLER_CADENCE_MINUTES} minutes is assumed; the file has no time axis"
        return KEPLER_CADENCE_MINUTES / 1440, (warning,)
    if not (math.isfinite(cadence_minutes) and cadence_minutes > 0):
        raise InputError(f"a cadence of {cadence_minutes} minutes: give a positive number, such as 29.4244")
    return cadence_minutes / 1440, ()
