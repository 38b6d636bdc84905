"""The panels of a candidate's page. Each function fills the axes that it is given."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from exojax.ephemeris import nearest_transit
from exojax.report.closed_gaps import ClosedGaps, close_gaps
from exojax.report.folding import Event, Fold, Sheet, binned, other_periods
from exojax.report.numbers import sigma
from exojax.report.style import ACCENT, GREY, HOST, OTHER, plain, say

HOURS = 24.0
DOTS, PALE = "#878f9b", "#bcc2ca"
CROWD = 5000  # cadences of a fold above which the dots step back behind the means
LINES = 1000  # of the periodogram that a page can show side by side
MOST_OUTSIDE = 60  # cadences beyond an axis that are marked on its edge
BINS = 4000  # of the whole phase, at most: two a duration


def raw(axes: Axes, one: Sheet, title: str, low: float = -np.inf, high: float = np.inf) -> None:
    """Draw the curve as read, and its trend, from ``low`` to ``high`` days."""
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
    if close_gaps(axes, one.time[used]) is not None:
        axes.set_title(f"{title}; grey: long gaps, closed", fontsize=9)
    inside = axes.get_xlim()
    for place, colour, name in ((1.0, OTHER, "dumps"), (0.0, GREY, "flagged")):
        times = np.concatenate([getattr(piece, name) for piece in one.pieces]) if one.pieces else np.zeros(0)
        times = times[(times >= inside[0]) & (times <= inside[1])]
        axes.plot(times, np.full(len(times), place), "|", color=colour, markersize=5, markeredgewidth=0.7,
                  transform=axes.get_xaxis_transform(), clip_on=False)  # fmt: skip
    axes.set_xlim(inside)


def flat(axes: Axes, one: Sheet, fold: Fold) -> None:
    """Draw the detrended curve with every transit marked: filled where it was measured, hollow in a gap."""
    # On its own scale: a deeper candidate of the star would flatten it.
    _dots(axes, fold.time, fold.flux, *_spread(fold.flux[fold.keep], fold.model.min(initial=0.0)))
    words = "Detrended; transits marked"
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.margins(x=0.01)
    scale = close_gaps(axes, fold.time)
    if len(fold.time):
        times, seen = _transits(fold, fold.step, fold.t0, fold.duration, scale)
        crowded = len(times) > 150
        _marks(axes, times[seen], 0.05, "|" if crowded else "^", HOST, HOST)
        if not crowded and not seen.all():
            _marks(axes, times[~seen], 0.05, "^", HOST, "white")
            words += ", hollow where they fall into a gap"
        for k in range(len(one.others)):
            period = float(one.others.period[k])
            times, seen = _transits(fold, period, float(one.others.t0[k]), float(one.others.duration[k]), scale)
            _marks(axes, times[seen], 0.95, "|" if len(times) > 150 else "v", GREY, GREY)
        words += "; above, in grey, those of the star's other candidates" if len(one.others) else ""
    axes.set_xlabel(axis_of(one), labelpad=2)
    axes.set_ylabel(_unit(fold))
    axes.set_title(words, fontsize=9)


def axis_of(one: Sheet) -> str:
    """Return the label of an axis of time."""
    captions = {
        "assumed": "days; the cadence is assumed",
        "simulated": "days, simulated",
        "file": "days by the file's clock",
    }
    return captions.get(one.time_system, f"{plain(one.time_system, 20)}, days")


def _transits(
    fold: Fold, period: float, t0: float, duration: float, scale: ClosedGaps | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return times of the transits within the curve, those in closed gaps left out, and which hold any cadence."""
    first, last = fold.time[0], fold.time[-1]
    if period > 0:
        times = t0 + period * np.arange(np.ceil((first - t0) / period), np.floor((last - t0) / period) + 1)
    else:
        times = np.array([t0])
    if scale is not None:
        times = times[scale.inside(times, duration)]
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
    """Draw the highest SNR in each of many slices of log period; the peak in colour, its harmonics dashed."""
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
    aliases = [alias for alias in other_periods(one.candidate) if periods[0] <= alias <= periods[-1]]
    if aliases:
        axes.set_title("Periodogram; ▲ other periods of the same events", fontsize=9)
    harmonics = [(fold.period * m, name) for m, name in ((1 / 3, "⅓"), (1 / 2, "½"), (2, "2"), (3, "3"))]
    for period, name in harmonics:
        if periods[0] <= period <= periods[-1]:
            axes.axvline(period, color=GREY, linestyle="--", linewidth=0.7, zorder=0)
            axes.text(period, 1.0, f" {name}P", transform=axes.get_xaxis_transform(), fontsize=7, color=GREY, va="top")
    axes.axvline(fold.period, color=HOST, linewidth=4, alpha=0.3, zorder=0)
    axes.text(fold.period, 1.0, " P", transform=axes.get_xaxis_transform(), fontsize=8, color=HOST, va="top")
    axes.plot(aliases, np.zeros(len(aliases)), "^", color=ACCENT, markersize=5, clip_on=False, zorder=3)


def phase(axes: Axes, fold: Fold) -> None:
    """Draw the fold on the whole phase, the transit at 0."""
    x, y, weight = (fold.away / fold.period)[fold.keep], fold.flux[fold.keep], fold.weight[fold.keep]
    x = np.where(x < -0.25, x + 1, x)
    low, high = limits(fold, x, y, weight, -0.25, 0.75)
    _dots(axes, x, y, low, high, colour=PALE if len(x) > CROWD else DOTS)
    _means(axes, fold, x, y, weight, -0.25, 0.75, int(np.clip(2 * fold.period / fold.duration, 40, BINS)), small=True)
    axes.set(xlabel="phase", xlim=(-0.25, 0.75))
    axes.set_ylabel(_unit(fold), labelpad=2)
    without = "" if fold.keep.all() else ", without the transits of candidates found before it"
    axes.set_title(f"Whole phase{without}", fontsize=9)


def around(
    axes: Axes,
    fold: Fold,
    span: float,
    title: str,
    *,
    model: bool = False,
    chosen: np.ndarray | None = None,
    centre: float = 0.0,
    level: float = 0.0,
    every: bool = False,
    small: bool = False,
) -> None:
    """Draw the cadences within ``span`` days of ``centre`` days after mid-transit, and their means.

    Args:
        axes: to be filled.
        fold: of the candidate.
        span: days on either side.
        title: of the panel.
        model: draw the model too; without it the panel has the scale of its own means.
        chosen: ``(n,)`` bool, cadences of the fold; all where it is None.
        centre: days after mid-transit.
        level: of the curve beside the transit, which is drawn as 0.
        every: draw also cadences in the transits of candidates found before it.
        small: the panel is one of many: it has fewer bins, no unit, and no marks of cadences beyond it.
    """
    away = nearest_transit(fold.away, fold.step, centre)[0]
    near = (fold.keep | every) & (np.abs(away) <= span) & (True if chosen is None else chosen)
    x, y, weight = away[near] * HOURS, fold.flux[near] - level, fold.weight[near]
    bins = int(np.clip(round((6 if small else 12) * span / fold.duration), 6, 60))
    low, high = limits(fold, x, y, weight, -span * HOURS, span * HOURS)
    if not model:
        low, high = own_limits(fold, x, y, weight, -span * HOURS, span * HOURS, bins)
    few = len(x) < 2.5 * bins
    colour = OTHER if few else PALE if len(x) > CROWD else DOTS
    # On the scale of the means most cadences lie beyond the axis: that is no news.
    _dots(axes, x, y, low, high, size=5 if few else 2.5, colour=colour, most=MOST_OUTSIDE if model and not small else 0)
    if not few:
        _means(axes, fold, x, y, weight, -span * HOURS, span * HOURS, bins)
    if model and near.any():
        offset = np.concatenate([[-span], fold.offset, [span]]) * HOURS
        axes.plot(offset, np.concatenate([[0], fold.model, [0]]), color=HOST, linewidth=1.3, zorder=4)
    axes.axhline(0, color=GREY, linewidth=0.5, zorder=0)
    axes.set_xlim(-span * HOURS, span * HOURS)
    axes.set_xlabel("hours from mid-transit", labelpad=2)
    axes.set_ylabel("" if small else _unit(fold), labelpad=2)
    axes.set_title(title, fontsize=9)
    if not near.any():
        axes.text(0.5, 0.5, "nothing\nmeasured", transform=axes.transAxes, ha="center", color=GREY, fontsize=7)


def centroid(axes: Axes, one: Sheet) -> None:
    """Draw the centroid's shift in each transit, its mean with the three-sigma ellipse, and the star at the cross.

    The ellipse and the words come from one measurement: the cross lies outside exactly where the centroid has moved.
    """
    shift = one.shift
    axes.set_title("Centroid shift", fontsize=9)
    if shift is None:
        say(axes, "no centroids\nin this file", size=8)
        return
    if not np.isfinite(shift.shift).all():
        say(axes, "too few centroids\naround the transits", size=8)
        return
    events, middle = shift.events * 1e3, shift.shift * 1e3
    axes.plot(events[:, 0], events[:, 1], ".", color=DOTS, markersize=4)
    axes.plot(0, 0, "+", color=HOST, markersize=12, markeredgewidth=2.2, zorder=4)
    outline = middle[None]
    axes.set_xlabel("column (mpx)", labelpad=2)
    if np.isfinite(shift.sigma):
        outline = shift.ellipse() * 1e3
        axes.plot(middle[0], middle[1], "o", color=OTHER, markersize=4, zorder=3)
        axes.plot(outline[:, 0], outline[:, 1], color=OTHER, linewidth=1.2)
        axes.set_title(f"Centroid: {'moves' if shift.moved else 'stays'}, {sigma(shift.sigma)}", fontsize=9)
        axes.set_xlabel("column (mpx); ellipse: 3σ", labelpad=2)
    else:
        axes.set_title("Centroid, one event" if len(shift.events) < 2 else "Centroid, two events", fontsize=9)
    # Wide enough for the ellipse, the cross and most events; an outlier is no reason to shrink them.
    most = float(np.percentile(np.abs(events).max(axis=1), 80)) if len(events) else 0.0
    reach = 1.15 * max(float(np.abs(outline).max()), most) or 1.0
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes.set_ylabel("row (mpx)", labelpad=1)


def river(axes: Axes, fold: Fold, span: float) -> None:
    """Draw each transit as a line of an image, the first at the bottom (a river plot): late and missing ones show.

    Args:
        axes: to be filled.
        fold: of the candidate.
        span: days on either side.
    """
    bins = int(np.clip(round(12 * span / fold.duration), 8, 48))
    near = fold.keep & (np.abs(fold.away) < span)
    numbers, row = np.unique(fold.event[near], return_inverse=True)
    axes.set_title("River: a line a transit, the first below", fontsize=9)
    if not len(numbers):
        say(axes, "nothing measured", size=8)
        return
    column = ((fold.away[near] + span) / (2 * span) * bins).astype(int)
    place, shape = row * bins + column, (len(numbers), bins)
    total = np.bincount(place, fold.weight[near], len(numbers) * bins).reshape(shape)
    sums = np.bincount(place, (fold.weight * fold.flux)[near], len(numbers) * bins).reshape(shape)
    mean = np.where(total > 0, sums / np.where(total > 0, total, 1.0), np.nan)
    deepest = float(-fold.model.min(initial=0.0)) or fold.scatter
    axes.imshow(
        mean, aspect="auto", origin="lower", cmap="cividis", interpolation="nearest", vmin=-1.1 * deepest,
        vmax=0.3 * deepest, extent=(-span * HOURS, span * HOURS, 0, len(numbers)),
    )  # fmt: skip
    axes.set_xlabel("hours", labelpad=1)
    axes.set_ylabel("transit", labelpad=2)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))


def centroid_track(axes: Axes, one: Sheet, fold: Fold, which: int, span: float) -> None:
    """Draw the light's column or row around all transits, each against its mean out of transit, in millipixels.

    Args:
        axes: to be filled.
        one: the sheet, with a centroid.
        fold: of its candidate.
        which: 0 for the column, 1 for the row.
        span: days on either side.
    """
    name = ("column", "row")[which]
    axes.set_title(f"Centroid, {name} (mpx)", fontsize=9)
    assert one.centroid is not None
    place = one.centroid[(one.weight > 0) & np.isfinite(one.flat), which].astype(np.float64)
    near = fold.keep & (np.abs(fold.away) < span) & np.isfinite(place)
    out = near & (np.abs(fold.away) > 0.6 * fold.duration)
    if not out.any():
        say(axes, "nothing measured", size=8)
        return
    numbers, row = np.unique(fold.event[out], return_inverse=True)
    level = np.bincount(row, place[out]) / np.bincount(row)
    near &= np.isin(fold.event, numbers)
    x = fold.away[near] * HOURS
    y = 1e3 * (place[near] - level[np.searchsorted(numbers, fold.event[near])])
    bins = int(np.clip(round(8 * span / fold.duration), 8, 40))
    middle, mean, _ = binned(x, y, np.ones(len(x)), -span * HOURS, span * HOURS, bins)
    spread = float(np.std(y)) if len(y) else 1.0
    reach = max(4 * float(np.abs(mean).max(initial=0.0)), 2 * spread) or 1.0
    _dots(axes, x, y, -reach, reach, colour=PALE if len(x) > CROWD else DOTS, most=0)
    axes.plot(middle, mean, ".", color=OTHER, markersize=4)
    for edge in (-0.5, 0.5):
        axes.axvline(edge * fold.duration * HOURS, color=GREY, linestyle="--", linewidth=0.7)
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.set_xlim(-span * HOURS, span * HOURS)
    axes.set_xlabel("hours; dashed: the transit", labelpad=1)


def background(axes: Axes, one: Sheet, fold: Fold) -> None:
    """Draw the background flux of the files against time, the transits marked."""
    axes.set_title("Background flux; transits marked", fontsize=9)
    for piece in one.pieces:
        axes.plot(*piece.background, color=GREY, linewidth=0.8)
    axes.ticklabel_format(axis="both", useOffset=False)
    scale = close_gaps(axes, fold.time)
    times, seen = _transits(fold, fold.step, fold.t0, fold.duration, scale)
    _marks(axes, times[seen], 0.05, "|" if len(times) > 60 else "^", HOST, HOST)
    axes.set_xlabel(axis_of(one), labelpad=1)


def depths(axes: Axes, fold: Fold, found: list[Event], words: str) -> None:
    """Draw the depth of each transit against time, with the fold's as a line."""
    axes.set_title(words, fontsize=9)
    if not found:
        say(axes, "no transit is measured")
        return
    time, depth, error = np.array([(one.time, one.depth, one.error) for one in found]).T
    axes.axhline(float(-fold.model.min(initial=0.0)), color=HOST, linewidth=1)
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.errorbar(time, depth, yerr=error, fmt="o", color=OTHER, markersize=2.5, linewidth=0.8)
    axes.set_ylabel(_unit(fold), labelpad=2)
    axes.ticklabel_format(axis="both", useOffset=False)
    good = np.isfinite(depth)
    low, high = np.percentile(depth[good], [2, 98]) if good.any() else (0.0, 1.0)
    margin = 3 * float(np.median(error))
    axes.set_ylim(min(0.0, low) - margin, max(high, float(-fold.model.min(initial=0.0))) + margin)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    close_gaps(axes, fold.time)


def own_limits(
    fold: Fold, x: np.ndarray, y: np.ndarray, weight: np.ndarray, low: float, high: float, bins: int
) -> tuple[float, float]:
    """Return the ends of an axis on the scale of the means in the panel and their errors."""
    if not len(y):
        return -1.0, 1.0
    _, mean, total = binned(x, y, weight, low, high, bins)
    error = fold.scatter / np.sqrt(np.median(total)) if len(total) else fold.scatter
    reach = max(float(np.abs(mean).max(initial=0.0)), 3 * float(error)) or 1.0
    return -1.6 * reach, 1.3 * reach


def limits(
    fold: Fold, x: np.ndarray, y: np.ndarray, weight: np.ndarray, low: float, high: float
) -> tuple[float, float]:
    """Return the ends of an axis of the model, the means and most cadences, not stretched by noise."""
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
    axes: Axes,
    x: np.ndarray,
    y: np.ndarray,
    low: float,
    high: float,
    size: float = 1.8,
    colour: str = DOTS,
    most: int = MOST_OUTSIDE,
) -> None:
    """Draw a dot a cadence; those beyond the axis are small triangles on its edge, if they are ``most`` at most."""
    inside = (y >= low) & (y <= high)
    axes.plot(x[inside], y[inside], ".", markersize=size, color=colour, markeredgewidth=0)
    for beyond, edge, mark in ((y < low, low, "v"), (y > high, high, "^")):
        if beyond.sum() > most:
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
