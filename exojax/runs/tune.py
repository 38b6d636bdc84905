"""Hyper-parameters of one model, chosen on training rows alone and judged on rows that no choice has seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exojax import config as defaults
from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.evaluation import leakage, repeated, split
from exojax.evaluation.metrics import Figure
from exojax.folded_events import Data
from exojax.models import registry
from exojax.runs.fit import check_both_classes, usable_rows
from exojax.runs.model_inputs import inputs_of
from exojax.runs.run import check_shapes
from exojax.simulate import random_streams
from exojax.storage.array_files import save_arrays
from exojax.storage.json_files import check_same
from exojax.training import study as studies
from exojax.training.fit import fit_model
from exojax.training.scorer import at_prior
from exojax.training.search_space import check_space
from exojax.training.workers import run_workers

Report = Callable[[str, int, int], None]
"""``(what, done, total)``"""


@dataclass(frozen=True)
class Plan:
    """What is tuned.

    Attributes:
        config: the model, and what all trials have in common.
        trials: finished trials wanted.
        folds: inner folds that score a trial.
        workers: local processes.
        storage: URL of the study's database.
        test_fraction: share of stars left out altogether, the same as a run's test stars; 0 where the test rows are
            a file of their own.
    """

    config: RunConfig
    trials: int
    folds: int
    workers: int
    storage: str
    test_fraction: float


@dataclass(frozen=True, eq=False)
class Tuned:
    """What came of it.

    Attributes:
        config: the best point, as ``train.py --config`` takes it.
        inner: its average precision in the inner folds, by which it was chosen.
        outer: that of the same point on the outer rows, fitted on all inner rows.
        default: the same of the model's own settings.
        gain: ``outer`` less ``default``, the same stars drawn for both.
        n_outer: outer rows, and ``hosts_outer`` of them hosts.
        hosts_outer: see there.
        trials: every finished trial.
        importances: share of each hyper-parameter in the variance of the score.
        study: its name in the database.
        warnings: what a reader has to know.
    """

    config: RunConfig
    inner: float
    outer: Figure
    default: Figure
    gain: Figure
    n_outer: int
    hosts_outer: int
    trials: list[studies.Trial]
    importances: dict[str, float]
    study: str
    warnings: tuple[str, ...]

    @property
    def optimism(self) -> float | None:
        """``inner`` less ``outer``: what choosing the best of many has added, and the luck of the outer rows."""
        return None if self.outer is None else self.inner - self.outer["value"]


def check_plan(plan: Plan) -> None:
    """Refuse what can be refused before a row is read.

    Raises:
        InputError: the model is unknown or has no space, a number is out of range, or the database cannot be reached.
    """
    model = registry.get(plan.config.model)
    if model.space is None:
        raise InputError(f"--model {plan.config.model}: has no space to tune in; its file's MODEL may name one")
    for name, number in (("trials", plan.trials), ("workers", plan.workers)):
        if number < 1:
            raise InputError(f"--{name} {number}: give 1 or more")
    with studies.connected(plan.storage):
        pass


def tune(plan: Plan, data: Data, out: Path, report: Report) -> Tuned:
    """Tune, and judge the winner.

    Test rows are set aside first, as in a run with the same seed; of the rest a quarter of the stars are outer rows,
    which are scored once, when all trials are finished. Workers get a file of the inner rows and nothing else.

    Args:
        plan: what to tune.
        data: labelled light curves or folded events.
        out: folder.
        report: progress.

    Raises:
        InputError: the plan cannot be, there are fewer hosts than folds, the space has no valid point, or ``out``
            holds another tuning.
    """
    config, seed = plan.config, plan.config.seed
    check_plan(plan)
    rows = usable_rows(data)
    check_both_classes(rows.label, data.source)
    kept = np.ones(len(rows.label), bool)
    if plan.test_fraction:
        kept = ~split.holdout(rows.group, rows.label, fraction=plan.test_fraction, seed=seed)
    dev = np.flatnonzero(kept)
    apart: dict[str, Any] = {"fraction": defaults.TUNE_OUTER_FRACTION, "seed": seed, "stream": "tuning split"}
    held = split.holdout(rows.group[dev], rows.label[dev], **apart)
    inner, outer = dev[~held], dev[held]
    leakage.check_disjoint(
        {"inner": rows.group[inner], "outer": rows.group[outer], "test": rows.group[np.flatnonzero(~kept)]}
    )
    label, group = rows.label[inner], rows.group[inner]
    fold = split.folds(group, label, k=plan.folds, seed=seed, stream="inner folds")

    searched = lambda done, n: report(f"searching {n} stars", done, n)  # noqa: E731
    features = inputs_of(registry.get(config.model).inputs, data.take(rows.index[dev]), config, report=searched)
    check_shapes(config.model, features, data.source)
    check_space(config, lambda point: check_shapes(point.model, features, data.source, options=point.options))
    within, without = ({name: x[chosen] for name, x in features.items()} for chosen in (~held, held))

    settings = {
        "model": config.model,
        "code": registry.fingerprint(config.model),
        "data": data.sha256,
        "cadence_days": data.cadence,
        "base": asdict(registry.training(config)),
        "folds": plan.folds,
        "seed": seed,
        "streams": random_streams.VERSION,
        "test_fraction": plan.test_fraction,
    }
    check_same(out / "study" / "settings.json", json.loads(json.dumps(settings)), "tuning")
    name = f"{config.model}-{hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]}"
    rows_file = out / "study" / "inner_rows.npz"
    parts = {f"input/{key}": x for key, x in within.items()}
    save_arrays(rows_file, parts | {"label": label, "group": group, "fold": fold})
    job = studies.Job(config, name, plan.storage, rows_file, data.cadence, plan.trials)
    with studies.connected(plan.storage) as storage:
        study = studies.open_study(job, storage)
        run_workers(job, study, plan.workers, lambda done, n: report(f"trials of {config.model}", done, n))
        best, score = studies.best_point(config, study)
        trials, importances = studies.finished(study), studies.importances(study, seed)

    truth, stars = rows.label[outer], rows.group[outer]

    def outer_scores(chosen: RunConfig) -> np.ndarray:
        model, training = registry.build(chosen), registry.training(chosen)
        scorer = fit_model(model, training, within, label, group, cadence=data.cadence, seed=seed)
        return at_prior(model, scorer(without), float(label.mean()))

    how: dict[str, Any] = {"groups": stars, "seed": seed}
    ours, theirs = outer_scores(best), outer_scores(config)
    hosts = len(np.unique(stars[truth == 1]))
    warnings = [*rows.warnings]
    if hosts < defaults.MIN_VALIDATION_HOSTS:
        warnings.append(
            f"only {hosts} outer hosts: the outer score and the optimism are known to no better than its interval says"
        )
    return Tuned(
        best,
        score,
        repeated.mean_average_precision(truth, ours, **how),
        repeated.mean_average_precision(truth, theirs, **how),
        repeated.paired_difference(truth, ours, theirs, **how),
        len(truth),
        int(truth.sum()),
        trials,
        importances,
        name,
        tuple(warnings),
    )
