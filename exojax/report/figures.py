"""The figures of a report. Each function takes plain arrays and returns a matplotlib Figure; none keeps state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from exojax.evaluation.metrics import Curve, Reliability
from exojax.report.closed_gaps import close_gaps
from exojax.report.style import ACCENT, GREY, HOST, OTHER, plain, say, single, styled


@styled
def loss_curve(records: Sequence[Mapping[str, Any]], chosen: Sequence[int] | None = None) -> Figure:
    """Draw training and validation loss over steps, and the validation average precision, where there are any.

    Args:
        records: lines of ``metrics.jsonl``: dicts with ``step`` and any of ``loss`` and
            ``val_loss`` and ``val_average_precision``. Other keys and records without a loss are passed over.
        chosen: steps of the weights that were kept, one a member of an ensemble; None where it is not known.
    """
    figure = Figure()
    rows = [("loss", "training loss", OTHER), ("val_loss", "validation loss", ACCENT)]
    rows += [("val_average_precision", "validation AP", HOST)]
    series = [(_series(records, key), label, colour) for key, label, colour in rows]
    series = [entry for entry in series if len(entry[0][0])]
    if not series:
        say(figure.add_subplot(), "no training loss: this model is not trained step by step")
        return figure
    panels = figure.subplots(len(series), 1, sharex=True, squeeze=False)[:, 0]
    for axes, ((step, value), label, colour) in zip(panels, series):
        few = len(step) <= 60
        if not few:
            axes.plot(step, value, color=colour, alpha=0.3, linewidth=0.8)
            value = _smooth(value)
        axes.plot(step, value, color=colour, marker="o" if few else "", markersize=3)
        axes.set_ylabel(label)
        if label == "training loss" and value.min() > 0 and value.max() / value.min() > 30:
            axes.set_yscale("log")
    for axes in panels:
        for kept_at in dict.fromkeys(chosen or ()):
            axes.axvline(kept_at, color=GREY, linestyle="--", linewidth=1)
    kept = ", ".join(f"{step:,}" for step in dict.fromkeys(chosen or ()))
    panels[-1].set_xlabel(f"step; dashed: the weights kept, of step {kept}" if kept else "step")
    panels[0].set_title(f"Training, logged {len(series[0][0][0])} times")
    return figure


@styled
def precision_recall(curve: Curve | None, base_rate: float, ap: Mapping[str, float] | None) -> Figure:
    """Draw precision over recall with its 95 % band; the dashed line is what a guess reaches, the base rate.

    Args:
        curve: from :func:`exojax.evaluation.metrics.curves`.
        base_rate: share of hosts among the rows.
        ap: the average precision to print, with its interval.
    """
    figure, axes = single()
    if curve is None:
        say(axes, "no precision-recall curve: the rows hold one class only")
        return figure
    axes.fill_between(curve.grid, curve.low, curve.high, step="pre", color=OTHER, alpha=0.18, linewidth=0)
    axes.step(curve.x, curve.y, where="pre", color=OTHER, label=_with_figure("average precision", ap))
    axes.axhline(base_rate, color=GREY, linestyle="--", linewidth=1, label=f"base rate {base_rate:.3g}")
    axes.set(
        xlim=(-0.01, 1.01),
        ylim=(0, 1.03),
        xlabel="recall (hosts found)",
        ylabel="precision (hosts among found)",
    )
    axes.set_title("Precision and recall")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@styled
def roc(curve: Curve | None, auc: Mapping[str, float] | None) -> Figure:
    """Draw true over false positive rate with its 95 % band; the dashed diagonal is a guess.

    Args:
        curve: from :func:`exojax.evaluation.metrics.curves`.
        auc: the area to print, with its interval.
    """
    figure, axes = single()
    if curve is None:
        say(axes, "no ROC curve: the rows hold one class only")
        return figure
    axes.fill_between(curve.grid, curve.low, curve.high, color=OTHER, alpha=0.18, linewidth=0)
    axes.plot(curve.x, curve.y, color=OTHER, label=_with_figure("ROC AUC", auc))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="chance")
    axes.set(xlim=(-0.01, 1.01), ylim=(0, 1.03), xlabel="false positive rate", ylabel="true positive rate (recall)")
    axes.set_title("Receiver operating characteristic")
    axes.legend(loc="lower right")
    return figure


@styled
def calibration(bins: Reliability) -> Figure:
    """Draw share of hosts against the probability given, with exact 95 % intervals; below, hosts and rows of each bin.

    Args:
        bins: from :func:`exojax.evaluation.metrics.reliability`.
    """
    figure = Figure(figsize=(6.0, 5.2))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    error = np.stack([bins.observed - bins.low, bins.high - bins.observed]).clip(0)
    upper.errorbar(bins.predicted, bins.observed, yerr=error, color=OTHER, fmt="o", capsize=3, linewidth=1.2)
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="share of hosts")
    upper.set_title("Calibration")
    figure.legend(loc="outside lower center")
    lower.vlines(bins.predicted, 0.7, bins.count, color=OTHER, linewidth=6)
    hosts = np.rint(bins.observed * bins.count).astype(int)
    for x, of, n in zip(bins.predicted, hosts, bins.count):
        side = "left" if x < 0.05 else "right" if x > 0.95 else "center"
        lower.text(x, 1.3 * n, f"{of:,} of {n:,}", ha=side, fontsize=8, color=GREY)
    lower.set(
        yscale="log",
        ylim=(0.7, 8 * bins.count.max()),
        ylabel="rows",
        xlabel="predicted probability of a planet; below, hosts of the rows in each bin",
    )
    lower.yaxis.set_major_formatter("{x:,.0f}")
    lower.xaxis.label.set_fontsize(10)
    return figure


@styled
def score_distributions(labels: np.ndarray, probability: np.ndarray, threshold: float) -> Figure:
    """Draw how many rows of each class have which probability, on a logarithmic axis, with the threshold.

    Args:
        labels: ``(n,)`` int, 1 for a host.
        probability: ``(n,)`` float64.
        threshold: rows at or above it are called hosts.
    """
    figure, axes = single()
    edges = np.linspace(0, 1, 26)
    for text, rows, colour, style in (("others", labels != 1, OTHER, "-"), ("hosts", labels == 1, HOST, "--")):
        count = np.histogram(np.clip(probability[rows], 0, 1), edges)[0]
        axes.stairs(count, edges, fill=True, color=colour, alpha=0.2)
        axes.stairs(count, edges, color=colour, linewidth=1.6, linestyle=style, label=f"{text} ({rows.sum():,})")
    axes.axvline(threshold, color=GREY, linestyle=":", linewidth=1.4, label=f"threshold {threshold:.3g}")
    axes.set(xlim=(0, 1), yscale="symlog", xlabel="predicted probability of a planet", ylabel="rows")
    axes.set_ylim(0, None)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_title("Scores by class")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@styled
def folds(
    views: np.ndarray,
    measured: np.ndarray,
    titles: Sequence[str],
    *,
    title: str,
    width: str,
    colours: Sequence[str] | None,
) -> Figure:
    """Draw a panel of folded transits, as the model is given them: a dot a bin.

    Args:
        views: ``(k, bins)`` float, 0 out of transit.
        measured: ``(k, bins)`` bool.
        titles: ``k`` texts.
        title: of the whole.
        width: label of the phase axis.
        colours: ``k`` colours, or None.
    """
    columns = 3
    rows = max(1, -(-len(titles) // columns))
    figure = Figure(figsize=(3.1 * columns, 0.8 + 1.95 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(titles) :]:
        axes.set_axis_off()
    for k, axes in enumerate(panels[: len(titles)]):
        at = np.flatnonzero(measured[k])
        axes.plot(at / views.shape[1] - 0.5, views[k, at], ".", markersize=3, color=colours[k] if colours else OTHER)
        axes.axhline(0, color=GREY, linewidth=0.5)
        axes.set_title(_two_lines(titles[k], 36), fontsize=9)
        axes.tick_params(labelsize=8)
        axes.set_xlim(-0.5, 0.5)
    figure.supxlabel(width, fontsize=11)
    figure.supylabel("flux, depths", fontsize=11)
    figure.suptitle(title, fontsize=12.5)
    return figure


@styled
def confusion(matrix: Sequence[Sequence[int]], threshold: float) -> Figure:
    """Draw the four counts at the stored threshold; the shade is the share within the true class.

    Args:
        matrix: ``[[tn, fp], [fn, tp]]``.
        threshold: rows at or above it are called hosts.
    """
    counts = np.asarray(matrix)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(5.0, 4.0))
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(2, 2):
        colour = "white" if share[i, j] > 0.55 else "black"
        axes.text(j, i - 0.06, f"{counts[i, j]:,}", ha="center", va="center", color=colour, fontsize=17)
        axes.text(j, i + 0.2, f"{share[i, j]:.1%} of the class", ha="center", color=colour, fontsize=9.5)
    axes.set_xticks([0, 1], ["called other", "called host"])
    axes.set_yticks([0, 1], ["other", "host"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"Confusion at the threshold {threshold:.3g}")
    return figure


@styled
def learning_curves(
    sizes: Sequence[int], scores: Mapping[str, Sequence[Mapping[str, float]]], label: str, chance: float | None = None
) -> Figure:
    """Draw a score against the number of training stars, with its 95 % intervals.

    Args:
        sizes: ``k`` numbers of training stars.
        scores: name of a model to its ``k`` figures, ``{"value", "low", "high"}`` each.
        label: of the score's axis.
        chance: what a guess reaches, or None.
    """
    figure, axes = single()
    marks = "osD^v"
    for place, (name, found) in enumerate(scores.items()):
        value, low, high = np.array([(one["value"], one["low"], one["high"]) for one in found]).T
        axes.errorbar(
            sizes,
            value,
            yerr=np.stack([value - low, high - value]),
            marker=marks[place % len(marks)],
            capsize=3,
            label=name,
        )
    if chance is not None:
        axes.axhline(chance, color=GREY, linestyle="--", linewidth=1, label=f"chance {chance:.3g}")
    axes.set(xscale="log", xlabel="training stars", ylabel=label, ylim=(0, 1.03))
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_xticks([], minor=True)
    axes.set_title("Learning curves")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


@styled
def light_curves(
    time: np.ndarray,
    flux: np.ndarray,
    valid: np.ndarray,
    titles: Sequence[str],
    *,
    title: str,
    flux_unit: str,
    time_unit: str = "days",
    columns: int = 2,
    colours: Sequence[str] | None = None,
) -> Figure:
    """Draw a panel of light curves, one dot a cadence. The few points beyond the axes are triangles on the edge.

    Args:
        time: ``(k, c)`` float64, days.
        flux: ``(k, c)`` float32.
        valid: ``(k, c)`` bool; other cadences are not drawn.
        titles: ``k`` texts, as made by :func:`star_title`.
        title: of the whole.
        flux_unit: label of the brightness axis.
        time_unit: label of the time axis.
        columns: panels side by side, filled row by row.
        colours: ``k`` colours, or None.
    """
    rows = max(1, -(-len(titles) // columns))
    figure = Figure(figsize=(4.6 * columns, 0.7 + 1.75 * rows))
    if not len(titles):
        say(figure.add_subplot(), "no light curve to show")
        return figure
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(titles) :]:
        axes.set_axis_off()
    for k, axes in enumerate(panels[: len(titles)]):
        t, f = time[k][valid[k]], flux[k][valid[k]].astype(np.float64)
        axes.set_title(_two_lines(titles[k], 52), fontsize=9.5)
        axes.tick_params(labelsize=9)
        if len(f) == 0:
            continue
        low, high = np.percentile(f, [0.1, 99.9])
        margin = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
        low, high = low - margin, high + margin
        colour = colours[k] if colours else OTHER
        inside = (f >= low) & (f <= high)
        axes.plot(t[inside], f[inside], ".", markersize=1.8, color=colour, rasterized=True)
        for beyond, edge, mark in ((f < low, low, "v"), (f > high, high, "^")):
            if beyond.any():
                axes.plot(t[beyond], np.full(beyond.sum(), edge), mark, color=GREY, markersize=4, clip_on=False)
        axes.set_ylim(low, high)
        axes.ticklabel_format(axis="y", useOffset=False)
        close_gaps(axes, t)
    figure.supxlabel(f"time ({time_unit})", fontsize=11)
    figure.supylabel(flux_unit, fontsize=11)
    figure.suptitle(title, fontsize=12.5)
    return figure


def star_title(identity: str, probability: float | None, label: int | None) -> str:
    """Return ``id   probability 0.93   host``: the id cut to 28 characters that matplotlib's font can draw."""
    parts = [plain(identity, 28)]
    if probability is not None:
        parts.append(f"probability {probability:.3g}")
    if label is not None:
        parts.append("host" if label == 1 else "no known planet")
    return "   ".join(parts)


def _two_lines(title: str, most: int) -> str:
    """Return the title, one of more than ``most`` characters broken after the star's id."""
    return title if len(title) <= most else title.replace("   ", "\n", 1)


def most_wrong(labels: np.ndarray, probability: np.ndarray, count: int) -> np.ndarray:
    """Return ``(<= count,)`` int, the rows farthest from their label: half hosts missed, half false alarms, if it
    can."""
    order = np.argsort(-np.abs(probability - labels), kind="stable")
    missed, alarms = order[labels[order] == 1], order[labels[order] != 1]
    missed = missed[: max(count // 2, count - len(alarms))]
    return np.concatenate([missed, alarms[: count - len(missed)]])


def _series(records: Sequence[Mapping[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    found = [(r["step"], r[key]) for r in records if r.get(key) is not None and np.isfinite(r[key])]
    step, value = np.array(found, np.float64).reshape(-1, 2).T
    return step, value


def _smooth(value: np.ndarray) -> np.ndarray:
    """Return the running mean over a fiftieth of the curve, shortened at the ends."""
    width = max(3, len(value) // 50) | 1
    kernel = np.ones(width)
    return np.convolve(value, kernel, "same") / np.convolve(np.ones(len(value)), kernel, "same")


def _with_figure(name: str, figure: Mapping[str, float] | None) -> str:
    return name if figure is None else f"{name} {figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
