"""Decide the unit of flux and convert it to relative flux, by one rule for every reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from exojax.robust import scatter

RELATIVE_SCATTER = 0.1
"""scatter below which flux near 0 or magnitudes are plausible; flux in ppm, counts or sigmas has a larger scatter"""
STEADY = 0.5
"""ratio of scatter to median below which the median of flux is its scale"""
MAGNITUDES = (5.0, 20.0)
"""range of the magnitudes of stars that are searched for transits"""
LARGEST = 1e37
"""flux above which a value counts as missing; float32 ends at 3.4e38"""
KINDS = ("none", "divided", "minus one", "magnitudes")
"""kinds of flux: without an absolute scale; with a scale, to divide by its median; relative flux minus 1; magnitudes"""


@dataclass(frozen=True, eq=False)
class Scaled:
    """Flux of n stars after scaling.

    Attributes:
        flux: ``(n, c)`` of the given dtype: relative with median 1 if ``absolute``, else unchanged. Values that are not
            ``valid`` are unchanged.
        valid: ``(n, c)`` bool; false throughout for a star in ``lost``.
        absolute: true if the depth of a dip is a fraction of the flux.
        kind: kind of the file's flux, one of :data:`KINDS`.
        middle: median of the medians of the stars, in the given unit; NaN without measurements.
        scatter: median of the robust scatters of the stars, in the given unit.
        lost: ``(n,)`` bool, true for stars without a scale in a file whose flux has one.
    """

    flux: np.ndarray
    valid: np.ndarray
    absolute: bool
    kind: str
    middle: float
    scatter: float
    lost: np.ndarray


def moments(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return ``(n, 2)`` float64: median and robust scatter of each star's ``flux (n, c)`` where ``valid``; else NaN."""
    found = np.full((len(flux), 2), np.nan)
    for row, (values, known) in enumerate(zip(flux, valid)):
        if known.any():
            measured = values[known].astype(np.float64)
            middle = float(np.median(measured))
            # The robust scatter is 0 if more than half of the values are equal; then take the standard deviation.
            found[row] = middle, scatter(measured, middle) or float(np.std(measured))
    return found


def kinds_of(measured: np.ndarray, *, unit: str = "") -> np.ndarray:
    """Return ``(n,)`` str, the kind of each star's flux according to its median and scatter.

    Args:
        measured: ``(n, 2)``, from :func:`moments`.
        unit: ``magnitudes`` or ``flux`` as the file states it; empty if it does not.
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
    """Scale the flux of every star to a median of 1, if the file's flux has an absolute scale.

    All stars of a file have the unit of most of its stars. A median of more than twice the scatter is a scale, and flux
    is divided by it. Flux around zero has no scale; but if its scatter is below 0.1, it is relative flux minus 1, and 1
    is added. A star that is too faint to decide takes the unit of the others. A star with a median of zero or less in a
    file of flux with a scale cannot be used.

    Args:
        flux: ``(n, c)`` float, in any unit.
        valid: ``(n, c)`` bool, true where measured.
        unit: ``magnitudes`` or ``flux`` as the file states it; empty if it does not.
        measured: ``(n, 2)``, from :func:`moments`, if known already.
    """
    measured = moments(flux, valid) if measured is None else measured
    known = np.isfinite(measured[:, 0])
    # A constant star does not help to decide the unit.
    varying = known & (measured[:, 1] > 0)
    lost = np.zeros(len(flux), bool)
    typical = np.median(measured[known], axis=0) if known.any() else np.full(2, np.nan)
    own = kinds_of(measured, unit=unit)
    kind = _most_frequent(own[varying])
    moments_of_file = (kind, float(typical[0]), float(typical[1]))
    if kind == "none":
        return Scaled(flux, _representable(flux, valid), False, *moments_of_file, lost)
    # Either all stars of a file are in magnitudes, or none. A star that does not decide its kind takes the file's.
    as_file = ~varying | (own == "none") | (own == "magnitudes") | (kind == "magnitudes")
    kinds = np.where(as_file, kind, own)
    lost = known & (kinds == "divided") & ~(measured[:, 0] > 0)
    out = np.array(flux, copy=True)
    for row in np.flatnonzero(known & ~lost):
        at = valid[row]
        values = out[row, at]
        if kinds[row] == "minus one":
            out[row, at] = values + 1
        elif kinds[row] == "divided":
            out[row, at] = values / measured[row, 0]
        else:
            with np.errstate(over="ignore"):
                out[row, at] = 10 ** (-0.4 * (values - measured[row, 0]))
    return Scaled(out, _representable(out, valid & ~lost[:, None]), True, *moments_of_file, lost)


def _representable(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return ``valid``, false also where flux exceeds float32, as after converting a magnitude of -9999."""
    with np.errstate(invalid="ignore"):
        return valid & (np.abs(flux) <= LARGEST)


def errors(error: np.ndarray, flux: np.ndarray, scaled: Scaled) -> np.ndarray:
    """Convert errors of flux to the unit of the scaled flux: ``(n, c)`` float32, NaN where unknown.

    Args:
        error: ``(n, c)``, one sigma of ``flux``.
        flux: ``(n, c)``, the argument of :func:`relative`.
        scaled: the result of :func:`relative`.
    """
    factor = np.ones(len(flux))
    if scaled.kind == "magnitudes":
        factor[:] = 0.4 * np.log(10)
    elif scaled.absolute:
        for row in range(len(flux)):
            at = np.flatnonzero(scaled.valid[row] & (flux[row] != 0))[:1]
            # Adding 1 to relative flux does not change its errors.
            if len(at) and scaled.kind == "divided":
                factor[row] = float(scaled.flux[row, at[0]]) / float(flux[row, at[0]])
    with np.errstate(invalid="ignore", over="ignore"):
        found = (error * np.abs(factor)[:, None]).astype(np.float32)
        return np.where(np.isfinite(found) & (found > 0), found, np.float32(np.nan))


def remarks(scaled: Scaled, *, name: str = "flux", counts: bool = True) -> tuple[str, ...]:
    """Return sentences on the unit of flux that was found.

    Args:
        scaled: from :func:`relative`, for a file that does not state its unit.
        name: name of the column.
        counts: false leaves out the sentence on counts, which are normal in mission files.
    """
    sentences = []
    numbers = f"median {scaled.middle:.4g}, scatter {scaled.scatter:.2g}"
    if scaled.kind == "none" and np.isfinite(scaled.middle):
        sentences.append(f"{name} has no absolute scale ({numbers}); depths are in units of scatter")
    elif scaled.kind == "magnitudes":
        sentences.append(
            f"{name} ({numbers}) was read as magnitudes and converted to flux; if it is flux, divide it by its median"
        )
    elif counts and scaled.kind == "divided" and abs(scaled.middle - 1) > RELATIVE_SCATTER:
        sentences.append(f"{name} is in counts ({numbers}) and was divided by its median")
    if scaled.lost.any():
        sentences.append(
            f"{scaled.lost.sum()} stars have no scale (median {name} of zero or less); they are left empty"
        )
    return tuple(sentences)


def _most_frequent(kinds: Iterable[str]) -> str:
    """Return the most frequent kind; among equals, and for no star, the first in :data:`KINDS`."""
    names = list(kinds)
    return max(KINDS, key=names.count)
