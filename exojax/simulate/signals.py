"""Define the true signals in the stars of a pre-training population, and add them to the flux."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from exojax.simulate.priors import Systems
from exojax.simulate.tabulated import tabulated_events
from exojax.simulate.transits import MIN_SNR, MIN_TRANSITS, detectability

# Depths of odd and even events that differ by less than this many errors, or this share, are not distinguished.
ALIKE, ALIKE_SHARE = 3.0, 0.02


@dataclass(frozen=True, eq=False)
class Signals:
    """Periodic signals, none, one or several per star; ``(m,)`` arrays, float64 unless stated otherwise.

    Attributes:
        star: int, row of its star in the light curves.
        kind: str: ``planet``, ``binary``, ``blend``, ``contact``, ``rotator``, ``pulsator`` or ``systematic``.
        period: days: of the orbit, the rotation, the strongest pulsation, the spacecraft.
        found_period: days, where a search finds it: half the period where both eclipses are alike within errors or 2 %
            and half a period apart, as in contact binaries with equal minima.
        t0: days in the light curves' time system, a mid-transit or primary mid-eclipse; NaN where nothing eclipses.
        duration: days, first to fourth contact; NaN likewise.
        depth: fraction of all flux lost at ``t0``, averaged over an exposure; of what does not eclipse, the amplitude.
        secondary_depth: fraction, likewise at the other conjunction; NaN where nothing eclipses.
        secondary_phase: phase of the other conjunction, 0 to 1; NaN likewise.
        snr: white-noise SNR of all observed eclipses; 0 where nothing eclipses.
        n_transits: int, observed transits or primary eclipses.
        radius_ratio, impact, eccentricity, omega: of the orbit (radians); NaN likewise.
        dilution: share of all flux that the system has.
    """

    star: np.ndarray
    kind: np.ndarray
    period: np.ndarray
    found_period: np.ndarray
    t0: np.ndarray
    duration: np.ndarray
    depth: np.ndarray
    secondary_depth: np.ndarray
    secondary_phase: np.ndarray
    snr: np.ndarray
    n_transits: np.ndarray
    radius_ratio: np.ndarray
    impact: np.ndarray
    eccentricity: np.ndarray
    omega: np.ndarray
    dilution: np.ndarray

    def __len__(self) -> int:
        return self.star.size

    @property
    def visible(self) -> np.ndarray:
        """``(m,)`` bool, true for an SNR of 7.1 or more and two or more observed transits."""
        return (self.snr >= MIN_SNR) & (self.n_transits >= MIN_TRANSITS)

    @classmethod
    def of(cls, star: np.ndarray, kind: str, period: np.ndarray, **known: np.ndarray) -> Signals:
        """Return signals of one kind; a column that is not given is NaN, or 0 for ``snr`` and ``n_transits``."""
        m = star.size
        values = {field.name: np.full(m, np.nan) for field in fields(cls)}
        values |= {"snr": np.zeros(m), "n_transits": np.zeros(m, np.int64), "dilution": np.ones(m)}
        values |= {"star": star, "kind": np.full(m, kind, "<U10"), "period": period, "found_period": period}
        return cls(**(values | known))

    def moved(self, rows: int, start: float) -> Signals:
        """Return the signals with ``rows`` added to the rows of their stars and ``start`` days added to their times."""
        return replace(self, star=self.star + rows, t0=self.t0 + start)

    def take(self, index: np.ndarray) -> Signals:
        """Return the signals at ``index``, ``(k,)`` int or ``(m,)`` bool."""
        return Signals(*(getattr(self, field.name)[index] for field in fields(self)))


def join_signals(parts: list[Signals]) -> Signals:
    """Join the signals of ``parts``, in their order."""
    return Signals(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Signals)))


def add_systems(
    flux: np.ndarray,
    systems: Systems,
    kind: str,
    time: np.ndarray,
    valid: np.ndarray,
    noise: np.ndarray,
    exposure: float,
) -> Signals:
    """Take the eclipses, tides and reflection of ``systems`` off ``flux``, ``(n, n_cadences)`` float32, in place.

    ``time`` is ``(n_cadences,)`` float64 days, ``valid`` ``(n, n_cadences)`` bool, ``noise`` ``(n,)`` a cadence.
    """
    star, front = systems.star, systems.front
    bulges = np.flatnonzero((systems.ellipsoidal + systems.reflection) > 1e-2 * noise[star])
    turn = (2 * np.pi * (time - front.t0[bulges, None]) / front.period[bulges, None]).astype(np.float32)
    wave = -systems.ellipsoidal[bulges, None] * np.cos(2 * turn) - systems.reflection[bulges, None] * np.cos(turn)
    np.add.at(flux, star[bulges], wave.astype(np.float32))
    depths, errors, strengths = [], [], []
    for orbits, light in ((front, systems.front_light), (systems.behind, systems.behind_light)):
        events, middle = tabulated_events(orbits, time, exposure)
        events = replace(events, deficit=events.deficit * light[events.row].astype(np.float32))
        np.subtract.at(flux, (star[events.row], events.column), events.deficit)
        snr, count = detectability(orbits, events, noise[star], valid[star])
        depths.append(middle * light)
        errors.append(middle * light / np.maximum(snr, 1e-3))
        strengths.append((snr, count))
    (first, n_transits), (second, _) = strengths
    phase = systems.phase
    alike = np.abs(depths[0] - depths[1]) < np.maximum(ALIKE * np.hypot(*errors), ALIKE_SHARE * depths[0])
    alike &= np.minimum(first, second) > ALIKE
    alike &= np.abs(phase - 0.5) * front.period < 0.1 * np.maximum(front.duration, exposure)
    return Signals.of(
        star,
        kind,
        front.period,
        found_period=np.where(alike, 0.5, 1.0) * front.period,
        t0=front.t0,
        duration=front.duration,
        depth=depths[0],
        secondary_depth=depths[1],
        secondary_phase=phase,
        snr=first if kind == "planet" else np.hypot(first, second),
        n_transits=n_transits,
        radius_ratio=front.radius_ratio,
        impact=front.impact,
        eccentricity=systems.eccentricity,
        omega=systems.omega,
        dilution=systems.dilution,
    )
