"""Show the progress of a command: bars on a terminal, elsewhere a line on standard error every ten seconds."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from exojax.storage import announce
from exojax.storage.plain_text import plain

EVERY = 10.0
"""seconds between lines"""


@dataclass
class Phase:
    """One phase of a command and its progress; see :func:`exojax.storage.announce.phase`.

    Attributes:
        text: name of the phase.
        began: seconds of the monotonic clock at the beginning.
        done, total: number of finished units and of all units; a total of 0 is unknown.
        unit: name of the units.
        facts: name to value, printed beside the progress.
        first: time and count of the first report with ``done`` above 0. The rate is measured from there, because the
            time before includes compilation, and units that an earlier call finished.
    """

    text: str
    began: float
    done: int = 0
    total: int = 0
    unit: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    first: tuple[float, int] | None = None

    def update(self, now: float, done: int, total: int, unit: str, facts: dict[str, Any]) -> None:
        """Store the progress at the time ``now``."""
        if self.first is None and done:
            self.first = now, done
        self.done, self.total, self.unit, self.facts = done, total, unit, facts

    def rate(self, now: float) -> float | None:
        """Return the units per second, or None while they are unknown."""
        if self.first is None or self.done <= self.first[1] or now <= self.first[0]:
            return None
        return (self.done - self.first[1]) / (now - self.first[0])

    def line(self, now: float) -> str:
        """Return the progress as a line: ``searching: 120 of 1,000 stars, 14 a second, 1 min left``."""
        rate = self.rate(now)
        parts = [self.count()] if self.total or self.done else []
        if rate is not None and self.done < self.total:
            parts += [rate_text(rate), f"{duration_text((self.total - self.done) / rate)} left"]
        else:
            parts.append(f"{duration_text(now - self.began)} so far")
        return f"{self.text}: {', '.join([*parts, *facts_text(self.facts)])}"

    def count(self) -> str:
        """Return the count as text: ``120 of 1,000 stars``."""
        number = f"{self.done:,} of {self.total:,}" if self.total else f"{self.done:,}"
        return f"{number} {self.unit}".strip()


def facts_text(facts: dict[str, Any]) -> list[str]:
    """Return each fact as text, such as ``loss 0.341``; facts of value 0 are left out."""
    return [f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in facts.items() if v != 0]


def rate_text(rate: float) -> str:
    """Return a rate per second as ``14 a second``, ``20 a minute`` or ``3 an hour``, with the shortest number above
    1."""
    seconds, unit = (1, "a second") if rate >= 1 else (60, "a minute") if rate >= 1 / 60 else (3600, "an hour")
    count = rate * seconds
    return f"{count:,.0f} {unit}" if count >= 10 else f"{count:.2g} {unit}"


def duration_text(seconds: float) -> str:
    """Return a duration as ``45 s``, ``12 min`` or ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Lines:
    """Progress as a line on standard error every ten seconds, printed by a separate thread."""

    def __init__(self) -> None:
        self._now = Phase("starting", time.monotonic())
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def phase(self, text: str, done: int, total: int, *, unit: str, facts: dict[str, Any]) -> None:
        """Store the progress of a phase; a new text, or a smaller count, begins a new phase."""
        with self._lock:
            if text != self._now.text or done < self._now.done:
                self._now = Phase(text, time.monotonic())
            self._now.update(time.monotonic(), done, total, unit, facts)

    def note(self, text: str) -> None:
        """Write a line now."""
        # If standard error is closed, the command goes on.
        with contextlib.suppress(OSError, ValueError):
            print(plain(text), file=sys.stderr, flush=True)

    def settle(self) -> None:
        """Return at once: lines do not disturb later output."""

    def end(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            with self._lock:
                line = self._now.line(time.monotonic())
            self.note(line)


class Bars:
    """Progress as a bar on the terminal for each phase."""

    def __init__(self) -> None:
        self._display: Any = None
        self._tasks: dict[str, Any] = {}
        self._lock = threading.Lock()

    def phase(self, text: str, done: int, total: int, *, unit: str, facts: dict[str, Any]) -> None:
        """Move the bar of this phase, or begin a new bar."""
        with self._lock:
            if self._display is None:
                self._display = _bars()
                self._display.start()
            parts = {"count": Phase(text, 0.0, done, total, unit).count() if total or done else ""}
            parts["facts"] = "  ".join(facts_text(facts))
            if text not in self._tasks:
                # Remove the bars of earlier phases without a count: those phases have ended.
                for name, task in list(self._tasks.items()):
                    if self._display.tasks[self._display.task_ids.index(task)].total is None:
                        self._display.remove_task(self._tasks.pop(name))
                self._tasks[text] = self._display.add_task(text, total=total or None, completed=done, **parts)
            self._display.update(self._tasks[text], completed=done, total=total or None, **parts)

    def note(self, text: str) -> None:
        """Write a line above the bars."""
        if self._display is None:
            print(plain(text), file=sys.stderr, flush=True)
        else:
            self._display.console.print(plain(text), markup=False, highlight=False)

    def settle(self) -> None:
        """End the bars, so that later output stands below them."""
        with self._lock:
            if self._display is not None:
                self._display.stop()
            self._display, self._tasks = None, {}

    end = settle


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}", markup=False),
        TextColumn("{task.fields[facts]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


_showing: list[Lines | Bars] = []


@contextmanager
def displayed() -> Iterator[None]:
    """Show all phases and notes of a command until the context ends."""
    display = Bars() if sys.stderr.isatty() else Lines()
    _showing.append(display)
    try:
        with announce.displayed_by(display.phase, display.note):
            yield
    finally:
        _showing.remove(display)
        display.end()


def is_on() -> bool:
    """Return whether progress is shown."""
    return bool(_showing)


def settle() -> None:
    """End the bars, so that later output stands below them."""
    for display in _showing:
        display.settle()
