"""The completeness map: which share of injected transits is found, cell by cell."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from exojax.report.style import GREY, styled

WIDE = 10.0  # ratio of an axis' ends from which on it is logarithmic


@styled
def completeness_map(
    x_edges: np.ndarray, y_edges: np.ndarray, recovered: np.ndarray, injected: np.ndarray, xlabel: str, ylabel: str
) -> Figure:
    """Draw the share found in each cell as shade and number, found of injected below it; empty cells are hatched.

    Args:
        x_edges: ``(nx + 1,)`` float64, ascending, such as period in days. Logarithmic where all are positive and the
            last is ten times the first or more; so is ``y_edges``.
        y_edges: ``(ny + 1,)`` float64, ascending, such as radius, depth or SNR.
        recovered: ``(nx, ny)`` int.
        injected: ``(nx, ny)`` int.
        xlabel, ylabel: with their units.

    Raises:
        ValueError: shapes that do not agree, or more recovered than injected.
    """
    shape = (len(x_edges) - 1, len(y_edges) - 1)
    if recovered.shape != shape or injected.shape != shape:
        raise ValueError(f"recovered {recovered.shape} and injected {injected.shape} must be {shape}")
    if np.any(recovered > injected):
        raise ValueError("more transits recovered than injected")
    nx, ny = recovered.shape
    figure = Figure(figsize=(max(5.2, 0.72 * nx + 2.2), max(3.6, 0.5 * ny + 1.5)))
    axes = figure.add_subplot()
    x_middle, y_middle = _scale(axes, "x", x_edges), _scale(axes, "y", y_edges)
    share = np.where(injected > 0, recovered / np.maximum(injected, 1), np.nan)
    shade = axes.pcolormesh(
        x_edges, y_edges, np.ma.masked_invalid(share.T), cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=0.8
    )
    for i, j in np.ndindex(nx, ny):
        if not injected[i, j]:
            axes.add_patch(_hatched(x_edges[i : i + 2], y_edges[j : j + 2]))
            continue
        colour = "white" if share[i, j] > 0.65 else "black"
        place = (x_middle[i], y_middle[j])
        words = f"{share[i, j]:.2f}"
        axes.annotate(words, place, (0, 3), textcoords="offset points", ha="center", va="center", color=colour, size=9)
        count = f"{recovered[i, j]}/{injected[i, j]}"
        axes.annotate(count, place, (0, -7), textcoords="offset points", ha="center", va="center", color=colour, size=6)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=x_edges[[0, -1]], ylim=y_edges[[0, -1]])
    axes.spines[:].set_visible(False)
    total = int(injected.sum())
    found = f"{int(recovered.sum()):,} of {total:,} injected transits found"
    axes.set_title(found + ("; hatched: none injected" if np.any(injected == 0) else ""), fontsize=11)
    figure.colorbar(shade, ax=axes, label="share found", pad=0.02).outline.set_visible(False)
    return figure


def _scale(axes: Axes, name: str, edges: np.ndarray) -> np.ndarray:
    """Set the axis' scale and its ticks at the edges of the cells; the middles of the cells on that scale."""
    axis = axes.xaxis if name == "x" else axes.yaxis
    logarithmic = edges[0] > 0 and edges[-1] >= WIDE * edges[0]
    if logarithmic:
        (axes.set_xscale if name == "x" else axes.set_yscale)("log")
    step = -(-len(edges) // 13)  # more labels than this run into each other
    axis.set_ticks(edges[::step], [f"{edge:,.0f}" if edge >= 1000 else f"{edge:.3g}" for edge in edges[::step]])
    axis.set_ticks([], minor=True)
    return np.sqrt(edges[1:] * edges[:-1]) if logarithmic else (edges[1:] + edges[:-1]) / 2


def _hatched(x: np.ndarray, y: np.ndarray) -> Rectangle:
    corner, width, height = (float(x[0]), float(y[0])), float(x[1] - x[0]), float(y[1] - y[0])
    return Rectangle(corner, width, height, facecolor="none", edgecolor=GREY, hatch="///", linewidth=0)
