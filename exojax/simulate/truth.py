"""Define the true properties of simulated stars, and write ``truth.csv``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from exojax.storage.write_file import write_csv


@dataclass(frozen=True, eq=False)
class Truth:
    """The true properties of simulated stars: ``(n_stars,)`` arrays in the order of the light curves.

    Attributes:
        id: str, as in the light curves.
        kind: str: ``planet``, ``binary``, ``pulsator`` or ``quiet``.
        label: int8, 1 for a planet that can be seen: the positives.
        visible: bool, SNR >= 7.1 and two or more transits (of a binary: primary eclipses) observed.
        period: float64 days, of the orbit or the strongest pulsation; NaN for quiet stars.
        t0: float64 days on the campaign's axis, its gaps included: first mid-transit or primary mid-eclipse;
            else NaN.
        duration: float64 days, first to fourth contact; else NaN.
        depth: float64 fraction of the star's flux lost at mid-transit, averaged over one exposure; else NaN.
        secondary_depth: float64 fraction, the same of a binary's secondary eclipse; else NaN.
        radius_ratio: float64, the body in front at t0 over the body eclipsed; else NaN.
        impact: float64, in radii of the body eclipsed at t0; else NaN.
        scaled_axis: float64, orbit's a/R in the same radii; else NaN.
        u1, u2: float64, the star's quadratic limb darkening.
        snr: float64, white-noise SNR of all observed transits or eclipses together; 0 where there are none.
        n_transits: int64, transits or primary eclipses observed.
        magnitude: float64, Kepler magnitude.
        noise: float64 fraction, white noise of one cadence.
    """

    id: np.ndarray
    kind: np.ndarray
    label: np.ndarray
    visible: np.ndarray
    period: np.ndarray
    t0: np.ndarray
    duration: np.ndarray
    depth: np.ndarray
    secondary_depth: np.ndarray
    radius_ratio: np.ndarray
    impact: np.ndarray
    scaled_axis: np.ndarray
    u1: np.ndarray
    u2: np.ndarray
    snr: np.ndarray
    n_transits: np.ndarray
    magnitude: np.ndarray
    noise: np.ndarray


_HEADER = {"period": "period_days", "t0": "t0_days", "duration": "duration_days", "magnitude": "magnitude_kp"}


def write_truth(truth: Truth, path: Path) -> None:
    """Write ``truth.csv`` atomically, one row a star: days, fractions, 0/1; empty where not applicable."""
    columns = [getattr(truth, field.name) for field in fields(truth)]
    columns = [column.astype(np.int8) if column.dtype == np.bool_ else column for column in columns]
    names = [_HEADER.get(field.name, field.name) for field in fields(truth)]
    rows = zip(*(column.tolist() for column in columns))
    write_csv(path, names, (["" if value != value else value for value in row] for row in rows))
