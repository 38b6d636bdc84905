"""Run the local workers of a study: start them, replace killed ones, and end them with the study."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from exojax.errors import InputError
from exojax.storage.announce import ReportCount
from exojax.training.study import TuningJob, finished, give_back, worker_name
from exojax.training.trials import work

DEATHS = 3
"""number of workers that end one after another, without a finished trial in between, before the study is stopped"""


def run_workers(job: TuningJob, study: Any, workers: int, report: ReportCount) -> None:
    """Run workers until the study has enough finished trials.

    Args:
        job: the work of the study.
        study: the existing study.
        workers: number of processes; 1 works in this process.
        report: receives the progress.

    Raises:
        InputError: workers end repeatedly without finishing a trial.
    """
    if workers == 1:
        work(job, 0, report=report)
        return
    with _processes(job, study) as processes:
        started, deaths, before = 0, 0, -1
        while True:
            done = len(finished(study))
            report(min(done, job.trials), job.trials)
            if done > before:
                before, deaths = done, 0
            if done >= job.trials:
                return
            for process in [process for process in processes if process.exitcode is not None]:
                processes.remove(process)
                give_back(study, worker_name(int(process.pid or 0)))
                deaths += process.exitcode != 0
                if deaths >= DEATHS:
                    raise InputError(
                        f"{DEATHS} workers ended without finishing a trial, the last with exit code "
                        f"{process.exitcode}; see their messages above, or give fewer --workers to save memory"
                    )
            while len(processes) < workers:
                processes.append(_start(job, started))
                started += 1
            time.sleep(0.25)


@contextmanager
def _processes(job: TuningJob, study: Any) -> Iterator[list[Any]]:
    """Yield a list for the workers; at the end stop them, and queue their unfinished trials again."""
    processes: list[Any] = []
    try:
        yield processes
    finally:
        for process in processes:
            # Workers of a finished study end by themselves, but only at their next query of it.
            process.terminate()
        for process in processes:
            process.join(10)
            if process.exitcode is None:
                process.kill()
                process.join()
        if len(finished(study)) < job.trials:
            for process in processes:
                give_back(study, worker_name(int(process.pid or 0)))


def _start(job: TuningJob, number: int) -> Any:
    # Spawned, because a process that is forked after JAX has started can deadlock.
    process = multiprocessing.get_context("spawn").Process(target=_child, args=(job, number, os.getpid()), daemon=True)
    process.start()
    return process


def _child(job: TuningJob, number: int, parent: int) -> None:
    # Ignore Ctrl-C, which reaches all processes of the group; the parent stops its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(job, number, parent=parent)
