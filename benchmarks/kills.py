"""Kill small commands at random moments, start them again, and compare what they leave with an undisturbed run.

``python -m benchmarks.kills --out DIR`` takes some fifteen minutes on two cores and goes on where it was stopped. Every
command is stopped three times by each of SIGKILL, SIGTERM and SIGINT, at moments drawn from a seed, and must end as if
nothing had been. After SIGTERM and SIGINT it must be gone within five seconds, with 143 or 130 and one line.
"""

from __future__ import annotations

import csv
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from exojax.cli import command
from exojax.cli.options import value
from exojax.cli.process import as_program
from exojax.cli.table import text_table
from exojax.errors import InputError
from exojax.storage import announce
from exojax.storage.json_files import read_checked, write_checked, write_json

KILLS = 3
"""signals to one command before it may end"""
TRIES = 6
"""times that a command is begun anew, its moments earlier each time, where it ended before its signal"""
IN_TIME = 5.0
"""seconds after SIGTERM or SIGINT"""
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TIMES = re.compile(r"fit_s|score_ms|memory|tuning_s|seconds|_per_star")
"""columns that no two runs share"""
TRIALS = 6
"""finished trials of a tuning"""


@dataclass(frozen=True)
class Options:
    """Kill small commands at random moments and compare their ends with undisturbed ones: kills.json."""

    out: Annotated[Path, value("DIR")]
    """folder of all runs, of kills.json, and of what is finished already"""
    commands: tyro.conf.Positional[tuple[str, ...]] = ("search", "train", "compare", "inject", "tune")
    """names of commands"""
    seed: Annotated[int, value("N")] = 0
    """seed of the moments"""


def files_of(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """Return the content of files, CSV without its columns of time; a file that is missing is None."""
    found: dict[str, Any] = {}
    for name in names:
        path = folder / name
        if not path.exists():
            found[name] = None
        elif path.suffix == ".csv":
            with path.open(newline="") as stream:
                found[name] = [{k: v for k, v in row.items() if not TIMES.search(k)} for row in csv.DictReader(stream)]
        else:
            found[name] = path.read_bytes().hex()
    return found


def trials_of(folder: Path) -> dict[str, Any]:
    """Return how many trials of a tuning are finished, and whether each has its own number."""
    rows = files_of(folder, ["trials.csv"])["trials.csv"] or []
    return {"finished": len(rows), "numbers": len({row["number"] for row in rows})}


@dataclass(frozen=True)
class Case:
    """A command of some seconds, and what of its end is compared."""

    options: tuple[str, ...]
    outcome: Callable[[Path], dict[str, Any]]
    place: str = "--out"


def _compared(*names: str) -> Callable[[Path], dict[str, Any]]:
    def outcome(folder: Path) -> dict[str, Any]:
        return files_of(folder, names)

    return outcome


RUN_FILES = ("predictions.csv", "metrics.json", "metrics.jsonl", "calibration.json", "split.json", "config.json")
STARS = ("--data", "synthetic", "--n-stars")
CASES = {
    "search": Case((*STARS, "60", "--sheets", "2", "--run", "none"), _compared("candidates.csv", "skipped.csv")),
    "train": Case((*STARS, "300", "--model", "mlp", "--steps", "600"), _compared(*RUN_FILES), "--run"),
    "compare": Case((*STARS, "300", "--models", "linear,mlp", "--folds", "3"), _compared("compare.csv")),
    "inject": Case(
        (*STARS, "40", "--n", "48", "--null-stars", "24"),
        _compared("completeness.csv", "false_alarms.csv", "injections.csv"),
    ),
    "tune": Case((*STARS, "300", "--model", "mlp", "--steps", "200", "--trials", str(TRIALS)), trials_of),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    return command.run("kills", Options, measure, argv)


def measure(options: Options) -> int:
    """Stop commands, compare their files with undisturbed ones, print and write; return 1 where some differ."""
    for name in options.commands:
        if name not in CASES:
            raise InputError(f"{name}: is none of {', '.join(CASES)}")
    # What a shell starts in the background ignores Ctrl-C, and so would the commands.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rows: list[dict[str, Any]] = []
    jobs = [(name, number) for name in options.commands for number in SIGNALS]
    for done, (name, number) in enumerate(jobs):
        announce.phase(f"killing {name} by {number.name}", done, len(jobs), unit="commands")
        kept = options.out / "finished" / f"{name}-{number.name}-{options.seed}.json"
        if not kept.exists():
            write_checked(kept, _killed(name, number, options.out, options.seed))
        rows.append(read_checked(kept))
    write_json(options.out / "kills.json", {"rows": rows})
    command.settle()
    command.say(text_table(rows))
    return int(not all(row["as undisturbed"] and row["in time"] for row in rows))


def _killed(name: str, number: signal.Signals, out: Path, seed: int) -> dict[str, Any]:
    case = CASES[name]
    whole = out / name / "undisturbed"
    reference = out / "finished" / f"{name}.json"
    if not reference.exists():
        for place in (out / name / "warm", whole):  # what is compiled and simulated is kept by the first
            started = time.monotonic()
            code, words = _run(name, case, place)
            if code not in (0, 3):
                raise InputError(f"{name}: ended with {code} undisturbed ({words})")
        write_checked(reference, {"seconds": time.monotonic() - started, "code": code})
    expected = read_checked(reference)
    moments = np.random.default_rng([seed, list(CASES).index(name), int(number)]).uniform(0.1, 0.95, KILLS)
    folder = out / name / f"{number.name}-{seed}"
    for scale in 0.9 ** np.arange(TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        ends = [_stopped(name, case, folder, number, float(scale * m * expected["seconds"])) for m in moments]
        if all(code != expected["code"] for code, _, _ in ends):  # none was faster than its signal
            break
    slowest = max(took for _, _, took in ends)
    faults = [
        f"{code}: {words[-300:]}"
        for code, words, _ in ends
        if number != signal.SIGKILL and (code != 128 + number or _extra(words))
    ]
    code, words = _run(name, case, folder)
    same = code == expected["code"] and case.outcome(folder) == case.outcome(whole)
    if name == "tune":
        same = same and case.outcome(folder) == {"finished": TRIALS, "numbers": TRIALS}
    return {
        "command": name,
        "signal": number.name,
        "kills": sum(code != expected["code"] for code, _, _ in ends),
        "as undisturbed": same,
        "in time": slowest <= IN_TIME,
        "slowest end, s": round(slowest, 2),
        "faults": "; ".join(faults) if same or not words else f"{'; '.join(faults)} {words[-300:]}",
    }


def _extra(words: str) -> bool:
    """Return true where standard error has more than the one line on the signal that stopped the command."""
    last = [line for line in words.splitlines() if " so far" not in line and " left" not in line]
    return len(last) != 1 or "stopped by" not in last[0]


def _start(name: str, case: Case, folder: Path) -> subprocess.Popen[str]:
    script = Path(__file__).resolve().parents[1] / "scripts" / f"{name}.py"
    words = [sys.executable, str(script), *case.options, case.place, str(folder.resolve())]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _run(name: str, case: Case, folder: Path) -> tuple[int, str]:
    with _start(name, case, folder) as process:
        words = process.communicate()[1]
        return process.returncode, words


def _stopped(name: str, case: Case, folder: Path, number: signal.Signals, seconds: float) -> tuple[int, str, float]:
    """Return exit code, standard error, and the seconds from the signal to the end."""
    with _start(name, case, folder) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
        sent = time.monotonic()
        words = process.communicate()[1]
        return process.returncode, words, time.monotonic() - sent


if __name__ == "__main__":
    as_program("kills", main)
