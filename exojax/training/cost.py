"""What a fit costs beside its time: memory, and how many numbers the model keeps."""

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
    """A function that gives the MB by which memory rose at its highest since entry, NaN where that is not known.

    On a CPU it is this process's resident memory, as Linux counts it; what an earlier fit left to be used again is not
    counted. On an accelerator it is the most that the device has held since the program began.
    """
    before = np.nan
    with suppress(OSError):
        _CLEAR.write_text("5")  # sets the high-water mark back
        before = _resident("VmRSS")

    def used() -> float:
        if (stats := jax.devices()[0].memory_stats()) is not None:
            return float(stats["peak_bytes_in_use"]) / 1e6
        return max(_resident("VmHWM") - before, 0.0) if np.isfinite(before) else np.nan

    yield used


def _resident(name: str) -> float:
    """Return a figure of this process, in MB."""
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / 1e6


def parameters_of(scorer: Scorer) -> int:
    """Return how many numbers a fitted model keeps: weights of networks, elements of arrays, those of its parts."""
    own = sum(leaf.size for state in scorer.states for leaf in jax.tree.leaves(state.params))
    own += sum(x.size for x in map(np.asarray, scorer.arrays.values()) if x.dtype.kind in "fiu")
    return own + sum(parameters_of(part) for part in scorer.parts.values())
