"""Run the trials of an Optuna study of hyper-parameters (Akiba et al. 2019), on any number of processes and machines.

A trial takes one point of the model's space of settings and scores it by average precision in folds of the rows,
grouped by star. It is pruned after a fold if its score is below the median of the other trials. The study is in a
database, which is the only thing that workers on several machines share.

**The number of finished trials is exact.** The database numbers the trials in the order of their creation. A trial
begins only if fewer earlier trials than the required number are finished, running or waiting; otherwise it fails as
surplus. (Optuna's ``MaxTrialsCallback`` counts after each trial, so that each of several workers may finish one trial
too many.) A trial whose worker was killed fails: at once if the worker belongs to this command, else when its heartbeat
stops. Its point is then queued for a new trial.
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
"""seconds between two queries of a study without free trials"""


def work(job: TuningJob, number: int, *, parent: int | None = None, report: ReportCount | None = None) -> None:
    """Run trials until the study has enough finished ones.

    Args:
        job: the study.
        number: number of this worker, for the seed of its sampler.
        parent: id of the process that started this worker, which ends with it; None for no such process.
        report: receives the progress of the study.
    """
    import optuna

    examples, fold = load_rows(job.rows)
    with connected(job.storage) as storage, warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.load_study(study_name=job.study, storage=storage)
        # The seed depends on the earlier trials, so that a restarted worker draws other points than before.
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
    """A trial is not needed, because enough earlier trials are finished, running or waiting."""


def check_place(study: Any, trial: Any, trials: int) -> None:
    """Check that a trial is needed.

    Raises:
        SurplusTrialError: ``trials`` or more earlier trials are finished, running or waiting.
    """
    earlier = [t.state.name for t in study.get_trials(deepcopy=False) if t.number < trial.number]
    if len(earlier) - earlier.count("FAIL") >= trials:
        raise SurplusTrialError


def _trial(job: TuningJob, study: Any, examples: Examples, fold: np.ndarray, trial: Any) -> float:
    check_place(study, trial, job.trials)
    trial.set_user_attr("worker", worker_name(os.getpid()))
    return _score(job.config, examples, fold, job.cadence, None, trial)


def _score(
    config: RunConfig, examples: Examples, fold: np.ndarray, cadence: float, init: TrainState | None, trial: Any
) -> float:
    """Return the score of a trial's point from :func:`score_in_folds`; raise TrialPruned to prune the trial."""
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
        # A point that cannot be trained counts as a pruned trial, so that a study of bad points ends.
        trial.set_user_attr("reason", str(error))
        raise TrialPruned from None
    finally:
        trial.set_user_attr("fit_seconds", float(sum(seconds)))


class BestPoint(NamedTuple):
    """The best of several points: its configuration, its mean average precision over the folds, and its values."""

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
    """Try points of the model's space one after another without a database, and return the best.

    Args:
        config: model, seed, and the settings that all points share.
        examples: the n rows that score the points.
        fold: ``(n,)`` int, number of the fold of each row, from 0.
        cadence: days between samples.
        trials: number of points, including pruned ones.
        init: state with the initial weights of every training; None for random weights.

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
    """Return the mean average precision over the folds, each scored by a model that was fitted to the other folds.

    Networks take a fixed number of steps, because rows that stop a training early must not score it.

    Args:
        config: settings of the model.
        examples: the n rows.
        fold: ``(n,)`` int, number of the fold of each row, from 0.
        cadence: days between samples.
        note: receives, after each fold, the mean so far, the number of the fold, and its seconds.
        init: state with the initial weights of every training; None for random weights.
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
