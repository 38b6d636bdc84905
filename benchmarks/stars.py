"""The stars that searches are compared on: K2-like, each with one planet of a stated SNR or none, detrended alike."""

from __future__ import annotations

import numpy as np

from exojax.config import KEPLER_CADENCE_MINUTES
from exojax.simulate.random_streams import generator
from exojax.simulate.transits import Orbits, detectability, find_events

N_CADENCES = 3197
CADENCE = KEPLER_CADENCE_MINUTES / 1440
SNRS = (5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 15.0)
EACH = 48
RADIUS_RATIO, LIMB_DARKENING = 0.05, (0.4, 0.25)
WINDOW = 2.0
"""days, of the biweight"""
SCATTER = 1e-4
"""relative, of what is given to peers that want a flux near 1"""
TRUTH = ("period", "t0", "duration", "snr")


def injected(seed: int = 0) -> dict[str, np.ndarray]:
    """Make 384 stars with a planet each, 48 at each SNR of 5, 6, 7, 8, 9, 10, 12 and 15.

    Periods are log-uniform from 0.52 to 25 days, impact parameters uniform below 0.85, stellar densities log-uniform
    from 0.4 to 6 solar; the duration lies between 1 and 12 hours and below a fifth of the period, and two transits or
    more are observed. The dip is limb-darkened, averaged over the exposure and scaled to the white-noise SNR of a
    matched filter over the observed cadences.

    Returns:
        ``flux`` ``(n, 3197)`` float32 in units of the white noise, ``valid`` of the same shape, bool; ``period``,
        ``t0``, ``duration`` (first to last contact), days, and ``snr``, all ``(n,)`` float64.
    """
    wanted = np.repeat(SNRS, EACH)
    flux, valid = quiet_stars(seed, 1, len(wanted))
    time = np.arange(N_CADENCES) * CADENCE
    missing = np.arange(len(wanted))
    rng = generator(seed, "benchmark", 2, 0)
    period, t0, duration = (np.zeros(len(wanted)) for _ in range(3))
    while missing.size:
        drawn = _orbits(rng, missing.size)
        events = find_events(drawn, time, CADENCE)
        strength, n_seen = detectability(drawn, events, np.ones(missing.size), valid[missing])
        hours = 24 * drawn.duration
        kept = (n_seen >= 2) & (hours >= 1) & (hours <= 12) & (drawn.duration < 0.2 * drawn.period)
        scale = np.where(kept, wanted[missing] / np.maximum(strength, 1e-12), 0.0)
        np.subtract.at(flux, (missing[events.row], events.column), events.deficit * scale[events.row])
        for column, value in ((period, drawn.period), (t0, drawn.t0), (duration, drawn.duration)):
            column[missing[kept]] = value[kept]
        missing = missing[~kept]
    return {"flux": flux, "valid": valid, "period": period, "t0": t0, "duration": duration, "snr": wanted}


def null(n: int, seed: int = 0, first: int = 0) -> dict[str, np.ndarray]:
    """Make ``n`` stars without a planet, from number ``first`` on; as ``injected``, with 0 in the truth's columns."""
    flux, valid = quiet_stars(seed, 0, n, first)
    return {"flux": flux, "valid": valid, **{name: np.zeros(n) for name in TRUTH}}


def white(n: int, n_cadences: int = N_CADENCES, seed: int = 0) -> dict[str, np.ndarray]:
    """Make ``flux`` and ``valid`` of ``n`` stars to be timed: white noise of 1, every twentieth cadence lost."""
    rng = generator(seed, "benchmark", 3, 0)
    valid = rng.random((n, n_cadences)) > 0.05
    return {"flux": np.where(valid, rng.standard_normal(valid.shape, np.float32), 0), "valid": valid}


def detrended(stars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the same stars without their variability, removed by wotan's biweight over two days.

    The detrending is a third party's, so that it favours no search. ``flux`` is then in units of its own
    robust scatter, about a median of 0; 0 where not ``valid``.
    """
    import wotan

    time = np.arange(N_CADENCES) * CADENCE
    flat = np.zeros_like(stars["flux"])
    for row, (flux, valid) in enumerate(zip(stars["flux"], stars["valid"])):
        relative = 1 + SCATTER * flux[valid].astype(np.float64)
        residual = wotan.flatten(time[valid], relative, method="biweight", window_length=WINDOW, edge_cutoff=0) - 1
        residual -= np.nanmedian(residual)
        flat[row, valid] = np.nan_to_num(residual / (1.4826 * np.nanmedian(np.abs(residual))))
    return {**stars, "flux": flat}


def _orbits(rng: np.random.Generator, n: int) -> Orbits:
    period = np.exp(rng.uniform(np.log(0.52), np.log(25.0), n))
    impact = rng.uniform(0, 0.85, n)
    density = np.exp(rng.uniform(np.log(0.4), np.log(6.0), n))
    duration = 13 / 24 * np.cbrt(period / 365.25 / density) * np.sqrt(1 - impact**2)
    # The orbit whose first to last contact last that long.
    chord = np.sqrt((1 + RADIUS_RATIO) ** 2 - impact**2)
    axis = np.hypot(chord / np.sin(np.pi * np.minimum(duration / period, 0.45)), impact)
    t0 = rng.uniform(0, period)
    return Orbits(period, t0, axis, impact, np.full(n, RADIUS_RATIO), np.tile(LIMB_DARKENING, (n, 1)))


def quiet_stars(seed: int, kind: int, n: int, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Make white noise of 1, rotation of up to four times that and a slow random walk; each star from its number."""
    time = np.arange(N_CADENCES) * CADENCE
    flux, valid = np.empty((n, N_CADENCES), np.float32), np.ones((n, N_CADENCES), bool)
    for row in range(n):
        rng = generator(seed, "benchmark", kind, first + row)
        start = rng.integers(900, 2100)
        valid[row, start : start + rng.integers(60, 160)] = False
        for start in rng.integers(0, N_CADENCES - 20, 6):
            valid[row, start : start + rng.integers(2, 14)] = False
        valid[row] &= rng.random(N_CADENCES) > 0.03
        phase = 2 * np.pi * time / rng.uniform(10, 30)
        rotation = np.sin(phase + rng.uniform(0, 2 * np.pi)) + 0.2 * np.sin(2 * phase + rng.uniform(0, 2 * np.pi))
        walk = 0.01 * np.cumsum(rng.standard_normal(N_CADENCES))
        flux[row] = rng.uniform(0, 4) * rotation + walk + rng.standard_normal(N_CADENCES)
    return flux, valid
