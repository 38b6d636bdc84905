"""Count the processor cores that this process may use."""

from __future__ import annotations

import os

MOST_WORKERS = 8
"""batches of stars at once, each of which holds its memory"""


def cores() -> int:
    """Return the number of cores: those of its affinity where the system knows one, as in a container or a job."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers() -> int:
    """Return how many batches of stars are worked on at once."""
    return min(cores(), MOST_WORKERS)
