"""The spacecraft's own rhythm: periods of its orbit and thrusters, and transits that follow interruptions of the data.

Reaction wheels are relieved by thrusters every few days; the pointing jumps, the flux with it, and a cadence or more is
lost. Such dips come at regular times in many stars.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.io import clocks
from exojax.vetting.coverage import share_at_gaps
from exojax.vetting.transit_series import TransitSeries
from exojax.vetting.verdict import Verdict, above

K2_BEGAN = 1900.0
"""BKJD; Kepler's last quarter ended at 1591, and K2's first campaign began at 1940"""
TESS_BEGAN = 2458325.0
"""BJD of the first sector's first cadence; K2 ended 62 days later"""
TESS_YEAR_ONE = 1683.0
"""BTJD; momentum was dumped every 2.5, 3.125 or 3.375 days until then, later at other intervals"""
THRUSTERS, MOST_MULTIPLE = 12 * 29.4244 / 1440, 6
"""K2's roll was corrected every 12 cadences, days; a longer period lies near some multiple by chance"""
TESS_ORBIT, TESS_DUMPS = 13.7, (2.5, 3.125, 3.375)
"""days"""
NEAR, NEAR_ORBIT = 0.003, 0.02
"""share by which a period differs from the spacecraft's at most; that of TESS's orbit varies"""
INTERRUPTION = 1.5
"""cadences between neighbours, from which one is lost"""
REACH = 0.75
"""durations from mid-transit in which data are interrupted at a dump"""
AT_DUMPS = (0.49, 0.75)
"""share of three transits or more at interruptions: from the first inconclusive, from the second it fails, where chance
makes less"""
CHANCE, LEAST = 0.1, 3


@dataclass(frozen=True)
class SpacecraftTest:
    """What of a candidate is the spacecraft's.

    Attributes:
        rhythm: days, the spacecraft's period that the candidate has; NaN where it has none.
        name: of it, empty for none.
        at_dumps: share of the transits with an interruption of the data in them.
        chance: share of other epochs at the same period with as large a share; NaN where it is small anyway.
        verdict_period: fails on the spacecraft's period.
        verdict_dumps: fails where the transits keep to interruptions.
    """

    rhythm: float
    name: str
    at_dumps: float
    chance: float
    verdict_period: Verdict
    verdict_dumps: Verdict


def spacecraft_test(series: TransitSeries, cadence: float, time_system: str) -> SpacecraftTest:
    """Compare period and epochs with those of the spacecraft.

    Args:
        series: of the candidate.
        cadence: days between samples.
        time_system: ``BKJD``, ``BTJD`` or ``BJD``; of others no period is known.
    """
    rhythm, name = nearest_rhythm(series.period, series.t0, time_system)
    period: Verdict = "not known" if series.single or time_system not in clocks.BARYCENTRIC else "pass"
    if name:
        period = "fail"
    if len(series.events) < LEAST or series.single:
        return SpacecraftTest(rhythm, name, float("nan"), float("nan"), period, "not known")
    share, chance = share_at_gaps(series, INTERRUPTION * cadence, REACH * series.duration, AT_DUMPS[0])
    dumps = above(share, *AT_DUMPS) if chance <= CHANCE else "pass"
    return SpacecraftTest(rhythm, name, share, chance, period, dumps)


def nearest_rhythm(period: float, t0: float, time_system: str) -> tuple[float, str]:
    """Return the spacecraft's period that a candidate has, in days, and its name; NaN and an empty text for none.

    Args:
        period: days, or NaN or infinite for a single transit.
        t0: days in ``time_system``; it separates K2 from Kepler, and in BJD TESS from K2.
        time_system: ``BKJD``, ``BTJD`` or ``BJD``.
    """
    none = float("nan"), ""
    if not (period > 0 and np.isfinite(period)):
        return none
    if time_system == "BJD":
        time_system = "BTJD" if t0 >= TESS_BEGAN else "BKJD"
        t0 = t0 - clocks.ZERO[time_system]
    if time_system == "BKJD" and t0 > K2_BEGAN:
        k = round(period / THRUSTERS)
        if 1 <= k <= MOST_MULTIPLE and abs(period / (k * THRUSTERS) - 1) <= NEAR:
            return k * THRUSTERS, f"{k} × {THRUSTERS:.4f} d, K2's thrusters"
    if time_system == "BTJD":
        for dumps in TESS_DUMPS if t0 < TESS_YEAR_ONE else ():
            if abs(period / dumps - 1) <= NEAR:
                return dumps, f"TESS dumped momentum every {dumps:g} d"
        for part, words in ((1.0, "TESS's orbit"), (0.5, "half of TESS's orbit"), (2.0, "two of TESS's orbits")):
            if abs(period / (part * TESS_ORBIT) - 1) <= NEAR_ORBIT:
                return part * TESS_ORBIT, f"{words}, {part * TESS_ORBIT:.4g} d"
    return none
