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
from exojax.folded_events import SCALARS, VIEWS, WIDE_VIEWS, Data, FoldedEvents, has_candidate
from exojax.light_curves import LightCurves
from exojax.models import registry
from exojax.models.code import fingerprint
from exojax.runs.fold_stars import SOURCES, folded_events
from exojax.storage.announce import ReportCount
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
    names: Iterable[str], data: Data, config: RunConfig, *, report: ReportCount | None = None
) -> dict[str, np.ndarray]:
    """Return the named inputs of every row. All depend on the row alone, but for a search's cadence and padding.

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
    if isinstance(data, FoldedEvents):
        return {name: _of_events(name, data) for name in sorted(names)}
    folded, plain = names & set(FOLDED), names - set(FOLDED)
    out = compute(plain, data) if plain else {}
    if folded:
        found = folded_events(data, config.search, config.fold, report=report)
        out |= {name: found[name] for name in sorted(folded)}
    return out


def example_inputs(names: Iterable[str], data: Data, config: RunConfig) -> dict[str, np.ndarray]:
    """Return inputs of the shapes that :func:`inputs_of` would give, of one row or none, with nothing searched.

    Raises:
        InputError: folded events have no series to make an input from.
    """
    names, one = set(names), data.take(np.arange(min(len(data), 1)))
    if isinstance(one, FoldedEvents):
        return inputs_of(names, one, config)
    k, fold = config.search.max_candidates, config.fold
    shapes: dict[str, tuple[int, ...]] = {
        name: (k, fold.global_bins if name in WIDE_VIEWS else fold.local_bins, 3) for name in VIEWS
    }
    shapes |= {"scalars": (k, len(SCALARS)), "vetting": (k, len(NUMBERS))}
    views = {name: np.zeros((len(one), *shapes[name]), np.float32) for name in sorted(names & set(FOLDED))}
    return inputs_of(names - set(FOLDED), one, config) | views


def _of_events(name: str, data: FoldedEvents) -> np.ndarray:
    if name == "series":
        # Statistics of a series that is not at hand are unknown, as a view that a file does not have is empty.
        return np.full((len(data), len(SERIES)), np.nan, np.float32)
    if name not in FOLDED:
        raise InputError(
            f"{data.source}: holds folded events and no light curves to make {name!r} from: use a model that looks at "
            "folds, such as --model transit"
        )
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
    """Return ``(n,)`` bool: rows that hold something to judge."""
    if isinstance(data, LightCurves):
        return leakage.usable(data.flux, data.valid)
    return has_candidate(data.views["global_view"]) & (data.views["global_view"][..., 0] != 0).any(axis=(1, 2))


def digests(data: Data) -> np.ndarray:
    """Return ``(n,)`` str fingerprint of each row's measurements: equal where they are bit-identical."""
    if isinstance(data, LightCurves):
        return leakage.row_digest(data.flux, data.valid)
    # The two views that every file has: one event comes with a secondary in one file and without in another.
    both = [np.ascontiguousarray(data.views[name][..., 0], "<f4") + np.float32(0) for name in VIEWS[:2]]
    return np.array(
        [hashlib.blake2b(a.tobytes() + b.tobytes(), digest_size=16).hexdigest() for a, b in zip(*both)], "<U32"
    )
