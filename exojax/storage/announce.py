"""Report the progress of long work to a display. The commands set the display; by default there is none.

Functions that are called from many places report here, so that no callback must be passed through all callers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

ReportCount = Callable[[int, int], None]
"""takes ``(done, total)``: the numbers of finished and of all units of work"""
ReportStage = Callable[[str, int, int], None]
"""takes ``(stage, done, total)``, for work in several stages"""


class ShowPhase(Protocol):
    """A function that shows the current phase."""

    def __call__(self, text: str, done: int, total: int, *, unit: str, facts: dict[str, Any]) -> None:
        """Show a phase; see :func:`phase`."""


_show_phase: ShowPhase | None = None
_show_note: Callable[[str], None] | None = None


def phase(text: str, done: int = 0, total: int = 0, *, unit: str = "", facts: dict[str, Any] | None = None) -> None:
    """Report the current phase of the work and its progress.

    Args:
        text: name of the phase, such as ``searching``; another text begins another phase.
        done: number of finished units; 0 if nothing is counted.
        total: number of all units; 0 if it is unknown.
        unit: name of the units, such as ``stars``.
        facts: name to value, shown beside the progress.
    """
    if _show_phase is not None:
        _show_phase(text, done, total, unit=unit, facts=facts or {})


def note(text: str) -> None:
    """Report a message once, such as ``compiling the search; once for this machine, about 15 s``."""
    if _show_note is not None:
        _show_note(text)


@contextmanager
def displayed_by(show_phase: ShowPhase, show_note: Callable[[str], None]) -> Iterator[None]:
    """Send phases and notes to these functions until the context ends; they may be called from any thread."""
    global _show_phase, _show_note
    before = _show_phase, _show_note
    _show_phase, _show_note = show_phase, show_note
    try:
        yield
    finally:
        _show_phase, _show_note = before
