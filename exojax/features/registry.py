"""Name the features that models can read. To add a feature, write a function and add a line here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from functools import partial

import jax
import numpy as np

from exojax.errors import InputError
from exojax.features.flux import flatten, standardise
from exojax.features.series import statistics
from exojax.features.spectrum import log_power
from exojax.folded_events import VIEWS
from exojax.light_curves import LightCurves

Feature = Callable[[jax.Array, jax.Array, float], jax.Array]
"""``(flux (n, c), valid (n, c), cadence in days) -> (n, ...)`` float32; row by row, nothing fitted; one number a
star is ``(n, 1)``."""

FEATURES: dict[str, Feature] = {
    "flux": lambda flux, valid, cadence: standardise(flux, valid),
    "flat": lambda flux, valid, cadence: flatten(flux, valid, cadence=cadence),
    "series": lambda flux, valid, cadence: statistics(flux, valid, cadence=cadence),
    "spectrum": lambda flux, valid, cadence: log_power(standardise(flux, valid)),
}

BATCH = 256
"""stars computed at a time, so that memory does not grow with their number"""


@partial(jax.jit, static_argnames=("names", "cadence"))
def _compute(flux: jax.Array, valid: jax.Array, names: tuple[str, ...], cadence: float) -> dict[str, jax.Array]:
    return {name: FEATURES[name](flux, valid, cadence) for name in names}


def compute(names: Iterable[str], curves: LightCurves) -> dict[str, np.ndarray]:
    """Compute the named features of every star.

    Args:
        names: keys of :data:`FEATURES`.
        curves: n stars of c cadences.

    Returns:
        Each feature as ``(n, ...)`` float32 NumPy. All depend on the star alone: no statistic is shared between
        stars, so nothing can leak from one split to another here.

    Raises:
        InputError: there is no feature of that name.
    """
    names = tuple(sorted(set(names)))
    for name in names:
        if name not in FEATURES:
            known = (*FEATURES, *VIEWS, "scalars", "vetting")
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise InputError(f"there is no input {name!r}: {hint}")
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for start in range(0, max(len(curves), 1), BATCH):
        flux, valid = curves.flux[start : start + BATCH], curves.valid[start : start + BATCH]
        missing = BATCH - len(flux)
        padded = np.pad(flux, ((0, missing), (0, 0))), np.pad(valid, ((0, missing), (0, 0)))
        for name, values in _compute(*padded, names, curves.cadence).items():
            parts[name].append(np.asarray(values)[: BATCH - missing])
    return {name: np.concatenate(values) for name, values in parts.items()}
