"""Progress of a command: lines that a person can read, whatever the main thread is doing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from exojax.cli.progress import Lines, Phase, duration_text, rate_text
from exojax.storage import announce


def phase_at(*reports: tuple[float, int], total: int = 0, unit: str = "", **facts: object) -> Phase:
    phase = Phase("searching", 0.0)
    for now, done in reports:
        phase.update(now, done, total, unit, dict(facts))
    return phase


@pytest.mark.parametrize(
    ("phase", "now", "line"),
    [
        (phase_at(), 20, "20 s so far"),
        (phase_at((0, 0), total=1000, unit="stars"), 30, "0 of 1,000 stars, 30 s so far"),
        # The rate is measured from the first report on: before it something was compiled.
        (phase_at((15, 40), (20, 120), total=1000, unit="stars"), 20, "120 of 1,000 stars, 16 a second, 55 s left"),
        (phase_at((0, 5000), (100, 5002), total=5100), 100, "5,002 of 5,100, 1.2 a minute, 82 min left"),
        (phase_at((1, 2), (3, 4), total=4, unit="sheets"), 95, "4 of 4 sheets, 2 min so far"),
        (phase_at((1, 2), unit="batches"), 5, "2 batches, 5 s so far"),
        (phase_at((0, 0), total=9, skipped=0, loss=0.34567, now="svc"), 11, "0 of 9, 11 s so far, loss 0.346, now svc"),
    ],
)  # fmt: skip
def test_a_line_says_what_how_far_how_fast_and_how_long_still(phase: Phase, now: float, line: str) -> None:
    assert phase.line(now) == f"searching: {line}"


def test_numbers_of_a_few_digits() -> None:
    assert [rate_text(x) for x in (1234.5, 14.2, 2.345, 0.1, 0.001)] == [
        "1,234 a second", "14 a second", "2.3 a second", "6 a minute", "3.6 an hour",
    ]  # fmt: skip
    assert [duration_text(x) for x in (0.2, 89, 95, 5000, 9000)] == ["0 s", "89 s", "2 min", "83 min", "2.5 h"]


def test_without_a_command_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    announce.phase("searching", 1, 2)
    announce.note("compiling the search")
    assert capsys.readouterr() == ("", "")


SILENT = """
import ctypes, sys
from dataclasses import dataclass
from exojax.storage import announce
from exojax.cli import command, progress
progress.EVERY = 0.3
@dataclass(frozen=True)
class Options:
    "Nothing."
def body(options):
    native = ctypes.CDLL(None).usleep  # as a long call into compiled code
    native(700_000)
    announce.note("compiling the search; once for this machine, about 15 s")
    announce.phase("searching", 0, 1000, unit="stars")
    native(700_000)
    print("the result")
sys.exit(command.run("x.py", Options, body, []))
"""


def test_a_line_comes_every_ten_seconds_also_during_one_long_call() -> None:
    done = subprocess.run([sys.executable, "-c", SILENT], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "the result\n")
    lines = done.stderr.splitlines()
    assert lines[0] == "starting: 0 s so far"
    note = lines.index("compiling the search; once for this machine, about 15 s")
    assert 1 <= note <= 3
    assert lines[-1].startswith("searching: 0 of 1,000 stars, ")


def test_on_a_terminal_notes_and_phases_are_printed() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SILENT], stderr=theirs, stdout=theirs, env=os.environ | {"TERM": "xterm"}
    ):
        os.close(theirs)
        printed = b""
        try:
            while part := os.read(ours, 4096):
                printed += part
        except OSError:  # Linux reports the end of a terminal as an error
            pass
        os.close(ours)
    for word in (b"compiling the search; once", b"searching", b"0 of 1,000 stars", b"the result"):
        assert word in printed


def test_lines_end_where_nobody_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr(sys, "stderr", closed)
        lines = Lines()
        lines.note("a line")
        lines.end()
        monkeypatch.undo()
        try:
            closed.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), closed.fileno())
