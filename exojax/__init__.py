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
from exojax.light_curves import LightCurves

if TYPE_CHECKING:
    from exojax.runs.evaluate import evaluate
    from exojax.runs.fit import fit
    from exojax.runs.run import load, predict


_HOMES = {"fit": "runs.fit", "load": "runs.run", "predict": "runs.run", "evaluate": "runs.evaluate"}


def __getattr__(name: str) -> object:
    # JAX takes a second to import; `exojax --help` and a reader of files need none of it.
    if name in _HOMES:
        return getattr(importlib.import_module(f"exojax.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'exojax' has no attribute {name!r}")
