"""Find repeated and empty rows, and check that no star is on both sides of a split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np

from exojax.errors import InputError
from exojax.simulate.random_streams import generator


def row_digest(flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return a fingerprint of each row, equal where the measured flux and the pattern of gaps are bit-identical.

    Args:
        flux: ``(n, c)`` float32, any unit.
        valid: ``(n, c)`` bool. Flux in invalid cadences and trailing padding do not change the fingerprint.

    Returns:
        ``(n,)`` str, 32 hexadecimal digits (BLAKE2b).
    """
    digests = []
    for row, mask in zip(flux, valid):
        length = len(mask) - int(np.argmax(mask[::-1])) if mask.any() else 0
        # Adding zero turns -0.0 into 0.0, which is the same measurement.
        measured = np.where(mask[:length], row[:length], 0).astype("<f4") + np.float32(0)
        content = hashlib.blake2b(measured.tobytes(), digest_size=16)
        content.update(np.packbits(mask[:length]).tobytes())
        digests.append(content.hexdigest())
    return np.array(digests, dtype="<U32")


def usable(flux: np.ndarray, valid: np.ndarray, *, minimum: int = 10) -> np.ndarray:
    """Return ``(n,)`` bool: rows with at least ``minimum`` valid cadences whose flux is not constant.

    Args:
        flux: ``(n, c)`` float32, any unit.
        valid: ``(n, c)`` bool.
        minimum: fewest cadences worth a row.
    """
    low = np.where(valid, flux, np.inf).min(axis=1)
    high = np.where(valid, flux, -np.inf).max(axis=1)
    return (valid.sum(axis=1) >= minimum) & (high > low)


def duplicates(digests: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` bool: usable rows that repeat an earlier usable row, to be dropped and counted.

    Args:
        digests: ``(n,)`` str from :func:`row_digest`.
        usable: ``(n,)`` bool from :func:`usable`.
    """
    repeats = np.zeros(len(digests), bool)
    rows = np.flatnonzero(usable)
    repeats[rows] = True
    repeats[rows[np.unique(digests[rows], return_index=True)[1]]] = False
    return repeats


def check_disjoint(parts: Mapping[str, np.ndarray]) -> None:
    """Check that the parts of a split share no star and no row.

    Args:
        parts: name of a part (``train``, ``test``, ...) to its ``(n_i,)`` stars or row digests.

    Raises:
        InputError: two parts share an entry, which the message names.
    """
    for (one, left), (other, right) in combinations(parts.items(), 2):
        shared = np.intersect1d(left, right)
        if len(shared):
            raise InputError(
                f"star {shared[0]} is in both the {one} and the {other} rows ({len(shared)} shared in all); "
                "split by star again"
            )


def check_unseen(
    train_ids: np.ndarray,
    train_digests: np.ndarray,
    ids: np.ndarray,
    digests: np.ndarray,
    *,
    catalogued: bool,
    file: str,
) -> None:
    """Check that a labelled file holds no star and no row on which the run was trained.

    Args:
        train_ids: ``(n_train,)`` str, stars of the run's training and validation rows.
        train_digests: ``(n_train,)`` str, their :func:`row_digest`.
        ids: ``(n,)`` str, stars of the file.
        digests: ``(n,)`` str, their :func:`row_digest`.
        catalogued: both sides' ids name stars across files; otherwise they are row numbers and only the
            measurements themselves are compared.
        file: the file's name, for the message.

    Raises:
        InputError: a star, or a bit-identical row under another name, is shared; the message names it and its row.
    """
    by_star = np.isin(ids, train_ids) if catalogued else np.zeros(len(ids), bool)
    by_row = np.isin(digests, train_digests)
    seen = by_star | by_row
    if not seen.any():
        return
    row = int(np.argmax(by_star)) if by_star.any() else int(np.argmax(by_row))
    what = "is a star" if by_star.any() else "is bit-identical to a row"
    raise InputError(
        f"{file}: row {row} ({ids[row]}) {what} the run was trained on ({seen.sum()} of {len(ids)} are); "
        "score a file without them, or the run's own source, whose held-out rows are then used"
    )


Settle = Callable[[Mapping[str, np.ndarray], np.ndarray, np.ndarray], Mapping[str, np.ndarray]]
"""``(features, labels (n,), held (n,) bool) -> named arrays``: all that a fit decides before scoring held-out rows"""


def check_blind(
    settle: Settle,
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    held: np.ndarray,
    *,
    seed: int = 0,
    repeats: int = 4,
) -> None:
    """Check that a fit does not depend on the held-out rows.

    The fit is repeated with noise in place of the held-out rows and with inverted labels of these rows. A result that
    is not bit-identical depends on them. The fit must be deterministic.

    Args:
        settle: returns all that the fit decides: scales, chosen columns, training rows, weights, threshold.
        features: name to ``(n, ...)`` float.
        labels: ``(n,)`` int, 1 for hosts.
        held: ``(n,)`` bool, true for held-out rows.
        seed: seed of the noise.
        repeats: number of repetitions with different noise; a result with few possible values, such as a threshold
            between two rows, may agree once by chance.

    Raises:
        InputError: a result depends on a held-out row; the message names the result.
    """
    rng = generator(seed, "leakage")
    before = settle(features, labels, held)
    for number in range(repeats):
        changed = {name: np.array(x) for name, x in features.items()}
        for x in changed.values():
            x[held] = 10.0 ** (number - 1) * (np.nanstd(x) or 1.0) * rng.standard_normal(x[held].shape)
        after = settle(changed, np.where(held & (rng.random(len(held)) < 0.7), 1 - np.asarray(labels), labels), held)
        for name in before.keys() | after.keys():
            if name not in before or name not in after or not _same(before[name], after[name]):
                raise InputError(
                    f"{name}: depends on held-out rows, by which nothing may be chosen; settle it on the "
                    f"{np.sum(~held)} other rows alone"
                )


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and one.tobytes() == other.tobytes()
