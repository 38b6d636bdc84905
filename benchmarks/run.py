"""Ours and each installed peer, alternated in one run: measured, printed and written to ``benchmark.json``."""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import tyro

from exojax.cli import command
from exojax.cli.options import value
from exojax.cli.table import text_table
from exojax.errors import InputError
from exojax.storage import announce
from exojax.storage.json_files import write_json


def _measure(task: str, **settings: Any) -> list[dict[str, Any]]:
    """Run ``benchmarks.<task>.measure``. What it measures is imported only then: ``--help`` needs none of it."""
    rows: list[dict[str, Any]] = importlib.import_module(f"benchmarks.{task}").measure(**settings)
    return rows


TASKS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    task: partial(_measure, task) for task in ("load", "train", "score", "search", "detrend", "features", "detection")
}


@dataclass(frozen=True)
class Options:
    """Measure speed beside other software, alternated in one run: benchmark.json and a table.

    load: a CSV of the Kaggle set's size; train: one step, inference, and epochs on a GPU; score: a candidate folded and
    judged; search: one star, four years of one, false alarms, whole commands; detrend: the running biweight; features:
    statistics of whole series; detection: who finds more planets (hours the first time, resumed where it was stopped).
    What a machine has not got is "not measured".
    """

    out: Annotated[Path, value("DIR")]
    """folder for benchmark.json"""
    tasks: tyro.conf.Positional[tuple[str, ...]] = ("all",)
    """load, train, score, search, detrend, features, detection or all"""
    seed: int = 0
    """seed of all simulated data"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    return command.run("benchmark.py", Options, measure, argv)


def measure(options: Options) -> None:
    """Measure and write."""
    run(list(options.tasks), options.out, options.seed)
    print(f"written: {options.out / 'benchmark.json'}")


def run(tasks: list[str], out: Path, seed: int = 0) -> dict[str, Any]:
    """Measure ``tasks``, print a table of them, and write ``benchmark.json`` into ``out``.

    Args:
        tasks: names in ``TASKS``, or ``all``.
        out: folder, made where it is missing.
        seed: of everything that is made up.

    Returns:
        What was written: ``{"machine": {...}, "rows": [{"task", "peer", "ours", "theirs", "unit", "ratio"}]}``, where
        ``ratio`` is theirs over ours, and what was not run reads ``not measured``.

    Raises:
        InputError: there is no such task.
    """
    chosen = list(TASKS) if "all" in tasks else tasks
    for task in chosen:
        if task not in TASKS:
            raise InputError(f"{task}: no such benchmark; there are {', '.join(TASKS)} and all")
    found: dict[str, Any] = {"machine": machine(), "rows": []}
    for number, task in enumerate(chosen):
        announce.phase(f"measuring {task}", number, len(chosen), unit="benchmarks")
        found["rows"] += TASKS[task](seed=seed)
    announce.phase("writing")
    # Another job's work shows in wall times: the load before and after tells whether there was one.
    found["machine"]["load_average_after"] = _load_average()
    write_json(out / "benchmark.json", found)
    print(text_table(found["rows"]))
    return found


def machine() -> dict[str, Any]:
    """Return processor, cores, operating system, versions, and the load average before the measurements."""
    from benchmarks.train import available_cores

    return {
        "cpu": _cpu(),
        "cores": available_cores(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        **{name: version(name) for name in ("jax", "jaxlib", "flax", "numpy", "pandas")},
        "load_average": _load_average(),
    }


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _load_average() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None
