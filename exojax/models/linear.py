"""Logistic regression on the log power spectrum, the simplest baseline; training folds choose its regularisation.

It is stored as arrays, without a pickle: ``weight . (x - mean) / scale + intercept`` equals scikit-learn's decision
function. A model that is not better than this baseline has learnt no more than a linear function of the spectrum.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from exojax.errors import InputError
from exojax.models.base import Choice, Classical, Suggest

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1)
"""values of scikit-learn's C, the inverse strength of the regularisation, for standardised columns"""
FOLDS = 3


def fit(
    features: Mapping[str, np.ndarray], labels: np.ndarray, groups: np.ndarray, seed: int, *, c: float = 0.0
) -> dict[str, np.ndarray]:
    """Choose C by average precision in folds of the training stars, then fit the regression to all rows.

    Rows are not weighted by class, so that the logits are log-odds for the share of hosts among the training rows.

    Args:
        features: ``spectrum (n, d)`` float32.
        labels: ``(n,)`` int, 1 for hosts.
        groups: ``(n,)``, number or name of the star of each row.
        seed: seed of the folds.
        c: scikit-learn's C; 0 chooses it by the folds.

    Returns:
        ``mean``, ``scale`` and ``weight (d,)``, and ``intercept ()``, float64.

    Raises:
        InputError: ``c`` is negative.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    x = features["spectrum"]
    if c < 0:
        raise InputError(f"options: c of linear is {c}; give a number above 0, or 0 to choose it by folds")
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
        features: as in :func:`fit`.

    Returns:
        ``(n,)`` float64.

    Raises:
        InputError: the spectra have another length than those of the training.
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
    # On several threads, products of such small matrices take 20 times longer.
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
