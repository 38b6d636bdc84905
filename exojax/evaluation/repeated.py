"""Compute metrics of repeated scores of the same rows, as in cross-validation, and differences between two models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from exojax.evaluation import bootstrap as boot
from exojax.evaluation.metrics import Curve, Figure, figure


def mean_average_precision(
    labels: np.ndarray, p: np.ndarray, *, groups: np.ndarray, seed: int, n_bootstrap: int = 2000
) -> Figure:
    """Return the average precision, averaged over repetitions of the scores.

    Args:
        labels: ``(n,)`` int, 1 for hosts.
        p: ``(n,)`` float, or ``(r, n)`` of r repetitions.
        groups: ``(n,)`` the star of each row.
        seed: of the bootstrap.
        n_bootstrap: number of resamples.

    Returns:
        ``value``, ``low``, ``high``, or None without hosts.
    """
    return _mean_figure(lambda weight: _mean_ap(labels, p, weight), labels, groups, seed, n_bootstrap)


def mean_roc_auc(
    labels: np.ndarray, p: np.ndarray, *, groups: np.ndarray, seed: int, n_bootstrap: int = 2000
) -> Figure:
    """Return ROC AUC, averaged over repetitions; arguments and result as of :func:`mean_average_precision`."""
    truth = np.asarray(labels).astype(np.int64)
    repeats = np.atleast_2d(p)
    return _mean_figure(
        lambda weight: np.mean([boot.roc_auc(boot.sweep(truth, row, weight)) for row in repeats], axis=0),
        labels,
        groups,
        seed,
        n_bootstrap,
    )


def paired_difference(
    labels: np.ndarray,
    p_a: np.ndarray,
    p_b: np.ndarray,
    *,
    groups: np.ndarray,
    seed: int,
    n_bootstrap: int = 2000,
) -> Figure:
    """Return the average precision of model a minus that of model b on the same rows, with a paired bootstrap.

    Args:
        labels: ``(n,)`` int, 1 for hosts.
        p_a: ``(n,)`` float, or ``(r, n)`` of r repetitions whose average precisions are averaged.
        p_b: the same shape.
        groups: ``(n,)`` the star of each row.
        seed: of the bootstrap.
        n_bootstrap: number of resamples.

    Returns:
        ``value``, ``low``, ``high``, or None without hosts.
    """

    def difference(weight: np.ndarray) -> np.ndarray:
        return _mean_ap(labels, p_a, weight) - _mean_ap(labels, p_b, weight)

    return _mean_figure(difference, labels, groups, seed, n_bootstrap)


def mean_brier(labels: np.ndarray, p: np.ndarray, *, groups: np.ndarray, seed: int, n_bootstrap: int = 2000) -> Figure:
    """Return the mean squared error of calibrated probabilities; see :func:`mean_average_precision`."""
    error = np.mean((np.atleast_2d(p) - np.asarray(labels)) ** 2, axis=0)
    return _mean_figure(lambda weight: weight @ error / weight.sum(axis=1), labels, groups, seed, n_bootstrap)


def mean_recall(
    labels: np.ndarray, called: np.ndarray, *, groups: np.ndarray, seed: int, n_bootstrap: int = 2000
) -> Figure:
    """Return the share of the hosts that are called, averaged over repetitions.

    Args:
        labels: ``(n,)`` int, 1 for hosts.
        called: ``(n,)`` bool, or ``(r, n)`` of r repetitions.
        groups: ``(n,)`` the star of each row.
        seed: of the bootstrap.
        n_bootstrap: number of resamples.
    """
    share, host = np.atleast_2d(called).mean(axis=0), np.asarray(labels) == 1
    return _mean_figure(
        lambda weight: weight @ (share * host) / np.maximum(weight @ host, 1), labels, groups, seed, n_bootstrap
    )


def mean_precision(
    labels: np.ndarray, called: np.ndarray, *, groups: np.ndarray, seed: int, n_bootstrap: int = 2000
) -> Figure:
    """Return the share of hosts among the called stars of all repetitions; None if no star is called.

    Arguments as in :func:`mean_recall`.
    """
    share, host = np.atleast_2d(called).mean(axis=0), np.asarray(labels) == 1
    if not share.any():
        return None

    def statistic(weight: np.ndarray) -> np.ndarray:
        calls = weight @ share
        return np.divide(weight @ (share * host), calls, out=np.full(len(weight), np.nan), where=calls > 0)

    return _mean_figure(statistic, labels, groups, seed, n_bootstrap)


def mean_precision_recall(
    labels: np.ndarray, p: np.ndarray, *, groups: np.ndarray, seed: int, n_bootstrap: int = 500
) -> Curve:
    """Return precision over recall, averaged over repetitions, with its 95 % band point by point.

    Args:
        labels: ``(n,)`` int, 1 for hosts; both classes.
        p: ``(n,)`` float, or ``(r, n)`` of r repetitions.
        groups: ``(n,)`` the star of each row.
        seed: of the bootstrap.
        n_bootstrap: number of resamples.

    Returns:
        The curve on a grid of recall: at recall r, the precision of the first threshold that reaches r.
    """
    truth, grid = np.asarray(labels).astype(np.int64), np.linspace(0, 1, 101)
    # Recall is 0 before the first host.
    reached = np.maximum(grid, np.finfo(float).tiny)

    def on_grid(weight: np.ndarray) -> np.ndarray:
        swept = [boot.sweep(truth, row, weight) for row in np.atleast_2d(p)]
        each = [[q[np.searchsorted(r, reached)] for r, q in zip(s.recall, s.precision)] for s in swept]
        return np.mean(each, axis=0)

    low, high = boot.percentiles(boot.bootstrap(on_grid, truth, groups, seed=seed, n=n_bootstrap))
    return Curve(grid, on_grid(np.ones((1, len(truth)), np.int64))[0], grid, low, high)


def _mean_ap(labels: np.ndarray, p: np.ndarray, weight: np.ndarray) -> np.ndarray:
    truth = np.asarray(labels).astype(np.int64)
    return np.mean([boot.average_precision(boot.sweep(truth, row, weight)) for row in np.atleast_2d(p)], axis=0)


def _mean_figure(
    statistic: Callable[[np.ndarray], np.ndarray], labels: np.ndarray, groups: np.ndarray, seed: int, n: int
) -> Figure:
    labels = np.asarray(labels).astype(np.int64)
    if labels.sum() == 0:
        return None
    value = statistic(np.ones((1, len(labels)), np.int64))[0]
    return figure(value, boot.bootstrap(statistic, labels, groups, seed=seed, n=n))
