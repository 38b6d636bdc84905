"""The panels of a candidate's page. Each function fills the axes that it is given."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from exojax.ephemeris import nearest_transit
from exojax.report.folding import Fold, Sheet, binned, shifts
from exojax.report.numbers import sigma
from exojax.report.style import ACCENT, GREY, HOST, OTHER, plain, say

HOURS = 24.0
DOTS, PALE = "#878f9b", "#bcc2ca"
CROWD = 5000  # cadences of a fold above which the dots step back behind the means
LINES = 1000  # of the periodogram that a page can show side by side
MOST_OUTSIDE = 60  # cadences beyond an axis that are marked on its edge
BINS = 4000  # of the whole phase, at most: two a duration


def raw(axes: Axes, one: Sheet, title: str, low: float = -np.inf, high: float = np.inf) -> None:
    """The curve as read, and its trend, from ``low`` to ``high`` days."""
    axes.set_title(title, fontsize=9)
    axes.set_ylabel("relative flux" if one.absolute else "scatters")
    used = np.isfinite(one.flux) & (one.time >= low) & (one.time <= high)
    if not used.any():
        axes.text(0.5, 0.5, "nothing measured", transform=axes.transAxes, ha="center", color=GREY)
        return
    zero = 0.0 if one.absolute else float(np.median(one.flux[np.isfinite(one.flux)]))
    unit = one.scatter if not one.absolute and one.scatter > 0 else 1.0
    flux = (one.flux[used] - zero) / unit
    _dots(axes, one.time[used], flux, *_spread(flux))
    time = one.start + one.cadence * np.arange(len(one.trend))
    known = (one.weight > 0) & np.isfinite(one.trend) & (time >= low) & (time <= high)
    time, trend = time[known], (one.trend[known] - zero) / unit
    gaps = np.flatnonzero(np.diff(time) > 0.5) + 1  # no line where nothing was measured
    axes.plot(np.insert(time, gaps, np.nan), np.insert(trend, gaps, np.nan), color=HOST, linewidth=0.9)
    axes.ticklabel_format(axis="both", useOffset=False)
    axes.margins(x=0.01)


def flat(axes: Axes, one: Sheet, fold: Fold) -> None:
    """The detrended curve with every transit marked: filled where it was measured, hollow where it fell into a gap."""
    _dots(axes, fold.time, fold.flux, *_spread(fold.flux, fold.model.min(initial=0.0)))
    words = "Detrended; transits marked"
    if len(fold.time):
        times, seen = _transits(fold, fold.period, fold.t0, fold.duration)
        crowded = len(times) > 150
        _marks(axes, times[seen], 0.05, "|" if crowded else "^", HOST, HOST)
        if not crowded and not seen.all():
            _marks(axes, times[~seen], 0.05, "^", HOST, "white")
            words += ", hollow where they fall into a gap"
        for k in range(len(one.others)):
            period = float(one.others.period[k])
            times, seen = _transits(fold, period, float(one.others.t0[k]), float(one.others.duration[k]))
            _marks(axes, times[seen], 0.95, "|" if len(times) > 150 else "v", GREY, GREY)
        words += "; above, in grey, those of the star's other candidates" if len(one.others) else ""
    axes.set_xlabel(axis_of(one), labelpad=2)
    axes.set_ylabel(_unit(fold))
    axes.set_title(words, fontsize=9)
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.margins(x=0.01)


def axis_of(one: Sheet) -> str:
    """Label of an axis of time."""
    told = {"assumed": "days; the cadence is assumed", "simulated": "days, simulated"}
    return told.get(one.time_system, f"{plain(one.time_system, 20)}, days")


def _transits(fold: Fold, period: float, t0: float, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Times of the transits within the curve, and whether anything was measured in each."""
    first, last = fold.time[0], fold.time[-1]
    if period > 0:
        times = t0 + period * np.arange(np.ceil((first - t0) / period), np.floor((last - t0) / period) + 1)
    else:
        times = np.array([t0])
    ends = np.searchsorted(fold.time, times[:, None] + 0.5 * duration * np.array([-1, 1]))
    return times, ends[:, 1] > ends[:, 0]


def _marks(axes: Axes, times: np.ndarray, height: float, mark: str, edge: str, face: str) -> None:
    axes.plot(
        times,
        np.full(len(times), height),
        mark,
        color=edge,
        markerfacecolor=face,
        markersize=4.5,
        markeredgewidth=0.8,
        transform=axes.get_xaxis_transform(),
        clip_on=False,
    )


def periodogram(axes: Axes, one: Sheet, fold: Fold) -> None:
    """The highest SNR in each of many slices of log period; the peak in colour, its harmonics dashed."""
    good = np.isfinite(one.power) & (one.periods > 0)
    axes.set_title("Periodogram", fontsize=9)
    if good.sum() < 2:
        say(axes, "no periodogram")
        return
    order = np.argsort(one.periods[good])
    periods, power = one.periods[good][order], one.power[good][order]
    edges = np.geomspace(periods[0], periods[-1], LINES + 1)[:-1]
    starts = np.unique(np.searchsorted(periods, edges))
    top = np.maximum.reduceat(power, starts)
    axes.plot(periods[starts], top, color=OTHER, linewidth=0.7)
    axes.set(xscale="log", xlabel="period (days)", ylabel="SNR", ylim=(min(0, top.min()), 1.18 * max(top.max(), 1e-9)))
    axes.set_xlim(periods[0] * 0.97, periods[-1] * 1.03)
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if periods[0] <= t <= periods[-1]]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    if np.isnan(fold.period):
        axes.set_title("Periodogram of the star (one event has no peak)", fontsize=9)
        return
    harmonics = [(fold.period * m, name) for m, name in ((1 / 3, "⅓"), (1 / 2, "½"), (2, "2"), (3, "3"))]
    for period, name in harmonics:
        if periods[0] <= period <= periods[-1]:
            axes.axvline(period, color=GREY, linestyle="--", linewidth=0.7, zorder=0)
            axes.text(period, 1.0, f" {name}P", transform=axes.get_xaxis_transform(), fontsize=7, color=GREY, va="top")
    axes.axvline(fold.period, color=HOST, linewidth=4, alpha=0.3, zorder=0)
    axes.text(fold.period, 1.0, " P", transform=axes.get_xaxis_transform(), fontsize=8, color=HOST, va="top")
    for alias in str(one.candidate.aliases[0]).split(";"):
        if _is_number(alias) and periods[0] <= float(alias) <= periods[-1]:
            axes.plot(float(alias), 0.0, "^", color=ACCENT, markersize=5, clip_on=False, zorder=3)


def phase(axes: Axes, fold: Fold) -> None:
    """The fold on the whole phase, the transit at 0."""
    x, y, weight = (fold.away / fold.period)[fold.keep], fold.flux[fold.keep], fold.weight[fold.keep]
    x = np.where(x < -0.25, x + 1, x)
    low, high = limits(fold, x, y, weight, -0.25, 0.75)
    _dots(axes, x, y, low, high, colour=PALE if len(x) > CROWD else DOTS)
    if not fold.keep.all():
        axes.text(1, 1.03, "less better candidates", fontsize=7, color=GREY, ha="right", transform=axes.transAxes)
    _means(axes, fold, x, y, weight, -0.25, 0.75, int(np.clip(2 * fold.period / fold.duration, 40, BINS)), small=True)
    axes.set(xlabel="phase", xlim=(-0.25, 0.75))
    axes.set_ylabel(_unit(fold), labelpad=2)
    axes.set_title("Whole phase", fontsize=9)


def around(
    axes: Axes,
    fold: Fold,
    span: float,
    title: str,
    *,
    model: np.ndarray | None = None,
    chosen: np.ndarray | None = None,
    centre: float = 0.0,
) -> None:
    """The cadences within ``span`` days of ``centre`` days after mid-transit, means of a sixth of the duration, and
    the model's corners where given."""
    away = nearest_transit(fold.away, fold.period, centre)[0]
    near = fold.keep & (np.abs(away) <= span) & (True if chosen is None else chosen)
    x, y, weight = away[near] * HOURS, fold.flux[near], fold.weight[near]
    low, high = limits(fold, x, y, weight, -span * HOURS, span * HOURS)
    bins = int(np.clip(round(12 * span / fold.duration), 6, 60))
    few = len(x) < 2.5 * bins
    _dots(axes, x, y, low, high, size=5 if few else 2.5, colour=OTHER if few else PALE if len(x) > CROWD else DOTS)
    if not few:
        _means(axes, fold, x, y, weight, -span * HOURS, span * HOURS, bins)
    if model is not None:
        corners = np.concatenate([[-span], model, [span]]) * HOURS
        axes.plot(corners, np.concatenate([[0], fold.model, [0]]), color=HOST, linewidth=1.3)
    axes.axhline(0, color=GREY, linewidth=0.5, zorder=0)
    axes.set_xlim(-span * HOURS, span * HOURS)
    axes.set_xlabel("hours from mid-transit", labelpad=2)
    axes.set_ylabel(_unit(fold), labelpad=2)
    axes.set_title(title, fontsize=9)
    if not near.any():
        axes.text(0.5, 0.5, "nothing measured", transform=axes.transAxes, ha="center", color=GREY)


def centroid(axes: Axes, one: Sheet, fold: Fold) -> None:
    """The centroid's shift in each transit; their median with its three-sigma ellipse, and the star at the cross."""
    axes.set_title("Centroid shift", fontsize=9)
    if one.centroid is None:
        say(axes, "no centroids\nin this file")
        return
    measured = (one.weight > 0) & np.isfinite(one.flat)
    where = one.centroid[measured]
    usable = np.isfinite(where).all(axis=1) & fold.keep
    found, middle, error = shifts(
        fold.away[usable], fold.event[usable], where[usable], fold.weight[usable], fold.duration
    )
    if not len(found):
        say(axes, "too few centroids\naround the transits")
        return
    found, middle, error = found * 1e3, middle * 1e3, error * 1e3
    turn = np.linspace(0, 2 * np.pi, 90)
    axes.plot(found[:, 0], found[:, 1], ".", color=DOTS, markersize=4)
    axes.plot(
        middle[0] + 3 * error[0] * np.cos(turn), middle[1] + 3 * error[1] * np.sin(turn), color=OTHER, linewidth=1
    )
    axes.errorbar(
        middle[0], middle[1], xerr=error[0], yerr=error[1], color=OTHER, fmt="o", markersize=3.5, linewidth=1.2
    )
    axes.plot(0, 0, "+", color=HOST, markersize=11, markeredgewidth=1.6)
    if np.isfinite(one.candidate.centroid_sigma[0]):
        axes.set_title(f"Centroid shift, {sigma(one.candidate.centroid_sigma[0])}", fontsize=9)
    # Wide enough for the ellipse, the cross and most events; an outlier is no reason to shrink them.
    reach = 1.15 * max(float(np.max(np.abs(middle) + 3 * error)), float(np.percentile(np.abs(found).max(axis=1), 80)))
    reach = reach if reach > 0 else 1.0
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="column (mpx); ellipse: 3σ", aspect="equal")
    axes.set_ylabel("row (mpx)", labelpad=2)


def limits(
    fold: Fold, x: np.ndarray, y: np.ndarray, weight: np.ndarray, low: float, high: float
) -> tuple[float, float]:
    """An axis that holds the model, the means and most of the cadences, but is not stretched by noise when the means
    tell the story."""
    if not len(y):
        return -1.0, 1.0
    mean = binned(x, y, weight, low, high, 40)[1]
    deepest = float(fold.model.min(initial=0.0))
    beside = min(3 * fold.scatter, max(-2 * deepest, fold.scatter / 2))
    reach = min(float(np.percentile(y, 99)), float(mean.max(initial=0)) + beside)
    below = max(float(np.percentile(y, 1)), float(mean.min(initial=0)) - beside)
    bottom, top = min(below, 1.15 * deepest), max(reach, -0.3 * deepest)
    margin = 0.06 * (top - bottom) or 1.0
    return bottom - margin, top + margin


def _spread(y: np.ndarray, deepest: float = np.inf) -> tuple[float, float]:
    if not len(y):
        return -1.0, 1.0
    low, high = np.percentile(y, [0.1, 99.9])
    low = min(float(low), 1.2 * deepest)
    margin = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return low - margin, float(high) + margin


def _dots(
    axes: Axes, x: np.ndarray, y: np.ndarray, low: float, high: float, size: float = 1.8, colour: str = DOTS
) -> None:
    """One dot a cadence; those beyond the axis are small triangles on its edge, if they are few."""
    inside = (y >= low) & (y <= high)
    axes.plot(x[inside], y[inside], ".", markersize=size, color=colour, markeredgewidth=0)
    for beyond, edge, mark in ((y < low, low, "v"), (y > high, high, "^")):
        if beyond.sum() > MOST_OUTSIDE:
            continue
        axes.plot(x[beyond], np.full(beyond.sum(), edge), mark, color=DOTS, markersize=2.5, clip_on=False)
    axes.set_ylim(low, high)


def _means(
    axes: Axes,
    fold: Fold,
    x: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    low: float,
    high: float,
    count: int,
    *,
    small: bool = False,
) -> None:
    centre, mean, total = binned(x, y, weight, low, high, count)
    error = None if small else fold.scatter / np.sqrt(total)
    axes.errorbar(centre, mean, yerr=error, fmt=".", color=OTHER, markersize=2.5 if small else 5, linewidth=1, zorder=3)


def _unit(fold: Fold) -> str:
    return "scatters" if fold.unit == "scatter" else fold.unit


def _is_number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
