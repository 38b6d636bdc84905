"""The rows of a data set that a model can learn from, and the refusals that protect a split of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.errors import InputError
from exojax.evaluation import leakage, split
from exojax.folded_events import Data
from exojax.io.set_aside import is_set_aside
from exojax.runs.model_inputs import digests, usable
from exojax.runs.run import Run


@dataclass(frozen=True, eq=False)
class UsableRows:
    """Rows that a model can learn from.

    Attributes:
        index: ``(m,)`` int rows of the light curves: neither empty nor constant nor repeated.
        group: ``(m,)`` int the star of each; stars that share a row are one.
        label: ``(m,)`` int, 1 for hosts.
        digest: ``(m,)`` str fingerprint of each.
        warnings: what was dropped.
    """

    index: np.ndarray
    group: np.ndarray
    label: np.ndarray
    digest: np.ndarray
    warnings: tuple[str, ...]

    def take(self, chosen: np.ndarray) -> UsableRows:
        """Return some of them, by number or as a mask."""
        return UsableRows(
            self.index[chosen], self.group[chosen], self.label[chosen], self.digest[chosen], self.warnings
        )

    @property
    def hosts(self) -> int:
        """Return the number of stars with a planet."""
        return len(np.unique(self.group[self.label == 1]))

    @property
    def others(self) -> int:
        """Return the number of stars without one."""
        return len(np.unique(self.group)) - self.hosts


def usable_rows(curves: Data) -> UsableRows:
    """Drop empty, constant and repeated rows, and say so.

    Raises:
        InputError: the rows have no labels, or most rows are of no use.
    """
    if curves.label is None:
        raise InputError(f"{curves.source}: has no labels to learn from; add a LABEL column (2 host, 1 not)")
    useful = usable(curves)
    if 2 * useful.sum() < len(curves):
        first = curves.id[np.flatnonzero(~useful)[0]] if len(curves) else "none"
        raise InputError(
            f"{curves.source}: {len(curves) - useful.sum()} of {len(curves)} rows are empty or constant "
            f"(the first is {first}); check the file"
        )
    digest = digests(curves)
    repeated = leakage.duplicates(digest, useful)
    index = np.flatnonzero(useful & ~repeated)
    warnings = list(curves.warnings)
    if not useful.all():
        warnings.append(f"{np.sum(~useful)} empty or constant rows were dropped")
    if repeated.any():
        warnings.append(f"{repeated.sum()} rows that repeat an earlier one were dropped")
    # Before the repeats are dropped: two names that share a row are one star.
    star = curves.id if curves.catalogued else np.arange(len(curves)).astype(str)
    group = np.zeros(len(curves), np.int64)
    group[useful] = split.merge_groups(star[useful], digest[useful])
    return UsableRows(index, group[index], curves.label[index].astype(np.int64), digest[index], tuple(warnings))


def check_both_classes(label: np.ndarray, source: str) -> None:
    """Refuse rows of one class only.

    Raises:
        InputError: all of ``label (n,)`` are 1, or none is.
    """
    for name, other in (("planet hosts", label != 1), ("stars without planets", label == 1)):
        if not other.any():
            raise InputError(
                f"{source}: all {len(label)} usable rows are {name}; a split needs labelled stars of both classes"
            )


def check_not_seen(start: Run, data: Data, rows: UsableRows, kept: np.ndarray) -> None:
    """Refuse first weights that were trained on the stars that are to calibrate or test the new ones.

    Args:
        start: the run that they come from.
        data: labelled rows.
        rows: the usable ones.
        kept: ``(k,)`` int, those of ``rows`` that calibrate or test.

    Raises:
        InputError: a star or a row of ``kept`` is among those that ``start`` was trained on.
    """
    seen = np.isin(rows.digest[kept], start.split["digests"])
    if data.catalogued and start.data["catalogued"]:
        seen |= np.isin(data.id[rows.index[kept]], start.split["seen"])
    if seen.any():
        raise InputError(
            f"--init {start.folder.name}: was trained on {seen.sum()} of the stars that are to calibrate or test this "
            f"run (the first is {data.id[rows.index[kept[seen]][0]]}); start from a run on other data"
        )


def check_set_aside(start: Run, rows: str) -> None:
    """Refuse first weights that were trained on stars which are set aside, where ``rows`` is ``rest``.

    Raises:
        InputError: a star that ``start`` was trained on is set aside.
    """
    seen = np.array(start.split["seen"], str)
    if rows == "rest" and start.data["catalogued"] and (aside := is_set_aside(seen)).any():
        raise InputError(
            f"--init {start.folder.name}: was trained on {aside.sum()} of the stars that are set aside (the first is "
            f"{seen[aside][0]}); start from a run that was trained with --rows rest"
        )
