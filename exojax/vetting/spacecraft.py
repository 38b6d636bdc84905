"""Periods of the spacecraft (its orbit and thrusters), and transits at interruptions of the data.

Thrusters unload the reaction wheels every few days. Then the pointing and the flux jump, and one or more cadences are
lost. The resulting dips occur at regular times in many stars.
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
"""BTJD; until this time momentum was dumped every 2.5, 3.125 or 3.375 days, later at other intervals"""
THRUSTERS, MOST_MULTIPLE = 12 * 29.4244 / 1440, 6
"""interval of K2's roll corrections (12 cadences, in days), and largest multiple that is compared: a longer period lies
near a multiple by chance"""
TESS_ORBIT, TESS_DUMPS = 13.7, (2.5, 3.125, 3.375)
"""days"""
NEAR, NEAR_ORBIT = 0.003, 0.02
"""largest relative difference between a period and one of the spacecraft; the second is for TESS's orbit, which varies
"""
INTERRUPTION = 1.5
"""time between neighbours, in cadences, from which a cadence is missing"""
REACH = 0.75
"""largest distance between mid-transit and an interruption, in durations"""
AT_DUMPS = (0.49, 0.75)
"""share of the transits at interruptions, for three or more transits: inconclusive from the first value, failed from
the second, unless chance gives as many"""
CHANCE, LEAST = 0.1, 3


@dataclass(frozen=True)
class SpacecraftTest:
    """Comparison of a candidate with the periods and interruptions of the spacecraft.

    Attributes:
        rhythm: period of the spacecraft that equals the candidate's, days; NaN if there is none.
        name: name of that period; empty if there is none.
        at_dumps: share of the transits that contain an interruption of the data.
        chance: share of other epochs at the same period with as large a share; NaN if ``at_dumps`` is small.
        verdict_period: "fail" if the candidate has a period of the spacecraft.
        verdict_dumps: "fail" if more transits contain interruptions than chance explains.
    """

    rhythm: float
    name: str
    at_dumps: float
    chance: float
    verdict_period: Verdict
    verdict_dumps: Verdict


def spacecraft_test(
    series: TransitSeries, cadence: float, time_system: str, dumps: np.ndarray | None = None
) -> SpacecraftTest:
    """Compare period and epochs of a candidate with those of the spacecraft.

    Args:
        series: light curve of the candidate.
        cadence: days between samples.
        time_system: ``BKJD``, ``BTJD`` or ``BJD``; for others no period of a spacecraft is known.
        dumps: ``(k,)`` float64 days, times of momentum dumps from the quality flags, which count as interruptions: on a
            coarser grid no cadence is missing there. None if the file has no flags; then only lost cadences count.
    """
    rhythm, name = nearest_rhythm(series.period, series.t0, time_system)
    period: Verdict = "not known" if series.single or time_system not in clocks.BARYCENTRIC else "pass"
    if name:
        period = "fail"
    if len(series.events) < LEAST or series.single:
        return SpacecraftTest(rhythm, name, float("nan"), float("nan"), period, "not known")
    share, chance = share_at_gaps(series, INTERRUPTION * cadence, REACH * series.duration, AT_DUMPS[0], dumps)
    at_dumps = above(share, *AT_DUMPS) if chance <= CHANCE else "pass"
    return SpacecraftTest(rhythm, name, share, chance, period, at_dumps)


def nearest_rhythm(period: float, t0: float, time_system: str) -> tuple[float, str]:
    """Return the period of the spacecraft that equals the candidate's, in days, and its name; else NaN and "".

    Args:
        period: days; NaN or infinite for a single transit.
        t0: days in ``time_system``; it distinguishes K2 from Kepler, and in BJD also TESS from K2.
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
