"""Sort and scale the measurements of one star from one file, for every reader of single stars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.io import scale
from exojax.io.columns import Measured
from exojax.light_curves import Piece, nominal_cadence

MIN_POINTS = 10
"""smallest number of measurements for a search"""
_BREAK = 0.5
"""days: a longer step is a gap and is not used for the cadence"""
_IRREGULAR = 2.5
"""ratio of the longest to the shortest step above which a file has mixed cadences"""


@dataclass(frozen=True, eq=False)
class Segment:
    """Measurements of one star from one file (a quarter, a sector, a table), in order of time.

    Attributes:
        id: normalised id of the star, from :func:`exojax.io.identity.spelling`.
        catalogue: ``KIC``, ``EPIC``, ``TIC``, ``Gaia``, or empty.
        named: true if ``id`` identifies the star across files; a file's stem does not.
        time: ``(n,)`` float64, days in ``time_system``, finite and increasing.
        flux: ``(n,)`` float64: median 1 if ``absolute``, else median 0 in the file's units; 0 where not ``valid``.
        valid: ``(n,)`` bool, true for good measurements.
        error: ``(n,)`` float32, one sigma of ``flux``, NaN where unknown; or None.
        centroid: ``(n, 2)`` float32, pixels, NaN where unknown; or None.
        absolute: true if the depth of a dip is a fraction.
        cadence: days between neighbouring samples.
        time_system: a key of ``clocks.ZERO``, or ``file`` if the file does not state its clock.
        preferred: true if flux is the mission's flux corrected for systematics.
        path: the file.
        sha256: fingerprint of its bytes.
        properties: ``radius`` and ``mass`` (solar units), ``teff`` (K) and ``mag`` of the star; may be empty.
        warnings: one sentence for each fact that changes the meaning of the measurements.
        piece: facts from a mission's file; None for other files.
    """

    id: str
    catalogue: str
    named: bool
    time: np.ndarray
    flux: np.ndarray
    valid: np.ndarray
    error: np.ndarray | None
    centroid: np.ndarray | None
    absolute: bool
    cadence: float
    time_system: str
    preferred: bool
    path: Path
    sha256: str
    properties: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    piece: Piece | None = None


def make(
    path: Path,
    table: Measured,
    *,
    star: tuple[str, str, bool],
    sha256: str,
    counts: bool = False,
    preferred: bool = True,
    properties: Mapping[str, float] | None = None,
) -> Segment:
    """Sort the measurements of one file, scale their flux and check them.

    Args:
        path: the file, for messages.
        table: its measurements; rows without a time are dropped.
        star: id, catalogue, and whether the id identifies the star across files.
        sha256: fingerprint of the file.
        counts: true adds a warning for flux in counts, which are normal in mission files.
        preferred: as in :class:`Segment`.
        properties: as in :class:`Segment`.

    Raises:
        InputError: there are fewer than ``MIN_POINTS`` good measurements, or the flux is constant.
    """
    time, flux, good, unit, name = table.time, table.flux, table.good, table.unit, table.name
    dated = np.isfinite(time)
    measured = dated & np.isfinite(flux)
    if not measured.any():
        raise InputError(f"{path}: no row has both a time and a flux ({len(time)} rows): leave the file out")
    if not (measured & good).any():
        raise InputError(f"{path}: the quality column marks every measurement as bad: leave the file out")
    rows, remarks = _order(time, dated)
    time = time[rows].astype(np.float64)
    flux, valid = flux[rows].astype(np.float64), (measured & good)[rows]
    if valid.sum() < MIN_POINTS:
        raise InputError(
            f"{path}: has {valid.sum()} measurements, and a search needs {MIN_POINTS} or more: leave the file out"
        )
    if np.ptp(flux[valid]) == 0:
        raise InputError(f"{path}: flux is {flux[valid][0]:g} in every row: leave the file out")
    scaled = scale.relative(flux[None], valid[None], unit=unit)
    valid = scaled.valid[0]
    if not valid.any():
        raise InputError(f"{path}: has no plausible flux: leave the file out, or give --flux-unit")
    # The segments of a star are joined at a median of 1, or of 0 without an absolute scale.
    middle = np.median(scaled.flux[0, valid])
    flux_given, level = flux, middle if scaled.absolute else 1.0
    flux = scaled.flux[0] / middle if scaled.absolute else scaled.flux[0] - middle
    valid = valid & (np.abs(flux) <= scale.LARGEST)
    if valid.sum() < MIN_POINTS:
        raise InputError(
            f"{path}: has {valid.sum()} plausible values of flux, and a search needs {MIN_POINTS}: leave the file out"
        )
    error = None if table.error is None else scale.errors(table.error[rows][None], flux_given[None], scaled)[0] / level
    remark = () if table.stated and scaled.absolute else scale.remarks(scaled, name=name, counts=counts)
    if scaled.kind == "minus one":
        remark = (f"{name} is near zero with a small scatter; it was read as relative flux minus 1",)
    if scaled.absolute and (flux[valid] <= 0).any():
        remark += (f"{(flux[valid] <= 0).sum()} measurements have a flux of zero or less: depths of 100 % or more",)
    shortest, longest = _steps(time)
    cadence = nominal_cadence(time)
    made = Segment(
        id=star[0],
        catalogue=star[1],
        named=star[2],
        time=time,
        flux=np.where(valid, flux, 0),
        valid=valid,
        error=None if error is None else error.astype(np.float32),
        centroid=None if table.centroid is None else table.centroid[rows].astype(np.float32),
        absolute=scaled.absolute,
        cadence=cadence,
        time_system=table.clock,
        preferred=preferred,
        path=path,
        sha256=sha256,
        properties=properties or {},
        warnings=(*table.notes, *remarks, *remark),
    )
    if longest > _IRREGULAR * shortest:
        text = (
            f"mixed cadences: steps from {shortest * 1440:.3g} to {longest * 1440:.3g} minutes were binned to the "
            "longest"
        )
        return binned(replace(made, warnings=(*made.warnings, text)), longest)
    return made


def binned(segment: Segment, cadence: float) -> Segment:
    """Return the means of the valid measurements in bins of ``cadence`` days from the first; leave out empty bins."""
    ok = segment.valid
    # The bins are centred on multiples of the cadence, so that measurements of this cadence lie in their middle.
    cells = np.round((segment.time[ok] - segment.time[0]) / cadence).astype(np.int64)
    _, cells, counts = np.unique(cells, return_inverse=True, return_counts=True)
    error, centroid = segment.error, segment.centroid
    if error is not None:
        known = np.isfinite(error[ok])
        total = np.bincount(cells[known], weights=np.square(error[ok][known], dtype=np.float64), minlength=len(counts))
        number = np.bincount(cells[known], minlength=len(counts))
        with np.errstate(invalid="ignore", divide="ignore"):
            error = (np.sqrt(total) / number).astype(np.float32)
    if centroid is not None:
        columns = [np.bincount(cells, weights=centroid[ok, axis]) / counts for axis in (0, 1)]
        centroid = np.stack(columns, axis=1).astype(np.float32)
    return replace(
        segment,
        time=np.bincount(cells, weights=segment.time[ok]) / counts,
        flux=np.bincount(cells, weights=segment.flux[ok]) / counts,
        valid=np.ones(len(counts), bool),
        error=error,
        centroid=centroid,
        cadence=cadence,
    )


def _order(time: np.ndarray, dated: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the rows with a time in order of time, without rows that repeat a time; and notes."""
    rows = np.flatnonzero(dated)
    steps = np.diff(time[rows])
    notes = []
    if (steps < 0).any():
        notes.append(f"times are not in order (first at row {rows[1:][steps < 0][0] + 1}); the rows were sorted")
        rows = rows[np.argsort(time[rows], kind="stable")]
        steps = np.diff(time[rows])
    if (again := steps == 0).any():
        notes.append(f"{again.sum()} rows repeat the time of another row; the first row of each time is used")
        rows = rows[np.concatenate([[True], ~again])]
    return rows, tuple(notes)


def _steps(time: np.ndarray) -> tuple[float, float]:
    """Return the 10 % and 90 % quantiles of the steps, weighted by their length; gaps are left out."""
    steps = np.sort(np.diff(time))
    steps = steps[steps < _BREAK] if (steps < _BREAK).any() else steps
    covered = np.cumsum(steps) / steps.sum()
    low, high = np.searchsorted(covered, [0.1, 0.9])
    return float(steps[low]), float(steps[min(high, len(steps) - 1)])
