"""From a model's logits to a stated probability: what a run keeps of its calibration, and for which share of hosts."""

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
    """From logits to probabilities.

    Attributes:
        prior: share of hosts among the training rows.
        curve: from logits, after the shift from balanced batches to ``prior``, to log-odds.
        threshold: probability from which a star is called a host.
        steps: training step of each network's weights that were calibrated; None for a classical model.
        protocol: ``validation`` or ``out-of-fold``: the rows that these came from.
        rate: share of hosts among the stars that probabilities are for, where another was stated than ``prior``.
    """

    prior: float
    curve: calibration.Calibrator
    threshold: float
    protocol: str
    steps: list[int] | None
    rate: float | None = None

    @property
    def share(self) -> float:
        """Share of hosts that probabilities are for; the probability of a star that cannot be scored."""
        return self.prior if self.rate is None else self.rate


def apply(model: str, how: Calibration, logits: np.ndarray) -> np.ndarray:
    """``(..., n)`` float64 probabilities of ``logits (..., n)`` of the named model; the share of hosts where NaN."""
    return np.where(np.isfinite(logits), expit(log_odds(model, how, logits)), how.share)


def log_odds(model: str, how: Calibration, logits: np.ndarray) -> np.ndarray:
    """``(..., n)`` float64 log-odds of those probabilities, in which the likeliest stars can still be told apart."""
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

    A star that cannot be searched does not enter the map. Its probability is the share of hosts, here as in a
    prediction, and with that it takes part in the choice of the threshold.

    Args:
        name: of the model.
        logits: ``(n,)`` float of rows that the model was not fitted on, NaN where a star cannot be searched.
        label: ``(n,)`` int, 1 for hosts.
        group: ``(n,)`` the star of each row.
        prior: share of hosts among the training rows.
        protocol: the rows that these are, ``validation`` or ``out-of-fold``.
        steps: training step of each network's weights.
        seed: of the folds that choose the kind of map; None is Platt's, where there are too few hosts to choose by.

    Raises:
        InputError: of a class no star could be searched.
    """
    known = ~np.isnan(logits)
    for kind, of in (("planet hosts", label == 1), ("stars without planets", label != 1)):
        if not (known & of).any():
            raise InputError(
                f"none of the {of.sum()} {kind} that are to calibrate {name} could be searched; use others"
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
        name: of the model.
        label: ``(n,)`` int, 1 for hosts.
        group: ``(n,)`` the star of each row.
        k: folds; fewer where there are fewer hosts.
        seed: of the folds.
        score: ``(rows to fit, rows to score) -> logits``, both ``(m,)`` int; NaN where a star cannot be searched.

    Raises:
        InputError: of a class no star could be searched.
    """
    hosts = len(np.unique(group[label == 1]))
    fold = split.folds(group, label, k=min(k, hosts), seed=seed, stream="inner folds")
    logits = np.zeros(len(label))
    for number in range(min(k, hosts)):
        logits[fold == number] = score(np.flatnonzero(fold != number), np.flatnonzero(fold == number))
    return fitted(name, logits, label, group, prior=float(label.mean()), protocol="out-of-fold")


def disagreement(model: str, how: Calibration, logits: np.ndarray) -> np.ndarray:
    """How far the members of an ensemble differ: the standard deviation of their probabilities over members.

    Every member goes through the calibration of the whole, so that the number is in units of the probability given.
    It tells the luck of the training seed, and where the training rows left the network free; not all that is unknown.

    Args:
        model: name in the registry.
        how: the run's calibration.
        logits: ``(members, n)`` float, two members or more; NaN for a star that cannot be scored.

    Returns:
        ``(n,)`` float64, that of a sample (divided by ``members - 1``); NaN where a logit is.

    Raises:
        ValueError: there is one member, or none.
    """
    if np.ndim(logits) != 2 or len(logits) < 2:
        raise ValueError(f"disagreement takes two members or more, got logits of shape {np.shape(logits)}")
    spread = np.std(apply(model, how, logits), axis=0, ddof=1)
    return np.where(np.isnan(logits).any(axis=0), np.nan, spread)


def at_rate(how: Calibration, rate: float) -> Calibration:
    """Return the calibration for stars of which a share ``rate`` are hosts.

    The threshold moves along, so that the same stars are called hosts. Bayes' rule under one assumption: hosts look
    alike, and so do the others, whatever their share.

    Raises:
        InputError: the rate is not between 0 and 1.
    """
    if not 0 < rate < 1:
        raise InputError(f"--prior {rate}: give the share of hosts among your stars, between 0 and 1")
    with np.errstate(divide="ignore"):  # a threshold of 1 stays there
        moved = calibration.prior_shift(logit(how.threshold), how.share, rate)
    return replace(how, rate=rate, threshold=float(expit(moved)))


def to_prior(model: str, logits: np.ndarray, prior: float) -> np.ndarray:
    """Return logits moved to the training rows' share of hosts, where the model is trained on balanced batches."""
    return calibration.prior_shift(logits, 0.5, prior) if registry.get(model).balanced else logits


def stored(how: Calibration) -> dict[str, Any]:
    """Return plain numbers and names for ``calibration.json``, before any rate is stated."""
    numbers = {"prior": how.prior, "threshold": how.threshold, "protocol": how.protocol, "steps": how.steps}
    return numbers | asdict(how.curve)


def restored(found: Mapping[str, Any]) -> Calibration:
    """Return what :func:`stored` made; a file from before there was a choice holds Platt's two numbers.

    Raises:
        KeyError, TypeError, ValueError: something is missing, is no number, or is a number that cannot be.
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
        raise ValueError("the calibration is none that this version makes")
    # A file from before there were ensembles has one number.
    steps = found["steps"] if "steps" in found else None if found["step"] is None else [found["step"]]
    how = Calibration(float(found["prior"]), curve, float(found["threshold"]), str(found["protocol"]), steps)
    numbers = (curve.slope, curve.intercept, *curve.knots, *curve.values)
    if not np.isfinite(numbers).all() or not 0 < how.prior < 1 or not 0 <= how.threshold <= 1:
        raise ValueError("the prior, the threshold or a number of the calibration is out of range")
    if any(type(step) is not int or step < 0 for step in steps or ()):
        raise ValueError(f"the steps are {steps}")
    return how
