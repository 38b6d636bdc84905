"""Weight several models by their log-odds of rows that they have not seen."""

from __future__ import annotations

import numpy as np

_TIE = 1e-3
"""penalty of the squared weights, which keeps them finite if the log-odds separate the classes completely"""


def weigh(logits: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the weights of a logistic regression on the log-odds of several models; no weight is negative.

    Args:
        logits: ``(m, n)`` float64, log-odds of n rows by m models that were not fitted to them.
        labels: ``(n,)`` int, 1 for hosts; both classes must occur.

    Returns:
        ``weight (m,)`` and ``bias ()``, float64.
    """
    from scipy.optimize import minimize

    # Scale the log-odds, which for a network may be ten times larger than for other models.
    scale = np.maximum(logits.std(axis=1), 1e-9)
    x, sign = logits / scale[:, None], np.where(labels == 1, 1.0, -1.0)

    def loss(p: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (p[:-1] @ x + p[-1])
        pull = -sign / (1.0 + np.exp(np.clip(margin, -500, 500))) / len(sign)
        value = np.logaddexp(0.0, -margin).mean() + _TIE * float(p[:-1] @ p[:-1])
        return value, np.append(x @ pull + 2 * _TIE * p[:-1], pull.sum())

    start = np.append(np.full(len(x), 1.0 / len(x)), 0.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(x) + [(None, None)]).x
    return {"weight": found[:-1] / scale, "bias": np.asarray(found[-1])}
