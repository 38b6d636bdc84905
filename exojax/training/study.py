"""Open and read a study of hyper-parameters in a database, and free the trials of dead workers (Akiba et al. 2019)."""

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
"""number of finished trials before trials are pruned"""
HEARTBEAT_S, GRACE_S = 10, 60
"""seconds between two heartbeats of a worker, and seconds without a heartbeat after which its trial is repeated"""


@dataclass(frozen=True)
class TuningJob:
    """The work of a study, as its workers receive it.

    Attributes:
        config: settings that all trials share.
        study: name of the study in the database.
        storage: URL of the database.
        rows: file of the rows to tune on, from :func:`save_rows`; it contains no other rows.
        cadence: days between samples.
        trials: number of finished trials at which the study ends.
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
        number: number of the trial in the study.
        state: ``complete`` or ``pruned``.
        score: mean average precision over the folds that were scored; None if there are none.
        params: name of a setting to its value.
        fit_seconds: seconds of fitting and scoring models.
        seconds: seconds from beginning to end.
        reason: reason why the settings could not be trained; empty if they could.
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
    """Open the database at ``url``, create missing tables, and close all connections at the end.

    Raises:
        InputError: the database cannot be reached, or Optuna is not installed.
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
            f"--storage {url}: give the URL of a database, such as sqlite:///tune.db or "
            "postgresql+psycopg://user@host/name"
        ) from None
    text = address.render_as_string(hide_password=True)
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
        raise InputError(
            f"--storage {text}: cannot be reached ({str(error).splitlines()[0]}); check the address and the server"
        ) from None
    if address.get_backend_name() == "sqlite":
        # Without this, every written value waits for the disk, half a second per trial. A power cut may lose a value.
        event.listen(storage.engine, "connect", _use_wal)
        storage.engine.dispose()
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _use_wal(connection: Any, record: object) -> None:
    """Switch a connection of SQLite to a write-ahead log."""
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def in_memory(name: str, sampler_seed: int) -> Any:
    """Return a study in the memory of this process, for trials one after another.

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
    """Return the rule that ends a trial whose score after a fold is below the median of the other trials' scores."""
    import optuna

    return optuna.pruners.MedianPruner(n_startup_trials=PRUNE_FROM)


def check_installed() -> None:
    """Check that Optuna is installed.

    Raises:
        InputError: Optuna is not installed.
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
    """Return the study, and create it if missing. Call it before workers start, which would create it several times."""
    import optuna

    return optuna.create_study(storage=storage, study_name=job.study, direction="maximize", load_if_exists=True)


def finished(study: Any) -> list[FinishedTrial]:
    """Return the finished trials in the order of their numbers."""
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
    """Return ``config`` with the settings of the best complete trial, and its score.

    Raises:
        InputError: no trial is complete.
    """
    import optuna

    try:
        best = study.best_trial
    except ValueError:
        reason = next((trial.reason for trial in finished(study) if trial.reason), "all were pruned")
        raise InputError(f"no trial of study {study.study_name} is complete ({reason}); give more --trials") from None
    chosen = registry.point(config, _fixed(optuna, best.params))
    return replace(chosen, train=registry.training(chosen)), float(best.value)


def _fixed(optuna: Any, params: dict[str, Any]) -> Suggest:
    fixed: Suggest = optuna.trial.FixedTrial(params)
    return fixed


def importances(study: Any, seed: int) -> dict[str, float]:
    """Return each hyper-parameter's share of the score's variance (fANOVA, Hutter et al. 2014); empty for few
    trials."""
    import optuna

    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    if len({trial.value for trial in complete}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))


def worker_name(pid: int) -> str:
    """Return a name for a process of this machine that is unique among machines."""
    return f"{socket.gethostname()}-{pid}"


def give_back(study: Any, worker: str) -> None:
    """Mark the trials of a dead worker as failed, and queue their settings for new trials."""
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        retry = optuna.storages.RetryHeartbeatStaleTrialCallback()
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        if trial.user_attrs.get("worker") == worker:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            retry(study, trial)
