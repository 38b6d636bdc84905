"""A study of hyper-parameters in a database (Optuna, Akiba et al. 2019): opened, read, and freed of dead workers."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.models import registry
from exojax.models.base import Suggest
from exojax.storage.array_files import load_arrays, save_arrays
from exojax.training.fit import Examples

PRUNE_FROM = 5
"""finished trials from which others are pruned"""
HEARTBEAT_S, GRACE_S = 10, 60
"""seconds between a worker's heartbeats, and without one after which its trial is tried again"""


@dataclass(frozen=True)
class TuningJob:
    """The trials of a study, for its workers.

    Attributes:
        config: what every trial has in common.
        study: its name in the database.
        storage: URL of the database.
        rows: file of the rows to tune on, and of no others, as :func:`save_rows` writes it.
        cadence: days between samples.
        trials: finished trials wanted in the whole study.
    """

    config: RunConfig
    study: str
    storage: str
    rows: Path
    cadence: float
    trials: int


@dataclass(frozen=True)
class FinishedTrial:
    """One finished trial.

    Attributes:
        number: in the study.
        state: ``complete`` or ``pruned``.
        score: mean average precision over the folds, or over those before it was pruned; None before the first.
        params: the point.
        fit_seconds: in which models were fitted and scored.
        seconds: from its beginning to its end.
        reason: why its point could not be trained; empty for others.
    """

    number: int
    state: str
    score: float | None
    params: dict[str, Any]
    fit_seconds: float
    seconds: float
    reason: str = ""


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """The database at ``url``, its tables made where they are missing; its connections are closed on leaving.

    Raises:
        InputError: it cannot be reached, or Optuna is not installed.
    """
    try:
        import optuna
        from sqlalchemy import event
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError
    except ModuleNotFoundError as missing:
        raise _needs(missing) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        address = make_url(url)
    except ArgumentError:
        raise InputError(
            f"--storage {url}: is no URL of a database, such as sqlite:///tune.db or postgresql+psycopg://user@host/name"
        ) from None
    shown = address.render_as_string(hide_password=True)
    wait = {"sqlite": {"timeout": 60}, "postgresql": {"connect_timeout": 10}}.get(address.get_backend_name(), {})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = optuna.storages.RDBStorage(
                url,
                engine_kwargs={"connect_args": wait},
                heartbeat_interval=HEARTBEAT_S,
                grace_period=GRACE_S,
                heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
            )
    except (SQLAlchemyError, ImportError, OSError, RuntimeError) as error:
        raise InputError(f"--storage {shown}: cannot be reached ({str(error).splitlines()[0]})") from None
    if address.get_backend_name() == "sqlite":
        # Without it every value that is written waits for the disk: half a second a trial. A power cut may lose one.
        event.listen(storage.engine, "connect", _write_ahead)
        storage.engine.dispose()
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _write_ahead(connection: Any, record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def in_memory(name: str, sampler_seed: int) -> Any:
    """Return a study in this process's memory, for points that are tried one after the other.

    Raises:
        InputError: Optuna is not installed.
    """
    check_installed()
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(
        study_name=name,
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=sampler_seed),
        pruner=pruner(),
    )


def pruner() -> Any:
    """Return the rule that ends a trial whose score after a fold lies below the median of the others' there."""
    import optuna

    return optuna.pruners.MedianPruner(n_startup_trials=PRUNE_FROM)


def check_installed() -> None:
    """Refuse to tune without Optuna.

    Raises:
        InputError: it is not installed.
    """
    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError as missing:
        raise _needs(missing) from None


def save_rows(path: Path, examples: Examples, fold: np.ndarray) -> None:
    """Write the rows to tune on: ``label``, ``group`` and ``fold`` ``(n,)``, and the inputs as ``input/<name>``."""
    inputs = {f"input/{name}": x for name, x in examples.features.items()}
    save_arrays(path, inputs | {"label": examples.label, "group": examples.group, "fold": fold})


def load_rows(path: Path) -> tuple[Examples, np.ndarray]:
    """Return the rows of :func:`save_rows` and the fold of each."""
    kept = load_arrays(path)
    features = {name.removeprefix("input/"): x for name, x in kept.items() if name.startswith("input/")}
    return Examples(features, kept["label"], kept["group"]), kept["fold"]


def _needs(missing: ModuleNotFoundError) -> InputError:
    return InputError(f'tuning needs {missing.name}: pip install "optuna>=5" "psycopg[binary]>=3.2"')


def open_study(job: TuningJob, storage: Any) -> Any:
    """Return the study, made where it is missing. Before any worker starts: several would race to make its tables."""
    import optuna

    return optuna.create_study(storage=storage, study_name=job.study, direction="maximize", load_if_exists=True)


def finished(study: Any) -> list[FinishedTrial]:
    """Return the finished trials, in their order."""
    found = []
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name not in ("COMPLETE", "PRUNED"):
            continue
        scores = list(trial.intermediate_values.values())
        score = trial.value if trial.state.name == "COMPLETE" else scores[-1] if scores else None
        attrs = trial.user_attrs
        took = (trial.datetime_complete - trial.datetime_start).total_seconds()
        found.append(
            FinishedTrial(
                trial.number,
                trial.state.name.lower(),
                score,
                dict(trial.params),
                float(attrs.get("fit_seconds", 0.0)),
                took,
                str(attrs.get("reason", "")),
            )
        )
    return found


def best_point(config: RunConfig, study: Any) -> tuple[RunConfig, float]:
    """Return the configuration of the best complete trial, otherwise as ``config``, and its score.

    Raises:
        InputError: no trial is complete.
    """
    import optuna

    try:
        best = study.best_trial
    except ValueError:
        why = next((trial.reason for trial in finished(study) if trial.reason), "all were pruned")
        raise InputError(f"no trial of study {study.study_name} is complete ({why}); give more --trials") from None
    chosen = registry.point(config, _fixed(optuna, best.params))
    return replace(chosen, train=registry.training(chosen)), float(best.value)


def _fixed(optuna: Any, params: dict[str, Any]) -> Suggest:
    fixed: Suggest = optuna.trial.FixedTrial(params)
    return fixed


def importances(study: Any, seed: int) -> dict[str, float]:
    """Return each hyper-parameter's share of the score's variance (fANOVA, Hutter et al. 2014); none of few trials."""
    import optuna

    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    if len({trial.value for trial in complete}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judge = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        return dict(optuna.importance.get_param_importances(study, evaluator=judge))


def worker_name(pid: int) -> str:
    """Return the name of a process, on this machine and no other."""
    return f"{socket.gethostname()}-{pid}"


def give_back(study: Any, worker: str) -> None:
    """Mark the trials of a dead worker as failed, and queue their points to be tried again."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        retry = optuna.storages.RetryHeartbeatStaleTrialCallback()
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        if trial.user_attrs.get("worker") == worker:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            retry(study, trial)
