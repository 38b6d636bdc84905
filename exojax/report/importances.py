"""Draw the features that a model needs most, as bars."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from exojax.report.style import GREY, OTHER, plain, say, styled

SHOWN = 20


@styled
def importances(names: np.ndarray, loss: np.ndarray, error: np.ndarray) -> Figure:
    """Draw the features that cost most average precision when they are shuffled among stars.

    Args:
        names: ``(m,)`` str.
        loss: ``(m,)`` float64.
        error: ``(m,)`` float64, one standard error.
    """
    order = np.argsort(-loss, kind="stable")[:SHOWN][::-1]
    figure = Figure(figsize=(6.0, 1.2 + 0.27 * max(len(order), 1)))
    axes = figure.add_subplot()
    if not len(order):
        say(axes, "no importances were measured")
        return figure
    axes.barh(np.arange(len(order)), loss[order], xerr=error[order], color=OTHER, ecolor=GREY, capsize=2)
    axes.set_yticks(np.arange(len(order)), [plain(names[i], 40) for i in order], fontsize=9)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel="average precision lost when shuffled")
    axes.set_title("Importance of features")
    return figure
