"""What a model is shown of each row, and what tells rows apart, whether they are light curves or folded events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.evaluation import leakage
from exojax.features.registry import compute
from exojax.features.series_columns import SERIES
from exojax.folded_events import VIEWS, Data, FoldedEvents, there
from exojax.light_curves import LightCurves
from exojax.models import registry
from exojax.models.code import fingerprint
from exojax.runs.fold_stars import SOURCES, Report, folded_events
from exojax.storage.checksum import of_sources
from exojax.vetting.all_tests import NUMBERS

FOLDED = (*VIEWS, "scalars", "vetting")
SCORE_SOURCES = ("simulate/random_streams.py", "evaluation", "features", "training")
"""code that decides a model's scores beside its own, and for folds that of the search"""


def code_of(name: str) -> str:
    """Return 16 hex digits of all code that decides the scores of the named model."""
    model = registry.get(name)
    search = SOURCES if set(model.inputs) & set(FOLDED) else ()
    return hashlib.sha256(f"{fingerprint(model)} {of_sources(*SCORE_SOURCES, *search)}".encode()).hexdigest()[:16]


def inputs_of(
    names: Iterable[str], data: Data, config: RunConfig, *, report: Report | None = None
) -> dict[str, np.ndarray]:
    """The named inputs of every row. All depend on the row alone, but for a search's cadence and padding.

    Args:
        names: keys of :data:`exojax.features.registry.FEATURES`, or of :data:`FOLDED`.
        data: n rows. Light curves are searched and folded where folded inputs are asked for.
        config: its ``search`` and ``fold`` say how.
        report: progress of the search.

    Returns:
        Each ``(n, ...)`` float32 NumPy.

    Raises:
        InputError: folded events have no series to make an input from, but for its statistics, which are NaN then.
    """
    names = set(names)
    folded, plain = names & set(FOLDED), names - set(FOLDED)
    if isinstance(data, FoldedEvents):
        # Statistics of a series that is not at hand are unknown, as a view that a file does not have is empty.
        unknown = {name: np.full((len(data), len(SERIES)), np.nan, np.float32) for name in plain & {"series"}}
        plain -= set(unknown)
        if plain:
            raise InputError(
                f"{data.source}: holds folded events and no light curves to make {sorted(plain)[0]!r} from: use a "
                "model that looks at folds, such as --model transit"
            )
        return unknown | {name: _of_events(name, data, config) for name in sorted(folded)}
    out = compute(plain, data) if plain else {}
    if folded:
        found = folded_events(data, config.search, config.fold, report=report)
        out |= {name: found[name] for name in sorted(folded)}
    return out


def _of_events(name: str, data: FoldedEvents, config: RunConfig) -> np.ndarray:
    if name == "scalars":
        return data.scalars
    if name == "vetting":
        unknown = np.full((*data.scalars.shape[:2], len(NUMBERS)), np.nan, np.float32)
        return unknown if data.vetting is None else data.vetting
    if name in data.views:
        return data.views[name]
    # A view that the file does not have is empty, of the width that its like has there.
    like = "global_view" if name == "double_view" else "local_view"
    return np.zeros_like(data.views[like])


def usable(data: Data) -> np.ndarray:
    """``(n,)`` bool: rows that hold something to judge."""
    if isinstance(data, LightCurves):
        return leakage.usable(data.flux, data.valid)
    return there(data.views["global_view"]) & (data.views["global_view"][..., 0] != 0).any(axis=(1, 2))


def digests(data: Data) -> np.ndarray:
    """``(n,)`` str fingerprint of each row's measurements: equal where they are bit-identical."""
    if isinstance(data, LightCurves):
        return leakage.row_digest(data.flux, data.valid)
    # The two views that every file has: one event comes with a secondary in one file and without in another.
    both = [np.ascontiguousarray(data.views[name][..., 0], "<f4") + np.float32(0) for name in VIEWS[:2]]
    return np.array(
        [hashlib.blake2b(a.tobytes() + b.tobytes(), digest_size=16).hexdigest() for a, b in zip(*both)], "<U32"
    )
