"""From logits to probabilities: the training prior put back, Platt's two parameters, a stored threshold."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

# In units of the logits' own scatter. The order of the stars outlives any calibration, even where the
# calibration rows show no relation, or the wrong one: then all probabilities are the base rate to 0.1 %.
SMALLEST_SLOPE = 1e-3


def fit_platt(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of ``P(host) = sigmoid(slope * logit + intercept)``.

    Platt (1999) with his smoothed targets, ``(n1 + 1) / (n1 + 2)`` and ``1 / (n0 + 2)`` in place of 1 and 0,
    which keep the fit finite on separable rows and few hosts; the convex problem of Lin, Lin & Weng (2007).

    Args:
        logits: ``(n,)`` float, log-odds of the model on rows it was not trained on, already shifted to the
            prior of those rows (:func:`prior_shift`).
        labels: ``(n,)`` int, 1 for hosts.

    Returns:
        ``(slope, intercept)``; the slope is positive, so that calibration never reorders stars.

    Raises:
        ValueError: a logit is not finite, or there is only one class.
    """
    logits, positive = np.asarray(logits, np.float64), np.asarray(labels) == 1
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if not np.isfinite(logits).all() or n1 == 0 or n0 == 0:
        raise ValueError(f"Platt calibration needs finite logits and both classes, got {n1} hosts and {n0} others")
    target = np.where(positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    centre, scale = logits.mean(), logits.std() or 1.0
    x = (logits - centre) / scale

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        z = parameters[0] * x + parameters[1]
        residual = expit(z) - target
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.array([np.mean(residual * x), residual.mean()])

    fit = minimize(
        loss,
        np.array([1.0, logit(target.mean())]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(SMALLEST_SLOPE, None), (None, None)],
        options={"ftol": 1e-14, "gtol": 1e-10, "maxiter": 1000},
    )
    slope = float(fit.x[0] / scale)
    return slope, float(fit.x[1] - slope * centre)


def apply_platt(logits: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """``(n,)`` float64 probability of a planet, ``sigmoid(slope * logits + intercept)``."""
    return expit(slope * np.asarray(logits, np.float64) + intercept)


def prior_shift(logits: np.ndarray, from_prior: float, to_prior: float) -> np.ndarray:
    """Log-odds of a model that saw a share ``from_prior`` of hosts, as if it had seen ``to_prior``.

    Balanced batches teach a prior of one half; by Bayes' rule the remedy is an offset (Elkan 2001; Saerens et
    al. 2002): ``logit + log-odds(to_prior) - log-odds(from_prior)``.

    Args:
        logits: ``(n,)`` float, log-odds.
        from_prior: share of hosts in the batches, in (0, 1).
        to_prior: share of hosts in the rows to be described, in (0, 1).

    Raises:
        ValueError: a prior is not in (0, 1).
    """
    if not (0 < from_prior < 1 and 0 < to_prior < 1):
        raise ValueError(f"priors must lie in (0, 1), got {from_prior} and {to_prior}")
    return np.asarray(logits, np.float64) + float(logit(to_prior) - logit(from_prior))


def choose_threshold(labels: np.ndarray, probability: np.ndarray) -> float:
    """The probability from which a star is called a host: it maximises F1.

    F1 is the harmonic mean of recall and precision. The threshold lies midway between the lowest score called
    a host and the next below it, so that a rounding error in either flips nothing. Of several best thresholds
    the highest is taken: fewer false alarms for the same F1.

    Args:
        labels: ``(n,)`` int of validation or out-of-fold rows, never of test rows.
        probability: ``(n,)`` float.

    Raises:
        ValueError: there is no host.
    """
    probability, positive = np.asarray(probability, np.float64), np.asarray(labels) == 1
    if not positive.any():
        raise ValueError("a threshold cannot be chosen without hosts")
    scores, index = np.unique(-probability, return_inverse=True)
    called = np.cumsum(np.bincount(index))
    found = np.cumsum(np.bincount(index, weights=positive))
    best = int(np.argmax(2 * found / (called + positive.sum())))
    upper = -float(scores[best])
    lower = -float(scores[best + 1]) if best + 1 < len(scores) else upper
    middle = (upper + lower) / 2
    return middle if middle > lower else upper
