"""Split rows by star, stratified by label, with a seed, and independently of the order of the rows."""

from __future__ import annotations

import math

import numpy as np

from exojax.errors import InputError
from exojax.simulate.random_streams import generator


def merge_groups(groups: np.ndarray, digests: np.ndarray) -> np.ndarray:
    """Merge stars that share a bit-identical row into one group, so that no split can part them.

    Args:
        groups: ``(n,)`` the star of each row (str or int).
        digests: ``(n,)`` str from :func:`exojax.evaluation.leakage.row_digest`. Drop unusable rows first: all
            empty rows look alike and would tie unrelated stars together.

    Returns:
        ``(n,)`` int64 group number, from 0. Groups are the connected components of the graph star - digest.
    """
    names, star = np.unique(groups, return_inverse=True)
    contents, content = np.unique(digests, return_inverse=True)
    size = len(names) + len(contents)
    # Imported here: a search never splits, and SciPy's graphs take a tenth of a second.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(star), np.int8), (star, content + len(names))), shape=(size, size))
    component = connected_components(links, directed=False)[1][star]
    return np.unique(component, return_inverse=True)[1].astype(np.int64)


def holdout(
    groups: np.ndarray, labels: np.ndarray, *, fraction: float, seed: int, stream: str = "test split"
) -> np.ndarray:
    """Return rows to hold out, about ``fraction`` of the stars of either class.

    Args:
        groups: ``(n,)`` the star of each row. A star with any positive row counts as a host.
        labels: ``(n,)`` int, 1 for hosts and 0 for the rest.
        fraction: share of stars to hold out, between 0 and 1.
        seed: the same seed gives the same split, in whatever order the rows come.
        stream: what the split is for, a name in :data:`exojax.simulate.random_streams.STREAMS`.

    Returns:
        ``(n,)`` bool, true for held-out rows; the number of hosts is rounded up. A class of two or more stars has at
        least one on each side; a single star stays with the rows kept.

    Raises:
        InputError: there is only one class.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, got {fraction}")
    star, classes = _stars_by_class(groups, labels)
    rng = generator(seed, stream)
    held = np.zeros(star.max() + 1, bool)
    # Rounded up for the hosts, of which there are never too many: 5 of the Kaggle set's 42, as in its test file.
    hosts = math.ceil(fraction * len(classes[1]))
    counts = round(fraction * sum(map(len, classes))) - hosts, hosts
    for members, count in zip(classes, counts):
        if len(members) > 1:
            held[rng.permutation(members)[: int(np.clip(count, 1, len(members) - 1))]] = True
    return held[star]


def folds(
    groups: np.ndarray, labels: np.ndarray, *, k: int, seed: int, repeat: int = 0, stream: str = "outer folds"
) -> np.ndarray:
    """Return the fold of each row in ``k``-fold cross-validation, stratified and grouped by star.

    Args:
        groups: ``(n,)`` the star of each row. A star with any positive row counts as a host.
        labels: ``(n,)`` int, 1 for hosts and 0 for the rest.
        k: number of folds, two or more.
        seed: the same seed and ``repeat`` give the same folds.
        repeat: number of the repetition; each has other folds.
        stream: what the folds are for, a name in :data:`exojax.simulate.random_streams.STREAMS`.

    Returns:
        ``(n,)`` int64 in ``[0, k)``. Folds differ by at most one star in each class and by at most one in
        all.

    Raises:
        InputError: there is only one class, or a class has fewer stars than there are folds.
    """
    if k < 2:
        raise InputError(f"{k} fold(s) are too few for cross-validation; give 2 or more")
    star, classes = _stars_by_class(groups, labels)
    for name, members in zip(("stars without planets", "planet hosts"), classes):
        if len(members) < k:
            remedy = f"use {len(members)} folds or fewer" if len(members) > 1 else "add more of them"
            raise InputError(f"{len(members)} {name} cannot be shared among {k} folds; {remedy}")
    rng = generator(seed, stream, repeat)
    # The stars are assigned to the folds in turn, and the second class continues after the first, for even sizes.
    dealt = np.concatenate([rng.permutation(members) for members in classes])
    fold = np.empty(len(dealt), np.int64)
    fold[dealt] = np.arange(len(dealt)) % k
    return fold[star]


def _stars_by_class(groups: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return ``(n,)`` int star of each row, and the stars of class 0 and of class 1 in sorted order."""
    names, star = np.unique(groups, return_inverse=True)
    host = np.zeros(len(names), bool)
    np.logical_or.at(host, star, np.asarray(labels) == 1)
    classes = [np.flatnonzero(~host), np.flatnonzero(host)]
    if not all(len(members) for members in classes):
        kind = "planet hosts" if len(classes[1]) else "stars without planets"
        raise InputError(f"all {len(names)} stars are {kind}; a split needs labelled stars of both classes")
    return star, classes
