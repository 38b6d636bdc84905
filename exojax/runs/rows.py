"""Choose the rows of a data set that a model can be trained on, and check that a split of them does not leak."""

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
    """The m rows of a data set that a model can be trained on.

    Attributes:
        index: ``(m,)`` int, row in the data set; these rows are not empty, not constant and not repeated.
        group: ``(m,)`` int, number of the star of each row; two ids with an identical row count as one star.
        label: ``(m,)`` int, 1 for hosts.
        digest: ``(m,)`` str, fingerprint of each row.
        warnings: sentences on the rows that were dropped.
    """

    index: np.ndarray
    group: np.ndarray
    label: np.ndarray
    digest: np.ndarray
    warnings: tuple[str, ...]

    def take(self, chosen: np.ndarray) -> UsableRows:
        """Return the rows ``chosen`` (``(k,)`` int, or ``(m,)`` bool)."""
        return UsableRows(
            self.index[chosen], self.group[chosen], self.label[chosen], self.digest[chosen], self.warnings
        )

    @property
    def hosts(self) -> int:
        """Number of stars with a planet."""
        return len(np.unique(self.group[self.label == 1]))

    @property
    def others(self) -> int:
        """Number of stars without a planet."""
        return len(np.unique(self.group)) - self.hosts


def usable_rows(curves: Data) -> UsableRows:
    """Return the rows without empty, constant and repeated ones; warnings count the dropped rows.

    Raises:
        InputError: the rows have no labels, or most rows are empty or constant.
    """
    if curves.label is None:
        raise InputError(
            f"{curves.source}: has no labels; add a column LABEL (2 for hosts, 1 for other stars) or give --labels CSV"
        )
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
        warnings.append(f"{repeated.sum()} rows that repeat an earlier row were dropped")
    # Group before dropping repeated rows, because two ids with an identical row are one star.
    star = curves.id if curves.catalogued else np.arange(len(curves)).astype(str)
    group = np.zeros(len(curves), np.int64)
    group[useful] = split.merge_groups(star[useful], digest[useful])
    return UsableRows(index, group[index], curves.label[index].astype(np.int64), digest[index], tuple(warnings))


def check_both_classes(label: np.ndarray, source: str) -> None:
    """Check that there are rows of both classes.

    Raises:
        InputError: all of ``label (n,)`` are 1, or none is.
    """
    for name, other in (("planet hosts", label != 1), ("stars without planets", label == 1)):
        if not other.any():
            raise InputError(f"{source}: all {len(label)} usable rows are {name}; give labelled stars of both classes")


def check_not_seen(start: Run, data: Data, rows: UsableRows, kept: np.ndarray) -> None:
    """Check that the run of ``--init`` was not trained on stars that calibrate or test the new run.

    Args:
        start: the run of ``--init``.
        data: labelled rows.
        rows: the usable rows.
        kept: ``(k,)`` int, index into ``rows`` of the rows that calibrate or test.

    Raises:
        InputError: ``start`` was trained on a star or a row of ``kept``.
    """
    seen = np.isin(rows.digest[kept], start.split["digests"])
    if data.catalogued and start.data["catalogued"]:
        seen |= np.isin(data.id[rows.index[kept]], start.split["seen"])
    if seen.any():
        raise InputError(
            f"--init {start.folder.name}: was trained on {seen.sum()} of the stars that calibrate or test this run "
            f"(the first is {data.id[rows.index[kept[seen]][0]]}); start from a run on other data"
        )


def check_set_aside(start: Run, rows: str) -> None:
    """Check that the run of ``--init`` was not trained on stars that are set aside, if ``rows`` is ``rest``.

    Raises:
        InputError: ``start`` was trained on a star that is set aside.
    """
    seen = np.array(start.split["seen"], str)
    if rows == "rest" and start.data["catalogued"] and (excluded := is_set_aside(seen)).any():
        raise InputError(
            f"--init {start.folder.name}: was trained on {excluded.sum()} of the stars that are set aside (the first "
            f"is {seen[excluded][0]}); start from a run that was trained with --rows rest"
        )
