"""One rule for every reader: which unit flux has, and how it becomes relative, so that a dip's depth is a fraction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from exojax.robust import scatter

RELATIVE_SCATTER = 0.1
"""relative flux varies by less than this of itself; parts per million, counts and sigmas do not"""
STEADY = 0.5
"""of the median: a median of flux with less scatter than this is its scale"""
MAGNITUDES = (5.0, 20.0)
"""of stars that transits are looked for around; their scatter is below ``RELATIVE_SCATTER``"""
LARGEST = 1e37
"""flux above which nothing is measured; float32 ends a little later"""
KINDS = ("none", "divided", "minus one", "magnitudes")
"""flux without an absolute scale; with one, to be divided by its median; relative flux minus 1; magnitudes"""


@dataclass(frozen=True, eq=False)
class Scaled:
    """Flux on its scale.

    Attributes:
        flux: ``(n, c)`` as given; relative, its median 1, where ``absolute``; else as it was. Not changed where not
            valid.
        valid: ``(n, c)`` bool; false throughout for a star whose scale is not known in a file of such that have one.
        absolute: whether a dip's depth is a fraction of the flux.
        kind: of the file: one of :data:`KINDS`.
        middle: the stars' median as given, typical of the file; NaN where nothing is measured.
        scatter: 1.4826 times the median absolute deviation, as ``middle``.
        lost: ``(n,)`` bool, stars whose scale is not known.
    """

    flux: np.ndarray
    valid: np.ndarray
    absolute: bool
    kind: str
    middle: float
    scatter: float
    lost: np.ndarray


def moments(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return ``(n, 2)`` float64, median and robust scatter of each star's ``flux (n, c)`` where ``valid``; else NaN."""
    found = np.full((len(flux), 2), np.nan)
    for row, (values, known) in enumerate(zip(flux, valid)):
        if known.any():
            measured = values[known].astype(np.float64)
            middle = float(np.median(measured))
            # More than half of the values may be the same; of a constant star nothing is left but 0.
            found[row] = middle, scatter(measured, middle) or float(np.std(measured))
    return found


def kinds_of(measured: np.ndarray, *, unit: str = "") -> np.ndarray:
    """Return ``(n,)`` str, the kind of each star's flux by its own median and scatter.

    Args:
        measured: ``(n, 2)``, from :func:`moments`.
        unit: ``magnitudes`` or ``flux`` where the file tells; empty where it does not.
    """
    middle, scatter = measured[:, 0], measured[:, 1]
    if unit == "magnitudes":
        return np.full(len(measured), "magnitudes")
    steady = scatter < RELATIVE_SCATTER
    kind = np.where((scatter < STEADY * middle), "divided", "none")
    if unit != "flux":
        kind = np.where((middle > MAGNITUDES[0]) & (middle < MAGNITUDES[1]) & steady, "magnitudes", kind)
    return np.where((np.abs(middle) < RELATIVE_SCATTER) & steady, "minus one", kind)


def relative(flux: np.ndarray, valid: np.ndarray, *, unit: str = "", measured: np.ndarray | None = None) -> Scaled:
    """Bring every star's flux to a median of 1, where the file's flux has a scale.

    A file has one unit: that of most of its stars. Flux that lies about zero has no scale, unless it varies by less
    than a tenth: then it is relative flux minus 1, and 1 is added. A median that is more than twice the scatter is a
    scale: flux is divided by it. A star that is too faint to tell by itself takes the unit of the others; one with a
    median of zero or less among stars that are to be divided by theirs cannot be used.

    Args:
        flux: ``(n, c)`` float of n stars, in any unit.
        valid: ``(n, c)`` bool, true where measured.
        unit: ``magnitudes`` or ``flux`` where the file tells; empty where it does not.
        measured: ``(n, 2)``, from :func:`moments`, where they are known already.
    """
    measured = moments(flux, valid) if measured is None else measured
    known = np.isfinite(measured[:, 0])
    # A constant star tells nothing of the unit.
    telling = known & (measured[:, 1] > 0)
    lost = np.zeros(len(flux), bool)
    typical = np.median(measured[known], axis=0) if known.any() else np.full(2, np.nan)
    own = kinds_of(measured, unit=unit)
    kind = _most(own[telling])
    about = (kind, float(typical[0]), float(typical[1]))
    if kind == "none":
        return Scaled(flux, _held(flux, valid), False, *about, lost)
    # Magnitudes are the file's or nobody's; what a star by itself cannot tell is as the others' is.
    as_file = ~telling | (own == "none") | (own == "magnitudes") | (kind == "magnitudes")
    each = np.where(as_file, kind, own)
    lost = known & (each == "divided") & ~(measured[:, 0] > 0)
    out = np.array(flux, copy=True)
    for row in np.flatnonzero(known & ~lost):
        at = valid[row]
        values = out[row, at]
        if each[row] == "minus one":
            out[row, at] = values + 1
        elif each[row] == "divided":
            out[row, at] = values / measured[row, 0]
        else:
            with np.errstate(over="ignore"):
                out[row, at] = 10 ** (-0.4 * (values - measured[row, 0]))
    return Scaled(out, _held(out, valid & ~lost[:, None]), True, *about, lost)


def _held(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return ``valid`` without what float32 cannot hold: a wild number, such as a magnitude of -9999."""
    with np.errstate(invalid="ignore"):
        return valid & (np.abs(flux) <= LARGEST)


def errors(error: np.ndarray, flux: np.ndarray, scaled: Scaled) -> np.ndarray:
    """Return errors ``(n, c)`` of ``flux`` as it was given, float32, in the unit of ``scaled``; NaN where unknown.

    Args:
        error: ``(n, c)``, one sigma.
        flux: ``(n, c)`` as given to :func:`relative`.
        scaled: from :func:`relative`.
    """
    factor = np.ones(len(flux))
    if scaled.kind == "magnitudes":
        factor[:] = 0.4 * np.log(10)
    elif scaled.absolute:
        for row in range(len(flux)):
            at = np.flatnonzero(scaled.valid[row] & (flux[row] != 0))[:1]
            # A star whose flux is relative minus 1 keeps its errors.
            if len(at) and scaled.kind == "divided":
                factor[row] = float(scaled.flux[row, at[0]]) / float(flux[row, at[0]])
    with np.errstate(invalid="ignore", over="ignore"):
        found = (error * np.abs(factor)[:, None]).astype(np.float32)
        return np.where(np.isfinite(found) & (found > 0), found, np.float32(np.nan))


def remarks(scaled: Scaled, *, name: str = "flux", counts: bool = True) -> tuple[str, ...]:
    """Return what a reader of the figures has to know about the unit, one sentence each.

    Args:
        scaled: from :func:`relative`, without a unit from the file.
        name: of the column.
        counts: whether counts are worth telling, as they are not in the missions' own files.
    """
    told = []
    where = f"median {scaled.middle:.4g}, scatter {scaled.scatter:.2g}"
    if scaled.kind == "none" and np.isfinite(scaled.middle):
        told.append(f"{name} has no absolute scale ({where}): depths are in units of scatter")
    elif scaled.kind == "magnitudes":
        told.append(
            f"{name} ({where}) is taken for magnitudes: converted to flux (if it is not, divide it by its median)"
        )
    elif counts and scaled.kind == "divided" and abs(scaled.middle - 1) > RELATIVE_SCATTER:
        told.append(f"{name} is in counts ({where}): divided by its median")
    if scaled.lost.any():
        told.append(f"{scaled.lost.sum()} stars have a median {name} of zero or less, and so no scale: left empty")
    return tuple(told)


def _most(kinds: Iterable[str]) -> str:
    """The most frequent; of equals, and of no star, the first in :data:`KINDS`."""
    names = list(kinds)
    return max(KINDS, key=names.count)
