"""A tuning of several processes, one of which is killed in the middle of a trial."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from exojax.training import study as studies


@dataclass
class Killer:
    """Kills one worker that is surely in the middle of a trial.

    Attributes:
        trials: reads ``(number, state, worker)`` of all trials; raises, or returns none, while there is no study.
        killed: number of the trial whose worker was killed.
    """

    trials: Callable[[], list[tuple[int, str, str]]]
    killed: list[int] = field(default_factory=list)

    def __enter__(self) -> Killer:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set() and not self.killed:
            for number, worker in self._running():
                pid = int(worker.rpartition("-")[2])
                # Held still, the trial cannot end between the look and the blow.
                os.kill(pid, signal.SIGSTOP)
                if (number, worker) in self._running():
                    os.kill(pid, signal.SIGKILL)
                    self.killed.append(number)
                    return
                os.kill(pid, signal.SIGCONT)
            time.sleep(0.002)

    def _running(self) -> list[tuple[int, str]]:
        try:
            return [(number, worker) for number, state, worker in self.trials() if state == "RUNNING"]
        except Exception:  # no table yet, or the one held still has locked it
            return []


def assert_retried(url: str, name: str, killed: int, wanted: int) -> None:
    """Assert that the study has exactly ``wanted`` finished trials, the killed trial's point among them."""
    import optuna

    with studies.connected(url) as storage:
        trials = optuna.load_study(study_name=name, storage=storage).get_trials()
    states = Counter(trial.state.name for trial in trials)
    assert states["COMPLETE"] + states["PRUNED"] == wanted
    assert states["RUNNING"] == 0
    assert trials[killed].state.name == "FAIL"
    again: list[Any] = [trial for trial in trials if trial.system_attrs.get("failed_trial") == killed]
    assert len(again) == 1
    # Whatever of its point was known when it was killed.
    assert trials[killed].params.items() <= again[0].params.items()
    assert again[0].state.name in ("COMPLETE", "PRUNED")
