"""Define the frozen containers of light curves. NumPy only: time stays float64 and does not enter JAX."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Stars:
    """Known properties of the stars; NaN where unknown.

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
        """Return the stars at ``index``, in that order."""
        return Stars(self.radius[index], self.mass[index], self.teff[index], self.mag[index])


@dataclass(frozen=True, eq=False)
class Piece:
    """Facts from one mission file about its part of a star's light curve; the vetting sheet prints and plots them.

    Attributes:
        kind: ``sector``, ``quarter``, ``campaign``, or empty.
        number: number of the sector, quarter or campaign.
        start, stop: days, first and last time.
        ra, dec: degrees, J2000; NaN where the file does not state them.
        dumps: ``(k,)`` float64, days: times of momentum dumps or thruster firings.
        flagged: ``(k,)`` float64, days: times of cadences that are left out because of their quality flags.
        background: ``(2, k)`` float64: times in days, and medians of the background flux in the file's unit; may be
            empty.
    """

    kind: str
    number: int
    start: float
    stop: float
    ra: float
    dec: float
    dumps: np.ndarray
    flagged: np.ndarray
    background: np.ndarray


@dataclass(frozen=True, eq=False)
class LightCurves:
    """Brightness of ``n_stars`` stars over time, padded to a common number of cadences.

    Attributes:
        id: ``(n_stars,)`` str: catalogue number where ``catalogued``, else ``<file stem>:<0-based row>``.
        time: ``(n_stars, n_cadences)`` float64, days in ``time_system``; NaN where a row is padded. It may be a
            read-only broadcast view when all stars share one axis.
        flux: ``(n_stars, n_cadences)`` float32: relative with median 1 where ``absolute``, else centred near zero
            in the file's own units; 0 where not ``valid``.
        valid: ``(n_stars, n_cadences)`` bool, true where flux was measured.
        label: ``(n_stars,)`` int8, 1 for a planet host and 0 for any other star; or None.
        kind: ``(n_stars,)`` str, known class of each star (``planet``, ``binary``, ``quiet``, ...); or None.
        catalogued: true where ``id`` identifies a star across files; a row number does not.
        absolute: true where flux is on the relative scale, so that the depth of a dip is a fraction.
        cadence: days between neighbouring samples.
        time_system: ``BKJD``, ``BTJD``, ``BJD``, ``HJD``, ``JD``, ``MJD``, ``file`` (not known), ``simulated``,
            ``own clock`` for arrays, or ``assumed`` where the file had no time axis.
        source: origin of the rows, as text.
        sha256: fingerprint of the file, of the folder's sorted files, or of the simulation's settings.
        warnings: one sentence for each fact about the input that changes the meaning of the results.
        centroid: ``(n_stars, n_cadences, 2)`` float32, flux-weighted column and row in pixels, NaN where unknown; or
            None.
        stars: known properties of the stars, or None.
        flux_err: ``(n_stars, n_cadences)`` float32, one sigma in the unit of ``flux``, NaN where unknown; or None. The
            search derives relative weights from it.
        pieces: for a single star from mission files, one item per file; else empty.
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
    flux_err: np.ndarray | None = None
    pieces: tuple[Piece, ...] = ()

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
        if self.flux_err is not None and (self.flux_err.shape, self.flux_err.dtype) != (shape, np.float32):
            raise ValueError(f"flux_err {self.flux_err.shape} must be float32 of the shape {shape} of flux")

    def __len__(self) -> int:
        return self.flux.shape[0]

    @classmethod
    def of(cls, time: Any, flux: Any, flux_err: Any = None, *, id: Any = None, label: Any = None) -> LightCurves:
        """Return light curves from arrays or lists.

        >>> curves = exojax.LightCurves.of([[0.0, 0.02, 0.04]], [[1.0, 0.999, 1.0]], id=["star"])
        >>> len(curves), curves.absolute
        (1, True)

        Args:
            time: days: ``(c,)`` shared by all stars, ``(n, c)``, or a list of rows of different lengths. The order is
                free; samples without a time are left out.
            flux: ``(c,)``, ``(n, c)`` or a list of rows, in any unit; NaN is missing. Flux with an absolute scale, as
                :mod:`exojax.io.scale` decides it, is divided by its median.
            flux_err: one sigma, of the shape and unit of ``flux``; the search weights the samples by it. Errors of 0
                or less count as unknown.
            id: ``(n,)`` names; 0, 1, 2, ... by default.
            label: ``(n,)``, 1 for a planet host and 0 for any other star.

        Raises:
            InputError: the shapes do not agree, no sample is finite, or a label is neither 1 nor 0.
        """
        from exojax.io.arrays import light_curves_of

        return light_curves_of(time, flux, flux_err, id=id, label=label)

    def to_lightkurve(self) -> list[Any]:
        """Return one ``lightkurve.LightCurve`` for each star.

        Raises:
            InputError: lightkurve is not installed.
        """
        from exojax.io.arrays import to_lightkurve

        return to_lightkurve(self)

    def take(self, index: np.ndarray) -> LightCurves:
        """Return the stars at ``index`` (``(k,)`` int, or ``(n_stars,)`` bool), in that order."""
        # Indexing a broadcast time axis would make one copy per star.
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
            flux_err=None if self.flux_err is None else self.flux_err[chosen],
            stars=None if self.stars is None else self.stars.take(chosen),
        )


@dataclass(frozen=True, eq=False)
class EvenCurves:
    """Light curves on an even grid of cadences, for the batched search; empty cadences have weight 0.

    Attributes:
        start: ``(n_stars,)`` float64, days: time of cadence 0, in the time system of the light curves. Cadence ``k`` is
            at ``start + k * cadence``, so that later stages compute with the index in float32.
        flux: ``(n_stars, n_cadences)`` float32; 0 where ``weight`` is 0. Before detrending: relative with median 1, or
            in the file's units. After detrending: the fraction above the trend, or file units above it.
        weight: ``(n_stars, n_cadences)`` float32: inverse variance relative to the star's typical cadence, which has
            weight 1; 0 for an empty cadence.
        scatter: ``(n_stars,)`` float32, robust standard deviation of a cadence of weight 1, in units of ``flux``;
            NaN before detrending.
        cadence: days between cadences.
        centroid: ``(n_stars, n_cadences, 2)`` float32, pixels, 0 where ``weight`` is 0; or None.
    """

    start: np.ndarray
    flux: np.ndarray
    weight: np.ndarray
    scatter: np.ndarray
    cadence: float
    centroid: np.ndarray | None = None


def nominal_cadence(time: np.ndarray) -> float:
    """Return the median of the positive steps between neighbouring times, days; NaN where there is no such step.

    Args:
        time: ``(n,)`` float64, days; NaN (padding) is left out.
    """
    steps = np.diff(time[np.isfinite(time)])
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else float("nan")


def shared_time(n_stars: int, n_cadences: int, cadence: float) -> np.ndarray:
    """Return a ``(n_stars, n_cadences)`` float64 read-only view of one time axis: 0, ``cadence``, ... days."""
    return np.broadcast_to(np.arange(n_cadences) * cadence, (n_stars, n_cadences))
