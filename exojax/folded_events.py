"""Define the container of folded events: the views and numbers that a network reads. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from exojax.light_curves import LightCurves

VIEWS = ("global_view", "local_view", "secondary_view", "odd_view", "even_view", "half_view", "double_view")
"""names of all views"""
WIDE_VIEWS = ("global_view", "double_view")
"""names of the views of the whole phase; the others cover a few durations around an event"""
SCALARS = (
    "log_period",
    "log_duration",
    "log_depth",
    "log_snr",
    "sde",
    "duration_ratio",
    "odd_even_sigma",
    "secondary_sigma",
    "centroid_sigma",
    "log_n_transits",
    "mag",
    "tess_depth",
    "tess_mag",
    "tess_qingress",
    "tess_depth_change",
    "log_view_depth",
    "log_snr_red",
    "log_depth_scatters",
    "secondary_ratio",
    "odd_even_ratio",
    "epoch",
)
"""names of the numbers of a candidate. ``log_`` marks a decimal logarithm (of days, a fraction or a count), ``tess_``
the unit of the TESS files. ``epoch`` (days, the mission's time) is known only for a whole survey, where it marks the
survey's bad times."""
VALUE, SCATTER, COVERAGE = range(3)
"""index on the last axis of a view"""


@dataclass(frozen=True, eq=False)
class FoldedEvents:
    """Views and numbers of ``n`` rows of ``K`` candidates each: folded and binned light curves.

    Attributes:
        id: ``(n,)`` str, name of the star; a star may have several rows.
        views: name, out of :data:`VIEWS`, to ``(n, K, bins, 3)`` float32. The last axis holds three numbers per bin:
            its value (scaled so that the view has median 0 and depth -1), the scatter of its points in the same unit,
            and its coverage, the share of the expected points. All three are 0 in an empty bin and in a missing view.
        scalars: ``(n, K, len(SCALARS))`` float32; NaN where unknown.
        label: ``(n,)`` int8, 1 for planets and 0 for other rows; or None.
        kind: ``(n,)`` str, known class of each row (``PC``, ``EB``, ...); or None.
        source: origin of the rows, as text.
        sha256: fingerprint of the file.
        warnings: one sentence for each fact about the input that changes the meaning of the results.
        catalogued: true where ``id`` identifies a star across files.
        cadence: 0, because folded events have no cadence.
        vetting: ``(n, K, t)`` float32, results of the tests :data:`exojax.vetting.all_tests.NUMBERS`, NaN where
            unknown; or None.
    """

    id: np.ndarray
    views: Mapping[str, np.ndarray]
    scalars: np.ndarray
    label: np.ndarray | None
    kind: np.ndarray | None
    source: str
    sha256: str
    warnings: tuple[str, ...] = ()
    catalogued: bool = True
    cadence: float = 0.0
    vetting: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.id)

    def take(self, index: np.ndarray) -> FoldedEvents:
        """Return the rows at ``index`` (``(k,)`` int, or ``(n,)`` bool), in that order."""
        return replace(
            self,
            id=self.id[index],
            views={name: view[index] for name, view in self.views.items()},
            scalars=self.scalars[index],
            vetting=None if self.vetting is None else self.vetting[index],
            label=None if self.label is None else self.label[index],
            kind=None if self.kind is None else self.kind[index],
        )


def has_candidate(global_view: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` bool, true for rows with at least one candidate.

    Args:
        global_view: ``(n, K, bins, 3)``, as in :class:`FoldedEvents`.
    """
    return np.asarray((global_view[..., COVERAGE] > 0).any(axis=(1, 2)))


def searchable(features: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Return ``(n,)`` bool, true for rows with a candidate; None where the inputs hold no folded light curves.

    Args:
        features: the inputs of a model by name; first axis ``n``.
    """
    return has_candidate(features["global_view"]) if "global_view" in features else None


Data = LightCurves | FoldedEvents
"""rows that a model is trained on or scores"""
