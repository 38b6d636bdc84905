"""Hyper-parameters chosen by an Optuna study (Akiba et al. 2019) that any number of processes and machines work on.

A trial is one point of the model's space, scored by average precision in star-grouped folds of the rows it is given,
and pruned after a fold where it lies below the median of the others there. The study lives in a database, which is
all that its workers on several machines share.

**Exactly so many finished trials.** Trials are numbered by the database in the order in which they are asked for. A
trial is taken on only if fewer than the wanted number of earlier ones are finished, running or waiting; else it is
given up as surplus. So the last one taken on has fewer than that before it, whatever workers do at the same time. A
trial whose worker was killed fails, at once where the worker was ours, else when its heartbeat stops, and its point
waits to be tried again.
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
from exojax.storage.array_files import load_arrays
from exojax.training.fit import fit_model
from exojax.training.scorer import at_prior
from exojax.training.state import TrainState
from exojax.training.study import Job, alone, best_point, connected, pruner, worker_name

Report = Callable[[int, int], None]
"""``(finished, wanted)``"""


def work(job: Job, number: int, *, parent: int | None = None, report: Report | None = None) -> None:
    """Take on trials until the study has enough.

    Args:
        job: what to do.
        number: of this worker, for its sampler's seed.
        parent: process without which there is nothing to work for.
        report: progress of the study.
    """
    with connected(job.storage) as storage:
        _work(job, storage, number, parent, report)


def _work(job: Job, storage: Any, number: int, parent: int | None, report: Report | None) -> None:
    import optuna

    kept = load_arrays(job.rows)
    name = worker_name(os.getpid())
    study = optuna.load_study(study_name=job.study, storage=storage)
    # Other points than a worker of the same number drew before it was killed.
    earlier = len(study.get_trials(deepcopy=False))
    seed = sequence(job.config.seed, "trials", number, earlier).generate_state(1)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.sampler = optuna.samplers.TPESampler(seed=int(seed), constant_liar=True)
        study.pruner = pruner()
        while parent is None or os.getppid() == parent:
            states = [trial.state.name for trial in study.get_trials(deepcopy=False)]
            done = states.count("COMPLETE") + states.count("PRUNED")
            if report is not None:
                report(min(done, job.trials), job.trials)
            if done >= job.trials:
                return
            if "WAITING" in states or done + states.count("RUNNING") < job.trials:
                study.optimize(partial(_trial, job, study, kept, name), n_trials=1, catch=(Surplus,))
            else:
                optuna.storages.fail_stale_trials(study)
                time.sleep(0.5)


class Surplus(Exception):
    """Enough others are finished, running or waiting."""


def _trial(job: Job, study: Any, kept: dict[str, np.ndarray], worker: str, trial: Any) -> float:
    earlier = [t.state.name for t in study.get_trials(deepcopy=False) if t.number < trial.number]
    if len(earlier) - earlier.count("FAIL") >= job.trials:
        raise Surplus
    trial.set_user_attr("worker", worker)
    return _score(job.config, kept, job.cadence, None, trial)


def _score(
    config: RunConfig, kept: dict[str, np.ndarray], cadence: float, init: TrainState | None, trial: Any
) -> float:
    """What :func:`score_in_folds` gives for a trial's point, unless it is pruned on the way."""
    from optuna import TrialPruned

    fitted = [0.0]

    def heard(score: float, fold: int, seconds: float) -> None:
        fitted.append(seconds)
        trial.report(score, fold)
        if fold < kept["fold"].max() and trial.should_prune():
            raise TrialPruned

    try:
        return score_in_folds(registry.point(config, trial), kept, cadence, heard, init=init)
    except InputError as error:
        # Another point may do: it counts as a bad one, or a study of bad points would never end.
        trial.set_user_attr("reason", str(error))
        raise TrialPruned from None
    finally:
        trial.set_user_attr("fit_seconds", sum(fitted))


class Best(NamedTuple):
    """The best of some points: its configuration, mean average precision over the inner folds, and numbers."""

    config: RunConfig
    score: float
    params: dict[str, Any]


def best_of(
    config: RunConfig, kept: dict[str, np.ndarray], cadence: float, *, trials: int, init: TrainState | None = None
) -> Best:
    """Try ``trials`` points of the model's space one after the other, with nothing stored.

    Args:
        config: names the model and the seed; what all points have in common.
        kept: rows to choose by, and no others, as the file of :class:`Job` holds them.
        cadence: days between samples.
        trials: points, pruned ones included.
        init: weights that every training starts from.

    Raises:
        InputError: no point could be trained, or Optuna is not installed.
    """
    study = alone(config.model, config.seed)
    study.optimize(partial(_score, config, kept, cadence, init), n_trials=trials)
    return Best(*best_point(config, study), dict(study.best_params))


def score_in_folds(
    config: RunConfig,
    kept: dict[str, np.ndarray],
    cadence: float,
    heard: Callable[[float, int, float], None],
    *,
    init: TrainState | None = None,
) -> float:
    """Mean average precision over the folds, each scored by a model that was fitted on the others.

    Networks take a fixed number of steps: rows that stop a training cannot score it.

    Args:
        config: of the model.
        kept: see :class:`Job`.
        cadence: days between samples.
        heard: given the mean so far after each fold, the fold's number, and the seconds that it took.
        init: weights that every training starts from.
    """
    model, training = registry.build(config), registry.training(config)
    features = {name.removeprefix("input/"): x for name, x in kept.items() if name.startswith("input/")}
    label, group, fold = kept["label"], kept["group"], kept["fold"]
    scores: list[float] = []
    for number in range(int(fold.max()) + 1):
        out, started = fold == number, time.perf_counter()
        part = {name: x[~out] for name, x in features.items()}
        scorer = fit_model(
            model, training, part, label[~out], group[~out], cadence=cadence, seed=config.seed, init=init
        )
        found = scorer({name: x[out] for name, x in features.items()})
        order = at_prior(model, found, float(label[~out].mean()))
        scores.append(float(average_precision_score(label[out], order)))
        heard(float(np.mean(scores)), number, time.perf_counter() - started)
    return float(np.mean(scores))
