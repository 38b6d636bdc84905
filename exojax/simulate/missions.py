"""Simulate what the stars of one pointing share: cadences, gaps and systematic trends, for Kepler, K2 and TESS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.simulate.systematics import CADENCE, draw_campaign

TESS_CADENCE = 30.0 / 1440
K2_CADENCES = 3197
# Share of pointings, and their quarters as (length, gap before it) in days: Q1 and Q2; Q0 and Q1; two full quarters.
_KEPLER = (
    (0.62, ((33.5, 0.0), (88.9, 4.6))),
    (0.24, ((9.7, 0.0), (33.5, 1.2))),
    (0.14, ((89.5, 0.0), (93.0, 3.0))),
)
# Magnitudes at these shares of the targets, in the mission's band.
_SHARES = np.array([0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0])
_MAGNITUDES = {
    "kepler": np.array([10.0, 12.0, 13.8, 14.9, 15.6, 16.2, 17.0]),
    "k2": np.array([9.0, 11.0, 12.7, 13.9, 15.0, 16.0, 17.0]),
    "tess": np.array([6.0, 8.0, 10.0, 11.2, 12.3, 13.5, 14.5]),
}


@dataclass(frozen=True, eq=False)
class Pointing:
    """One pointing of one telescope.

    Attributes:
        cadence: days between cadences; exposures are as long.
        start: days, time of the first cadence in ``time_system``.
        time: ``(n_cadences,)`` float64, days from the first cadence.
        valid: ``(n_cadences,)`` bool, false where the telescope lost all stars.
        trends: ``(k, n_cadences)`` float32, systematic trends; each star follows them with different coefficients.
        strength: ``(k,)`` typical coefficient, fraction of the flux.
        periodic: ``(k,)`` bool, true for trends with a period of the spacecraft.
        periods: ``(k,)`` days, this period; NaN where not ``periodic``.
        shake: ``(n_cadences,)`` float32, factor on the white noise.
    """

    cadence: float
    start: float
    time: np.ndarray
    valid: np.ndarray
    trends: np.ndarray
    strength: np.ndarray
    periodic: np.ndarray
    periods: np.ndarray
    shake: np.ndarray


def draw_magnitudes(rng: np.random.Generator, mission: str, n: int) -> np.ndarray:
    """Draw ``(n,)`` magnitudes of a mission's targets."""
    return np.interp(rng.random(n), _SHARES, _MAGNITUDES[mission])


def mission_noise(mission: str, magnitude: np.ndarray) -> np.ndarray:
    """Return the white noise of a cadence, fraction of the flux, for ``(n,)`` magnitudes.

    Kepler: shaped after Gilliland et al. (2011); K2: 1.4 times that; TESS: after Sullivan et al. (2015) for 30
    minutes, 60 ppm in an hour at magnitude 6 and 1 % at 15.
    """
    if mission == "tess":
        shot = 200e-6 * 10 ** (0.2 * (magnitude - 10.0))
        background = 900e-6 * 10 ** (0.4 * (magnitude - 12.5))
        return np.sqrt(2.0 * (shot**2 + background**2 + 50e-6**2))
    shot = 68e-6 * 10 ** (0.2 * (magnitude - 12.0))
    background = 70e-6 * 10 ** (0.4 * (magnitude - 14.0))
    return (1.4 if mission == "k2" else 1.0) * np.sqrt(shot**2 + background**2 + 25e-6**2)


def draw_pointing(rng: np.random.Generator, mission: str) -> Pointing:
    """Draw a pointing of ``kepler``, ``k2`` or ``tess``."""
    return {"kepler": _kepler, "k2": _k2, "tess": _tess}[mission](rng)


def _kepler(rng: np.random.Generator) -> Pointing:
    """Draw one to two quarters: monthly downlinks of 0.5-1.2 days, a safe mode now and then, a cadence or two lost
    every three days when the wheels are desaturated. What the pipeline leaves: slow drift, a thermal transient after
    every gap, the desaturation's trace and a heater that cycles within hours (Jenkins et al. 2010).
    """
    chance = rng.random() * sum(share for share, _ in _KEPLER)
    layout = _KEPLER[int(np.searchsorted(np.cumsum([share for share, _ in _KEPLER]), chance))][1]
    lengths = np.array([length for length, _ in layout])
    begins = np.cumsum([gap for _, gap in layout]) + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    time = np.arange(round((begins[-1] + lengths[-1]) / CADENCE)) * CADENCE
    quarter = np.searchsorted(begins, time, side="right") - 1
    valid = time < begins[quarter] + lengths[quarter]
    for begin, length in zip(begins, lengths):
        for month in np.arange(30.5, length - 10.0, 30.5):
            _lose(valid, time, begin + month + rng.uniform(-2, 2), rng.uniform(0.5, 1.2))
        if rng.random() < 0.35 and length > 30:
            _lose(valid, time, begin + rng.uniform(0.1, 0.9) * length, rng.uniform(0.5, 3.0))
    every = 3.03
    dumps = rng.uniform(0, every) + every * np.arange(int(time[-1] / every) + 1)
    for dump in dumps:
        _lose(valid, time, dump, CADENCE * rng.integers(1, 4))
    slow = np.linspace(-1, 1, time.size)
    within = np.clip((time - begins[quarter]) / lengths[quarter], 0, 1) * 2 - 1
    heater = rng.uniform(0.12, 0.3)
    trends = [
        slow + 0.5 * (quarter % 2),
        within**2 - 0.33,
        _transients(time, valid, 0.5, 1.5),
        _decays(time, dumps, 0.12),
        np.sin(2 * np.pi * time / heater) * (1 + 0.5 * np.sin(2 * np.pi * time / 30)),
    ]
    start = float(rng.choice([120.54, 131.51, 169.76, 260.22, 352.37]))
    strength = np.array([2e-4, 2e-4, 1.5e-4, 2e-5, 1e-5])
    return _pointing(CADENCE, start, time, valid, trends, strength, [np.nan, np.nan, np.nan, every, heater])


def _k2(rng: np.random.Generator) -> Pointing:
    """Draw a campaign of 80 days: ``draw_campaign``'s gaps and roll, seen linearly and quadratically, and a drift."""
    campaign = draw_campaign(rng, K2_CADENCES)
    x = np.linspace(-1, 1, campaign.time.size)
    roll = campaign.roll
    trends = [x, x**2 - 0.33, roll, roll**2 - np.mean(roll**2), _transients(campaign.time, campaign.valid, 0.5, 3.0)]
    thrusters = 12 * CADENCE
    strength = np.array([4e-4, 3e-4, 4e-4, 3e-4, 2e-4])
    start = rng.uniform(1900.0, 3300.0)
    periods = [np.nan, np.nan, thrusters, thrusters, np.nan]
    return _pointing(CADENCE, start, campaign.time, campaign.valid, trends, strength, periods)


def _tess(rng: np.random.Generator) -> Pointing:
    """Draw a sector of two orbits of 13.7 days with a downlink of 0.9-1.6 days between: scattered light that rises
    towards the ends of both, momentum dumps every 2 to 5 days that shake the stars, and a stretch lost to glare at
    times.
    """
    time = np.arange(round(27.4 / TESS_CADENCE)) * TESS_CADENCE
    orbit = 13.7
    valid = np.ones(time.size, bool)
    rest = rng.uniform(0.9, 1.6)
    _lose(valid, time, orbit - rest + rng.uniform(0.0, 0.3), rest)
    for half in range(2):
        if rng.random() < 0.35:
            _lose(valid, time, half * orbit + rng.choice([0.0, orbit - 1.8]), rng.uniform(0.3, 1.5))
    every = rng.choice([2.5, 3.125, 4.4, 5.0])
    dumps = rng.uniform(0, every) + every * np.arange(int(27.4 / every) + 1)
    phase = np.mod(time, orbit)
    glare = np.exp(-phase / rng.uniform(0.3, 1.0)) + np.exp((phase - orbit) / rng.uniform(0.3, 1.2))
    near = np.min(np.abs(time[:, None] - dumps), axis=1)
    jitter = 1.0 + 3.0 * (near < 0.75 * TESS_CADENCE) + rng.uniform(0, 0.5) * glare
    valid &= (near > 0.5 * TESS_CADENCE) | (rng.random(time.size) < 0.3)
    x = np.linspace(-1, 1, time.size)
    trends = [
        x,
        np.where(time < orbit, -1.0, 1.0),
        glare,
        _decays(time, dumps, 0.15),
        np.sin(2 * np.pi * time / orbit),
        _transients(time, valid, 0.3, 1.5),
    ]
    strength = np.array([3e-4, 2e-4, 6e-4, 2e-4, 3e-4, 3e-4])
    start = 1325.3 + orbit * 2 * rng.integers(0, 26)
    periods: list[float] = [np.nan, np.nan, orbit, float(every), orbit, np.nan]
    return _pointing(TESS_CADENCE, start, time, valid, trends, strength, periods, jitter)


def _pointing(
    cadence: float,
    start: float,
    time: np.ndarray,
    valid: np.ndarray,
    trends: list[np.ndarray],
    strength: np.ndarray,
    periods: list[float],
    shake: np.ndarray | None = None,
) -> Pointing:
    return Pointing(
        cadence=cadence,
        start=float(start),
        time=time,
        valid=valid,
        trends=np.array(trends, np.float32),
        strength=strength,
        periodic=np.isfinite(periods),
        periods=np.array(periods),
        shake=np.ones(time.size, np.float32) if shake is None else shake.astype(np.float32),
    )


def _lose(valid: np.ndarray, time: np.ndarray, start: float, length: float) -> None:
    valid[(time >= start) & (time < start + length)] = False


def _transients(time: np.ndarray, valid: np.ndarray, least: float, days: float) -> np.ndarray:
    """Return exponentials of ``days`` after every gap longer than ``least`` days, and at the start."""
    observed = time[valid]
    after = np.concatenate([observed[:1], observed[1:][np.diff(observed) > least]])
    return _decays(time, after, days)


def _decays(time: np.ndarray, starts: np.ndarray, days: float) -> np.ndarray:
    since = time[:, None] - starts
    return np.sum(np.where(since >= 0, np.exp(-np.maximum(since, 0) / days), 0.0), axis=1)
