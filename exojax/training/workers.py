"""Local workers of a study: started, replaced when they are killed, stopped when there is nothing left to do."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from exojax.errors import InputError
from exojax.training.study import Job, finished, give_back, worker_name
from exojax.training.trials import Report, work

DEATHS = 3
"""workers that may die one after the other without a trial finished in between"""


def run_workers(job: Job, study: Any, workers: int, report: Report) -> None:
    """Work on the study until it has enough finished trials.

    Args:
        job: what to do; its study exists.
        study: the same.
        workers: processes; of one, this process does the work.
        report: progress.

    Raises:
        InputError: workers die again and again.
    """
    if workers == 1:
        work(job, 0, report=report)
        return
    with _crew(job, study) as crew:
        started, deaths, before = 0, 0, -1
        while True:
            done = len(finished(study))
            report(min(done, job.trials), job.trials)
            if done > before:
                before, deaths = done, 0
            if done >= job.trials:
                return
            for process in [process for process in crew if process.exitcode is not None]:
                crew.remove(process)
                give_back(study, worker_name(int(process.pid or 0)))
                deaths += process.exitcode != 0
                if deaths >= DEATHS:
                    raise InputError(
                        f"{DEATHS} workers ended, the last with exit code {process.exitcode}, without finishing a "
                        "trial; what they said stands above; fewer --workers need less memory"
                    )
            while len(crew) < workers:
                crew.append(_start(job, started))
                started += 1
            time.sleep(0.25)


@contextmanager
def _crew(job: Job, study: Any) -> Iterator[list[Any]]:
    crew: list[Any] = []
    try:
        yield crew
    finally:
        for process in crew:
            # They see for themselves that the study is finished; a trial that is surplus is not worth waiting for.
            process.terminate()
        for process in crew:
            process.join(10)
            if process.exitcode is None:
                process.kill()
                process.join()
        if len(finished(study)) < job.trials:
            for process in crew:
                give_back(study, worker_name(int(process.pid or 0)))


def _start(job: Job, number: int) -> Any:
    # Forked after JAX has started a process can deadlock.
    process = multiprocessing.get_context("spawn").Process(target=_child, args=(job, number, os.getpid()), daemon=True)
    process.start()
    return process


def _child(job: Job, number: int, parent: int) -> None:
    # Ctrl-C reaches the whole group; the parent sees to its end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(job, number, parent=parent)
