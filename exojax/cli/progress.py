"""Show what a command is doing: a bar on a terminal, elsewhere a line on standard error every ten seconds."""

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
    """One thing that is being done, and how far it is; see :func:`exojax.storage.announce.phase`.

    Attributes:
        began: when, in seconds of a clock that does not go back.
        first: time and count of the first report with anything done. The rate is measured from there: before it,
            something may have been compiled, or read from an earlier call.
    """

    text: str
    began: float
    done: int = 0
    total: int = 0
    unit: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    first: tuple[float, int] | None = None

    def update(self, now: float, done: int, total: int, unit: str, facts: dict[str, Any]) -> None:
        """Note how far it is."""
        if self.first is None and done:
            self.first = now, done
        self.done, self.total, self.unit, self.facts = done, total, unit, facts

    def rate(self, now: float) -> float | None:
        """Return how many are done a second, or None before that can be known."""
        if self.first is None or self.done <= self.first[1] or now <= self.first[0]:
            return None
        return (self.done - self.first[1]) / (now - self.first[0])

    def line(self, now: float) -> str:
        """Return it as a line to read: ``searching: 120 of 1,000 stars, 14 a second, 1 min left``."""
        rate = self.rate(now)
        parts = [self.count()] if self.total or self.done else []
        if rate is not None and self.done < self.total:
            parts += [rate_text(rate), f"{duration_text((self.total - self.done) / rate)} left"]
        else:
            parts.append(f"{duration_text(now - self.began)} so far")
        return f"{self.text}: {', '.join([*parts, *facts_text(self.facts)])}"

    def count(self) -> str:
        """Return how far it is: ``120 of 1,000 stars``."""
        number = f"{self.done:,} of {self.total:,}" if self.total else f"{self.done:,}"
        return f"{number} {self.unit}".strip()


def facts_text(facts: dict[str, Any]) -> list[str]:
    """Return facts as words, such as ``loss 0.341``; counts of nothing are left out."""
    return [f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in facts.items() if v != 0]


def rate_text(rate: float) -> str:
    """Return ``14 a second``, ``20 a minute`` or ``3 an hour``, whichever is a number of a few digits."""
    seconds, unit = (1, "a second") if rate >= 1 else (60, "a minute") if rate >= 1 / 60 else (3600, "an hour")
    each = rate * seconds
    return f"{each:,.0f} {unit}" if each >= 10 else f"{each:.2g} {unit}"


def duration_text(seconds: float) -> str:
    """Return ``45 s``, ``12 min`` or ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Lines:
    """A line on standard error every ten seconds, whatever the command is doing, from a thread of its own."""

    def __init__(self) -> None:
        self._now = Phase("starting", time.monotonic())
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def phase(self, text: str, done: int, total: int, *, unit: str, facts: dict[str, Any]) -> None:
        """Note what is being done."""
        with self._lock:
            if text != self._now.text or done < self._now.done:
                self._now = Phase(text, time.monotonic())
            self._now.update(time.monotonic(), done, total, unit, facts)

    def note(self, text: str) -> None:
        """Write a line now."""
        # Nobody reads it any more, and the command goes on.
        with contextlib.suppress(OSError, ValueError):
            print(plain(text), file=sys.stderr, flush=True)

    def settle(self) -> None:
        """Leave the terminal to what is printed next: nothing to do here."""

    def end(self) -> None:
        """Write no more."""
        self._ended.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            with self._lock:
                line = self._now.line(time.monotonic())
            self.note(line)


class Bars:
    """A bar on the terminal for each phase."""

    def __init__(self) -> None:
        self._shown: Any = None
        self._tasks: dict[str, Any] = {}
        self._lock = threading.Lock()

    def phase(self, text: str, done: int, total: int, *, unit: str, facts: dict[str, Any]) -> None:
        """Move the bar of this phase, or begin another one."""
        with self._lock:
            if self._shown is None:
                self._shown = _bars()
                self._shown.start()
            parts = {"count": Phase(text, 0.0, done, total, unit).count() if total or done else ""}
            parts["facts"] = "  ".join(facts_text(facts))
            if text not in self._tasks:
                # What came before it without a count is done, and of no interest any more.
                for name, task in list(self._tasks.items()):
                    if self._shown.tasks[self._shown.task_ids.index(task)].total is None:
                        self._shown.remove_task(self._tasks.pop(name))
                self._tasks[text] = self._shown.add_task(text, total=total or None, completed=done, **parts)
            self._shown.update(self._tasks[text], completed=done, total=total or None, **parts)

    def note(self, text: str) -> None:
        """Write a line above the bars."""
        if self._shown is None:
            print(plain(text), file=sys.stderr, flush=True)
        else:
            self._shown.console.print(plain(text), markup=False, highlight=False)

    def settle(self) -> None:
        """Leave the terminal to what is printed next."""
        with self._lock:
            if self._shown is not None:
                self._shown.stop()
            self._shown, self._tasks = None, {}

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
    """Show all phases and notes of a command, from here to its end."""
    how = Bars() if sys.stderr.isatty() else Lines()
    _showing.append(how)
    try:
        with announce.displayed_by(how.phase, how.note):
            yield
    finally:
        _showing.remove(how)
        how.end()


def is_on() -> bool:
    """Return whether anything is shown."""
    return bool(_showing)


def settle() -> None:
    """End the bars, so that what is printed next stands below them."""
    for how in _showing:
        how.settle()
