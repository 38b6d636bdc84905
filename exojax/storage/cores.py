"""Count the processor cores that this process may use."""

from __future__ import annotations

import os

MOST_WORKERS = 8
"""largest number of batches of stars at once, because each batch takes memory"""


def cores() -> int:
    """Return the number of cores that this process may use, which in a container or a job may be fewer than exist."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers() -> int:
    """Return the number of batches of stars to process at once."""
    return min(cores(), MOST_WORKERS)
