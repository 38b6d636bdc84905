"""One candidate, one page: what a vetter looks at before believing a planet."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from exojax.report import numbers, panels
from exojax.report.attribution import why
from exojax.report.folding import Fold, Sheet, folded
from exojax.report.style import GREY, HOST, plain, png, say, styled
from exojax.storage.write_file import write_atomically

__all__ = ["Sheet", "draw", "sheet"]

A4 = (11.69, 8.27)
FLOOR = 0.3  # of the words on the right, above the centroid
STRIP = (0.055, 0.03, 0.765, 0.182)  # of the reasons, below the panels on the left


def sheet(path: Path, one: Sheet) -> None:
    """Write the page as a PNG of 1753 x 1240 pixels, in one step.

    The panels are those of the one-page summary of Kepler's data validation (Twicken et al. 2018, PASP 130, 064502) and
    of LATTE (Eisner et al. 2020, JOSS 5, 2101).
    """
    write_atomically(path, png(draw(one)))


@styled
def draw(one: Sheet) -> Figure:
    """The page as a figure."""
    fold = folded(one)
    figure = Figure(figsize=A4)
    figure.set_layout_engine("none")  # places are given: a fifth of the time of constrained_layout
    bottom, heights = (0.055, [1, 1.25, 1.25, 1.35]) if one.reasons is None else (0.25, [0.8, 1.1, 1.25, 1.3])
    gap = 0.5 if one.reasons is None else 0.62
    grid = GridSpec(4, 60, figure, left=0.055, right=0.765, top=0.9, bottom=bottom, hspace=gap, height_ratios=heights)
    panels.raw(figure.add_subplot(grid[0, :]), one, "As measured, with its trend")
    panels.flat(figure.add_subplot(grid[1, :]), one, fold)
    panels.periodogram(figure.add_subplot(grid[2, :29]), one, fold)
    panels.centroid(figure.add_axes((0.845, 0.055, 0.14, 0.198)), one, fold)
    if np.isnan(fold.period):
        _event(figure, grid, one, fold)
    else:
        _folds(figure, grid, one, fold)
    for axes in figure.axes:
        axes.tick_params(labelsize=7.5, length=2.5, pad=2)
        axes.xaxis.label.set_fontsize(8)
        axes.yaxis.label.set_fontsize(8)
    if one.reasons is not None:
        value = float(one.candidate.probability[0])
        why(figure, one.reasons, STRIP, "" if np.isnan(value) else f"probability {value:.3f}")
    _words(figure, one)
    return figure


def _folds(figure: Figure, grid: GridSpec, one: Sheet, fold: Fold) -> None:
    span = min(3 * fold.duration, fold.period / 2)
    panels.phase(figure.add_subplot(grid[2, 34:]), fold)
    first, odd, even, last = (figure.add_subplot(grid[3, a:b]) for a, b in ((0, 19), (24, 34), (35, 45), (49, 60)))
    panels.around(first, fold, span, "Around the transit", model=one.model_offset)
    sigma = numbers.sigma(one.candidate.odd_even_sigma[0])
    for axes, parity, name in ((odd, 0, f"Odd, even: {sigma}"), (even, 1, "")):
        chosen = fold.event % 2 == parity
        panels.around(axes, fold, span / 2, name, model=one.model_offset, chosen=chosen)
        axes.axhline(fold.model.min(initial=0.0), color=GREY, linestyle="--", linewidth=0.8)
    low, high = np.array([axes.get_ylim() for axes in (odd, even)]).T
    for axes in (odd, even):
        axes.set_ylim(low.min(), high.max())
        axes.set_xlabel("odd (hours)" if axes is odd else "even (hours)", labelpad=2)
    even.tick_params(labelleft=False)
    even.set_ylabel("")
    at = float(one.candidate.secondary_phase[0])
    if np.isnan(at):
        say(last, "no secondary\nmeasured")
    else:
        title = f"Secondary, {numbers.sigma(one.candidate.secondary_sigma[0])}"
        panels.around(last, fold, span / 2, title, centre=at * fold.period)
        last.set_xlabel(f"hours from phase {at:.3f}", labelpad=2)


def _event(figure: Figure, grid: GridSpec, one: Sheet, fold: Fold) -> None:
    near, reach = figure.add_subplot(grid[2, 34:]), 20 * fold.duration
    panels.raw(near, one, "Its neighbourhood, as measured", fold.t0 - reach, fold.t0 + reach)
    near.set_xlabel(panels.axis_of(one))
    panels.around(figure.add_subplot(grid[3, :]), fold, 3 * fold.duration, "The event", model=one.model_offset)


def _words(figure: Figure, one: Sheet) -> None:
    found = one.candidate
    kind = "single transit" if found.single[0] else "candidate"
    name = plain(found.id[0], 44)
    figure.text(0.03, 0.965, f"{name}   {kind} {int(found.rank[0])}", fontsize=15, va="center", weight="bold")
    figure.text(0.985, 0.965, numbers.star_line(one.star), fontsize=9.5, va="center", ha="right", color=GREY)
    y = 0.888
    for label, value in numbers.rows(found, one.time_system, one.absolute, one.star):
        lines = textwrap.wrap(value, 24)[:4]
        figure.text(0.795, y, label, fontsize=8, color=GREY, va="baseline")
        for line in lines:
            figure.text(0.865, y, line, fontsize=7.6, va="baseline")
            y -= 0.018
        y -= 0.006
    # Flags are this package's own words, which need no check of what can be drawn.
    told = [(plain(text, 300), HOST) for text in one.warnings]
    told += [("speaks against it:", GREY)] * bool(one.flags) + [(f"• {flag}", "black") for flag in one.flags]
    for words, colour in told:
        lines = textwrap.wrap(words, 42, subsequent_indent="  " * words.startswith("•"))
        if y - 0.0165 * len(lines) < FLOOR:
            figure.text(0.795, y, "… more in candidates.csv", fontsize=7.5, color=GREY, va="top")
            break
        figure.text(0.795, y, "\n".join(lines), fontsize=7.5, color=colour, va="top", linespacing=1.3)
        y -= 0.012 * (colour == HOST) + 0.004 + 0.0165 * len(lines)
