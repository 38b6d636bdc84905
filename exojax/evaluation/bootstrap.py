"""Bootstrap over stars with percentile intervals (Efron & Tibshirani 1993, chapter 13).

A resample gives each star an integer weight, and one pass over a ranking serves many resamples. Hosts and other stars
are drawn separately, each in their original number, so that no class vanishes. All rows of a star are drawn together,
because they are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from exojax.simulate.random_streams import generator

CHUNK = 100  # resamples held at once: 14,000 rows take 6 MB
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Sweep:
    """Weighted counts of rows at or above each distinct score, from the highest score down.

    Attributes:
        tp: ``(b, m)`` int64, weight of the hosts, for ``b`` resamples and ``m`` distinct scores.
        fp: ``(b, m)`` int64, weight of the other rows.
    """

    tp: np.ndarray
    fp: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """``(b, m)`` float64; 0 where nothing is called."""
        return self.tp / np.maximum(self.tp + self.fp, 1)

    @property
    def recall(self) -> np.ndarray:
        """``(b, m)`` float64; NaN where there is no host."""
        return _ratio(self.tp, self.tp[:, -1:])

    @property
    def false_positive_rate(self) -> np.ndarray:
        """``(b, m)`` float64; NaN where every row is a host."""
        return _ratio(self.fp, self.fp[:, -1:])


def sweep(labels: np.ndarray, score: np.ndarray, weight: np.ndarray) -> Sweep:
    """Return counts for every weighting of the same scored rows; tied scores are one threshold, as in scikit-learn.

    Args:
        labels: ``(n,)`` int, 1 for hosts.
        score: ``(n,)`` float, higher for likelier hosts.
        weight: ``(b, n)`` int, how often each row is drawn.
    """
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    drawn = weight[:, order]
    called = np.cumsum(drawn, axis=1, dtype=np.int64)[:, last]
    tp = np.cumsum(drawn * (labels[order] == 1), axis=1, dtype=np.int64)[:, last]
    return Sweep(tp, called - tp)


def average_precision(s: Sweep) -> np.ndarray:
    """Return ``(b,)`` float64, the sum of precision over steps of recall, not interpolated; NaN without hosts."""
    return np.sum(np.diff(s.recall, axis=1, prepend=0) * s.precision, axis=1)


def roc_auc(s: Sweep) -> np.ndarray:
    """Return ``(b,)`` float64, the chance that a host scores above another star, ties half; NaN in one class."""
    recall, rate = s.recall, s.false_positive_rate
    before = np.concatenate([np.zeros_like(recall[:, :1]), recall[:, :-1]], axis=1)
    return np.sum(np.diff(rate, axis=1, prepend=0) * (recall + before) / 2, axis=1)


def recall_at_precision(s: Sweep, floor: float = 0.9) -> np.ndarray:
    """Return ``(b,)`` float64, the highest recall at which precision is ``floor`` or more; 0 where it never is."""
    return np.where(s.precision >= floor, s.recall, np.minimum(s.recall, 0)).max(axis=1)


def precision_at_recall(s: Sweep, floor: float = 0.9) -> np.ndarray:
    """Return ``(b,)`` float64, the highest precision at which recall is ``floor`` or more; NaN without hosts."""
    return np.where(s.recall >= floor, s.precision, np.minimum(s.recall, 0)).max(axis=1)


def resamples(labels: np.ndarray, groups: np.ndarray, *, seed: int, n: int) -> Iterator[np.ndarray]:
    """Return row weights of ``n`` resamples, in pieces of ``(<= CHUNK, n_rows)`` int64.

    Args:
        labels: ``(n_rows,)`` int. A star with any positive row is drawn among the hosts.
        groups: ``(n_rows,)`` the star of each row.
        seed: the same seed draws the same stars.
        n: number of resamples.
    """
    names, star = np.unique(groups, return_inverse=True)
    host = np.zeros(len(names), bool)
    np.logical_or.at(host, star, labels == 1)
    rng = generator(seed, "bootstrap")
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        weight = np.empty((size, len(names)), np.int64)
        for members in (np.flatnonzero(host), np.flatnonzero(~host)):
            drawn = rng.integers(len(members), size=(size, len(members))) if len(members) else 0
            cell = drawn + np.arange(size)[:, None] * len(members)
            counts = np.bincount(cell.ravel(), minlength=size * len(members)) if len(members) else np.empty(0)
            weight[:, members] = counts.reshape(size, len(members))
        yield weight[:, star]


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    seed: int,
    n: int,
) -> np.ndarray:
    """Return ``(n, ...)``: ``statistic``, from ``(b, n_rows)`` int weights to ``(b, ...)``, of every resample."""
    return np.concatenate([statistic(weight) for weight in resamples(labels, groups, seed=seed, n=n)])


def percentiles(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the central 95 % of ``(n, ...)`` samples; NaN (undefined) is left out."""
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(samples, [tail, 1 - tail], axis=0)
    return low, high


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=np.broadcast_to(whole > 0, part.shape))
