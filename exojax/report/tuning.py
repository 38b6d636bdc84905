"""Figures of a tuning: scores in the order of the trials, what mattered, the score along each hyper-parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from exojax.report.style import GREY, HOST, OTHER, plain, say, single, styled

COLUMNS = 3


@styled
def history(score: np.ndarray, complete: np.ndarray) -> Figure:
    """Score of each trial and the best so far.

    Args:
        score: ``(n,)`` float average precision in the inner folds, NaN where there is none.
        complete: ``(n,)`` bool; the others were pruned.
    """
    figure, axes = single()
    number = np.arange(1, len(score) + 1)
    if not complete.any():
        say(axes, "no complete trial")
        return figure
    axes.plot(number[complete], score[complete], "o", color=OTHER, markersize=4, label="complete")
    _pruned(axes, number, score, complete)
    axes.step(
        number, np.fmax.accumulate(np.where(complete, score, np.nan)), where="post", color=HOST, label="best so far"
    )
    axes.set(xlabel="trial", ylabel="average precision, inner folds")
    axes.set_title("History")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@styled
def importances(share: Mapping[str, float]) -> Figure:
    """Draw the share of each hyper-parameter in the variance of the score.

    Args:
        share: name to share; empty where there are too few trials.
    """
    figure = Figure(figsize=(6.0, 1.4 + 0.4 * max(len(share), 1)))
    axes = figure.add_subplot()
    if not share:
        say(axes, "too few complete trials to tell what mattered")
        return figure
    names = sorted(share, key=lambda name: share[name])
    axes.barh([plain(name, 24) for name in names], [share[name] for name in names], color=OTHER)
    axes.set(xlabel="share of the variance of the score")
    axes.set_title("What mattered")
    return figure


@styled
def slices(params: Mapping[str, Sequence[Any]], score: np.ndarray, complete: np.ndarray) -> Figure:
    """Draw the score along each hyper-parameter.

    Args:
        params: name to the ``n`` values, numbers or texts; None where a trial has none.
        score: ``(n,)`` float, NaN where there is none.
        complete: ``(n,)`` bool; the others were pruned.
    """
    rows = max(1, -(-len(params) // COLUMNS))
    figure = Figure(figsize=(3.4 * min(COLUMNS, max(len(params), 1)), 0.6 + 2.6 * rows))
    if not params:
        say(figure.add_subplot(), "no hyper-parameter was chosen")
        return figure
    panels = figure.subplots(rows, min(COLUMNS, len(params)), sharey=True, squeeze=False).ravel()
    for axes in panels[len(params) :]:
        axes.set_axis_off()
    for axes, (name, values) in zip(panels, params.items()):
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values if v is not None)
        if numbers:
            place = np.array([np.nan if v is None else v for v in values], np.float64)
            if np.nanmin(place) > 0 and np.nanmax(place) > 20 * np.nanmin(place):
                axes.set_xscale("log")
        else:
            names = sorted({str(v) for v in values})
            place = np.array([names.index(str(v)) for v in values], np.float64)
            axes.set_xticks(range(len(names)), [plain(n, 14) for n in names])
            axes.set_xlim(-0.5, len(names) - 0.5)
        axes.plot(place[complete], score[complete], "o", color=OTHER, markersize=4)
        _pruned(axes, place, score, complete)
        axes.set_xlabel(plain(name, 24))
    figure.supylabel("average precision, inner folds", fontsize=11)
    figure.suptitle("Slices", fontsize=12.5)
    return figure


def _pruned(axes: Axes, place: np.ndarray, score: np.ndarray, complete: np.ndarray) -> None:
    pruned = ~complete & np.isfinite(score)
    if pruned.any():
        axes.plot(place[pruned], score[pruned], "x", color=GREY, markersize=4, label="pruned")
