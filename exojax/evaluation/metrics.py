"""Compute the metrics of a model with 95 % intervals, and their curves.

Average precision and other ranking metrics have intervals from a bootstrap over stars
(:mod:`exojax.evaluation.bootstrap`). Recall and precision at the stored threshold, and the bins of the reliability
diagram, have exact binomial intervals (Clopper & Pearson 1934), because the threshold was fixed before. No interval
includes the scatter between training seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from exojax.evaluation import bootstrap as boot

Figure = dict[str, float] | None
"""``{"value", "low", "high"}``, or None if the metric is undefined"""

FEW_HOSTS = 20
RANKING = {
    "average_precision": boot.average_precision,
    "roc_auc": boot.roc_auc,
    "recall_at_precision_0.9": boot.recall_at_precision,
    "precision_at_recall_0.9": boot.precision_at_recall,
}


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve ``x, y`` ``(m,)`` of the rows themselves and its 95 % band ``grid, low, high`` ``(g,)``."""

    x: np.ndarray
    y: np.ndarray
    grid: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, eq=False)
class Reliability:
    """Rows binned by probability; empty bins left out.

    Attributes:
        predicted: ``(b,)`` mean probability of each bin.
        observed: ``(b,)`` share of hosts in it, with its exact 95 % interval ``low``, ``high``.
        low: ``(b,)``.
        high: ``(b,)``.
        count: ``(b,)`` int rows in it.
    """

    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray


def evaluate(
    labels: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    *,
    groups: np.ndarray,
    seed: int,
    n_bootstrap: int = 2000,
) -> dict[str, Any]:
    """Return the part of ``metrics.json`` that depends on the scored rows only.

    Args:
        labels: ``(n,)`` int, 1 for hosts.
        probability: ``(n,)`` float, calibrated probability of a planet.
        threshold: stored with the model; rows at or above it are called hosts.
        groups: ``(n,)`` the star of each row; the bootstrap draws stars.
        seed: of the bootstrap.
        n_bootstrap: number of resamples.

    Returns:
        ``n``, ``n_positive``, the four ranking figures, ``brier``, ``recall`` and ``precision`` (each
        ``value``, ``low``, ``high``, or None with a warning where undefined), ``threshold``, ``confusion``
        ``[[tn, fp], [fn, tp]]`` and ``warnings``.

    Raises:
        ValueError: no rows, or a probability that is not in [0, 1] (NaN included).
    """

    from sklearn.metrics import brier_score_loss, confusion_matrix

    labels, probability = np.asarray(labels).astype(np.int64), np.asarray(probability, np.float64)
    if len(labels) == 0 or not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(f"expected at least one row and probabilities in [0, 1], got {len(labels)} rows")
    figures = ranking(labels, probability, groups=groups, seed=seed, n_bootstrap=n_bootstrap)

    error = (probability - labels) ** 2
    samples = boot.bootstrap(lambda w: w @ error / w.sum(axis=1), labels, groups, seed=seed, n=n_bootstrap)
    figures["brier"] = figure(brier_score_loss(labels, probability, pos_label=1), samples)

    (tn, fp), (fn, tp) = confusion = confusion_matrix(labels, probability >= threshold, labels=[0, 1]).tolist()
    figures["recall"] = proportion(tp, tp + fn)
    figures["precision"] = proportion(tp, tp + fp)
    n_stars = len(np.unique(groups))
    n_hosts = len(np.unique(np.asarray(groups)[labels == 1]))
    return {
        "n": len(labels),
        "n_positive": int(labels.sum()),
        **figures,
        "threshold": float(threshold),
        "confusion": confusion,
        "warnings": _warnings(figures, n_hosts, repeated=n_stars < len(labels), one_class=tn + fp == 0),
    }


def ranking(
    labels: np.ndarray, score: np.ndarray, *, groups: np.ndarray, seed: int, n_bootstrap: int = 2000
) -> dict[str, Figure]:
    """Return the four metrics that depend on the order of the rows only, with intervals from a bootstrap over stars.

    Average precision and ROC AUC are those of scikit-learn. Recall at precision 0.9 is the highest over all thresholds,
    0 if precision never reaches 0.9; precision at recall 0.9 is defined likewise.

    Args:
        labels: ``(n,)`` int, 1 for hosts.
        score: ``(n,)`` float, higher for likelier hosts.
        groups: ``(n,)`` the star of each row.
        seed: of the bootstrap.
        n_bootstrap: number of resamples.
    """

    from sklearn.metrics import average_precision_score, roc_auc_score

    labels, score = np.asarray(labels).astype(np.int64), np.asarray(score, np.float64)
    n_positive = int(labels.sum())
    if n_positive == 0:
        return dict.fromkeys(RANKING)

    def all_of(weight: np.ndarray) -> np.ndarray:
        swept = boot.sweep(labels, score, weight)
        return np.stack([statistic(swept) for statistic in RANKING.values()], axis=1)

    values = dict(zip(RANKING, all_of(np.ones((1, len(labels)), np.int64))[0]))
    values["average_precision"] = average_precision_score(labels, score)
    if n_positive < len(labels):
        values["roc_auc"] = roc_auc_score(labels, score)
    samples = dict(zip(RANKING, boot.bootstrap(all_of, labels, groups, seed=seed, n=n_bootstrap).T))
    return {name: figure(value, samples[name]) for name, value in values.items()}


def proportion(successes: int, trials: int) -> Figure:
    """Return ``successes / trials`` with its exact 95 % interval (Clopper & Pearson 1934); None without trials."""
    from scipy.stats import beta

    if trials == 0:
        return None
    tail = (1 - boot.LEVEL) / 2
    low = beta.ppf(tail, successes, trials - successes + 1) if successes else 0.0
    high = beta.ppf(1 - tail, successes + 1, trials - successes) if successes < trials else 1.0
    return {"value": successes / trials, "low": float(low), "high": float(high)}


def curves(
    labels: np.ndarray, probability: np.ndarray, *, groups: np.ndarray, seed: int, n_bootstrap: int = 500
) -> tuple[Curve | None, Curve | None]:
    """Return precision over recall, and true over false positive rate, with 95 % bands point by point.

    Args:
        labels: ``(n,)`` int, 1 for hosts.
        probability: ``(n,)`` float.
        groups: ``(n,)`` the star of each row.
        seed: of the bootstrap.
        n_bootstrap: number of resamples.

    Returns:
        The PR and the ROC curve, both None where a class is missing. The PR curve is the step function under
        which average precision is the area: at recall r, the precision of the first threshold that reaches r.
    """
    labels, score = np.asarray(labels).astype(np.int64), np.asarray(probability, np.float64)
    if labels.min(initial=1) == labels.max(initial=0):
        return None, None
    grid = np.linspace(0, 1, 101)

    def on_grid(weight: np.ndarray) -> np.ndarray:
        s = boot.sweep(labels, score, weight)
        rows = []
        for recall, precision, rate in zip(s.recall, s.precision, s.false_positive_rate):
            reached = np.searchsorted(recall, np.maximum(grid, np.finfo(float).tiny))
            rows.append([precision[reached], np.interp(grid, np.append(0, rate), np.append(0, recall))])
        return np.array(rows)

    low, high = boot.percentiles(boot.bootstrap(on_grid, labels, groups, seed=seed, n=n_bootstrap))
    whole = boot.sweep(labels, score, np.ones((1, len(labels)), np.int64))
    recall, precision, rate = whole.recall[0], whole.precision[0], whole.false_positive_rate[0]
    first = np.argmax(recall > 0)
    pr = Curve(np.append(0, recall[first:]), np.append(precision[first], precision[first:]), grid, low[0], high[0])
    return pr, Curve(np.append(0, rate), np.append(0, recall), grid, low[1], high[1])


def reliability(labels: np.ndarray, probability: np.ndarray, *, n_bins: int = 10) -> Reliability:
    """Return the share of hosts against the probability given, in bins of equal width.

    Args:
        labels: ``(n,)`` int, 1 for hosts.
        probability: ``(n,)`` float in [0, 1].
        n_bins: number of bins.
    """
    labels, probability = np.asarray(labels), np.asarray(probability, np.float64)
    bins = np.clip((probability * n_bins).astype(int), 0, n_bins - 1)
    rows = []
    for chosen in (bins == b for b in np.unique(bins)):
        share = proportion(int(np.sum(labels[chosen] == 1)), int(chosen.sum()))
        assert share is not None  # the bin was found among the rows
        rows.append((probability[chosen].mean(), share["value"], share["low"], share["high"]))
    predicted, observed, low, high = np.array(rows).T
    return Reliability(predicted, observed, low, high, np.unique(bins, return_counts=True)[1])


def figure(value: float, samples: np.ndarray) -> Figure:
    """Return ``value`` with the 95 % interval of its bootstrap ``samples (n,)``; None where it is undefined."""
    if not np.isfinite(value):
        return None
    low, high = boot.percentiles(samples)
    return {"value": float(value), "low": float(low), "high": float(high)}


def _warnings(figures: dict[str, Figure], n_hosts: int, *, repeated: bool, one_class: bool) -> list[str]:
    texts = []
    undefined = [name for name, figure in figures.items() if figure is None]
    if undefined:
        why = "every row is labelled a host" if one_class else "no row reaches the threshold"
        why = why if n_hosts else "no row is labelled a host"
        texts.append(f"undefined, because {why}: {', '.join(undefined)}")
    if 0 < n_hosts < FEW_HOSTS:
        texts.append(
            f"only {n_hosts} planet host(s): a bootstrap of so few stars gives too narrow intervals, "
            "even of no width when all of them are ranked first; trust the exact interval of recall more"
        )
    if repeated:
        texts.append(
            "some stars have several rows: the exact intervals of recall and precision at the threshold "
            "count rows as independent and are somewhat too narrow; the others draw stars"
        )
    return texts
