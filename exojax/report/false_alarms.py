"""The share of signal-free curves that pass a threshold, and which threshold keeps that to a stated share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from exojax.report.style import GREY, single, styled


@styled
def false_alarm_curves(
    levels: np.ndarray,
    shares: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    thresholds: Mapping[str, float],
    wanted: float,
) -> Figure:
    """Draw the share of signal-free curves above each threshold, with its 95 % interval.

    Args:
        levels: ``(k,)`` float64, ascending red-noise SNRs.
        shares: how the curves were made signal-free -> share of them above each level, and the ends of its 95 %
            interval, all ``(k,)`` float64.
        thresholds: the same names -> SNR at which the share is ``wanted``.
        wanted: false alarms a star.
    """
    figure, axes = single()
    lowest = wanted / 10
    for name, (share, low, high) in shares.items():
        (line,) = axes.plot(levels, np.where(share > 0, share, np.nan), label=f"{name}: {thresholds[name]:.2f}")
        axes.fill_between(levels, np.maximum(low, lowest / 2), high, alpha=0.18, linewidth=0, color=line.get_color())
        axes.axvline(thresholds[name], color=line.get_color(), linewidth=0.9, linestyle=":")
    axes.axhline(wanted, color=GREY, linewidth=0.9, linestyle="--")
    axes.set(
        yscale="log",
        ylim=(lowest, 1),
        xlim=(levels[0], levels[-1]),
        xlabel="threshold, red-noise SNR",
        ylabel="share of signal-free curves above it",
        title=f"False alarms; dashed: {wanted:g} a star",
    )
    axes.legend(title="curves, and their threshold")
    return figure
