"""The floor: logistic regression on the log power spectrum, its strength of regularisation chosen by training folds.

Kept as arrays, never as a pickle: ``weight . (x - mean) / scale + intercept``, equal to scikit-learn's decision
function. What does not beat it has learnt nothing that a straight line in the spectrum does not know.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exojax.errors import InputError
from exojax.models.base import Choice, Classical, Suggest

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
"""scikit-learn's C, of standardised columns: the inverse of the regularisation"""
FOLDS = 3


def fit(
    features: Mapping[str, np.ndarray], labels: np.ndarray, groups: np.ndarray, seed: int, *, c: float = 0.0
) -> dict[str, np.ndarray]:
    """Choose C by average precision in star-grouped folds of the training rows, then fit on all of them.

    Rows are not weighted by class, so that the logits are log-odds at the training rows' share of hosts.

    Args:
        features: ``spectrum (n, d)`` float32.
        labels: ``(n,)`` int, 1 for hosts.
        groups: ``(n,)`` the star of each row.
        seed: of the folds.
        c: scikit-learn's C; 0 leaves it to the folds.

    Returns:
        ``mean``, ``scale`` and ``weight (d,)``, ``intercept`` (), float64.

    Raises:
        InputError: ``c`` is negative.
    """

    from sklearn.model_selection import StratifiedGroupKFold

    x = features["spectrum"]
    if c < 0:
        raise InputError(f"options: linear takes a c above 0, or 0 to choose it, not {c}")
    strength = c or STRENGTHS[0]
    if not c and min(len(np.unique(groups[labels == kind])) for kind in (0, 1)) >= FOLDS:
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        parts = list(folds.split(labels, labels, groups))
        strength = max(STRENGTHS, key=lambda c: np.mean([_score(x, labels, c, *part) for part in parts]))
    return _fit(x, labels, strength)


def logits(arrays: Mapping[str, np.ndarray], features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return log-odds of a host.

    Args:
        arrays: from :func:`fit`.
        features: as there.

    Returns:
        ``(n,)`` float64.

    Raises:
        InputError: the spectra are of another length than those it was fitted on.
    """
    x = features["spectrum"].astype(np.float64)
    if x.shape[1] != len(arrays["mean"]):
        raise InputError(
            f"the regression was fitted on spectra of another length (these have {x.shape[1]} columns); score data of "
            "the same layout, or train on these"
        )
    return (x - arrays["mean"]) / arrays["scale"] @ arrays["weight"] + arrays["intercept"]


def _score(x: np.ndarray, labels: np.ndarray, strength: float, train: np.ndarray, test: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score

    arrays = _fit(x[train], labels[train], strength)
    return float(average_precision_score(labels[test], logits(arrays, {"spectrum": x[test]})))


def _fit(x: np.ndarray, labels: np.ndarray, strength: float) -> dict[str, np.ndarray]:
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    wide = x.astype(np.float64)
    mean, scale = wide.mean(0), wide.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    # Products this thin take 20 times as long on several threads that wait for each other.
    with threadpool_limits(1, user_api="blas"):
        model = LogisticRegression(C=strength, max_iter=1000).fit((wide - mean) / scale, labels)
    return {
        "mean": mean,
        "scale": scale,
        "weight": model.coef_[0],
        "intercept": np.asarray(model.intercept_[0]),
    }


def space(suggest: Suggest) -> Choice:
    """Return the strength of the regularisation."""
    return Choice(options={"c": suggest.suggest_float("c", 1e-5, 1.0, log=True)})


MODEL = Classical(inputs=("spectrum",), fit=fit, logits=logits, space=space)
