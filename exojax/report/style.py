"""One look for every figure: readable on paper and on a phone, safe for colour-blind readers."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe & Ito (2008).
HOST, OTHER, ACCENT, GREY, WARN = "#D55E00", "#0072B2", "#009E73", "#666666", "#B07300"

STYLE: Any = {
    "figure.dpi": 150,
    "figure.figsize": (6.0, 4.4),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 11.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=[OTHER, HOST, ACCENT, "#CC79A7", "#E69F00"]),
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 1.8,
}

P = ParamSpec("P")


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the common style, whatever the user's own matplotlib settings are, and leave those alone."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(STYLE)
            return draw(*args, **kwargs)

    return inside


def png(figure: Figure) -> bytes:
    """Return the figure as a PNG, without the date and version that would make equal pictures differ."""
    buffer = io.BytesIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        # Saving gives a figure without a layout engine the default one.
        mpl.rcParams.update(STYLE | {"figure.constrained_layout.use": figure.get_layout_engine() is not None})
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def placed(size: tuple[float, float]) -> Figure:
    """Return a figure whose panels are placed by hand: one without a layout engine is drawn once, not twice.

    Args:
        size: width and height, inches.
    """
    with mpl.rc_context({"figure.constrained_layout.use": False}):
        return Figure(figsize=size)


def single() -> tuple[Figure, Axes]:
    """Return a figure with one set of axes."""
    figure = Figure()
    return figure, figure.add_subplot()


def say(axes: Axes, text: str, size: float | None = None) -> None:
    """Write a sentence in place of a plot that cannot be drawn."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=axes.transAxes, wrap=True, fontsize=size)


def plain(text: object, most: int) -> str:
    """Return ``text`` cut in its middle to ``most`` characters, and to those that a font can draw; no formula."""
    drawn = "".join(c if c.isprintable() and ord(c) < 256 else "?" for c in str(text))
    short = drawn if len(drawn) <= most else f"{drawn[: (most - 1) // 2]}…{drawn[-(most // 2) :]}"
    return short.replace("$", r"\$")  # a dollar would start a formula
