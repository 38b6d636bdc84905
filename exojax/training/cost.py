"""Measure the memory of a fit and the number of parameters of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import jax
import numpy as np

from exojax.training.scorer import Scorer

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def memory_used() -> Iterator[Callable[[], float]]:
    """Yield a function that returns the largest increase of memory since entry, MB; NaN where it is unknown.

    On a CPU this is the resident memory of the process, on Linux; memory that an earlier fit has left for reuse is not
    counted. On an accelerator it is the largest memory of the device since the program began.
    """
    before = np.nan
    with suppress(OSError):
        _CLEAR.write_text("5")  # resets the kernel's record of the largest memory
        before = _resident("VmRSS")

    def used() -> float:
        if (stats := jax.devices()[0].memory_stats()) is not None:
            return float(stats["peak_bytes_in_use"]) / 1e6
        return max(_resident("VmHWM") - before, 0.0) if np.isfinite(before) else np.nan

    yield used


def _resident(name: str) -> float:
    """Return an entry of the memory statistics of this process, MB."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / 1e6


def parameters_of(scorer: Scorer) -> int:
    """Return the number of parameters of a fitted model: weights of networks and elements of arrays."""
    own = sum(leaf.size for state in scorer.states for leaf in jax.tree.leaves(state.params))
    own += sum(x.size for x in map(np.asarray, scorer.arrays.values()) if x.dtype.kind in "fiu")
    return own + sum(parameters_of(part) for part in scorer.parts.values())
