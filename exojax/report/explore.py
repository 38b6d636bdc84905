"""What is in a data set, before any model: example curves, distributions by class, gaps, balance,
duplicates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from exojax.evaluation.leakage import duplicates, row_digest, usable
from exojax.evaluation.metrics import ranking
from exojax.lightcurve import LightCurves
from exojax.report.figures import light_curves, star_title
from exojax.report.page import write_atomically
from exojax.report.style import GREY, HOST, OTHER, png, say, styled

MAD_TO_SIGMA = 1.4826
CHUNK = 256
STATISTICS = ("range", "scatter", "skewness", "dip_depth")
NAMED = 20  # duplicates listed by name; the rest is only counted


def explore(
    curves: LightCurves, out: Path, extra: LightCurves | None = None, *, seed: int = 0
) -> dict[str, Any]:
    """Figures as PNGs and ``summary.json`` in ``out``.

    Args:
        curves: the stars to look at, labelled or not.
        out: folder, made where it is missing.
        extra: a second file, such as the official test rows. Only its class balance, its missing data and the
            rows it shares with ``curves`` are looked at, so that nobody chooses a model by it.
        seed: of the example stars and of the bootstrap.

    Returns:
        What ``summary.json`` holds: sizes, balance, missing data, for each statistic the quartiles of both
        classes and the effect size (Cliff's delta, 2 AUC - 1, with a bootstrap interval), duplicates and
        warnings.
    """
    keep = usable(curves.flux, curves.valid)
    digests = row_digest(curves.flux, curves.valid)
    repeats = duplicates(digests, keep)
    measured = curves.take(keep & ~repeats)
    values = statistics(measured.flux, measured.valid)
    unit = "relative flux" if curves.absolute else "flux in the file's units"
    units = {"range": unit, "scatter": unit, "skewness": "no unit", "dip_depth": "scatters below the median"}
    summary: dict[str, Any] = {
        **_balance(curves, keep),
        "cadence_days": curves.cadence,
        "time_system": curves.time_system,
        "n_examined": len(measured),
        "statistics": {
            name: {"unit": units[name], **_by_class(values[name], measured.label, seed)}
            for name in STATISTICS
        },
        "duplicates_within": _repeats(curves.id, digests, repeats, keep),
    }
    if extra is not None:
        other_keep = usable(extra.flux, extra.valid)
        other = row_digest(extra.flux, extra.valid)
        summary["extra"] = {
            **_balance(extra, other_keep),
            "duplicates_within": _repeats(extra.id, other, duplicates(other, other_keep), other_keep),
        }
        summary["duplicates_across"] = _shared(curves.id, digests, keep, extra.id, other, other_keep)
    summary["warnings"] = list(curves.warnings) + _warnings(summary)

    pictures = {
        "examples": examples(measured, seed, unit),
        "distributions": distributions(values, measured.label, units, summary["statistics"]),
        "missing": missing(curves),
        "balance": balance(
            {"this file": curves.label} | ({"second file": extra.label} if extra is not None else {})
        ),
    }
    for name, figure in pictures.items():
        write_atomically(out / f"{name}.png", png(figure))
    write_atomically(out / "summary.json", (json.dumps(summary, indent=1, allow_nan=False) + "\n").encode())
    return summary


def statistics(flux: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
    """Four numbers of each star, on its valid cadences.

    Args:
        flux: ``(n, c)`` float32, any unit.
        valid: ``(n, c)`` bool, at least three true in a row.

    Returns:
        name to ``(n,)`` float64: ``range``, highest minus lowest flux; ``scatter``, 1.4826 times the median
        absolute deviation; ``skewness``, third standardised moment, negative for dips; ``dip_depth``, how far
        the third-lowest cadence (two outliers are forgiven) lies below the median, in scatters.
    """
    parts = [_statistics(flux[i : i + CHUNK], valid[i : i + CHUNK]) for i in range(0, len(flux), CHUNK)]
    empty = np.empty((len(STATISTICS), 0))
    return dict(zip(STATISTICS, np.concatenate(parts, axis=1) if parts else empty))


def _statistics(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """``(4, n)``. NaN sorts last, so the median of a row stands at half its number of valid cadences."""
    n = valid.sum(axis=1)
    ordered = np.sort(np.where(valid, flux.astype(np.float64), np.nan), axis=1)
    centre = _middle(ordered, n)
    spread = MAD_TO_SIGMA * _middle(np.sort(np.abs(ordered - centre[:, None]), axis=1), n)
    high = np.take_along_axis(ordered, n[:, None] - 1, axis=1)[:, 0]
    residual = np.where(valid, flux - np.nanmean(ordered, axis=1, keepdims=True), 0)
    variance = (residual**2).sum(axis=1) / n
    skewness = (residual**3).sum(axis=1) / n / variance**1.5
    # More than half of the cadences equal leaves no median deviation; the standard deviation stands in.
    scale = np.where(spread > 0, spread, np.sqrt(variance))
    return np.stack([high - ordered[:, 0], scale, skewness, (centre - ordered[:, 2]) / scale])


def _middle(ordered: np.ndarray, n: np.ndarray) -> np.ndarray:
    pair = np.take_along_axis(ordered, np.stack([(n - 1) // 2, n // 2], axis=1), axis=1)
    return pair.mean(axis=1)


@styled
def examples(curves: LightCurves, seed: int, unit: str, *, each: int = 4) -> Figure:
    """Hosts on the left, other stars on the right, drawn at random: ``each`` of both."""
    rng = np.random.default_rng(seed)
    if curves.label is None or curves.label.min(initial=1) == curves.label.max(initial=0):
        chosen = np.sort(rng.permutation(len(curves))[: 2 * each])
        title = "Example light curves"
    else:
        sides = [rng.permutation(np.flatnonzero(curves.label == c))[:each] for c in (1, 0)]
        rows = min(len(side) for side in sides)
        chosen = np.stack([side[:rows] for side in sides], axis=1).ravel()
        title = "Planet hosts (left) and stars without a known planet (right), drawn at random"
    shown = curves.take(chosen)
    labels = [None] * len(shown) if shown.label is None else [int(v) for v in shown.label]
    return light_curves(
        shown.time,
        shown.flux,
        shown.valid,
        [star_title(str(i), None, v) for i, v in zip(shown.id, labels)],
        title=title,
        flux_unit=unit,
        time_unit="days" if curves.time_system == "assumed" else f"{curves.time_system}, days",
        colours=[HOST if v == 1 else OTHER for v in labels],
    )


@styled
def distributions(
    values: dict[str, np.ndarray], label: np.ndarray | None, units: dict[str, str], told: dict[str, Any]
) -> Figure:
    """Histograms of the four statistics, each class scaled to its own size, with Cliff's delta in the
    title."""
    figure = Figure(figsize=(9.2, 7.0))
    for name, axes in zip(STATISTICS, figure.subplots(2, 2).ravel()):
        value = values[name]
        log = name in ("range", "scatter") and len(value) and value.min() > 0
        shown = np.log10(value) if log else value
        # A handful of extreme stars would squeeze all others into one bar: they go into the last one.
        low, high = np.percentile(shown, [0.5, 99.5]) if len(shown) else (0.0, 1.0)
        edges = np.linspace(low, high, 31) if high > low else np.linspace(low - 0.5, low + 0.5, 31)
        groups = [("all stars", np.ones(len(shown), bool), GREY)]
        if label is not None:
            groups = [("no known planet", label != 1, OTHER), ("hosts", label == 1, HOST)]
        for text, rows, colour in groups:
            if rows.any():
                share = np.full(rows.sum(), 1 / rows.sum())
                x = 10**edges if log else edges
                data = np.clip(shown[rows], edges[0], edges[-1])
                axes.hist(
                    10**data if log else data,
                    x,
                    weights=share,
                    histtype="stepfilled",
                    color=colour,
                    alpha=0.25,
                )
                axes.hist(
                    10**data if log else data,
                    x,
                    weights=share,
                    histtype="step",
                    color=colour,
                    linewidth=1.6,
                    label=f"{text} ({rows.sum():,})",
                )
        if log:
            axes.set_xscale("log")
        axes.set_xlabel(f"{name.replace('_', ' ')} ({units[name]})")
        axes.set_ylabel("share of the class")
        delta = told[name].get("cliffs_delta")
        if delta:
            axes.set_title(
                f"δ = {delta['value']:+.2f} [{delta['low']:+.2f}, {delta['high']:+.2f}]", fontsize=11
            )
    figure.axes[0].legend(loc="upper right")
    figure.suptitle("Statistics by class; δ is Cliff's delta of hosts over other stars", fontsize=12.5)
    return figure


@styled
def missing(curves: LightCurves) -> Figure:
    """Share of stars measured at each cadence, and how many stars lack how much."""
    figure = Figure(figsize=(6.4, 5.4))
    upper, lower = figure.subplots(2, 1)
    upper.plot(curves.valid.mean(axis=0), color=OTHER, linewidth=0.8)
    upper.set(ylim=(-0.02, 1.05), xlabel="cadence number", ylabel="share of stars measured")
    upper.set_title("Missing data")
    lower.hist(1 - curves.valid.mean(axis=1), np.linspace(0, 1, 41), color=OTHER)
    lower.set(yscale="log", ylim=(0.7, None), xlabel="share of a star's cadences missing", ylabel="stars")
    return figure


@styled
def balance(labels: dict[str, np.ndarray | None]) -> Figure:
    """Hosts and other stars of each file, on a logarithmic axis, with the counts."""
    figure = Figure(figsize=(6.4, 1.4 + 1.2 * len(labels)))
    axes = figure.add_subplot()
    known = {name: label for name, label in labels.items() if label is not None}
    if not known:
        say(axes, "no labels")
        return figure
    for k, label in enumerate(known.values()):
        for text, count, colour, shift in (
            ("no known planet", int(np.sum(label != 1)), OTHER, 0.2),
            ("hosts", int(np.sum(label == 1)), HOST, -0.2),
        ):
            axes.barh(k - shift, count, 0.36, color=colour, label=text if k == 0 else None)
            axes.text(
                count * 1.05, k - shift, f"{count:,} ({count / len(label):.2%})", va="center", fontsize=10
            )
    most = max(len(label) for label in known.values())
    axes.set(xscale="log", xlim=(0.7, most * 12), xlabel="stars")
    axes.set_yticks(range(len(known)), list(known))
    axes.invert_yaxis()
    axes.set_title("Class balance")
    axes.legend(loc="lower right")
    return figure


def _balance(curves: LightCurves, keep: np.ndarray) -> dict[str, Any]:
    gaps = 1 - curves.valid.mean(axis=1)
    n_hosts = None if curves.label is None else int(np.sum(curves.label == 1))
    return {
        "source": curves.source,
        "data_sha256": curves.sha256,
        "n": len(curves),
        "n_cadences": curves.flux.shape[1],
        "n_positive": n_hosts,
        "base_rate": None if n_hosts is None else n_hosts / len(curves),
        "n_unusable": int(np.sum(~keep)),
        "missing_share": {"mean": float(gaps.mean()), "largest": float(gaps.max())},
    }


def _by_class(value: np.ndarray, label: np.ndarray | None, seed: int) -> dict[str, Any]:
    if label is None:
        return {"all": _quartiles(value)}
    auc = ranking(label, value, groups=np.arange(len(value)), seed=seed, n_bootstrap=1000)["roc_auc"]
    return {
        "hosts": _quartiles(value[label == 1]),
        "others": _quartiles(value[label != 1]),
        "cliffs_delta": None if auc is None else {name: 2 * end - 1 for name, end in auc.items()},
    }


def _quartiles(value: np.ndarray) -> dict[str, float] | None:
    if len(value) == 0:
        return None
    return dict(zip(("q25", "median", "q75"), np.percentile(value, [25, 50, 75]).tolist()))


def _repeats(ids: np.ndarray, digests: np.ndarray, repeats: np.ndarray, keep: np.ndarray) -> dict[str, Any]:
    first = {digest: str(ids[i]) for i, digest in reversed(list(enumerate(digests))) if keep[i]}
    rows = np.flatnonzero(repeats)
    return {"n": len(rows), "pairs": [[first[digests[i]], str(ids[i])] for i in rows[:NAMED]]}


def _shared(
    ids: np.ndarray,
    digests: np.ndarray,
    keep: np.ndarray,
    other_ids: np.ndarray,
    other: np.ndarray,
    other_keep: np.ndarray,
) -> dict[str, Any]:
    where = {digest: str(ids[i]) for i, digest in enumerate(digests) if keep[i]}
    pairs = [[where[d], str(other_ids[i])] for i, d in enumerate(other) if other_keep[i] and d in where]
    return {"n": len(pairs), "pairs": pairs[:NAMED]}


def _warnings(summary: dict[str, Any]) -> list[str]:
    texts = []
    if summary["n_unusable"]:
        texts.append(
            f"{summary['n_unusable']} row(s) are empty or constant and were left out of the statistics"
        )
    if summary["duplicates_within"]["n"]:
        texts.append(f"{summary['duplicates_within']['n']} row(s) repeat an earlier row bit by bit")
    if summary.get("duplicates_across", {"n": 0})["n"]:
        texts.append(
            f"{summary['duplicates_across']['n']} row(s) of the second file repeat a row of the first"
        )
    return texts
