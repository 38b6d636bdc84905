"""Panels of two tests: model-shift, with its four events, and SWEET, with its three sines."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from exojax.report.folding import Fold, Sheet, binned
from exojax.report.style import ACCENT, GREY, HOST, OTHER, say
from exojax.vetting.model_shift import ModelShift, model_shift, moved_box
from exojax.vetting.sweet import LONGEST, sweet

SLICES = 500
"""slices of the phase, of which the highest and the lowest significance are drawn"""
ROOM = 2.2
"""height of the model-shift panel over its chance level and its lesser events"""
BINS = 24
"""means of a fold in a SWEET panel"""
EVENTS = (("primary", "P", HOST), ("secondary", "S", OTHER), ("tertiary", "T", GREY), ("positive", "+", ACCENT))


def draw_model_shift(axes: Axes, one: Sheet) -> None:
    """Draw the significance of a box moved through the fold, with its four events and the level of chance.

    The scale is that of the lesser events; the primary is a triangle on the edge where it lies beyond.
    """
    series = one.series
    found = None if series is None else model_shift(series)
    if series is None or found is None or np.isnan(found.primary):
        axes.set_title("Model-shift", fontsize=9)
        say(axes, "not measured: the fold has no outside", size=8)
        return
    box = moved_box(series)
    phase = np.where(box.phase > 0.75, box.phase - 1, box.phase)
    significance = box.depth / box.error
    place = np.clip(((phase + 0.25) * SLICES).astype(int), 0, SLICES - 1)
    high, low = np.full(SLICES, -np.inf), np.full(SLICES, np.inf)
    np.maximum.at(high, place, significance)
    np.minimum.at(low, place, significance)
    full = np.isfinite(high)
    middle = (np.arange(SLICES)[full] + 0.5) / SLICES - 0.25
    axes.fill_between(middle, low[full], high[full], color=OTHER, alpha=0.55, linewidth=0.6)
    chance = found.alarm_survey * (found.red if np.isfinite(found.red) else 1.0)
    for level in (chance, -chance):
        axes.axhline(level, color=GREY, linestyle="--", linewidth=0.8)
    lesser = [abs(x) for x in (found.secondary, found.tertiary, found.positive) if np.isfinite(x)]
    reach = ROOM * max([chance, *lesser])
    axes.set_ylim(-0.6 * reach, reach)
    for name, letter, colour in EVENTS:
        _mark_event(axes, found, name, letter, colour, phase, significance)
    axes.axhline(0, color=GREY, linewidth=0.5)
    axes.set(xlim=(-0.25, 0.75), xlabel="phase", ylabel="σ")
    known = [(letter, float(getattr(found, name))) for name, letter, _ in EVENTS]
    values = ", ".join(f"{letter} {_number(value)}" for letter, value in known if np.isfinite(value))
    axes.set_title(f"Model-shift: {values} σ; chance ± {chance:.1f}", fontsize=9)


def _mark_event(
    axes: Axes, found: ModelShift, name: str, letter: str, colour: str, phase: np.ndarray, significance: np.ndarray
) -> None:
    value = float(getattr(found, name))
    if not np.isfinite(value):
        return
    value = -value if name == "positive" else value
    at = float(phase[np.argmin(np.abs(significance - value))])
    high = axes.get_ylim()[1]
    beyond = value > 0.8 * high
    height = 0.72 * high if beyond else value
    if beyond:
        axes.plot(at, high, "^", color=colour, markersize=4, clip_on=False)
    high_up = value > 0.55 * high
    axes.annotate(
        letter,
        (at, height),
        xytext=(8 if high_up else 0, 0 if high_up else -2 if value < 0 else 2),
        textcoords="offset points",
        ha="center",
        va="center" if high_up else "top" if value < 0 else "bottom",
        fontsize=7.5,
        weight="bold",
        color=colour,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.75},
    )


def _number(value: float) -> str:
    return f"{value:.1f}".replace("-", "−")


def draw_sweet(figure: Figure, one: Sheet, fold: Fold, boxes: list[tuple[float, float, float, float]]) -> list[Axes]:
    """Draw the light out of transit folded at half the period, the period and twice of it, each with its best sine.

    Args:
        figure: of the sheet.
        one: the sheet.
        fold: of its candidate.
        boxes: left, bottom, width and height of three panels.
    """
    waves = None if one.series is None else sweet(one.series)
    out = fold.keep & (np.abs(fold.away) > 0.5 * fold.duration)
    flux, weight = fold.flux[out], fold.weight[out]
    panels = [figure.add_axes(box) for box in boxes]
    reach = 0.0
    for k, (axes, name, multiple) in enumerate(zip(panels, ("P/2", "P", "2P"), (0.5, 1.0, 2.0))):
        axes.set_title(name, fontsize=9)
        turn = ((fold.time[out] - fold.t0) / (multiple * fold.period)) % 1.0
        if len(flux) < BINS:
            say(axes, "not measured")
            continue
        middle, mean, total = binned(turn, flux, weight, 0.0, 1.0, BINS)
        error = fold.scatter / np.sqrt(total)
        axes.errorbar(middle, mean, yerr=error, fmt=".", color=OTHER, markersize=3, linewidth=0.7)
        x = np.linspace(0, 1, 101)
        line = _sine(turn, flux, weight, x)
        axes.plot(x, line, color=HOST, linewidth=1.2)
        reach = max(reach, float(np.abs(line).max()), float(np.percentile(np.abs(mean) + error, 90)))
        if waves is not None and np.isfinite(waves.sigma[k]):
            axes.set_title(f"{name}: {_number(waves.sigma[k])}σ", fontsize=9)
        axes.set(xlim=(0, 1), xticks=[0, 0.5, 1])
        axes.set_xticklabels(["0", "½", "1"])
    for axes in panels:
        axes.set_ylim(-1.3 * (reach or 1.0), 1.3 * (reach or 1.0))
        axes.tick_params(labelleft=axes is panels[0])
    panels[0].set_ylabel(f"SWEET, {'scatters' if fold.unit == 'scatter' else fold.unit}", labelpad=2)
    late = f"; no verdict from {LONGEST:g} d on, as slower light is detrended" if fold.period > LONGEST else ""
    panels[1].set_xlabel(f"turn{late}", labelpad=1)
    return panels


def _sine(turn: np.ndarray, flux: np.ndarray, weight: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the best sine of one turn with a constant, at ``x`` turns."""
    root = np.sqrt(weight)
    design = np.stack([np.sin(2 * np.pi * turn), np.cos(2 * np.pi * turn), np.ones(len(turn))], axis=1)
    found = np.linalg.lstsq(design * root[:, None], flux * root, rcond=None)[0]
    return np.asarray(found[0] * np.sin(2 * np.pi * x) + found[1] * np.cos(2 * np.pi * x) + found[2])
