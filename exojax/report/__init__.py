"""Draw figures, sheets and pages; each figure here takes plain arrays and returns a Matplotlib figure."""

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
    "completeness_map": ("completeness", "completeness_map"),
    "false_alarm_curves": ("false_alarms", "false_alarm_curves"),
    "light_curves": ("figures", "light_curves"),
    "folds": ("figures", "folds"),
}
"""name of a figure -> its module and its name there"""


def __getattr__(name: str) -> object:
    # Matplotlib takes half a second to import: a search that draws nothing needs none of it.
    if name in _FIGURES:
        module, own = _FIGURES[name]
        return getattr(importlib.import_module(f"exojax.report.{module}"), own)
    raise AttributeError(f"module 'exojax.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(_FIGURES)
