"""Report what long work is doing, to whatever displays it: the commands do. By default nothing is displayed.

Work that is called from many places need not hand a callback through all of them: it reports here what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

ReportCount = Callable[[int, int], None]
"""``(done, total)`` of some work"""
ReportStage = Callable[[str, int, int], None]
"""``(stage, done, total)`` of work in several stages"""


class ShowPhase(Protocol):
    """Shows what is being done now."""

    def __call__(self, text: str, done: int, total: int, *, unit: str, facts: dict[str, Any]) -> None:
        """Show a phase; see :func:`phase`."""


_show_phase: ShowPhase | None = None
_show_note: Callable[[str], None] | None = None


def phase(text: str, done: int = 0, total: int = 0, *, unit: str = "", facts: dict[str, Any] | None = None) -> None:
    """Report what is being done from now on, and how far it is.

    Args:
        text: what, as in ``searching``; another text begins another phase.
        done: how many of ``total`` are done; both are 0 where nothing is counted.
        total: how many there are.
        unit: what is counted, as in ``stars``.
        facts: name to value, shown beside it.
    """
    if _show_phase is not None:
        _show_phase(text, done, total, unit=unit, facts=facts or {})


def note(text: str) -> None:
    """Report something once, such as ``compiling the search; once for this machine, about 15 s``."""
    if _show_note is not None:
        _show_note(text)


@contextmanager
def displayed_by(show_phase: ShowPhase, show_note: Callable[[str], None]) -> Iterator[None]:
    """Hand phases and notes to these functions, which may be called from any thread."""
    global _show_phase, _show_note
    before = _show_phase, _show_note
    _show_phase, _show_note = show_phase, show_note
    try:
        yield
    finally:
        _show_phase, _show_note = before
