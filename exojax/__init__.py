"""exojax: find the stars that host a transiting planet from how their brightness changes.

>>> run = exojax.load("kaggle-cnn")                      # doctest: +SKIP
>>> probability = exojax.predict(run, lightcurves)       # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["InputError", "LightCurves", "evaluate", "fit", "load", "predict"]

from exojax.errors import InputError
from exojax.lightcurve import LightCurves

if TYPE_CHECKING:
    from exojax.fitting import fit
    from exojax.runs import load, predict
    from exojax.scoring import evaluate


_HOMES = {"fit": "fitting", "load": "runs", "predict": "runs", "evaluate": "scoring"}


def __getattr__(name: str) -> object:
    # JAX takes a second to import; `exojax --help` and a reader of files need none of it.
    if name in _HOMES:
        return getattr(importlib.import_module(f"exojax.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'exojax' has no attribute {name!r}")
