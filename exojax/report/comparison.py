"""Figures of a comparison: every model's precision over recall with its band, and quality beside cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from exojax.evaluation.metrics import Curve
from exojax.report.style import GREY, plain, single, styled


@styled
def precision_recall(curves: Mapping[str, Curve], base_rate: float, note: str = "") -> Figure:
    """Draw precision over recall of each model with its 95 % band; the dashed line is what a guess reaches.

    Args:
        curves: model to its curve.
        base_rate: share of hosts among the rows.
        note: what has to stand on every figure.
    """
    figure, axes = single()
    for number, (name, curve) in enumerate(curves.items()):
        colour = f"C{number}"
        axes.fill_between(curve.grid, curve.low, curve.high, step="pre", color=colour, alpha=0.13, linewidth=0)
        axes.step(curve.x, curve.y, where="pre", color=colour, label=plain(name, 20))
    axes.axhline(base_rate, color=GREY, linestyle="--", linewidth=1, label=f"base rate {base_rate:.3g}")
    axes.set(xlim=(-0.01, 1.01), ylim=(0, 1.03), xlabel="recall (hosts found)", ylabel="precision (hosts among found)")
    axes.set_title(_titled("Precision and recall, 95 % bands", note))
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@styled
def quality_and_cost(rows: Sequence[Mapping[str, Any]], note: str = "") -> Figure:
    """Average precision with its interval over the time of one fit.

    Args:
        rows: of the table, each with ``model``, ``average precision`` and ``fit, s``.
        note: what has to stand on every figure.
    """
    figure, axes = single()
    for number, row in enumerate(rows):
        found, seconds = row["average precision"], max(float(row["fit, s"]), 1e-3)
        error = [[max(found["value"] - found["low"], 0)], [max(found["high"] - found["value"], 0)]]
        axes.errorbar([seconds], [found["value"]], yerr=error, fmt="o", capsize=3, color=f"C{number}")
        axes.annotate(plain(row["model"], 20), (seconds, found["value"]), xytext=(6, 4), textcoords="offset points")
    axes.set(xscale="log", xlabel="one fit, seconds", ylabel="average precision")
    axes.margins(x=0.25)
    # Fits within one decade would have ticks such as 1.4 x 10^-1.
    plainly = FuncFormatter(lambda seconds, _: f"{seconds:g}")
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_major_formatter(plainly)
    axes.xaxis.set_minor_formatter(plainly)
    axes.set_title(_titled("Quality and cost", note))
    return figure


def _titled(title: str, note: str) -> str:
    return f"{title}\n{note}" if note else title
