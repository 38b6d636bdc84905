"""Convert logits to probabilities: shift them to the prior, choose a map by cross-validation, choose a threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logit

from exojax.evaluation import split

METHODS = {"temperature": "temperature scaling", "platt": "Platt's logistic", "isotonic": "isotonic regression"}
FOLDS = 5
CHOICE_FROM, ISOTONIC_FROM = 20, 100
"""smallest number of hosts for choosing a map (below it Platt's is used), and for isotonic regression as a choice"""

# In units of the logits' scatter. A positive slope keeps the order of the stars even if the calibration rows show no
# relation or the opposite one; all probabilities are then the share of hosts within 0.1 %.
SMALLEST_SLOPE = 1e-3


@dataclass(frozen=True)
class Calibrator:
    """Log-odds of a host from a logit ``z``: ``slope * z + intercept + interp(z, knots, values)``.

    Attributes:
        method: a name in ``METHODS``. Temperature's intercept is 0; the slope of isotonic regression only keeps order.
        slope: positive.
        intercept: of the straight line.
        knots: increasing logits of the steps of isotonic regression; empty for the other methods.
        values: log-odds at the knots, increasing; constant beyond the first and the last.
        log_loss: cross-validated log loss a row of each method that was tried; empty where none was.
    """

    method: str
    slope: float
    intercept: float
    knots: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    log_loss: dict[str, float] = field(default_factory=dict)

    def log_odds(self, logits: np.ndarray) -> np.ndarray:
        """Return ``(..., n)`` float64 calibrated log-odds of ``logits (..., n)``, strictly increasing in them."""
        z = np.asarray(logits, np.float64)
        bend = np.interp(z, self.knots, self.values) if self.knots else 0.0
        return self.slope * z + self.intercept + bend


def fit(logits: np.ndarray, labels: np.ndarray, groups: np.ndarray, *, seed: int) -> Calibrator:
    """Return the map of least cross-validated log loss, fitted to all rows.

    Below 20 hosts Platt's map is used, because they are too few for a choice; from 20 hosts temperature scaling or
    Platt's map; from 100 hosts isotonic regression is a choice too. Folds are by star, so that no star scores a map
    that was fitted to it. Among equal maps the simplest is chosen.

    Args:
        logits: ``(n,)`` float, log-odds of the model on rows it was not trained on, already shifted to the
            prior of those rows (:func:`prior_shift`).
        labels: ``(n,)`` int, 1 for hosts.
        groups: ``(n,)`` the star of each row.
        seed: of the folds.

    Raises:
        ValueError: a logit is not finite, or there is only one class.
    """
    logits, labels, groups = np.asarray(logits, np.float64), np.asarray(labels), np.asarray(groups)
    hosts = len(np.unique(groups[labels == 1]))
    k = min(FOLDS, hosts, len(np.unique(groups)) - hosts)
    if hosts < CHOICE_FROM or k < 2:
        return Calibrator("platt", *fit_platt(logits, labels))
    methods: dict[str, Callable[[np.ndarray, np.ndarray], Calibrator]] = {
        "temperature": fit_temperature,
        "platt": lambda z, y: Calibrator("platt", *fit_platt(z, y)),
    }
    if hosts >= ISOTONIC_FROM:
        methods["isotonic"] = fit_isotonic
    fold = split.folds(groups, labels, k=k, seed=seed, stream="calibration folds")
    losses = {}
    for name, make in methods.items():
        z = np.zeros(len(logits))
        for out in (fold == number for number in range(k)):
            z[out] = make(logits[~out], labels[~out]).log_odds(logits[out])
        losses[name] = float(np.mean(np.logaddexp(0, z) - (labels == 1) * z))
    best = methods[min(losses, key=lambda name: losses[name])](logits, labels)
    return Calibrator(best.method, best.slope, best.intercept, best.knots, best.values, losses)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> Calibrator:
    """Return ``sigmoid(logit / T)`` (Guo et al. 2017), T by the least log loss against Platt's targets.

    Args and errors are those of :func:`fit_platt`.
    """
    logits, target = _checked(logits, labels)
    scale = float(np.sqrt(np.mean(logits**2))) or 1.0
    slope, _ = _fit_line(logits / scale, target, intercept=False)
    return Calibrator("temperature", slope / scale, 0.0)


def fit_isotonic(logits: np.ndarray, labels: np.ndarray) -> Calibrator:
    """Return an isotonic regression (Zadrozny & Elkan 2002), straight in log-odds between the centres of its steps.

    Plain steps would give equal probabilities to stars with different logits, and their first and last values are 0 and
    1. Therefore the fit uses Platt's targets and is centred (Oron & Flournoy 2017), and a very small slope keeps the
    order of the stars.

    Args and errors are those of :func:`fit_platt`.
    """

    from sklearn.isotonic import IsotonicRegression

    logits, target = _checked(logits, labels)
    share = IsotonicRegression(increasing=True).fit(logits, target).predict(logits)
    # Equal neighbours that were fitted apart differ in their last digits.
    steps, block = np.unique(np.round(share, 12), return_inverse=True)
    knots = np.bincount(block, logits) / np.bincount(block)
    slope = SMALLEST_SLOPE / (logits.std() or 1.0)
    return Calibrator(
        "isotonic", float(slope), float(-slope * logits.mean()), tuple(knots.tolist()), tuple(logit(steps).tolist())
    )


def fit_platt(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return slope and intercept of ``P(host) = sigmoid(slope * logit + intercept)``.

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
    logits, target = _checked(logits, labels)
    centre, scale = logits.mean(), logits.std() or 1.0
    slope, intercept = _fit_line((logits - centre) / scale, target, intercept=True)
    slope = float(slope / scale)
    return slope, float(intercept - slope * centre)


def _checked(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(n,)`` float64 logits and Platt's targets."""
    logits, positive = np.asarray(logits, np.float64), np.asarray(labels) == 1
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if not np.isfinite(logits).all() or n1 == 0 or n0 == 0:
        raise ValueError(f"calibration needs finite logits and both classes, got {n1} hosts and {n0} others")
    return logits, np.where(positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))


def _fit_line(x: np.ndarray, target: np.ndarray, *, intercept: bool) -> tuple[float, float]:
    """Return slope and intercept (0 where none is wanted) of least log loss; ``x (n,)`` is of order 1."""
    from scipy.optimize import minimize

    free = (None, None) if intercept else (0.0, 0.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        z = parameters[0] * x + parameters[1]
        residual = expit(z) - target
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.array([np.mean(residual * x), residual.mean()])

    fitted = minimize(
        loss,
        np.array([1.0, logit(target.mean()) if intercept else 0.0]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(SMALLEST_SLOPE, None), free],
        options={"ftol": 1e-14, "gtol": 1e-10, "maxiter": 1000},
    )
    return float(fitted.x[0]), float(fitted.x[1])


def prior_shift(logits: np.ndarray, from_prior: float, to_prior: float) -> np.ndarray:
    """Return log-odds of a model that saw a share ``from_prior`` of hosts, as if it had seen ``to_prior``.

    A model that is trained on balanced batches has a prior of one half. Bayes' rule gives the offset (Elkan 2001;
    Saerens et al. 2002): ``logit + log-odds(to_prior) - log-odds(from_prior)``.

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
    """Return the probability at or above which a star is called a host, chosen to maximise F1.

    F1 is the harmonic mean of recall and precision. The threshold lies in the middle between the lowest probability of
    a called star and the next lower one, so that rounding errors change nothing. Among several best thresholds the
    highest is chosen, which gives fewer false alarms.

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
