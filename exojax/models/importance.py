"""Compute permutation importances: the loss of score when a feature is shuffled (Breiman 2001; Fisher et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from exojax.simulate.random_streams import generator


def permuted(
    score: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    labels: np.ndarray,
    groups: Mapping[str, Sequence[int]],
    *,
    repeats: int,
    seed: int,
    fold: int = 0,
) -> dict[str, np.ndarray]:
    """Return the loss of average precision when the columns of a group are shuffled together, for each group.

    Columns with the same information must be in one group; otherwise each seems unimportant, because the model can use
    the others.

    Args:
        score: ``(n, d) -> (n,)``, higher for likelier hosts.
        x: ``(n, d)``, rows that the model was not fitted to.
        labels: ``(n,)`` int, 1 for hosts; both classes must occur.
        groups: name -> numbers of columns.
        repeats: number of shuffles of each group.
        seed: seed of the shuffles.
        fold: number of the fold; each fold has different shuffles.

    Returns:
        Name -> ``(repeats,)`` float64, average precision minus that with the group shuffled.
    """
    from sklearn.metrics import average_precision_score

    whole = average_precision_score(labels, score(x))
    rng = generator(seed, "importance", fold)
    lost = {}
    for name, columns in groups.items():
        found = []
        for _ in range(repeats):
            changed = x.copy()
            changed[:, list(columns)] = x[rng.permutation(len(x))][:, list(columns)]
            found.append(whole - average_precision_score(labels, score(changed)))
        lost[name] = np.array(found)
    return lost
