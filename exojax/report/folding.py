"""Folds for the eye: what a page is drawn from, where a cadence lies from its transit, means in bins, the centroid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.candidates import Candidates
from exojax.detection.period_grid import INNER
from exojax.detection.periodogram import Periodogram
from exojax.detection.search_star import Trace
from exojax.ephemeris import nearest_transit, transit_mask
from exojax.evaluation.attribution import Attribution
from exojax.light_curves import LightCurves, Stars
from exojax.robust import scatter as robust_scatter


@dataclass(frozen=True, eq=False)
class Sheet:
    """Everything that the page of one candidate shows. NumPy only.

    Attributes:
        candidate: one row.
        others: the same star's other candidates, marked in grey; cadences in the transits of those of better rank are
            left out of the folds. It may be empty.
        time_system: as in :class:`exojax.light_curves.LightCurves`.
        absolute: flux is relative; otherwise every axis of brightness is in units of ``scatter``.
        cadence: days between cadences of the even grid.
        time: ``(n,)`` float64 days, of the raw cadences.
        flux: ``(n,)`` float, raw: relative, or in the file's units. NaN is passed over.
        start: days, of cadence 0 of the even grid.
        flat: ``(m,)`` float, detrended: fraction above the trend, or file units above it.
        trend: ``(m,)`` float, what detrending took off, in units of ``flux``.
        weight: ``(m,)`` float, inverse variance relative to a typical cadence; 0 where there is none.
        scatter: of a cadence of weight 1, in units of ``flat``.
        periods: ``(p,)`` float64 days, ascending or not.
        power: ``(p,)`` float, the SNR at each, in the pass that found the candidate.
        model_offset: ``(k,)`` float64 days from mid-transit, ascending: corners of the fitted model.
        model_flux: ``(k,)`` float64, the model there, 0 out of transit; in units of the candidate's depth.
        centroid: ``(m, 2)`` float pixels, or None.
        star: one row, or None.
        warnings: a sentence each.
        flags: what speaks against it, a few words each.
        reasons: what moved its score; None where no model that looks at folds gave one.
    """

    candidate: Candidates
    others: Candidates
    time_system: str
    absolute: bool
    cadence: float
    time: np.ndarray
    flux: np.ndarray
    start: float
    flat: np.ndarray
    trend: np.ndarray
    weight: np.ndarray
    scatter: float
    periods: np.ndarray
    power: np.ndarray
    model_offset: np.ndarray
    model_flux: np.ndarray
    centroid: np.ndarray | None = None
    star: Stars | None = None
    warnings: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    reasons: Attribution | None = None


def sheet_of(
    curves: LightCurves,
    one: Candidates,
    others: Candidates,
    trace: Trace,
    seen: Periodogram,
    warnings: tuple[str, ...],
) -> Sheet:
    """Return what the page of one candidate is drawn from.

    Args:
        curves: the star.
        one: the candidate.
        others: the star's other candidates.
        trace: what the search saw.
        seen: the periodogram in which the candidate was found.
        warnings: a sentence each.
    """
    even, flat = trace.even, trace.flat
    used = curves.valid[0]
    raw, above = even.flux[0].astype(np.float64), flat.flux[0].astype(np.float64)
    trend = raw / (1 + above) if curves.absolute else raw - above
    # The two boxes of the search's template.
    half, depth = 0.5 * float(one.duration[0]), float(one.depth[0])
    corners = half * np.array([-1, -1, -INNER, -INNER, INNER, INNER, 1, 1])
    model = depth * np.array([0, -0.5, -0.5, -1, -1, -0.5, -0.5, 0])
    return Sheet(
        candidate=one,
        others=others,
        time_system=curves.time_system,
        absolute=curves.absolute,
        cadence=even.cadence,
        time=curves.time[0][used],
        flux=curves.flux[0][used],
        start=float(even.start[0]),
        flat=above,
        trend=np.where(flat.weight[0] > 0, trend, np.nan),
        weight=flat.weight[0],
        scatter=float(flat.scatter[0]),
        periods=seen.period * even.cadence,
        power=seen.power,
        model_offset=corners,
        model_flux=model,
        centroid=None if flat.centroid is None else flat.centroid[0],
        star=None if curves.stars is None else curves.stars,
        warnings=warnings,
    )


@dataclass(frozen=True, eq=False)
class Fold:
    """The ``n`` measured cadences in the units drawn, and where they lie from the candidate's transits.

    Attributes:
        time: float64 days.
        flux: float64, detrended, in ``unit``.
        weight: float64, above 0.
        away: float64 days from the nearest transit.
        event: int, its number.
        keep: bool, not in a transit of a better candidate.
        period: days, NaN for a single transit.
        t0, duration: days.
        scatter: of a cadence of weight 1, in ``unit``.
        model: ``(k,)`` float64, the model's corners, in ``unit``.
        unit: ``ppm``, ``%`` or ``scatter``.
        scale: ``unit`` in one of the detrended flux.
    """

    time: np.ndarray
    flux: np.ndarray
    weight: np.ndarray
    away: np.ndarray
    event: np.ndarray
    keep: np.ndarray
    period: float
    t0: float
    duration: float
    scatter: float
    model: np.ndarray
    unit: str
    scale: float


def folded(one: Sheet) -> Fold:
    """The candidate's fold. A period, epoch or duration that is not known is replaced so that the rest can be drawn."""
    found = one.candidate
    measured = (one.weight > 0) & np.isfinite(one.flat)
    scatter = one.scatter if one.scatter > 0 else 1.0
    # Per cent where ppm would have more than four figures.
    percent = one.absolute and max(np.abs(one.model_flux).max(initial=0), 3 * scatter) >= 0.01
    unit, factor = ("%", 100.0) if percent else ("ppm", 1e6) if one.absolute else ("scatter", 1.0)
    scale = factor if one.absolute else 1 / scatter
    time = one.start + one.cadence * np.flatnonzero(measured)
    keep = np.ones(len(time), bool)
    for k in np.flatnonzero(one.others.rank < found.rank[0]):
        period, t0, duration = (float(getattr(one.others, name)[k]) for name in ("period", "t0", "duration"))
        keep &= ~transit_mask(time, period, t0, 1.2 * duration)
    period = np.nan if found.single[0] or not found.period[0] > 0 else float(found.period[0])
    t0 = float(found.t0[0]) if np.isfinite(found.t0[0]) else one.start
    away, number = nearest_transit(time, period, t0)
    return Fold(
        time=time,
        flux=one.flat[measured].astype(np.float64) * scale,
        weight=one.weight[measured].astype(np.float64),
        away=away,
        event=number.astype(int),
        keep=keep,
        period=period,
        t0=t0,
        duration=float(found.duration[0]) if found.duration[0] > 0 else 4 * one.cadence,
        scatter=scatter * scale,
        model=one.model_flux * factor,
        unit=unit,
        scale=scale,
    )


def binned(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, low: float, high: float, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted means of ``y`` in ``count`` even bins of ``x``; bins without weight are left out.

    Args:
        x, y: ``(n,)`` float64.
        weight: ``(n,)`` float, inverse variance relative to a typical cadence.
        low, high: ends of the first and last bin; values outside are passed over.

    Returns:
        ``(k,)`` float64 each: centres of the bins, means, and sums of weight, so that ``scatter / sqrt(sum)`` is the
        white-noise error of a mean.
    """
    place = np.floor((x - low) / (high - low) * count)
    inside = (place >= 0) & (place < count) & (weight > 0)
    index = place[inside].astype(int)
    total = np.bincount(index, weight[inside], count)
    sums = np.bincount(index, weight[inside] * y[inside], count)
    full = total > 0
    centre = low + (np.arange(count)[full] + 0.5) * (high - low) / count
    return centre, sums[full] / total[full], total[full]


def shifts(
    away: np.ndarray, events: np.ndarray, centroid: np.ndarray, weight: np.ndarray, duration: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far the centroid moves in each transit, from a straight line through the two durations on either side.

    Args:
        away: ``(n,)`` float64, days from the nearest transit.
        events: ``(n,)`` int, its number.
        centroid: ``(n, 2)`` float, pixels.
        weight: ``(n,)`` float; cadences of weight 0 are not measured.
        duration: days, first to last contact.

    Returns:
        ``(k, 2)`` float64 pixels, in transit less out of transit, of the events with two cadences in transit and two on
        either side; ``(2,)`` their median, as pointing jolts make outliers; and ``(2,)`` its one sigma: from the
        scatter of the cadences around the lines, or from that of the events where it is larger and there are three or
        more.
    """
    inside = (np.abs(away) < 0.39 * duration) & (weight > 0)
    outside = (np.abs(away) > 0.75 * duration) & (np.abs(away) < 2 * duration) & (weight > 0)
    near = inside | outside
    names, row = np.unique(events[near], return_inverse=True)
    x, here, line = away[near], inside[near], outside[near]
    y = centroid[near].astype(np.float64)
    y -= np.median(y, axis=0) if len(y) else 0  # small numbers, so that the sums of squares stay exact

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(row, values, len(names))

    n, sx, sxx, n_in = total(line * 1.0), total(line * x), total(line * x**2), total(here * 1.0)
    good = (n_in >= 2) & (total(line & (x < 0)) >= 2) & (total(line & (x > 0)) >= 2)
    found, middle, error = np.zeros((good.sum(), 2)), np.zeros(2), np.zeros(2)
    if not good.any():
        return found, middle, error
    used = good[row]
    with np.errstate(all="ignore"):
        for k in range(2):
            sy, sxy = total(line * y[:, k]), total(line * x * y[:, k])
            slope = (n * sxy - sx * sy) / (n * sxx - sx**2)
            left = y[:, k] - ((sy - slope * sx) / n)[row] - slope[row] * x
            found[:, k] = (total(here * left) / n_in)[good]
            noise = np.sqrt((left[used & line] ** 2).sum() / max((used & line).sum() - 2 * good.sum(), 1))
            each, middle[k] = noise / np.sqrt(n_in[good].mean()), np.median(found[:, k])
            if len(found) >= 3:
                each = max(each, robust_scatter(found[:, k], middle[k]))
            # The median of many normal numbers scatters by sqrt(pi / 2) more than their mean; that of two is the mean.
            error[k] = each / np.sqrt(len(found)) * (np.sqrt(np.pi / 2) if len(found) >= 3 else 1)
    return found, middle, error
