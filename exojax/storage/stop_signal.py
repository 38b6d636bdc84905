"""Ctrl-C and SIGTERM as a question that long work asks between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

answering: list[object] = []
"""one entry for each :func:`stop_signal` that is open: a signal is then answered after the next step, with a save"""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM came; everything up to then is saved."""

    def __init__(self, signum: int, where: str) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name} {where}; run the same command again to go on")
        self.exit_code = 128 + signum


@contextmanager
def stop_signal() -> Iterator[Callable[[], int]]:
    """A function that returns the number of the first SIGINT or SIGTERM since entry, 0 before. A second one acts.

    Outside the main thread, where Python allows no handlers, it always returns 0.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    seen: list[int] = [0]
    before: dict[int, Any] = {}

    def note(signum: int, frame: FrameType | None) -> None:
        seen[0] = seen[0] or signum
        signal.signal(signum, before[signum])

    answering.append(note)
    for signum in (signal.SIGINT, signal.SIGTERM):
        before[int(signum)] = signal.signal(signum, note)
    try:
        yield lambda: seen[0]
    finally:
        answering.remove(note)
        for number, handler in before.items():
            signal.signal(number, handler)
