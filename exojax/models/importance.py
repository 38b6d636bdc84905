"""How much worse a model ranks when a feature is shuffled among stars (Breiman 2001; Fisher et al. 2019)."""

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
    """Return the loss of average precision from shuffling each group of columns, its columns together.

    Columns that tell the same must be one group, or each seems to matter little, since the others tell it still.

    Args:
        score: ``(n, d) -> (n,)``, higher for likelier hosts.
        x: ``(n, d)`` rows that the model was not fitted on.
        labels: ``(n,)`` int, 1 for hosts; of both classes.
        groups: name -> columns.
        repeats: shuffles of each group.
        seed: of the shuffles.
        fold: number of the fold; each shuffles otherwise.

    Returns:
        name -> ``(repeats,)`` float64: average precision as it is less that with the group shuffled.
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
