"""Frozen containers that every stage speaks. NumPy only: float64 time never enters JAX from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Stars:
    """What is known of the stars themselves; NaN where it is not.

    Attributes:
        radius: ``(n_stars,)`` float64, solar radii.
        mass: ``(n_stars,)`` float64, solar masses.
        teff: ``(n_stars,)`` float64, K.
        mag: ``(n_stars,)`` float64, in the mission's band.
    """

    radius: np.ndarray
    mass: np.ndarray
    teff: np.ndarray
    mag: np.ndarray

    @property
    def density(self) -> np.ndarray:
        """``(n_stars,)`` float64 mean density in units of the Sun's; NaN where radius or mass is unknown."""
        return self.mass / self.radius**3

    def take(self, index: np.ndarray) -> Stars:
        """The stars at ``index``, in that order."""
        return Stars(self.radius[index], self.mass[index], self.teff[index], self.mag[index])


@dataclass(frozen=True, eq=False)
class LightCurves:
    """Brightness of ``n_stars`` stars over time, padded to a common number of cadences.

    Attributes:
        id: ``(n_stars,)`` str. A catalogue number where ``catalogued``, else ``<file stem>:<0-based row>``.
        time: ``(n_stars, n_cadences)`` float64, days in ``time_system``; NaN where a row is padded. It may be a
            read-only broadcast view when all stars share one axis.
        flux: ``(n_stars, n_cadences)`` float32; relative with median 1 where ``absolute``, else centred near zero
            in the file's own units. 0 where not ``valid``: read it together with ``valid``.
        valid: ``(n_stars, n_cadences)`` bool, true where flux was measured.
        label: ``(n_stars,)`` int8, 1 for a planet host and 0 for the rest, or None.
        kind: ``(n_stars,)`` str, what each star is known to be (``planet``, ``binary``, ``quiet``, ...), or None.
        catalogued: true where ``id`` names a star across files; a row number does not.
        absolute: true where flux is on the relative scale, so that a dip's depth is a fraction.
        cadence: days between neighbouring samples.
        time_system: ``BKJD``, ``BTJD``, ``simulated``, or ``assumed`` where the file had no time axis.
        source: where the rows came from, for people.
        sha256: fingerprint of the file, of the folder's sorted files, or of the simulation's settings.
        warnings: what a reader of the figures has to know about the input, one sentence each.
        centroid: ``(n_stars, n_cadences, 2)`` float32, flux-weighted column and row in pixels, NaN where unknown; or
            None.
        stars: what is known of the stars, or None.
    """

    id: np.ndarray
    time: np.ndarray
    flux: np.ndarray
    valid: np.ndarray
    label: np.ndarray | None
    kind: np.ndarray | None
    catalogued: bool
    absolute: bool
    cadence: float
    time_system: str
    source: str
    sha256: str
    warnings: tuple[str, ...] = ()
    centroid: np.ndarray | None = None
    stars: Stars | None = None

    def __post_init__(self) -> None:
        shape = self.flux.shape
        if self.flux.ndim != 2 or self.time.shape != shape or self.valid.shape != shape:
            raise ValueError(f"time {self.time.shape}, flux {shape} and valid {self.valid.shape} must agree")
        for name in ("id", "label", "kind"):
            column = getattr(self, name)
            if column is not None and column.shape != shape[:1]:
                raise ValueError(f"{name} has shape {column.shape}, expected {shape[:1]}")
        if (self.time.dtype, self.flux.dtype, self.valid.dtype) != (np.float64, np.float32, np.bool_):
            raise ValueError("time must be float64, flux float32 and valid bool")

    def __len__(self) -> int:
        return self.flux.shape[0]

    def take(self, index: np.ndarray) -> LightCurves:
        """The stars at ``index`` (``(k,)`` int, or ``(n_stars,)`` bool), in that order."""
        # Indexing a broadcast time axis would copy it once per star.
        shared = self.time.strides[0] == 0
        chosen = np.arange(len(self))[index]
        time = np.broadcast_to(self.time[:1], (len(chosen), self.time.shape[1])) if shared else self.time[chosen]
        return replace(
            self,
            id=self.id[chosen],
            time=time,
            flux=self.flux[chosen],
            valid=self.valid[chosen],
            label=None if self.label is None else self.label[chosen],
            kind=None if self.kind is None else self.kind[chosen],
            centroid=None if self.centroid is None else self.centroid[chosen],
            stars=None if self.stars is None else self.stars.take(chosen),
        )


@dataclass(frozen=True, eq=False)
class EvenCurves:
    """Light curves on an even grid of cadences, which a batched search needs; empty cadences have weight 0.

    Attributes:
        start: ``(n_stars,)`` float64, days: the time of cadence 0, in the light curves' own time system. Cadence
            ``k`` is at ``start + k * cadence``: from here on time is an index, and float32 is enough.
        flux: ``(n_stars, n_cadences)`` float32; 0 where ``weight`` is. Relative with median 1 (or the file's units)
            before detrending; after it the fraction by which flux lies above the trend (or file units above it).
        weight: ``(n_stars, n_cadences)`` float32, inverse variance relative to the star's typical cadence: 1 for
            that, 0 for none.
        scatter: ``(n_stars,)`` float32, robust standard deviation of a cadence of weight 1, in units of ``flux``;
            NaN before detrending.
        cadence: days between cadences.
        centroid: ``(n_stars, n_cadences, 2)`` float32 pixels, 0 where ``weight`` is, or None.
    """

    start: np.ndarray
    flux: np.ndarray
    weight: np.ndarray
    scatter: np.ndarray
    cadence: float
    centroid: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Candidates:
    """Transit-like signals, several a star; every attribute is an array over ``n`` candidates.

    Attributes:
        star: int, row of its star in the light curves.
        id: str, its star's.
        rank: int, 1 for its star's best.
        period: float64, days; NaN for a single transit.
        period_error: float64, days, one sigma.
        t0: float64, days: middle of the first transit at or after the curve's start, in the curve's time system.
        t0_error: float64, days.
        duration: float64, days, first to last contact.
        depth: float64, mean fraction lost over the flat part; in units of the star's scatter where the flux has
            no absolute scale.
        depth_error: float64, of the same unit, red noise included.
        snr: float64, of the folded signal against white noise.
        snr_red: float64, against the scatter on the scale of the transit; it ranks the list.
        sde: float64, by how many standard deviations the peak stands out of the periodogram.
        n_transits: int, with any measurement in them.
        odd_even_sigma: float64, difference of depths of odd and even transits over its error.
        secondary_sigma: float64, significance of the deepest other dip of the fold.
        secondary_phase: float64, its phase from the transit, 0 to 1.
        centroid_sigma: float64, significance of the shift of the centroid in transit; NaN without centroids.
        single: bool, one event only: a lower limit on the period stands in ``period_min``.
        period_min: float64, days; NaN where not ``single``.
        aliases: str, periods in days of the best harmonics, joined with ``;``.
        matches: str, what else has this ephemeris, joined with ``;``.
        probability: float64, of a planet; NaN where no model judged it.
    """

    star: np.ndarray
    id: np.ndarray
    rank: np.ndarray
    period: np.ndarray
    period_error: np.ndarray
    t0: np.ndarray
    t0_error: np.ndarray
    duration: np.ndarray
    depth: np.ndarray
    depth_error: np.ndarray
    snr: np.ndarray
    snr_red: np.ndarray
    sde: np.ndarray
    n_transits: np.ndarray
    odd_even_sigma: np.ndarray
    secondary_sigma: np.ndarray
    secondary_phase: np.ndarray
    centroid_sigma: np.ndarray
    single: np.ndarray
    period_min: np.ndarray
    aliases: np.ndarray
    matches: np.ndarray
    probability: np.ndarray

    def __len__(self) -> int:
        return len(self.star)

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]]) -> Candidates:
        """One candidate a row, a mapping of at least every attribute's name to its value; there may be none."""
        kinds: dict[str, type] = dict.fromkeys(("star", "rank", "n_transits"), np.int64)
        kinds |= dict.fromkeys(("id", "aliases", "matches"), np.str_) | {"single": np.bool_}
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.array([row[name] for row in rows], kinds.get(name, np.float64)) for name in names})

    def take(self, index: np.ndarray) -> Candidates:
        """The candidates at ``index`` (``(k,)`` int, or ``(n,)`` bool), in that order."""
        return Candidates(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


def shared_time(n_stars: int, n_cadences: int, cadence: float) -> np.ndarray:
    """``(n_stars, n_cadences)`` float64 view of one even time axis from 0, in steps of ``cadence`` days."""
    return np.broadcast_to(np.arange(n_cadences) * cadence, (n_stars, n_cadences))
