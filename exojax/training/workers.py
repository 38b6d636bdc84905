"""Local workers of a study: started, replaced when they are killed, ended with the study."""

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
"""workers that may die one after the other without a trial finished in between"""


def run_workers(job: TuningJob, study: Any, workers: int, report: ReportCount) -> None:
    """Work on the study until it has enough finished trials.

    Args:
        job: names the study.
        study: the study, which exists.
        workers: processes; of one, this process does the work.
        report: progress.

    Raises:
        InputError: workers die again and again.
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
                        f"{DEATHS} workers ended, the last with exit code {process.exitcode}, without finishing a "
                        "trial; their messages stand above; fewer --workers need less memory"
                    )
            while len(processes) < workers:
                processes.append(_start(job, started))
                started += 1
            time.sleep(0.25)


@contextmanager
def _processes(job: TuningJob, study: Any) -> Iterator[list[Any]]:
    """Give a list for the workers; on leaving they end, and what they had not finished is queued again."""
    processes: list[Any] = []
    try:
        yield processes
    finally:
        for process in processes:
            # They would end by themselves once the study is finished, after their next look at it.
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
    # Forked after JAX has started a process can deadlock.
    process = multiprocessing.get_context("spawn").Process(target=_child, args=(job, number, os.getpid()), daemon=True)
    process.start()
    return process


def _child(job: TuningJob, number: int, parent: int) -> None:
    # Ctrl-C reaches the whole group; the parent ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(job, number, parent=parent)
