"""Record Ctrl-C and SIGTERM, so that long work can stop between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupted(Exception):
    """Work was stopped by Ctrl-C or SIGTERM; all finished steps are saved."""

    def __init__(self, signum: int, where: str) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name} {where}; run the same command again to continue")
        self.exit_code = 128 + signum


@contextmanager
def stop_signal() -> Iterator[Callable[[], int]]:
    """Yield a function that returns the number of the first SIGINT or SIGTERM since entry; 0 before any.

    A second signal has its usual effect. Outside the main thread, where Python allows no handlers, the function always
    returns 0.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    seen: list[int] = [0]
    before: dict[int, Any] = {}

    def note(signum: int, frame: FrameType | None) -> None:
        seen[0] = seen[0] or signum
        signal.signal(signum, before[signum])

    for signum in (signal.SIGINT, signal.SIGTERM):
        before[int(signum)] = signal.signal(signum, note)
    try:
        yield lambda: seen[0]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
