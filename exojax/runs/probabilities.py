"""Convert the logits of a model to probabilities: the calibration that a run stores, and the assumed share of hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit, logit

from exojax.errors import InputError
from exojax.evaluation import calibration, split
from exojax.models import registry


@dataclass(frozen=True)
class Calibration:
    """The conversion of logits to probabilities.

    Attributes:
        prior: share of hosts among the training rows.
        curve: map from logits, after the shift from balanced batches to ``prior``, to log-odds.
        threshold: probability at or above which a star is called a host.
        protocol: ``validation`` or ``out-of-fold``, the kind of rows that calibrate and set the threshold.
        steps: training step of the calibrated weights of each network; None for a classical model.
        rate: share of hosts that the probabilities assume, as stated by the user; None for ``prior``.
    """

    prior: float
    curve: calibration.Calibrator
    threshold: float
    protocol: str
    steps: list[int] | None
    rate: float | None = None

    @property
    def share(self) -> float:
        """Share of hosts that the probabilities assume; also the probability of a star that cannot be scored."""
        return self.prior if self.rate is None else self.rate


def apply(model: str, how: Calibration, logits: np.ndarray) -> np.ndarray:
    """Convert ``logits (..., n)`` of the named model to ``(..., n)`` float64 probabilities; NaN to the share of
    hosts."""
    return np.where(np.isfinite(logits), expit(log_odds(model, how, logits)), how.share)


def log_odds(model: str, how: Calibration, logits: np.ndarray) -> np.ndarray:
    """Convert ``logits (..., n)`` to ``(..., n)`` float64 log-odds of :func:`apply`, which do not saturate near 1."""
    known = np.isfinite(logits)
    found = how.curve.log_odds(to_prior(model, np.where(known, logits, 0.0), how.prior))
    return np.where(known, calibration.prior_shift(found, how.prior, how.share), logit(how.share))


def fitted(
    name: str,
    logits: np.ndarray,
    label: np.ndarray,
    group: np.ndarray,
    *,
    prior: float,
    protocol: str,
    steps: list[int] | None = None,
    seed: int | None = None,
) -> Calibration:
    """Fit the map from logits to probabilities, and choose the threshold.

    A star that cannot be searched does not enter the fit of the map. Its probability is the share of hosts, as in a
    prediction, and this probability enters the choice of the threshold.

    Args:
        name: name of the model.
        logits: ``(n,)`` float, of rows that the model was not fitted to; NaN where a star cannot be searched.
        label: ``(n,)`` int, 1 for hosts.
        group: ``(n,)``, number or name of the star of each row.
        prior: share of hosts among the training rows.
        protocol: kind of the rows, ``validation`` or ``out-of-fold``.
        steps: training step of the weights of each network.
        seed: seed of the folds that choose the kind of map; None takes Platt's map, for few hosts.

    Raises:
        InputError: no star of a class could be searched.
    """
    known = ~np.isnan(logits)
    for kind, in_class in (("planet hosts", label == 1), ("stars without planets", label != 1)):
        if not (known & in_class).any():
            raise InputError(
                f"none of the {in_class.sum()} {kind} that calibrate {name} could be searched; give more stars"
            )
    shifted = to_prior(name, logits[known], prior)
    if seed is None:
        curve = calibration.Calibrator("platt", *calibration.fit_platt(shifted, label[known]))
    else:
        curve = calibration.fit(shifted, label[known], group[known], seed=seed)
    how = Calibration(prior, curve, 0.5, protocol, steps)
    return replace(how, threshold=calibration.choose_threshold(label, apply(name, how, logits)))


def calibrated(
    name: str,
    label: np.ndarray,
    group: np.ndarray,
    k: int,
    seed: int,
    score: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Calibration:
    """Return Platt's map and the threshold from out-of-fold scores of training rows.

    Args:
        name: name of the model.
        label: ``(n,)`` int, 1 for hosts.
        group: ``(n,)``, number or name of the star of each row.
        k: number of folds; at most the number of hosts is used.
        seed: seed of the folds.
        score: takes the indices of the rows to fit and of the m rows to score, both int; returns logits ``(m,)``, NaN
            where a star cannot be searched.

    Raises:
        InputError: no star of a class could be searched.
    """
    hosts = len(np.unique(group[label == 1]))
    fold = split.folds(group, label, k=min(k, hosts), seed=seed, stream="inner folds")
    logits = np.zeros(len(label))
    for number in range(min(k, hosts)):
        logits[fold == number] = score(np.flatnonzero(fold != number), np.flatnonzero(fold == number))
    return fitted(name, logits, label, group, prior=float(label.mean()), protocol="out-of-fold")


def disagreement(model: str, how: Calibration, logits: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the probabilities over the members of an ensemble.

    The logits of every member are converted with the calibration of the ensemble. The number measures the scatter
    between training seeds and the freedom that the training rows leave to the network, not the total uncertainty.

    Args:
        model: name of the model.
        how: calibration of the run.
        logits: ``(members, n)`` float, at least two members; NaN for a star that cannot be scored.

    Returns:
        ``(n,)`` float64, sample standard deviation (divisor ``members - 1``); NaN where a logit is NaN.

    Raises:
        ValueError: there are fewer than two members.
    """
    if np.ndim(logits) != 2 or len(logits) < 2:
        raise ValueError(f"disagreement needs at least two members, got logits of shape {np.shape(logits)}")
    spread = np.std(apply(model, how, logits), axis=0, ddof=1)
    return np.where(np.isnan(logits).any(axis=0), np.nan, spread)


def at_rate(how: Calibration, rate: float) -> Calibration:
    """Return the calibration for a sample in which a share ``rate`` of the stars are hosts, by Bayes' rule.

    It assumes that the distribution of logits within each class does not depend on the share. The threshold moves with
    the probabilities, so that the same stars are called hosts.

    Raises:
        InputError: the rate is not between 0 and 1.
    """
    if not 0 < rate < 1:
        raise InputError(f"--prior {rate}: give the share of hosts among your stars, between 0 and 1")
    with np.errstate(divide="ignore"):  # a threshold of 1 has infinite log-odds and stays 1
        moved = calibration.prior_shift(logit(how.threshold), how.share, rate)
    return replace(how, rate=rate, threshold=float(expit(moved)))


def to_prior(model: str, logits: np.ndarray, prior: float) -> np.ndarray:
    """Return logits shifted to the share of hosts ``prior`` if the model is trained on balanced batches, else as
    given."""
    return calibration.prior_shift(logits, 0.5, prior) if registry.get(model).balanced else logits


def stored(how: Calibration) -> dict[str, Any]:
    """Return the calibration as numbers and texts for ``calibration.json``, without ``rate``."""
    numbers = {"prior": how.prior, "threshold": how.threshold, "protocol": how.protocol, "steps": how.steps}
    return numbers | asdict(how.curve)


def restored(found: Mapping[str, Any]) -> Calibration:
    """Return the calibration from the dictionary of :func:`stored`, also of earlier releases with Platt's map only.

    Raises:
        KeyError, TypeError, ValueError: a value is missing, is no number, or is out of range.
    """
    curve = calibration.Calibrator(
        str(found.get("method", "platt")),
        float(found["slope"]),
        float(found["intercept"]),
        tuple(float(x) for x in found.get("knots", ())),
        tuple(float(x) for x in found.get("values", ())),
        {str(name): float(loss) for name, loss in dict(found.get("log_loss", {})).items()},
    )
    rising = curve.slope > 0 and bool((np.diff(curve.knots) > 0).all() and (np.diff(curve.values) >= 0).all())
    if curve.method not in calibration.METHODS or not rising or len(curve.knots) != len(curve.values):
        raise ValueError(
            "this version of exojax does not know the method of the calibration, or its curve does not rise"
        )
    # Earlier releases without ensembles stored one number.
    steps = found["steps"] if "steps" in found else None if found["step"] is None else [found["step"]]
    how = Calibration(float(found["prior"]), curve, float(found["threshold"]), str(found["protocol"]), steps)
    numbers = (curve.slope, curve.intercept, *curve.knots, *curve.values)
    if not np.isfinite(numbers).all() or not 0 < how.prior < 1 or not 0 <= how.threshold <= 1:
        raise ValueError("the prior, the threshold or a number of the calibration is out of range")
    if any(type(step) is not int or step < 0 for step in steps or ()):
        raise ValueError(f"the steps are {steps}, expected whole numbers of 0 or more")
    return how
