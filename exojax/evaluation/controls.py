"""Shortcut controls: score data without planets, to see whether a model uses the campaign, the gaps or the noise.

The report states their results; no result is an error:

- **coverage**: cadence, gaps and baseline, without any flux. If they rank hosts first, the hosts were observed
  differently, and any model may have learnt this. A result at chance level does not prove that the model ignores gaps.
- **masked**: dips are replaced by the median. A model that still ranks hosts first uses something else, such as noise,
  variability or the campaign. Dips within 3 sigma remain, so that a result above chance level proves no shortcut for
  shallow transits.
- **inverted**: the cleaned flux is inverted. Transits become brightenings, while noise, variability and gaps stay. The
  control is not applicable to a model that ignores the sign of the flux, such as one on a power spectrum.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from exojax.evaluation import metrics
from exojax.robust import scatter

COVERAGE = ("fraction_valid", "n_gaps", "longest_gap_days", "baseline_days", "cadence_days")


def coverage_features(time: np.ndarray, valid: np.ndarray, cadence: float) -> np.ndarray:
    """Return properties of the observation of each star, without its flux.

    Args:
        time: ``(n, c)`` float64, days; may be NaN where not valid.
        valid: ``(n, c)`` bool.
        cadence: days between samples, for stars with fewer than two.

    Returns:
        ``(n, 5)`` float64, the columns of :data:`COVERAGE`: share of cadences valid, number of gaps (steps
        longer than 1.5 cadences), the longest gap, first to last cadence, and the star's own median cadence,
        in days.
    """
    features = np.empty((len(valid), len(COVERAGE)))
    for i, (row, mask) in enumerate(zip(time, valid)):
        steps = np.diff(row[mask])
        own = float(np.median(steps)) if len(steps) else cadence
        gaps = steps[steps > 1.5 * own]
        features[i] = mask.mean(), len(gaps), gaps.max(initial=0), steps.sum(), own
    return features


def coverage_score(train_features: np.ndarray, train_labels: np.ndarray, test_features: np.ndarray) -> np.ndarray:
    """Return a host score from coverage alone: a standardised logistic regression, fitted on training rows only.

    Args:
        train_features: ``(n_train, k)`` float64 from :func:`coverage_features`.
        train_labels: ``(n_train,)`` int, both classes.
        test_features: ``(n, k)`` float64.

    Returns:
        ``(n,)`` float64, higher for likelier hosts; all equal where coverage never varies.
    """

    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    return model.fit(train_features, train_labels).decision_function(test_features)


def mask_dips(series: np.ndarray, valid: np.ndarray, *, depth: float = 3.0, neighbours: int = 2) -> np.ndarray:
    """Return the standardised series with every dip taken out.

    Args:
        series: ``(n, c)`` float32, in units of the star's scatter about its median.
        valid: ``(n, c)`` bool.
        depth: a dip lies more than this many robust standard deviations (1.4826 MAD) below the star's median.
        neighbours: cadences replaced on either side of one.

    Returns:
        ``(n, c)`` float32, 0 (the median of a standardised series) in place of dips.
    """
    masked = series.copy()
    for row, mask in zip(masked, valid):
        if not mask.any():
            continue
        centre = np.median(row[mask])
        sigma = scatter(row[mask], centre)
        dips = mask & (row < centre - depth * sigma)
        row[np.convolve(dips, np.ones(2 * neighbours + 1), mode="same") > 0.5] = 0
    return masked


def invert(series: np.ndarray) -> np.ndarray:
    """Return ``(n, c)`` standardised series upside down, to be given to the model in place of the original."""
    return -series


def score(
    name: str,
    labels: np.ndarray,
    scores: np.ndarray,
    *,
    groups: np.ndarray,
    seed: int,
    kind: np.ndarray | None = None,
    n_bootstrap: int = 500,
) -> list[dict[str, Any]]:
    """Return how well hosts are ranked first under a control, against all other stars and against each kind of star.

    Args:
        name: name of the control.
        labels: ``(n,)`` int, 1 for hosts.
        scores: ``(n,)`` float, scores of the model under the control.
        groups: ``(n,)`` the star of each row.
        seed: of the bootstrap.
        kind: ``(n,)`` str, what each star is (``quiet``, ``binary``, ...), or None.
        n_bootstrap: number of resamples.

    Returns:
        Rows of the report's table, each with ``control``, ``against``, ``n``, ``n_positive``, ``roc_auc``,
        ``average_precision`` (as in :func:`exojax.evaluation.metrics.ranking`) and ``says``, a sentence.
    """
    labels = np.asarray(labels)
    rivals = {"all other stars": labels != 1}
    if kind is not None:
        rivals |= {str(k): (labels != 1) & (kind == k) for k in np.unique(kind[labels != 1])}
    rows = []
    for against, others in rivals.items():
        chosen = others | (labels == 1)
        figures = metrics.ranking(
            labels[chosen], scores[chosen], groups=groups[chosen], seed=seed, n_bootstrap=n_bootstrap
        )
        auc = figures["roc_auc"]
        rows.append(
            {
                "control": name,
                "against": against,
                "n": int(chosen.sum()),
                "n_positive": int(labels[chosen].sum()),
                "roc_auc": auc,
                "average_precision": figures["average_precision"],
                "says": _says(auc),
            }
        )
    return rows


def not_applicable(name: str, reason: str) -> dict[str, Any]:
    """Return the row of a control that does not apply to the model, with the reason in ``says``."""
    return {
        "control": name,
        "against": "",
        "roc_auc": None,
        "average_precision": None,
        "says": f"not applicable: {reason}",
    }


def _says(auc: metrics.Figure) -> str:
    if auc is None:
        return "undefined, because there is only one class"
    if auc["low"] > 0.5:
        return "hosts are still ranked first: this control leaves in place something that separates them"
    if auc["high"] < 0.5:
        return "hosts are now ranked last: the control changes what the model sees in them"
    return "no better than chance, within the interval"
