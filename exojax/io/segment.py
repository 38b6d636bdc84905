"""One file's measurements of one star, put in order and on a scale: what every reader of a single star makes."""

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
        error: ``(n,)`` float32, one sigma of ``flux``, NaN where unknown; or None.
        centroid: ``(n, 2)`` float32, pixels, NaN where unknown; or None.
        absolute: whether a dip's depth is a fraction.
        cadence: days between neighbouring samples.
        time_system: of ``clocks.ZERO``, or ``file`` where the file does not tell.
        preferred: whether flux is what the mission's pipeline corrected for systematics.
        about: what is known of the star: ``radius``, ``mass``, ``teff``, ``mag``.
        path: the file.
        sha256: of its bytes.
        warnings: what a reader of the figures has to know, one sentence each.
        piece: what a mission's file says of it, or None.
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
    about: Mapping[str, float] = field(default_factory=dict)
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
    about: Mapping[str, float] | None = None,
) -> Segment:
    """Put one file's measurements in order, on a relative scale, and judge them.

    Args:
        path: the file, for messages.
        table: its columns; rows without a time are dropped.
        star: id, catalogue, and whether the id names the star across files.
        sha256: of the file.
        counts: whether to warn of flux in counts, which is nothing special in a mission's file.
        preferred: as in ``Segment``.
        about: as in ``Segment``.

    Raises:
        InputError: no flux at all, none of good quality, always the same, or fewer than ``MIN_POINTS`` measurements.
    """
    time, flux, good, unit, name = table.time, table.flux, table.good, table.unit, table.name
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
    valid = scaled.valid[0]
    if not valid.any():
        raise InputError(f"{path}: has no flux that is plausible: leave the file out")
    # A star's pieces are joined at a median of 1, or of 0 where they have no scale.
    middle = np.median(scaled.flux[0, valid])
    flux_given, level = flux, middle if scaled.absolute else 1.0
    flux = scaled.flux[0] / middle if scaled.absolute else scaled.flux[0] - middle
    valid = valid & (np.abs(flux) <= scale.LARGEST)
    if valid.sum() < MIN_POINTS:
        raise InputError(f"{path}: has no flux that is plausible: a search needs {MIN_POINTS} measurements")
    error = None if table.error is None else scale.errors(table.error[rows][None], flux_given[None], scaled)[0] / level
    remark = () if table.stated and scaled.absolute else scale.remarks(scaled, name=name, counts=counts)
    if scaled.kind == "minus one":
        remark = (f"{name} lies about zero with little scatter: taken as relative flux minus 1",)
    if scaled.absolute and (flux[valid] <= 0).any():
        remark += (f"{(flux[valid] <= 0).sum()} measurements are of no or negative flux: depths of 100 % and more",)
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
        about=about or {},
        warnings=(*table.notes, *remarks, *remark),
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
    """Rows in order of time, each time once (its first row)."""
    rows = np.flatnonzero(dated)
    steps = np.diff(time[rows])
    notes = []
    if (steps < 0).any():
        notes.append(f"times are not in order (first at row {rows[1:][steps < 0][0] + 1}): sorted")
        rows = rows[np.argsort(time[rows], kind="stable")]
        steps = np.diff(time[rows])
    if (again := steps == 0).any():
        notes.append(f"{again.sum()} rows repeat the time of another: the first of each is kept")
        rows = rows[np.concatenate([[True], ~again])]
    return rows, tuple(notes)


def _steps(time: np.ndarray) -> tuple[float, float]:
    """The steps below and above which a tenth of the covered time lies, gaps apart."""
    steps = np.sort(np.diff(time))
    steps = steps[steps < _BREAK] if (steps < _BREAK).any() else steps
    covered = np.cumsum(steps) / steps.sum()
    low, high = np.searchsorted(covered, [0.1, 0.9])
    return float(steps[low]), float(steps[min(high, len(steps) - 1)])
