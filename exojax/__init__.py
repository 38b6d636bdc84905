"""Find the stars that host a transiting planet in their light curves.

>>> curves = exojax.read("my_fits_folder")          # doctest: +SKIP
>>> result = exojax.search(curves)                  # doctest: +SKIP
>>> result.table, result.plot(0)                    # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from exojax.config import RunConfig, SearchConfig
from exojax.errors import InputError
from exojax.light_curves import LightCurves

if TYPE_CHECKING:
    from exojax.io.arrays import read
    from exojax.models.base import Network
    from exojax.models.registry import register
    from exojax.runs.evaluate import evaluate
    from exojax.runs.notebook import SearchResult, fit, fold, search, vet
    from exojax.runs.run import load, predict

    __version__: str

__all__ = [
    "InputError",
    "LightCurves",
    "Network",
    "RunConfig",
    "SearchConfig",
    "SearchResult",
    "evaluate",
    "fit",
    "fold",
    "load",
    "predict",
    "read",
    "register",
    "search",
    "vet",
]

# Modules that hold the public names. They are imported at first use: importing JAX takes a second, and neither
# `exojax --help` nor reading files needs it.
_HOMES = {
    "Network": "models.base",
    "SearchResult": "runs.notebook",
    "evaluate": "runs.evaluate",
    "fit": "runs.notebook",
    "fold": "runs.notebook",
    "load": "runs.run",
    "predict": "runs.run",
    "read": "io.arrays",
    "register": "models.registry",
    "search": "runs.notebook",
    "vet": "runs.notebook",
}


def _version() -> str:
    """Return the version of the installed distribution, or ``0+unknown`` where none is installed.

    The build derives the version from the tags of Git.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("exojax-hunt")
    except PackageNotFoundError:
        return "0+unknown"


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name in _HOMES:
        return getattr(importlib.import_module(f"exojax.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'exojax' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
