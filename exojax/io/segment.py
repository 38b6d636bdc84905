"""One file's measurements of one star, put in order and on a scale: what every reader of a single star makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.io import scale
from exojax.light_curves import nominal_cadence

MIN_POINTS = 10
"""measurements below which nothing can be searched"""
_BREAK = 0.5
"""days: a longer step is a gap, and tells nothing about the cadence"""
_IRREGULAR = 2.5
"""steps of one file that differ by this factor are of more than one cadence"""


@dataclass(frozen=True, eq=False)
class Segment:
    """Measurements of one star from one file (a quarter, a sector, a table), in order of time.

    Attributes:
        id: the star, as ``identity.spelling`` spells it.
        catalogue: ``KIC``, ``EPIC``, ``TIC``, or empty.
        named: whether ``id`` names the star across files; a file's stem does not.
        time: ``(n,)`` float64, days in ``time_system``, finite and increasing.
        flux: ``(n,)`` float64; median 1 where ``absolute``, else median 0 in the file's own units. 0 where not
            ``valid``.
        valid: ``(n,)`` bool.
        centroid: ``(n, 2)`` float32, pixels, NaN where unknown; or None.
        absolute: whether a dip's depth is a fraction.
        cadence: days between neighbouring samples.
        time_system: ``BKJD``, ``BTJD``, ``BJD``, or ``file`` where the file does not tell.
        preferred: whether flux is what the mission's pipeline corrected for systematics.
        about: what is known of the star: ``radius``, ``mass``, ``teff``, ``mag``.
        path: the file.
        sha256: of its bytes.
        warnings: what a reader of the figures has to know, one sentence each.
    """

    id: str
    catalogue: str
    named: bool
    time: np.ndarray
    flux: np.ndarray
    valid: np.ndarray
    centroid: np.ndarray | None
    absolute: bool
    cadence: float
    time_system: str
    preferred: bool
    path: Path
    sha256: str
    about: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def make(
    path: Path,
    time: np.ndarray,
    flux: np.ndarray,
    good: np.ndarray,
    centroid: np.ndarray | None,
    *,
    star: tuple[str, str, bool],
    time_system: str,
    sha256: str,
    unit: str = "",
    name: str = "flux",
    counts: bool = False,
    told: tuple[str, ...] = (),
    preferred: bool = True,
    about: Mapping[str, float] | None = None,
) -> Segment:
    """Put one file's columns in order, on a relative scale, and judge them.

    Args:
        path: the file, for messages.
        time: ``(n,)`` float64 days; rows without a time are dropped.
        flux: ``(n,)`` float, in any unit.
        good: ``(n,)`` bool, false where the file itself says that the measurement is bad.
        centroid: ``(n, 2)`` float pixels, or None.
        star: id, catalogue, and whether the id names the star across files.
        time_system: of ``time``.
        sha256: of the file.
        unit: of flux where the file tells it: ``magnitudes`` or ``flux``; empty leaves it to :mod:`exojax.io.scale`.
        name: of the column of flux, for warnings.
        counts: whether to warn of flux in counts, which is nothing special in a mission's file.
        told: warnings so far.
        preferred: as in ``Segment``.
        about: as in ``Segment``.

    Raises:
        InputError: no flux at all, none of good quality, always the same, or fewer than ``MIN_POINTS`` measurements.
    """
    dated = np.isfinite(time)
    measured = dated & np.isfinite(flux)
    if not measured.any():
        raise InputError(f"{path}: not one of its {len(time)} rows has both a time and a flux: leave the file out")
    if not (measured & good).any():
        raise InputError(f"{path}: every measurement is flagged as bad in its quality column: leave the file out")
    rows, remarks = _order(time, dated)
    time = time[rows].astype(np.float64)
    flux, valid = flux[rows].astype(np.float64), (measured & good)[rows]
    if valid.sum() < MIN_POINTS:
        raise InputError(f"{path}: has {valid.sum()} measurements: a search needs {MIN_POINTS} or more")
    if np.ptp(flux[valid]) == 0:
        raise InputError(
            f"{path}: flux is {flux[valid][0]:g} throughout: there is nothing to search, leave the file out"
        )
    scaled = scale.relative(flux[None], valid[None], unit=unit)
    # A star's pieces are joined at a median of 1, or of 0 where they have no scale.
    middle = np.median(scaled.flux[0, valid])
    flux = scaled.flux[0] / middle if scaled.absolute else scaled.flux[0] - middle
    remark = () if unit and scaled.absolute else scale.remarks(scaled, name=name, counts=counts)
    if scaled.kind == "minus one":
        remark = (f"{name} lies about zero with little scatter: taken as relative flux minus 1",)
    shortest, longest = _steps(time)
    cadence = nominal_cadence(time)
    made = Segment(
        id=star[0],
        catalogue=star[1],
        named=star[2],
        time=time,
        flux=np.where(valid, flux, 0),
        valid=valid,
        centroid=None if centroid is None else centroid[rows].astype(np.float32),
        absolute=scaled.absolute,
        cadence=cadence,
        time_system=time_system,
        preferred=preferred,
        path=path,
        sha256=sha256,
        about=about or {},
        warnings=(*told, *remarks, *remark),
    )
    if longest > _IRREGULAR * shortest:
        text = (
            f"mixed cadences: steps from {shortest * 1440:.3g} to {longest * 1440:.3g} minutes, binned to the longest"
        )
        return binned(replace(made, warnings=(*made.warnings, text)), longest)
    return made


def binned(segment: Segment, cadence: float) -> Segment:
    """The means of the valid measurements in bins of ``cadence`` days from the first on; empty bins are left out."""
    ok = segment.valid
    # Measurements of that cadence lie in the middle of their bins, not on the border between two.
    cells = np.round((segment.time[ok] - segment.time[0]) / cadence).astype(np.int64)
    _, cells, counts = np.unique(cells, return_inverse=True, return_counts=True)
    centroid = segment.centroid
    if centroid is not None:
        columns = [np.bincount(cells, weights=centroid[ok, axis]) / counts for axis in (0, 1)]
        centroid = np.stack(columns, axis=1).astype(np.float32)
    return replace(
        segment,
        time=np.bincount(cells, weights=segment.time[ok]) / counts,
        flux=np.bincount(cells, weights=segment.flux[ok]) / counts,
        valid=np.ones(len(counts), bool),
        centroid=centroid,
        cadence=cadence,
    )


def _order(time: np.ndarray, dated: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Rows in order of time, each time once (its first row)."""
    rows = np.flatnonzero(dated)
    steps = np.diff(time[rows])
    told = []
    if (steps < 0).any():
        told.append(f"times are not in order (first at row {rows[1:][steps < 0][0] + 1}): sorted")
        rows = rows[np.argsort(time[rows], kind="stable")]
        steps = np.diff(time[rows])
    if (again := steps == 0).any():
        told.append(f"{again.sum()} rows repeat the time of another: the first of each is kept")
        rows = rows[np.concatenate([[True], ~again])]
    return rows, tuple(told)


def _steps(time: np.ndarray) -> tuple[float, float]:
    """The steps below and above which a tenth of the covered time lies, gaps apart."""
    steps = np.sort(np.diff(time))
    steps = steps[steps < _BREAK] if (steps < _BREAK).any() else steps
    covered = np.cumsum(steps) / steps.sum()
    low, high = np.searchsorted(covered, [0.1, 0.9])
    return float(steps[low]), float(steps[min(high, len(steps) - 1)])
