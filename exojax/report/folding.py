"""Folds for the eye: what a page is drawn from, where a cadence lies from its transit, means in bins, single events."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from exojax.candidates import Candidates
from exojax.detection.period_grid import INNER
from exojax.detection.periodogram import Periodogram
from exojax.detection.search_star import Trace
from exojax.ephemeris import nearest_transit
from exojax.evaluation.attribution import Attribution
from exojax.light_curves import EvenCurves, LightCurves, Piece, Stars
from exojax.report.transit_model import TransitModel, fitted
from exojax.report.verdicts import VerdictLine, verdict_lines
from exojax.vetting.all_tests import Vetting
from exojax.vetting.centroid import CentroidShift, centroid_shift
from exojax.vetting.transit_series import TransitSeries, of_even

PAIR = 2
"""events of a duotransit, which are in different seasons"""
FEW = 0.25
"""share of the secondary's events that are another candidate's transits, from which on they explain it"""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Everything that the page of one candidate shows. NumPy only.

    Attributes:
        candidate: one row.
        others: the same star's other candidates, marked in grey. It may be empty.
        time_system: as in :class:`exojax.light_curves.LightCurves`.
        absolute: flux is relative; otherwise every axis of brightness is in units of ``scatter``.
        cadence: days between cadences of the even grid.
        time: ``(n,)`` float64 days, of the raw cadences.
        flux: ``(n,)`` float, raw: relative, or in the file's units. NaN is passed over.
        start: days, of cadence 0 of the even grid.
        flat: ``(m,)`` float, detrended: fraction above the trend, or file units above it.
        trend: ``(m,)`` float, what detrending took off, in units of ``flux``.
        weight: ``(m,)`` float, inverse variance relative to a typical cadence; 0 where there is none.
        kept: ``(m,)`` bool, cadences outside the transits of candidates found before it: only they enter its folds, as
            they do its tests.
        scatter: of a cadence of weight 1, in units of ``flat``.
        periods: ``(p,)`` float64 days, ascending or not.
        power: ``(p,)`` float, the SNR at each, in the pass that found the candidate.
        model_offset: ``(k,)`` float64 days from mid-transit, ascending: where the fitted model is known.
        model_flux: ``(k,)`` float64, the model there, 0 out of transit; in units of the candidate's depth.
        fit: that model, or None where the corners of the search's template stand in for it.
        shift: of the centroid, or None where the file has none.
        series: on which its tests were made; None of a single transit.
        centroid: ``(m, 2)`` float, column and row of the light in pixels, or None where the file has none.
        star: one row, or None.
        warnings: a sentence each.
        flags: what speaks against it, a few words each.
        reasons: what moved its score; None where no model that looks at folds gave one.
        tests: of the candidate; empty where they were not run.
        pieces: what the files say of quarters, dumps and the star's place; may be empty.
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
    kept: np.ndarray
    scatter: float
    periods: np.ndarray
    power: np.ndarray
    model_offset: np.ndarray
    model_flux: np.ndarray
    fit: TransitModel | None = None
    shift: CentroidShift | None = None
    series: TransitSeries | None = None
    centroid: np.ndarray | None = None
    star: Stars | None = None
    warnings: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    reasons: Attribution | None = None
    tests: tuple[VerdictLine, ...] = ()
    pieces: tuple[Piece, ...] = ()


def sheet_of(
    curves: LightCurves,
    one: Candidates,
    others: Candidates,
    trace: Trace,
    seen: Periodogram,
    warnings: tuple[str, ...],
    vetting: Vetting,
) -> Sheet:
    """Return what the page of one candidate is drawn from.

    Args:
        curves: the star.
        one: the candidate.
        others: the star's other candidates.
        trace: what the search saw.
        seen: the periodogram in which the candidate was found.
        warnings: a sentence each.
        vetting: what the tests gave, as in the table.
    """
    even, flat = trace.even, trace.flat
    used = curves.valid[0]
    raw, above = even.flux[0].astype(np.float64), flat.flux[0].astype(np.float64)
    trend = raw / (1 + above) if curves.absolute else raw - above
    weight = trace.weights[int(one.rank[0]) - 1]
    offset, model, fit = _model(flat, weight, one, curves.absolute)
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
        kept=weight > 0,
        scatter=float(flat.scatter[0]),
        periods=seen.period * even.cadence,
        power=seen.power,
        model_offset=offset,
        model_flux=model,
        fit=fit,
        shift=_shift(even, weight, one),
        series=_series(flat, weight, one),
        centroid=None if even.centroid is None else even.centroid[0],
        star=None if curves.stars is None else curves.stars,
        warnings=warnings,
        tests=tuple(verdict_lines(vetting)),
        pieces=curves.pieces,
    )


def _model(
    flat: EvenCurves, weight: np.ndarray, one: Candidates, absolute: bool
) -> tuple[np.ndarray, np.ndarray, TransitModel | None]:
    """Return days from mid-transit, the flux of the model there, and the model that was fitted."""
    duration, depth, period = float(one.duration[0]), float(one.depth[0]), float(one.period[0])
    here = weight > 0
    time = float(flat.start[0]) + flat.cadence * np.flatnonzero(here)
    away, _ = nearest_transit(time, separation(one) if one.single[0] else period, float(one.t0[0]))
    above = flat.flux[0, here].astype(np.float64)
    middle, mean, total = binned(away, above, weight[here], -duration, duration, 60)
    fit = None
    if len(middle) >= 5:
        out = np.abs(middle) > 0.7 * duration
        level = float(np.average(mean[out], weights=total[out])) if out.any() else 0.0
        # Bins are means over more than an exposure where they are longer.
        exposure = max(flat.cadence, duration / 30)
        fit = fitted(middle, mean - level, total, duration, exposure, absolute=absolute, scatter=float(flat.scatter[0]))
    if fit is None:
        # The two boxes of the search's template.
        corners = 0.5 * duration * np.array([-1, -1, -INNER, -INNER, INNER, INNER, 1, 1])
        return corners, depth * np.array([0, -0.5, -0.5, -1, -1, -0.5, -0.5, 0]), None
    offset = np.linspace(-0.5, 0.5, 161) * (fit.duration + fit.exposure)
    return offset, fit(offset) / (1.0 if absolute else float(flat.scatter[0])), fit


def _series(flat: EvenCurves, weight: np.ndarray, one: Candidates) -> TransitSeries | None:
    """Return the series of the candidate's tests; None of a single transit."""
    if one.single[0]:
        return None
    return of_even(flat, weight, float(one.period[0]), float(one.t0[0]), float(one.duration[0]))


def _shift(even: EvenCurves, weight: np.ndarray, one: Candidates) -> CentroidShift | None:
    """Return the centroid's shift as it was measured for the table, with what a picture needs."""
    if even.centroid is None:
        return None
    period = np.inf if one.single[0] else float(one.period[0]) / even.cadence
    t0 = float(one.t0[0] - even.start[0]) / even.cadence
    found = centroid_shift(even.centroid[0], weight, period, t0, float(one.duration[0]) / even.cadence)
    # Of a single transit the table has no significance, and neither has its sheet.
    return replace(found, sigma=float(one.centroid_sigma[0]))


@dataclass(frozen=True, eq=False)
class Fold:
    """The ``n`` measured cadences in the units drawn, and where they lie from the candidate's transits.

    Attributes:
        time: float64 days.
        flux: float64, detrended, in ``unit``.
        weight: float64, above 0.
        away: float64 days from the nearest transit.
        event: int, its number.
        keep: bool, not in a transit of a candidate found before it.
        period: days, NaN for a single transit.
        step: days between numbered events: the period, or the separation of a duotransit's two; NaN of one transit.
        t0, duration: days.
        scatter: of a cadence of weight 1, in ``unit``.
        offset: ``(k,)`` float64 days from mid-transit, at which the model is known.
        model: ``(k,)`` float64, the model there, in ``unit``.
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
    step: float
    t0: float
    duration: float
    scatter: float
    offset: np.ndarray
    model: np.ndarray
    unit: str
    scale: float

    def shape(self, away: np.ndarray) -> np.ndarray:
        """Return the model at ``away`` days from mid-transit, in ``unit``."""
        if len(self.offset) < 2:
            return np.zeros(len(away))
        return np.interp(away, self.offset, self.model, left=0.0, right=0.0)


def folded(one: Sheet) -> Fold:
    """Fold the candidate; a period, epoch or duration that is not known is replaced so that the rest can be drawn."""
    found = one.candidate
    measured = (one.weight > 0) & np.isfinite(one.flat)
    scatter = one.scatter if one.scatter > 0 else 1.0
    # Per cent where ppm would have more than four figures.
    percent = one.absolute and max(np.abs(one.model_flux).max(initial=0), 3 * scatter) >= 0.01
    unit, factor = ("%", 100.0) if percent else ("ppm", 1e6) if one.absolute else ("scatter", 1.0)
    scale = factor if one.absolute else 1 / scatter
    time = one.start + one.cadence * np.flatnonzero(measured)
    keep = one.kept[measured]
    period = np.nan if found.single[0] or not found.period[0] > 0 else float(found.period[0])
    t0 = float(found.t0[0]) if np.isfinite(found.t0[0]) else one.start
    step = separation(found) if np.isnan(period) else period
    away, number = nearest_transit(time, step, t0)
    return Fold(
        time=time,
        flux=one.flat[measured].astype(np.float64) * scale,
        weight=one.weight[measured].astype(np.float64),
        away=away,
        event=number.astype(int),
        keep=keep,
        period=period,
        step=step,
        t0=t0,
        duration=float(found.duration[0]) if found.duration[0] > 0 else 4 * one.cadence,
        scatter=scatter * scale,
        offset=one.model_offset,
        model=one.model_flux * factor,
        unit=unit,
        scale=scale,
    )


def binned(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray, low: float, high: float, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return weighted means of ``y`` in ``count`` even bins of ``x``; bins without weight are left out.

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


@dataclass(frozen=True)
class Event:
    """One transit by itself.

    Attributes:
        number: of it, 0 at ``t0``.
        time: days, its middle by the ephemeris.
        depth, error: in the unit of the fold: the model scaled to its cadences.
        level: of the curve on its sides, in the same unit.
    """

    number: int
    time: float
    depth: float
    error: float
    level: float


def events(fold: Fold) -> list[Event]:
    """Return every transit with a measured cadence in it, in order of time; each against the level on its sides."""
    shape = -fold.shape(fold.away)
    used = fold.keep & (shape > 0)
    names, row = np.unique(fold.event[used], return_inverse=True)
    beside = fold.keep & (shape == 0) & (np.abs(fold.away) < 1.5 * fold.duration) & np.isin(fold.event, names)
    sides = np.searchsorted(names, fold.event[beside])
    total = np.bincount(sides, fold.weight[beside], len(names))
    level = np.bincount(sides, (fold.weight * fold.flux)[beside], len(names)) / np.where(total > 0, total, 1.0)
    weight, model = fold.weight[used], shape[used]
    power = np.bincount(row, weight * model**2)
    scale = np.bincount(row, weight * model * (level[row] - fold.flux[used])) / np.where(power > 0, power, 1.0)
    deepest = float(-fold.model.min(initial=0.0))
    step = 0.0 if np.isnan(fold.step) else fold.step
    return [
        Event(int(k), fold.t0 + k * step, float(a) * deepest, fold.scatter / float(np.sqrt(p)) * deepest, float(beside))
        for k, a, p, beside in zip(names, scale, power, level)
        if p > 0
    ]


def separation(found: Candidates) -> float:
    """Return the days between the two events of a duotransit, the longest of its possible periods; NaN of any other."""
    if not found.single[0] or found.n_transits[0] != PAIR:
        return float("nan")
    return max(other_periods(found), default=float("nan"))


def other_periods(found: Candidates) -> list[float]:
    """Return the other periods of a candidate that its table lists, days; what is no number is left out."""
    periods = []
    for text in str(found.aliases[0]).split(";"):
        with suppress(ValueError):
            periods.append(float(text))
    return [period for period in periods if 0 < period < float("inf")]


def secondary_explained(one: Sheet) -> int:
    """Return the rank of another candidate of the star whose transits are the secondary, or 0."""
    found, late = one.candidate, float(one.candidate.secondary_phase[0])
    period = float(found.period[0])
    if not np.isfinite(late) or not period > 0:
        return 0
    span = one.cadence * len(one.flat)
    for k in np.argsort(one.others.rank, kind="stable"):
        step, t0 = float(one.others.period[k]), float(one.others.t0[k])
        times = t0 + (step * np.arange(int(min(span / step, 10_000)) + 1) if step > 0 else np.zeros(1))
        away, _ = nearest_transit(times, period, float(found.t0[0]) + late * period)
        near = np.abs(away) <= 0.5 * (found.duration[0] + one.others.duration[k])
        # Of many transits that the fold averages a few are no secondary.
        if near.sum() >= max(1.0, FEW * span / period):
            return int(one.others.rank[k])
    return 0
