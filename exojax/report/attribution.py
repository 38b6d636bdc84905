"""Why a model scored a candidate as it did: its views, shaded by what each bin added to the score or took from it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from exojax.report.style import GREY, HOST, OTHER, plain, say, styled


@styled
def reasons(
    views: Mapping[str, np.ndarray],
    attributions: Mapping[str, np.ndarray],
    title: str,
    *,
    measured: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Each view over its bins, and what each bin added.

    Args:
        views: name to ``(bins,)`` float, the value of each bin as the model took it.
        attributions: the same names to ``(bins,)`` float, in units of the score, as from
            :func:`exojax.reasons.integrated_gradients`. The shade is on one scale over all views.
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
    told = f"bin; orange raised the score, blue lowered it, full shade by {most:.2g}"
    figure.supxlabel(told, fontsize=9.5, color=GREY)
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
    """One view: a dot a bin on a ground that is orange where the bin raised the score and blue where it lowered it.

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
    for k in np.flatnonzero(attribution) if most > 0 else ():
        shade = min(abs(float(attribution[k])) / most, 1.0)
        axes.axvspan(k - 0.5, k + 0.5, color=HOST if attribution[k] > 0 else OTHER, alpha=0.6 * shade, linewidth=0)
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.plot(np.flatnonzero(used), value[used], ".", color="black", markersize=4 if len(value) < 100 else 2.5)
    axes.set_xlim(-0.5, len(value) - 0.5)
    total = f"{attribution.sum():+.2f}".replace("-", "−")
    axes.set_title(f"{plain(name, 40)}: {total} in all", fontsize=10)
    axes.tick_params(labelsize=9)
