"""Figures of a data set before any model: examples, distributions by class, missing data, class balance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from exojax.light_curves import LightCurves
from exojax.report.figures import light_curves, star_title
from exojax.report.style import GREY, HOST, OTHER, say, styled
from exojax.simulate.random_streams import generator

STATISTICS = ("range", "scatter", "skewness", "dip_depth")
# Axis, the way onto it and back: bins are even on the axis. Skewness has both signs and long tails.
Scale = tuple[str, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]
LINEAR: Scale = ("linear", np.asarray, np.asarray)
LOG: Scale = ("log", np.log10, lambda x: 10.0**x)
SCALES: dict[str, Scale] = {
    "range": LOG,
    "scatter": LOG,
    "skewness": ("asinh", np.arcsinh, np.sinh),
    "dip_depth": LOG,
}


@styled
def examples(curves: LightCurves, seed: int, unit: str, *, each: int = 4) -> Figure:
    """Draw hosts on the left, other stars on the right, drawn at random: ``each`` of both."""
    rng = generator(seed, "example stars")
    if curves.label is None or curves.label.min(initial=1) == curves.label.max(initial=0):
        chosen = np.sort(rng.permutation(len(curves))[: 2 * each])
        title = "Example light curves"
    else:
        sides = [rng.permutation(np.flatnonzero(curves.label == c))[:each] for c in (1, 0)]
        rows = min(len(side) for side in sides)
        chosen = np.stack([side[:rows] for side in sides], axis=1).ravel()
        title = "Planet hosts (left) and stars without a known planet (right), drawn at random"
    chosen_curves = curves.take(chosen)
    labels = [None] * len(chosen_curves) if chosen_curves.label is None else [int(v) for v in chosen_curves.label]
    return light_curves(
        chosen_curves.time,
        chosen_curves.flux,
        chosen_curves.valid,
        [star_title(str(i), None, v) for i, v in zip(chosen_curves.id, labels)],
        title=title,
        flux_unit=unit,
        time_unit="days" if curves.time_system == "assumed" else f"{curves.time_system}, days",
        colours=[HOST if v == 1 else OTHER for v in labels],
    )


@styled
def distributions(
    values: dict[str, np.ndarray], label: np.ndarray | None, units: dict[str, str], differences: dict[str, Any]
) -> Figure:
    """Draw histograms of the four statistics, each class scaled to its own size, with Cliff's delta in the
    title."""
    figure = Figure(figsize=(9.2, 7.0))
    for name, axes in zip(STATISTICS, figure.subplots(2, 2).ravel()):
        value = values[name]
        scale, there, back = SCALES[name] if len(value) and (name == "skewness" or value.min() > 0) else LINEAR
        seen = there(value)
        groups = [("all stars", np.ones(len(seen), bool), GREY)]
        if label is not None:
            groups = [("no known planet", label != 1, OTHER), ("hosts", label == 1, HOST)]
        # A handful of extreme stars would squeeze all others into one bar: they go into the outermost bars.
        ends = [np.percentile(seen[rows], [0.5, 99.5]) for _, rows, _ in groups if rows.any()]
        low, high = (np.min(ends), np.max(ends)) if ends else (0.0, 1.0)
        edges = np.linspace(low, high, 31) if high > low else np.linspace(low - 0.5, low + 0.5, 31)
        x = back(edges)
        for text, rows, colour in groups:
            if rows.any():
                share = np.histogram(np.clip(seen[rows], edges[0], edges[-1]), edges)[0] / rows.sum()
                axes.stairs(share, x, fill=True, color=colour, alpha=0.25)
                axes.stairs(share, x, color=colour, linewidth=1.6, label=f"{text} ({rows.sum():,})")
        axes.set_xscale(scale)
        if name == "skewness":
            axes.set_xticks([t for t in (-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100) if x[0] <= t <= x[-1]])
            axes.xaxis.set_minor_locator(NullLocator())
        elif scale == "log":
            # Over more than two decades the labels of 2 and 5 would run into each other.
            near = x[-1] < 100 * x[0]
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if near else LogLocator(numticks=5))
            axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(f"{name.replace('_', ' ')} ({units[name]})")
        axes.set_ylabel("share of the class")
        delta = differences[name].get("cliffs_delta")
        if delta:
            axes.set_title(f"δ = {delta['value']:+.2f} [{delta['low']:+.2f}, {delta['high']:+.2f}]", fontsize=11)
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2)
    figure.suptitle("Statistics by class; δ is Cliff's delta of hosts over other stars", fontsize=12.5)
    return figure


@styled
def missing(curves: LightCurves) -> Figure:
    """Draw the share of stars measured at each cadence, and how many stars lack how much."""
    figure = Figure(figsize=(6.4, 5.4))
    upper, lower = figure.subplots(2, 1)
    upper.plot(curves.valid.mean(axis=0), color=OTHER, linewidth=0.8)
    upper.set(ylim=(-0.02, 1.05), xlabel="cadence number", ylabel="share of stars measured")
    upper.set_title("Missing data")
    lower.hist(1 - curves.valid.mean(axis=1), np.linspace(0, 1, 41), color=OTHER)
    lower.set(yscale="log", ylim=(0.7, None), xlabel="share of a star's cadences missing", ylabel="stars")
    return figure


@styled
def balance(labels: dict[str, np.ndarray | None]) -> Figure:
    """Draw hosts and other stars of each file, on a logarithmic axis, with the counts."""
    figure = Figure(figsize=(6.4, 1.4 + 1.2 * len(labels)))
    axes = figure.add_subplot()
    known = {name: label for name, label in labels.items() if label is not None}
    if not known:
        say(axes, "no labels")
        return figure
    for k, label in enumerate(known.values()):
        for text, count, colour, shift in (
            ("no known planet", int(np.sum(label != 1)), OTHER, 0.2),
            ("hosts", int(np.sum(label == 1)), HOST, -0.2),
        ):
            axes.barh(k - shift, count, 0.36, color=colour, label=text if k == 0 else None)
            axes.text(count * 1.05, k - shift, f"{count:,} ({count / len(label):.2%})", va="center", fontsize=10)
    most = max(len(label) for label in known.values())
    axes.set(xscale="log", xlim=(0.7, most * 12), xlabel="stars")
    axes.set_yticks(range(len(known)), list(known))
    axes.invert_yaxis()
    axes.set_title("Class balance")
    axes.legend(loc="lower right")
    return figure
