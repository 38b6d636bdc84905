"""Why a model scored a candidate as it did: its views, shaded by what each bin added to the score or took from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from exojax.evaluation.attribution import Attribution
from exojax.report.style import GREY, HOST, OTHER, plain, say, styled

SHORT = {
    "global_view": "whole phase",
    "double_view": "at 2P",
    "local_view": "transit",
    "secondary_view": "secondary",
    "parity": "odd – even",
    "half_view": "at P/2",
}
"""views in the order of a sheet, in the words of a small panel"""
PAIR = ("odd_view", "even_view")
WIDE = ("global_view", "double_view")
NUMBERS = {
    "log_period": "period",
    "log_duration": "duration",
    "log_depth": "depth",
    "log_snr": "SNR, white",
    "sde": "SDE",
    "duration_ratio": "relative duration",
    "odd_even_sigma": "odd – even, σ",
    "secondary_sigma": "secondary, σ",
    "centroid_sigma": "centroid shift, σ",
    "log_n_transits": "transits seen",
    "mag": "magnitude",
    "log_view_depth": "depth of the fold",
    "log_snr_red": "SNR, red",
    "log_depth_scatters": "depth over scatter",
    "secondary_ratio": "secondary's depth",
    "odd_even_ratio": "odd – even depth",
}
"""numbers beside the views, in words; others by their own name"""
MOST_NUMBERS, LEAST = 6, 0.05
"""lines of numbers on a sheet, and what a number must have moved to be one"""


@styled
def reasons(
    views: Mapping[str, np.ndarray],
    attributions: Mapping[str, np.ndarray],
    title: str,
    *,
    measured: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Draw each view over its bins, and what each bin added.

    Args:
        views: name to ``(bins,)`` float, the value of each bin as the model took it.
        attributions: the same names to ``(bins,)`` float, in units of the score, as from
            :func:`exojax.evaluation.attribution.integrated_gradients`. The shade is on one scale over all views.
        title: of the whole.
        measured: name to ``(bins,)`` bool, bins that hold anything; the others are not drawn. None: all.
    """
    figure = Figure(figsize=(4.4 * max(len(views), 1), 3.4))
    figure.suptitle(plain(title, 90), fontsize=12, x=0.02, ha="left")
    if not views:
        say(figure.add_subplot(), "no view to explain")
        return figure
    most = max((float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in attributions.values()), default=0.0)
    panels = figure.subplots(1, len(views), squeeze=False)[0]
    for axes, (name, value) in zip(panels, views.items()):
        seen = None if measured is None else measured.get(name)
        view(axes, value, attributions[name], name.replace("_", " "), most=most, measured=seen)
    panels[0].set_ylabel("value the model took")
    words = f"bin; orange above raised the score, blue below lowered it, full shade by {most:.2g}"
    figure.supxlabel(words, fontsize=9.5, color=GREY)
    return figure


def view(
    axes: Axes,
    value: np.ndarray,
    attribution: np.ndarray,
    name: str,
    *,
    most: float,
    measured: np.ndarray | None = None,
) -> None:
    """Draw a view: a dot a bin on a ground, its upper half orange for bins that raised the score, its lower half blue.

    Args:
        axes: to be filled.
        value: ``(bins,)`` float.
        attribution: ``(bins,)`` float, in units of the score.
        name: of the view; its sum stands beside it.
        most: attribution of the full shade.
        measured: ``(bins,)`` bool, or None.
    """
    value, attribution = np.asarray(value, np.float64), np.nan_to_num(np.asarray(attribution, np.float64))
    used = np.isfinite(value) if measured is None else np.isfinite(value) & measured
    if most > 0 and attribution.any():
        # One picture of a row of bins: a patch for each takes longer than all the rest of a sheet.
        # Upper and lower half tell the sign in grey.
        shade = np.array([[to_rgba(colour)] * len(value) for colour in (HOST, OTHER)])
        shade[..., 3] = 0.6 * np.clip(np.stack([attribution, -attribution]) / most, 0.0, 1.0)
        whole = (-0.5, len(value) - 0.5, 0.0, 1.0)
        axes.imshow(shade, extent=whole, transform=axes.get_xaxis_transform(), aspect="auto", interpolation="nearest")
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.plot(np.flatnonzero(used), value[used], ".", color="black", markersize=4 if len(value) < 100 else 2.5)
    axes.set_xlim(-0.5, len(value) - 0.5)
    low, high = np.min(value[used], initial=0.0), np.max(value[used], initial=0.0)
    margin = 0.06 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.set_title(f"{plain(name, 40)}: {signed(float(attribution.sum()))} in all", fontsize=10)
    axes.tick_params(labelsize=9)


def why(figure: Figure, found: Attribution, box: tuple[float, float, float, float], probability: str) -> None:
    """Draw the strip of a sheet with what moved the score: the candidate's views, shaded, and numbers beside them.

    Args:
        figure: of the sheet.
        found: the candidate's.
        box: left, bottom, right and top of the strip, as shares of the figure.
        probability: as the sheet gives it.
    """
    left, bottom, right, top = box
    drawn = _panels(found)
    names = [name for name in SHORT if name in drawn]
    shares = [1.9 if name in WIDE else 1.0 for name in names] + [1.75]
    grid = figure.add_gridspec(
        1, len(shares), left=left, right=right, bottom=bottom, top=top - 0.05, wspace=0.12, width_ratios=shares
    )
    most = max((float(np.abs(moved).max()) for _, moved, _ in drawn.values()), default=0.0)
    figure.text(left, top, f"Why {probability}" if probability else "Why", fontsize=9, va="top")
    words = f"score {signed(found.score)} is log-odds before calibration, a flat fold's {signed(found.flat)}; "
    words += f"bins raised (orange, above) or lowered it (blue, below), each by up to {most:.2g}"
    figure.text(right, top, words, fontsize=7, va="top", ha="right", color=GREY)
    for place, name in enumerate(names):
        axes, (value, moved, measured) = figure.add_subplot(grid[place]), drawn[name]
        view(axes, value, moved, "", most=most, measured=measured)
        axes.lines[-1].set_markersize(1.5 if name in WIDE else 2)
        axes.set_title(f"{SHORT[name]} {signed(float(moved.sum()), 1)}", fontsize=7.5, pad=3)
        axes.set(xticks=[], yticks=[])
    last = sorted(found.numbers.items(), key=lambda pair: -abs(pair[1]))[:MOST_NUMBERS]
    last = [(name, fall) for name, fall in last if abs(fall) >= LEAST]
    axes = figure.add_subplot(grid[-1])
    axes.set_axis_off()
    axes.set_title("numbers, each alone" if last else "", fontsize=7.5, pad=3)
    for line, (name, fall) in enumerate(last):
        height = 0.94 - line / (MOST_NUMBERS - 0.3)
        axes.text(0.0, height, _words(name), fontsize=7, va="top", transform=axes.transAxes)
        colour = HOST if fall > 0 else OTHER
        axes.text(1.0, height, signed(fall), fontsize=7, va="top", ha="right", color=colour, transform=axes.transAxes)


def _words(name: str) -> str:
    """Return a number's name as a vetter reads it."""
    return NUMBERS.get(name, plain(name.removeprefix("vet_").replace("_", " "), 22))


def _panels(found: Attribution) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return value, attribution and which bins are measured, ``(bins,)`` each, of the panels that are there.

    Odd and even transits are one panel: a model that compares them gets as much from one as it loses by the other.
    """
    seen = {name: found.views[name][:, 2] > 0 for name in found.views}
    drawn = {name: (found.views[name][:, 0], found.moved[name], seen[name]) for name in SHORT if name in found.views}
    if all(name in found.views for name in PAIR):
        (odd, moved_odd, seen_odd), (even, moved_even, seen_even) = (
            (found.views[name][:, 0], found.moved[name], seen[name]) for name in PAIR
        )
        drawn["parity"] = (odd - even, moved_odd + moved_even, seen_odd & seen_even)
    return {name: panel for name, panel in drawn.items() if panel[2].any()}


def signed(value: float, digits: int = 2) -> str:
    """Return so many decimals, and a sign that is no dash; what rounds to nothing has none."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if any(digit in text for digit in "123456789") else text[1:]
