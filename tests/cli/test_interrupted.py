"""Stopped by Ctrl-C, SIGTERM or SIGKILL, in training or after it, and called again: the same files in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from small_cli import Call, files
from small_search import flux_of
from small_search import write_csv as write_star

from exojax.cli import train
from exojax.runs import fit

pytestmark = pytest.mark.usefixtures("_no_plots")


def outcome(run: Path) -> dict[str, bytes]:
    """Return the files that must be equal to the byte, without the report, which names the folder."""
    names = ("predictions.csv", "metrics.json", "metrics.jsonl", "calibration.json", "split.json", "config.json")
    return {name: content for name, content in files(run).items() if name in names}


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("when", [("tiny", 6), ("tiny fold 2/3", 5)], ids=["training", "a fold"])
def test_a_signal_saves_and_the_same_command_goes_on(
    when: tuple[str, int],
    signum: int,
    code: int,
    tiny_run: Path,
    one_file: Path,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = train.fit if hasattr(train, "fit") else fit.fit

    def interrupted(*args: Any, report: Any, **named: Any) -> Any:
        def pull(phase: str, record: dict[str, Any]) -> None:
            report(phase, record)
            if (phase, record["step"]) == when:
                os.kill(os.getpid(), signum)

        return original(*args, report=pull, **named)

    command = ("--data", one_file, "--model", "tiny", "--run", "k1")
    with monkeypatch.context() as patch:
        patch.setattr(fit, "fit", interrupted)
        ran = call(train.main, *command)
    assert ran.code == code
    assert ran.err.count("\n") == 1
    assert signal.Signals(signum).name in ran.err
    assert not Path("checkpoints/k1/calibration.json").exists()
    assert call(train.main, *command).code == 0
    assert outcome(Path("checkpoints/k1")) == outcome(tiny_run)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_outside_training_ends_it_as_cleanly(
    signum: int, code: int, one_file: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "usable_rows", lambda data: os.kill(os.getpid(), signum))
    before = signal.getsignal(signal.SIGTERM)
    ran = call(train.main, "--data", one_file, "--model", "svc", "--run", "k1")
    assert (ran.code, ran.err.count("\n")) == (code, 1)
    assert signal.getsignal(signal.SIGTERM) is before
    assert not Path("checkpoints").exists()


KILLED = """
import os, signal, sys
sys.path.insert(0, {here!r})
from small_cli import TINY
from exojax.runs import fit as fitting
from exojax.cli import train
from exojax.models import registry
registry.MODELS["tiny"] = TINY
save = fitting.save_arrays
def save_and_die(path, arrays):
    save(path, arrays)
    if path.parent.name == "out_of_fold" and path.stem == "1":
        os.kill(os.getpid(), signal.SIGKILL)
fitting.save_arrays = save_and_die
train.main(sys.argv[1:])
"""


def test_killed_between_the_folds_it_ends_alike(tiny_run: Path, one_file: Path, call: Call) -> None:
    command = [str(o) for o in ("--data", one_file, "--model", "tiny", "--run", "k1")]
    program = KILLED.format(here=str(Path(__file__).parent))
    killed = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run = Path("checkpoints/k1")
    assert sorted(files(run / "out_of_fold")) == ["0.npz", "1.npz"]
    assert not (run / "calibration.json").exists()
    finished = (run / "out_of_fold" / "1.npz").stat().st_mtime_ns
    assert call(train.main, *command).code == 0
    assert (run / "out_of_fold" / "1.npz").stat().st_mtime_ns == finished  # not fitted again
    assert outcome(run) == outcome(tiny_run)


# A search that takes no time, and a place where it stays in compiled code for a minute, which no Python code can leave.
STUCK = """
import ctypes, functools, sys
sys.path.insert(0, {tests!r})
from small_search import quick_search_each
from exojax.detection import batch as batching
from exojax.runs import ranked_candidates as ranking
from exojax.runs import survey as searching
from exojax.cli import progress, search
from exojax.cli.process import as_program
from exojax.io import folder

place, seen = {place!r}, []
progress.EVERY = 1e6
batching.BATCH_STARS = 4
search.workers = lambda: 2
searching.search_each = quick_search_each

def stuck(function):
    @functools.wraps(function)
    def called(*given, **named):
        seen.append(1)
        if len(seen) == {after}:
            print("stuck", flush=True)
            ctypes.CDLL(None).sleep(60)
        return function(*given, **named)
    return called

if place == "a worker thread":
    searching._search_batch = stuck(searching._search_batch)
elif place == "compiling in the main thread":
    search._config = stuck(search._config)
elif place == "reading files":
    folder.table.read = stuck(folder.table.read)
elif place == "ranking":
    ranking.match_candidates = stuck(ranking.match_candidates)
if __name__ == "__main__":
    as_program("search.py", search.main)
"""


def search_files(n: int) -> list[str]:
    """Write stars, one a file, and return the options of a search of them."""
    flux = flux_of(n)
    Path("stars").mkdir()
    for k in range(n):
        write_star(Path("stars", f"s{k}.csv"), 1 + flux[k])
    return ["stars", "--run", "none", "--period-min", "1", "--sheets", "0", "--out"]


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize(
    ("place", "after"),
    [
        ("a worker thread", 3),
        ("compiling in the main thread", 1),
        ("reading files", 10),
        ("ranking", 1),
    ],
)
def test_a_signal_ends_a_search_wherever_it_is(place: str, after: int, signum: int, code: int) -> None:
    options = search_files(14)
    program = STUCK.format(tests=str(Path(__file__).parents[1]), place=place, after=after)
    command = [sys.executable, "-c", program, *options, "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "stuck" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        process.send_signal(signum)
        assert process.wait(timeout=30) == code  # the place where it is stuck takes a minute
        printed = process.stderr.read()
    assert printed.count("\n") == 1, printed
    assert f"search.py: stopped by {signal.Signals(signum).name}; run the same command again" in printed
    free = [sys.executable, "-c", STUCK.format(tests=str(Path(__file__).parents[1]), place="", after=0)]
    for out in ("out", "whole"):
        subprocess.run([*free, *options, out], check=True, timeout=60, capture_output=True)
    assert Path("out/candidates.csv").read_bytes() == Path("whole/candidates.csv").read_bytes()
    assert not list(Path("out").glob(".candidates*"))


SAVING = """
import signal, sys, time
from dataclasses import dataclass
from exojax.cli import command, process
from exojax.storage.stop_signal import Interrupted, stop_signal
process.GRACE = {grace}
@dataclass(frozen=True)
class Options:
    "Nothing."
def body(options):
    with stop_signal() as stopped:
        print("ready", flush=True)
        while not stopped():
            time.sleep(0.05)
        time.sleep({seconds})
        raise Interrupted(stopped(), "at step 3")
process.as_program("x.py", lambda: command.run("x.py", Options, body, []))
"""


@pytest.mark.parametrize(
    ("grace", "seconds", "end"),
    [(20, 0.5, " at step 3; run the same command again to continue"), (0.5, 60, "; run the same command again")],
)
def test_a_training_has_some_seconds_to_save(grace: float, seconds: float, end: str) -> None:
    program = SAVING.format(grace=grace, seconds=seconds)
    with subprocess.Popen([sys.executable, "-c", program], stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
        assert process.stderr.read() == f"x.py: stopped by SIGTERM{end}\n"


def test_a_second_signal_ends_it_at_once() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SAVING.format(grace=50, seconds=60)], stdout=-1, stderr=-1, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130  # it would have 50 seconds to save


LOST = """
import gc, os, signal, sys, time
from dataclasses import dataclass
from exojax.cli import command, process
process.GRACE = 0.5
@dataclass(frozen=True)
class Options:
    "Nothing."
def callback(phase, info):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)
def body(options):
    gc.callbacks.append(callback)
    gc.collect()
    gc.callbacks.clear()
    time.sleep(60)
process.as_program("x.py", lambda: command.run("x.py", Options, body, []))
"""


def test_a_signal_that_is_lost_in_a_callback_ends_it_too() -> None:
    ran = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stderr) == (143, "x.py: stopped by SIGTERM; run the same command again\n")
