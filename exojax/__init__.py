"""exojax: find the stars that host a transiting planet from how their brightness changes.

    >>> run = exojax.load("kaggle-cnn")                      # doctest: +SKIP
    >>> probability = exojax.predict(run, lightcurves)       # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["InputError", "LightCurves", "evaluate", "fit", "load", "predict"]

from exojax.errors import InputError
from exojax.lightcurve import LightCurves

if TYPE_CHECKING:
    from exojax.run import evaluate, fit, load, predict


def __getattr__(name: str) -> object:
    # JAX takes a second to import; `exojax --help` and a reader of files need none of it.
    if name in ("evaluate", "fit", "load", "predict"):
        from exojax import run

        return getattr(run, name)
    raise AttributeError(f"module 'exojax' has no attribute {name!r}")
