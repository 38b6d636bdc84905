"""Compute the inputs of a model, and a fingerprint of each row, for light curves and for folded events."""

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
"""names of the inputs that need a search and a fold"""
SCORE_SOURCES = ("simulate/random_streams.py", "evaluation", "features", "training")
"""folders and files of the code on which a model's scores depend, beside its own code and that of the search"""


def code_of(name: str) -> str:
    """Return 16 hex digits, a fingerprint of all code on which the scores of the named model depend."""
    model = registry.get(name)
    search = SOURCES if set(model.inputs) & set(FOLDED) else ()
    return hashlib.sha256(f"{fingerprint(model)} {of_sources(*SCORE_SOURCES, *search)}".encode()).hexdigest()[:16]


def inputs_of(
    names: Iterable[str], data: Data, config: RunConfig, *, report: ReportCount | None = None
) -> dict[str, np.ndarray]:
    """Return the named inputs of every row.

    An input of a row depends on this row only, apart from the cadence and the padding that the search shares in a
    batch.

    Args:
        names: names from :data:`exojax.features.registry.FEATURES` or :data:`FOLDED`.
        data: n rows. Light curves are searched and folded if a name is in :data:`FOLDED`.
        config: settings of the run, of which ``search`` and ``fold`` are used.
        report: receives the progress of the search.

    Returns:
        Name to ``(n, ...)`` float32. For folded events ``series``, the statistics of the series, is NaN.

    Raises:
        InputError: ``data`` are folded events, and another input needs the light curve.
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
    """Return inputs of the shapes of :func:`inputs_of` without a search, for one row, or none if there is none.

    Raises:
        InputError: ``data`` are folded events, and an input needs the light curve.
    """
    names, row = set(names), data.take(np.arange(min(len(data), 1)))
    if isinstance(row, FoldedEvents):
        return inputs_of(names, row, config)
    k, fold = config.search.max_candidates, config.fold
    shapes: dict[str, tuple[int, ...]] = {
        name: (k, fold.global_bins if name in WIDE_VIEWS else fold.local_bins, 3) for name in VIEWS
    }
    shapes |= {"scalars": (k, len(SCALARS)), "vetting": (k, len(NUMBERS))}
    views = {name: np.zeros((len(row), *shapes[name]), np.float32) for name in sorted(names & set(FOLDED))}
    return inputs_of(names - set(FOLDED), row, config) | views


def _of_events(name: str, data: FoldedEvents) -> np.ndarray:
    if name == "series":
        # Without the light curve its statistics are unknown.
        return np.full((len(data), len(SERIES)), np.nan, np.float32)
    if name not in FOLDED:
        raise InputError(
            f"{data.source}: holds folded events, and the input {name!r} needs light curves; use a model that reads "
            "folded light curves, such as --model transit"
        )
    if name == "scalars":
        return data.scalars
    if name == "vetting":
        unknown = np.full((*data.scalars.shape[:2], len(NUMBERS)), np.nan, np.float32)
        return unknown if data.vetting is None else data.vetting
    if name in data.views:
        return data.views[name]
    # A view that the file does not have is empty, with the bins of a similar view.
    similar = "global_view" if name == "double_view" else "local_view"
    return np.zeros_like(data.views[similar])


def usable(data: Data) -> np.ndarray:
    """Return ``(n,)`` bool, false for rows that are empty or constant."""
    if isinstance(data, LightCurves):
        return leakage.usable(data.flux, data.valid)
    return has_candidate(data.views["global_view"]) & (data.views["global_view"][..., 0] != 0).any(axis=(1, 2))


def digests(data: Data) -> np.ndarray:
    """Return ``(n,)`` str, a fingerprint of the measurements of each row, equal for bit-identical rows."""
    if isinstance(data, LightCurves):
        return leakage.row_digest(data.flux, data.valid)
    # Only the two views that every file has: an event may have a secondary view in one file and none in another.
    both = [np.ascontiguousarray(data.views[name][..., 0], "<f4") + np.float32(0) for name in VIEWS[:2]]
    return np.array(
        [hashlib.blake2b(a.tobytes() + b.tobytes(), digest_size=16).hexdigest() for a, b in zip(*both)], "<U32"
    )
