"""Folded events: the views and numbers of each candidate that a network reads. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from exojax.light_curves import LightCurves

VIEWS = ("global_view", "local_view", "secondary_view", "odd_view", "even_view", "half_view", "double_view")
WIDE_VIEWS = ("global_view", "double_view")
"""views of the whole phase; the others show some durations around an event"""
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
"""decimal logarithms of days, fractions and numbers, and plain numbers; those of ``tess_`` are in a file's own unit.
``epoch`` (days, the mission's time) is known only where a whole survey is at hand, to tell its bad moments."""
VALUE, SCATTER, COVERAGE = range(3)
"""the last axis of a view"""


@dataclass(frozen=True, eq=False)
class FoldedEvents:
    """``n`` rows of ``K`` candidates each: every candidate's light curve folded and binned, and numbers beside it.

    Attributes:
        id: ``(n,)`` str, the star; several rows may be of one star.
        views: of some of :data:`VIEWS` ``(n, K, bins, 3)`` float32. The last axis holds a bin's value (median 0 and
            depth -1 over the view), the scatter of what is in it in the same unit, and its coverage, the share of the
            points expected. Coverage is 0 in an empty bin and throughout a view that is not there, and value and
            scatter are 0 then.
        scalars: ``(n, K, len(SCALARS))`` float32; NaN where unknown.
        label: ``(n,)`` int8, 1 for planets and 0 for the rest, or None.
        kind: ``(n,)`` str, what each row is known to be (``PC``, ``EB``, ...), or None.
        source: where the rows came from, for people.
        sha256: fingerprint of the file.
        warnings: what a reader of the figures has to know about the input, one sentence each.
        catalogued: true where ``id`` names a star across files.
        cadence: 0: folded events have none.
        vetting: ``(n, K, t)`` float32, what the tests of :data:`exojax.vetting.all_tests.NUMBERS` measured, NaN where
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


def there(global_view: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` bool: rows with a candidate, given ``global_view (n, K, bins, 3)``."""
    return np.asarray((global_view[..., COVERAGE] > 0).any(axis=(1, 2)))


def searchable(features: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Return ``(n,)`` bool, rows with a candidate to judge, of a model's inputs; None where it looks at no folds."""
    return there(features["global_view"]) if "global_view" in features else None


Data = LightCurves | FoldedEvents
"""Rows to learn from or to score."""
