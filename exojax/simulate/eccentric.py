"""Replace eccentric orbits by circular orbits with the same transit, and compute the phase of the other eclipse."""

from __future__ import annotations

import numpy as np


def transit_speed(eccentricity: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """Return the speed across the sky at transit over that of a circular orbit: (1 + e sin w) / sqrt(1 - e^2), any
    shape.

    A circular orbit whose a/R is that much longer has the transit's duration: Winn (2010), equation 16, inverted.
    ``omega`` is the argument of periastron in radians, of the orbit of the body eclipsed as there.
    """
    return (1 + eccentricity * np.sin(omega)) / np.sqrt(1 - eccentricity**2)


def transit_distance(eccentricity: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """Return the distance at transit over the semi-major axis, (1 - e^2) / (1 + e sin w) (Winn 2010, equation 7)."""
    return (1 - eccentricity**2) / (1 + eccentricity * np.sin(omega))


def secondary_phase(eccentricity: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """Return the phase of the other conjunction after transit, 0 to 1: exact, by Kepler's equation; 0.5 where e cos w
    is 0.

    To first order it is 0.5 + 2 e cos w / pi (Winn 2010, equation 33, less the light travel time).
    """

    def mean_anomaly(true: np.ndarray) -> np.ndarray:
        half = np.arctan2(np.sqrt(1 - eccentricity) * np.sin(true / 2), np.sqrt(1 + eccentricity) * np.cos(true / 2))
        return 2 * half - eccentricity * np.sin(2 * half)

    passed = mean_anomaly(-np.pi / 2 - omega) - mean_anomaly(np.pi / 2 - omega)
    return np.mod(passed / (2 * np.pi), 1.0)
