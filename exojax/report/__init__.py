"""Draw figures, sheets and pages; each figure here takes plain arrays and returns a Matplotlib figure.

>>> exojax.report.precision_recall(curve, base_rate, average_precision)    # doctest: +SKIP
"""

from __future__ import annotations

import importlib

_FIGURES = {
    "loss_curve": ("figures", "loss_curve"),
    "precision_recall": ("figures", "precision_recall"),
    "roc": ("figures", "roc"),
    "reliability": ("figures", "calibration"),
    "score_distributions": ("figures", "score_distributions"),
    "confusion": ("figures", "confusion"),
    "learning_curves": ("figures", "learning_curves"),
    "light_curves": ("figures", "light_curves"),
    "folds": ("figures", "folds"),
    "completeness_map": ("completeness", "draw"),
}


def __getattr__(name: str) -> object:
    # Matplotlib takes half a second to import: a search that draws nothing needs none of it.
    if name in _FIGURES:
        module, own = _FIGURES[name]
        return getattr(importlib.import_module(f"exojax.report.{module}"), own)
    raise AttributeError(f"module 'exojax.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_FIGURES)
