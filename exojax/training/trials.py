"""Hyper-parameters chosen by an Optuna study (Akiba et al. 2019) that any number of processes and machines work on.

A trial is one point of the model's space, scored by average precision in star-grouped folds of the rows it is given,
and pruned after a fold where it lies below the median of the others there. The study lives in a database, which is
all that its workers on several machines share.

**Exactly as many finished trials as wanted.** Trials are numbered by the database in the order in which they are asked
for. A trial begins only if fewer than the wanted number of earlier ones are finished, running or waiting; otherwise it
fails as surplus. (Optuna's ``MaxTrialsCallback`` counts after each trial: each of several workers may finish one too
many.) A trial whose worker was killed fails, at once where the worker was of this command, else when its heartbeat
stops, and its point is queued to be tried again.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.models import registry
from exojax.simulate.random_streams import sequence
from exojax.storage.announce import ReportCount
from exojax.training.fit import Examples, FitSettings, fit_model
from exojax.training.scorer import at_prior
from exojax.training.state import TrainState
from exojax.training.study import TuningJob, best_point, connected, in_memory, load_rows, pruner, worker_name

POLL_S = 0.5
"""seconds between two looks at a study whose trials are all taken"""


def work(job: TuningJob, number: int, *, parent: int | None = None, report: ReportCount | None = None) -> None:
    """Work on trials until the study has enough.

    Args:
        job: the study.
        number: of this worker, for its sampler's seed.
        parent: the process that started this worker; without it the worker ends.
        report: progress of the study.
    """
    import optuna

    examples, fold = load_rows(job.rows)
    with connected(job.storage) as storage, warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.load_study(study_name=job.study, storage=storage)
        # Other points than a worker of the same number drew before it was killed.
        earlier = len(study.get_trials(deepcopy=False))
        seed = sequence(job.config.seed, "trials", number, earlier).generate_state(1)[0]
        study.sampler = optuna.samplers.TPESampler(seed=int(seed), constant_liar=True)
        study.pruner = pruner()
        objective = partial(_trial, job, study, examples, fold)
        while parent is None or os.getppid() == parent:
            states = [trial.state.name for trial in study.get_trials(deepcopy=False)]
            done = states.count("COMPLETE") + states.count("PRUNED")
            if report is not None:
                report(min(done, job.trials), job.trials)
            if done >= job.trials:
                return
            if "WAITING" in states or done + states.count("RUNNING") < job.trials:
                study.optimize(objective, n_trials=1, catch=(SurplusTrialError,))
            else:
                optuna.storages.fail_stale_trials(study)
                time.sleep(POLL_S)


class SurplusTrialError(Exception):
    """Enough earlier trials are finished, running or waiting."""


def check_place(study: Any, trial: Any, wanted: int) -> None:
    """Refuse a trial that ``wanted`` earlier ones make superfluous.

    Raises:
        SurplusTrialError: so many are finished, running or waiting.
    """
    earlier = [t.state.name for t in study.get_trials(deepcopy=False) if t.number < trial.number]
    if len(earlier) - earlier.count("FAIL") >= wanted:
        raise SurplusTrialError


def _trial(job: TuningJob, study: Any, examples: Examples, fold: np.ndarray, trial: Any) -> float:
    check_place(study, trial, job.trials)
    trial.set_user_attr("worker", worker_name(os.getpid()))
    return _score(job.config, examples, fold, job.cadence, None, trial)


def _score(
    config: RunConfig, examples: Examples, fold: np.ndarray, cadence: float, init: TrainState | None, trial: Any
) -> float:
    """Return what :func:`score_in_folds` gives for a trial's point, unless it is pruned on the way."""
    from optuna import TrialPruned

    seconds = []

    def note(score: float, number: int, took: float) -> None:
        seconds.append(took)
        trial.report(score, number)
        if number < fold.max() and trial.should_prune():
            raise TrialPruned

    try:
        return score_in_folds(registry.point(config, trial), examples, fold, cadence, note, init=init)
    except InputError as error:
        # Another point may do: it counts as a bad one, or a study of bad points would never end.
        trial.set_user_attr("reason", str(error))
        raise TrialPruned from None
    finally:
        trial.set_user_attr("fit_seconds", float(sum(seconds)))


class BestPoint(NamedTuple):
    """The best of some points: its configuration, mean average precision over the inner folds, and numbers."""

    config: RunConfig
    score: float
    params: dict[str, Any]


def best_of(
    config: RunConfig,
    examples: Examples,
    fold: np.ndarray,
    cadence: float,
    *,
    trials: int,
    init: TrainState | None = None,
) -> BestPoint:
    """Try ``trials`` points of the model's space one after the other, with nothing stored.

    Args:
        config: names the model and the seed; what all points have in common.
        examples: rows to choose by, and no others.
        fold: ``(n,)`` int of each, from 0.
        cadence: days between samples.
        trials: points, pruned ones included.
        init: weights that every training starts from.

    Raises:
        InputError: no point could be trained, or Optuna is not installed.
    """
    study = in_memory(config.model, config.seed)
    study.optimize(partial(_score, config, examples, fold, cadence, init), n_trials=trials)
    return BestPoint(*best_point(config, study), dict(study.best_params))


def score_in_folds(
    config: RunConfig,
    examples: Examples,
    fold: np.ndarray,
    cadence: float,
    note: Callable[[float, int, float], None],
    *,
    init: TrainState | None = None,
) -> float:
    """Return the mean average precision over the folds, each scored by a model that was fitted on the others.

    Networks take a fixed number of steps: rows that stop a training cannot score it.

    Args:
        config: of the model.
        examples: the rows.
        fold: ``(n,)`` int of each, from 0.
        cadence: days between samples.
        note: given the mean so far after each fold, the fold's number, and the seconds that it took.
        init: weights that every training starts from.
    """
    model = registry.build(config)
    settings = FitSettings(registry.training(config), cadence, config.seed, init=init)
    scores: list[float] = []
    for number in range(int(fold.max()) + 1):
        started = time.perf_counter()
        inner, outer = examples.take(fold != number), examples.take(fold == number)
        logits = fit_model(model, inner, settings)(outer.features)
        order = at_prior(model, logits, float(inner.label.mean()))
        scores.append(float(average_precision_score(outer.label, order)))
        note(float(np.mean(scores)), number, time.perf_counter() - started)
    return float(np.mean(scores))
