"""Prediction sets with a promised coverage for each class: split conformal prediction, conditional on the class.

Vovk, Gammerman & Shafer (2005), section 4.5 (Mondrian), with one score per star. Among the stars of a class, the share
whose set leaves out the class is at most alpha, on average over draws of the calibration stars. This requires that
calibration and test stars are exchangeable, that is, drawn in the same way from one population.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from exojax.errors import InputError
from exojax.simulate.random_streams import generator

PLANET, BINARY, OTHER = "planet", "binary", "other"
RESPLITS = 200
CLAIM = (
    "A coverage holds for stars drawn like the calibration stars, class by class and on average over draws of these. "
    "No claim is made for one star, nor after a shift of domain (another mission, cadence, selection or search) or of "
    "prior (another share of hosts, or of kinds among the others)."
)


def needed(alpha: float) -> int:
    """Return the calibration stars of a class below which its sets hold every star: ``ceil(1 / alpha) - 1``.

    Raises:
        InputError: alpha is not in (0, 1).
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha {alpha}: give a share between 0 and 1, such as 0.1")
    return math.ceil(1 / alpha - 1e-9) - 1


def by_star(
    score: np.ndarray, label: np.ndarray, group: np.ndarray, kind: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return one score and one class per star, because stars are exchangeable and their rows are not.

    Args:
        score: ``(n,)`` float, higher for likelier planets.
        label: ``(n,)`` int, 1 for hosts.
        group: ``(n,)`` the star of each row.
        kind: ``(n,)`` str, what each is known to be, or None.

    Returns:
        ``(m,)`` float64, the highest score of each star's rows; ``(m,)`` str, ``planet`` where any row is one, else
        ``binary`` where any row is of that kind, else ``other``. Stars in the order of ``np.unique(group)``.
    """
    names, star = np.unique(group, return_inverse=True)
    top = np.full(len(names), -np.inf)
    np.maximum.at(top, star, np.asarray(score, np.float64))
    name = np.full(len(names), OTHER, dtype="<U6")
    if kind is not None:
        name[star[np.asarray(kind) == BINARY]] = BINARY
    name[star[np.asarray(label) == 1]] = PLANET
    return top, name


def bound(score: np.ndarray, alpha: float, name: str = PLANET) -> float:
    """Return the bound of a class: the lowest score of its stars for planets, the highest for other classes.

    With ``k = floor(alpha (n + 1))`` it is the k-th lowest of the ``n`` calibration scores for planets, and the k-th
    highest for other classes. A new star of the class is within the bound with probability
    ``1 - k / (n + 1) >= 1 - alpha``. A score equal to the bound is within it.

    Args:
        score: ``(n,)`` float, of the calibration stars of the class.
        alpha: share of stars of the class whose sets may miss it.
        name: of the class.

    Raises:
        InputError: there are too few stars; the number needed is named.
    """
    least = needed(alpha)
    if len(score) < least:
        raise InputError(
            f"there are {len(score)} calibration stars of the class {name}, and alpha {alpha:g} needs {least}; give "
            "more stars or a larger alpha"
        )
    k = _strange(len(score), alpha)
    return float(np.sort(score)[k - 1] if name == PLANET else -np.sort(-np.asarray(score))[k - 1])


def within(score: np.ndarray, edge: float, name: str = PLANET) -> np.ndarray:
    """Return ``(n,)`` bool, true for stars whose set contains the class, from their ``score (n,)`` and its bound."""
    return np.asarray(score) >= edge if name == PLANET else np.asarray(score) <= edge


def band(n: int, m: int, alpha: float, *, level: float = 0.95) -> dict[str, float]:
    """Return the distribution of the coverage of ``m`` new stars: ``BetaBinomial(m, n + 1 - k, k) / m``.

    Vovk (2012), Angelopoulos & Bates (2023), section 3.2; exact for scores without ties, and a lower bound with ties.

    Returns:
        ``expected``; ``low`` and ``high``, the central interval; ``sd``.
    """

    from scipy.stats import betabinom

    k = _strange(n, alpha)
    law = betabinom(m, n + 1 - k, k)
    low, high = law.ppf([(1 - level) / 2, (1 + level) / 2])
    return {"expected": law.mean() / m, "low": low / m, "high": high / m, "sd": law.std() / m}


def resplit(
    score: np.ndarray, n: int, alpha: float, name: str = PLANET, *, seed: int, repeats: int = RESPLITS
) -> float:
    """Return the mean coverage over random divisions of one class's stars into ``n`` of calibration and the rest.

    It is close to ``band(...)["expected"]`` for any model, because the random divisions are exchangeable: it tests the
    sets, but neither the model nor the similarity of two files. Equal scores increase it.

    Args:
        score: ``(n + m,)`` float.
        n: calibration stars.
        alpha: as in :func:`bound`.
        name: of the class.
        seed: of the draws.
        repeats: number of draws.
    """
    rng, score = generator(seed, "conformal"), np.asarray(score, np.float64)
    covered = []
    for _ in range(repeats):
        drawn = rng.permutation(score)
        covered.append(within(drawn[n:], bound(drawn[:n], alpha, name), name).mean())
    return float(np.mean(covered))


def report(
    calibration: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    *,
    alpha: float,
    seed: int,
    protocol: str = "validation",
) -> dict[str, Any]:
    """Return a summary of the sets of test stars and of their coverage, as numbers and texts for JSON.

    Args:
        calibration: scores and classes from :func:`by_star`, of stars that the weights have not seen.
        test: likewise, of the stars to be judged.
        alpha: share of stars of each class whose sets may miss it.
        seed: of the resplits.
        protocol: ``validation`` or ``out-of-fold``. Out-of-fold scores come from other weights than the test scores,
            and the claim mentions it.

    Returns:
        ``alpha``; ``classes``: for each class the bound, the coverage of the test stars, its expected ``band``, and the
        mean over resplits with its interval, or the reason why there are none; ``sets``: number of test stars with each
        set; ``claim``: a sentence on what the sets guarantee.
    """
    kinds = [name for name in (PLANET, BINARY, OTHER) if (calibration[1] == name).any() or (test[1] == name).any()]
    classes: dict[str, Any] = {}
    holds: dict[str, np.ndarray] = {}
    for name in kinds:
        known, new = (score[of == name] for score, of in (calibration, test))
        row: dict[str, Any] = {"n_calibration": len(known), "n_test": len(new), "refused": None}
        try:
            row["bound"] = bound(known, alpha, name)
        except InputError as error:
            classes[name] = row | {"refused": str(error)}
            continue
        holds[name] = within(test[0], row["bound"], name)
        if len(new):
            row["coverage"] = float(holds[name][test[1] == name].mean())
            row["band"] = band(len(known), len(new), alpha)
            error_of_mean = 1.96 * row["band"].pop("sd") / math.sqrt(RESPLITS)
            expected = row["band"]["expected"]
            row["resplits"] = {
                "n": RESPLITS,
                "mean": resplit(np.concatenate([known, new]), len(known), alpha, name, seed=seed),
                "low": expected - error_of_mean,
                "high": min(expected + error_of_mean, 1.0),
            }
        classes[name] = row
    claim = CLAIM
    if protocol != "validation":
        claim += " The calibration scores are out-of-fold, of other weights than the test scores: approximate at best."
    return {"alpha": alpha, "classes": classes, "sets": _counted(holds, len(test[0])), "claim": claim}


def _counted(holds: Mapping[str, np.ndarray], n: int) -> dict[str, int]:
    """Return the number of stars with each set of classes; the empty set is called ``neither``."""
    if not holds:
        return {}
    texts = [" or ".join(name for name in holds if holds[name][i]) or "neither" for i in range(n)]
    names, count = np.unique(np.array(texts, dtype=str), return_counts=True)
    return dict(zip(names.tolist(), count.tolist()))


def _strange(n: int, alpha: float) -> int:
    """Return ``floor(alpha (n + 1))``, the rank of the calibration score that is the bound."""
    return math.floor(alpha * (n + 1) + 1e-9)
