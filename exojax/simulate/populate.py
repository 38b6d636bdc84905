"""Add the signals of each kind of star of a pre-training population to its flux."""

from __future__ import annotations

import numpy as np

from exojax.simulate.missions import Pointing
from exojax.simulate.priors import contact_light, draw_pairs, draw_periods, draw_planets, draw_snr
from exojax.simulate.signals import Signals, add_systems, join_signals
from exojax.simulate.stars import N_PULSATOR_UNIFORMS, N_STAR_UNIFORMS, SimulatedStars, draw_stars, pulsation


def add_contents(
    rng: np.random.Generator,
    flux: np.ndarray,
    kind: np.ndarray,
    stars: SimulatedStars,
    pointing: Pointing,
    valid: np.ndarray,
) -> Signals:
    """Add the signals of each ``kind (n,)`` to ``flux (n, n_cadences)`` float32 about 0, in place, and return them.

    Times are days from the pointing's first cadence.
    """
    time, cadence, noise = pointing.time, pointing.cadence, stars.noise
    baseline = float(time[-1])
    rows = {name: np.flatnonzero(kind == name) for name in np.unique(kind)}
    none = np.zeros(0, np.int64)
    signals = []
    star = rows.get("planet", none)
    if star.size:
        planets = draw_planets(rng, star, stars, noise, baseline, cadence)
        signals.append(add_systems(flux, planets, "planet", time, valid, noise, cadence))
    star = rows.get("binary", none)
    if star.size:
        third = np.where(rng.random(star.size) < 0.3, rng.uniform(0.5, 1.0, star.size), 1.0)
        pairs = draw_pairs(rng, star, stars.take(star), baseline, third)
        signals.append(add_systems(flux, pairs, "binary", time, valid, noise, cadence))
    star = rows.get("blend", none)
    if star.size:
        signals.append(_blends(rng, flux, star, stars, time, valid, cadence))
    star = rows.get("contact", none)
    if star.size:
        signals.append(_contacts(rng, flux, star, noise, time))
    star = rows.get("pulsator", none)
    if star.size:
        wave, period = pulsation(rng.random((star.size, N_PULSATOR_UNIFORMS)), time, cadence)
        flux[star] += wave.astype(np.float32)
        signals.append(Signals.of(star, "pulsator", period, depth=0.5 * np.ptp(wave, axis=1)))
    star = rows.get("rotator", none)
    if star.size:
        signals.append(Signals.of(star, "rotator", stars.rotation_period[star], depth=stars.rotation_sigma[star]))
    star = rows.get("systematic", none)
    if star.size:
        period = np.full(star.size, pointing.periods[pointing.periodic][0])
        signals.append(Signals.of(star, "systematic", period))
    return join_signals(signals) if signals else Signals.of(none, "quiet", np.zeros(0))


def _blends(
    rng: np.random.Generator,
    flux: np.ndarray,
    star: np.ndarray,
    stars: SimulatedStars,
    time: np.ndarray,
    valid: np.ndarray,
    cadence: float,
) -> Signals:
    """Draw pairs that share the aperture with a brighter star; six in ten are unrelated, with another size and density.

    The dilution is such that the eclipses have a planet's SNR in 17 of 20, else log-uniform from 1 to 60 %.
    """
    m, baseline = star.size, float(time[-1])
    strangers = draw_stars(rng.random((m, N_STAR_UNIFORMS)))
    bound = rng.random(m) < 0.4
    own = stars.take(star)
    eclipsed = SimulatedStars(
        *(
            np.where(bound.reshape(-1, *(1,) * (a.ndim - 1)), a, b)
            for a, b in zip(vars(own).values(), vars(strangers).values())
        )
    )
    pairs = draw_pairs(rng, star, eclipsed, baseline, np.ones(m))
    front = pairs.front
    covered = np.clip((1 + front.radius_ratio - front.impact) / (2 * front.radius_ratio), 1e-3, 1.0) ** 1.5
    depth = pairs.front_light * np.minimum(front.radius_ratio, 1.0) ** 2 * covered
    points = np.maximum(0.95 * baseline * front.duration / (front.period * cadence), 1.0)
    planetlike = draw_snr(rng, m, 1.2) * stars.noise[star] / np.sqrt(points) / depth
    dilution = np.where(rng.random(m) < 0.85, planetlike, 0.01 * 60.0 ** rng.random(m))
    dilution = np.clip(dilution, 1e-5, 0.6)
    scaled = {
        name: getattr(pairs, name) * dilution
        for name in ("front_light", "behind_light", "dilution", "ellipsoidal", "reflection")
    }
    pairs = type(pairs)(**(vars(pairs) | scaled))
    return add_systems(flux, pairs, "blend", time, valid, stars.noise, cadence)


def _contacts(
    rng: np.random.Generator, flux: np.ndarray, star: np.ndarray, noise: np.ndarray, time: np.ndarray
) -> Signals:
    """Draw contact binaries of 0.22 to 1.2 days, four in ten of them diluted to 0.1-50 %."""
    m = star.size
    period = draw_periods(rng, m, 0.4, 0.3, 1.2)
    t0 = rng.random(m) * period
    dilution = np.where(rng.random(m) < 0.4, 1e-3 * 500.0 ** rng.random(m), 1.0)
    wave, depths = contact_light(rng, m, (time - t0[:, None]) / period[:, None])
    flux[star] += (dilution[:, None] * wave).astype(np.float32)
    depths = depths * dilution[:, None]
    alike = np.abs(depths[:, 0] - depths[:, 1]) < 3 * noise[star] / np.sqrt(0.1 * time.size)
    found = np.where(alike, 0.5, 1.0) * period
    return Signals.of(
        star,
        "contact",
        period,
        found_period=found,
        t0=t0,
        depth=depths[:, 0],
        secondary_depth=depths[:, 1],
        secondary_phase=np.full(m, 0.5),
        dilution=dilution,
    )
