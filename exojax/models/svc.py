"""A support vector classifier on the power spectrum or the series, a baseline; training folds choose the input.

It is stored as arrays, without a pickle: ``sum_i a_i exp(-gamma |x - x_i|^2) + b`` (Cortes & Vapnik 1995) equals
scikit-learn's decision function.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np

from exojax.errors import InputError
from exojax.models.base import Choice, Classical, Suggest

COLUMNS = 400
"""approximate largest number of columns; longer series are averaged, because noise would dominate their distances"""
CHOICES = tuple(product(("spectrum", "flux"), (1.0, 10.0)))
FOLDS = 3


def fit(
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    groups: np.ndarray,
    seed: int,
    *,
    input: str = "",
    c: float = 0.0,
    gamma: float = 1.0,
) -> dict[str, np.ndarray]:
    """Choose input and C by average precision in folds of the training stars, then fit the classifier to all rows.

    Args:
        features: ``spectrum (n, f)`` and ``flux (n, c)`` float32.
        labels: ``(n,)`` int, 1 for hosts.
        groups: ``(n,)``, number or name of the star of each row.
        seed: seed of the folds.
        input: ``spectrum`` or ``flux``; an empty text chooses it by the folds.
        c: parameter C of the classifier; 0 chooses it by the folds.
        gamma: parameter gamma of the kernel, in units of one over the number of columns.

    Returns:
        ``input`` () str, ``mean`` and ``scale (d,)`` of the training columns, ``support (m, d)``, ``weight (m,)``,
        ``intercept`` and ``gamma`` (), float64.
    """

    from sklearn.model_selection import StratifiedGroupKFold

    hosts = len(np.unique(groups[labels == 1]))
    if input not in ("", *(name for name, _ in CHOICES)) or c < 0 or gamma <= 0:
        raise InputError(
            f"options: input, c and gamma of svc are {(input, c, gamma)}; give input spectrum or flux, c of 0 or more "
            "and gamma above 0"
        )
    choices = dict.fromkeys((name, c or own, gamma) for name, own in CHOICES if input in ("", name))
    choice = next(iter(choices))
    if hosts >= FOLDS and len(choices) > 1:
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        parts = list(folds.split(labels, labels, groups))
        choice = max(choices, key=lambda of: np.mean([_score(features, labels, *of, *part) for part in parts]))
    return _fit(features, labels, *choice)


def logits(arrays: Mapping[str, np.ndarray], features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the signed distance from the decision surface in units of the margin.

    Args:
        arrays: from :func:`fit`.
        features: as in :func:`fit`.

    Returns:
        ``(n,)`` float64, which increases with the odds of a host; only the calibration converts it to log-odds.

    Raises:
        InputError: the series have another length than those of the training.
    """
    series = features[str(arrays["input"])]
    x = _columns(series)
    if x.shape[1] != len(arrays["mean"]):
        raise InputError(
            f"the classifier was fitted on series of another length (these have {series.shape[1]} columns); "
            "score data of the same layout, or train on these"
        )
    x = (x - arrays["mean"]) / arrays["scale"]
    support = arrays["support"]
    distance = (x**2).sum(1)[:, None] + (support**2).sum(1)[None] - 2 * x @ support.T
    return np.exp(-arrays["gamma"] * np.maximum(distance, 0)) @ arrays["weight"] + arrays["intercept"]


def _score(
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    name: str,
    c: float,
    gamma: float,
    train: np.ndarray,
    test: np.ndarray,
) -> float:
    from sklearn.metrics import average_precision_score

    arrays = _fit({name: features[name][train]}, labels[train], name, c, gamma)
    return float(average_precision_score(labels[test], logits(arrays, {name: features[name][test]})))


def _fit(
    features: Mapping[str, np.ndarray], labels: np.ndarray, name: str, c: float, gamma: float
) -> dict[str, np.ndarray]:
    from sklearn.svm import SVC

    x = _columns(features[name])
    mean, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 0, scale, 1.0)
    # Standardised columns have variance 1, so that scikit-learn's "scale" is one over their number.
    width = "scale" if gamma == 1.0 else gamma / x.shape[1]
    model = SVC(C=c, kernel="rbf", gamma=width, class_weight="balanced", cache_size=500)
    model.fit((x - mean) / scale, labels)
    return {
        "input": np.array(name),
        "mean": mean,
        "scale": scale,
        "support": model.support_vectors_,
        "weight": model.dual_coef_[0],
        "intercept": np.asarray(model.intercept_[0]),
        "gamma": np.asarray(model._gamma),
    }


def _columns(x: np.ndarray) -> np.ndarray:
    """Return ``(n, d)`` float64, neighbouring columns averaged where there are more than :data:`COLUMNS`."""
    width = max(1, round(x.shape[1] / COLUMNS))
    columns = x.shape[1] // width
    return x[:, : columns * width].reshape(len(x), columns, width).mean(2, dtype=np.float64)


def space(suggest: Suggest) -> Choice:
    """Return the settings to tune: input, C and the width of the kernel."""
    return Choice(
        options={
            "input": suggest.suggest_categorical("input", ("spectrum", "flux")),
            "c": suggest.suggest_float("c", 0.03, 300.0, log=True),
            "gamma": suggest.suggest_float("gamma", 0.03, 30.0, log=True),
        }
    )


MODEL = Classical(inputs=("spectrum", "flux"), fit=fit, logits=logits, space=space)
