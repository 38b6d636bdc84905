"""Choose the hyper-parameters of a model on training rows, and score them on rows that no trial has seen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import partial
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
from exojax.runs.model_inputs import code_of, example_inputs, inputs_of
from exojax.runs.rows import UsableRows, check_both_classes, usable_rows
from exojax.runs.run import check_shapes
from exojax.simulate import random_streams
from exojax.storage.announce import ReportStage
from exojax.storage.json_files import check_same
from exojax.training import study as studies
from exojax.training.fit import Examples, FitSettings, fit_model
from exojax.training.scorer import at_prior
from exojax.training.search_space import check_space
from exojax.training.workers import run_workers


@dataclass(frozen=True)
class TuningPlan:
    """Settings of a tuning.

    Attributes:
        config: the model, and the settings that all trials share.
        trials: number of finished trials at the end.
        folds: number of inner folds that score a trial.
        workers: number of local processes.
        storage: URL of the study's database.
        test_fraction: share of the stars that are left out because a run with the same seed would keep them as test
            stars; 0 where the test rows are a separate file.
    """

    config: RunConfig
    trials: int
    folds: int
    workers: int
    storage: str
    test_fraction: float


@dataclass(frozen=True, eq=False)
class TuningResult:
    """The best settings of a study, and their score on rows that no trial has seen.

    Attributes:
        config: the best settings, as ``train.py --config`` reads them.
        inner: their average precision in the inner folds, by which they were chosen.
        outer: their average precision on the outer rows, after a fit to all inner rows.
        default: average precision of the model's own settings on the outer rows.
        gain: ``outer`` minus ``default``, with a paired bootstrap over stars.
        n_outer: number of outer rows.
        hosts_outer: number of hosts among them.
        trials: every finished trial.
        importances: share of each hyper-parameter in the variance of the score.
        study: name of the study in the database.
        warnings: one sentence for each fact that changes the meaning of the results.
    """

    config: RunConfig
    inner: float
    outer: Figure
    default: Figure
    gain: Figure
    n_outer: int
    hosts_outer: int
    trials: list[studies.FinishedTrial]
    importances: dict[str, float]
    study: str
    warnings: tuple[str, ...]

    @property
    def optimism(self) -> float | None:
        """``inner`` minus ``outer``: the bias from choosing the best of many trials, plus the scatter of both
        scores."""
        return None if self.outer is None else self.inner - self.outer["value"]


def check_plan(plan: TuningPlan) -> None:
    """Check a plan before any row is read.

    Raises:
        InputError: the model is unknown or has no settings to tune, a number is out of range, or the database cannot be
            reached.
    """
    model = registry.get(plan.config.model)
    if model.space is None:
        raise InputError(f"--model {plan.config.model}: has no settings to tune; define space in its MODEL")
    for name, number in (("trials", plan.trials), ("workers", plan.workers)):
        if number < 1:
            raise InputError(f"--{name} {number}: give 1 or more")
    with studies.connected(plan.storage):
        pass


def tune(plan: TuningPlan, data: Data, out: Path, report: ReportStage) -> TuningResult:
    """Tune a model, and score the best settings on rows that no trial has seen.

    The test rows are left out first, as in a run with the same seed. A quarter of the other stars are the outer rows,
    which are scored once after all trials. The workers can read the inner rows only.

    Args:
        plan: settings of the tuning.
        data: labelled light curves or folded events.
        out: folder.
        report: receives the progress.

    Raises:
        InputError: the plan is wrong, there are fewer hosts than folds, no settings are valid, or ``out`` holds another
            tuning.
    """
    config, seed = plan.config, plan.config.seed
    check_plan(plan)
    rows = usable_rows(data)
    check_both_classes(rows.label, data.source)
    inner, outer = split_rows(plan, rows)
    fold = split.folds(rows.group[inner], rows.label[inner], k=plan.folds, seed=seed, stream="inner folds")
    check_points(config, data)
    name = check_folder(plan, data, out / "study" / "settings.json")
    dev = np.sort(np.concatenate([inner, outer]))
    examples, held = compute_inputs(config, data, rows.take(dev), report), np.isin(dev, outer)

    job = studies.TuningJob(config, name, plan.storage, out / "study" / "inner_rows.npz", data.cadence, plan.trials)
    studies.save_rows(job.rows, examples.take(~held), fold)
    with studies.connected(plan.storage) as storage:
        study = studies.open_study(job, storage)
        run_workers(job, study, plan.workers, partial(_report_trials, report, config.model))
        best, score = studies.best_point(config, study)
        trials, importances = studies.finished(study), studies.importances(study, seed)

    how: dict[str, Any] = {"groups": rows.group[outer], "seed": seed}
    truth, hosts = rows.label[outer], rows.take(outer).hosts
    ours, default = (
        outer_scores(chosen, examples.take(~held), examples.take(held), data.cadence) for chosen in (best, config)
    )
    warnings = [*rows.warnings]
    if hosts < defaults.MIN_VALIDATION_HOSTS:
        warnings.append(
            f"only {hosts} outer hosts: the outer score and the optimism are uncertain, as the interval shows"
        )
    return TuningResult(
        config=best,
        inner=score,
        outer=repeated.mean_average_precision(truth, ours, **how),
        default=repeated.mean_average_precision(truth, default, **how),
        gain=repeated.paired_difference(truth, ours, default, **how),
        n_outer=len(truth),
        hosts_outer=int(truth.sum()),
        trials=trials,
        importances=importances,
        study=name,
        warnings=tuple(warnings),
    )


def split_rows(plan: TuningPlan, rows: UsableRows) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows by star; return the indices of the inner rows (for trials) and of the outer rows (for the score).

    The test rows are in neither.
    """
    seed, dev = plan.config.seed, np.arange(len(rows.label))
    if plan.test_fraction:
        dev = np.flatnonzero(~split.holdout(rows.group, rows.label, fraction=plan.test_fraction, seed=seed))
    outer_fraction = defaults.TUNE_OUTER_FRACTION
    held = split.holdout(rows.group[dev], rows.label[dev], fraction=outer_fraction, seed=seed, stream="tuning split")
    test = np.setdiff1d(np.arange(len(rows.label)), dev)
    groups = {"inner": dev[~held], "outer": dev[held], "test": test}
    leakage.check_disjoint({name: rows.group[chosen] for name, chosen in groups.items()})
    return dev[~held], dev[held]


def check_folder(plan: TuningPlan, data: Data, path: Path) -> str:
    """Write the settings on which the study depends, or compare with those in ``path``; return the study's name.

    Raises:
        InputError: ``path`` holds the settings of another tuning.
    """
    config = plan.config
    settings = {
        "model": config.model,
        "code": code_of(config.model),
        "data": data.sha256,
        "cadence_days": data.cadence,
        "base": asdict(registry.training(config)),
        "folds": plan.folds,
        "seed": config.seed,
        "streams": random_streams.VERSION,
        "test_fraction": plan.test_fraction,
    }
    check_same(path, json.loads(json.dumps(settings)), "tuning")
    return f"{config.model}-{hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]}"


def check_points(config: RunConfig, data: Data) -> None:
    """Check that the model can be trained on the data with at least one of the settings to tune.

    Raises:
        InputError: the inputs of the model cannot be computed from the data, or no settings are valid.
    """
    example = example_inputs(registry.get(config.model).inputs, data, config)
    check_shapes(config.model, example, data.source)
    check_space(config, lambda point: check_shapes(point.model, example, data.source, options=point.options))


def compute_inputs(config: RunConfig, data: Data, rows: UsableRows, report: ReportStage) -> Examples:
    """Return the inputs of the model for the rows."""
    searching = partial(_report_searching, report)
    features = inputs_of(registry.get(config.model).inputs, data.take(rows.index), config, report=searching)
    return Examples(features, rows.label, rows.group)


def outer_scores(config: RunConfig, inner: Examples, outer: Examples, cadence: float) -> np.ndarray:
    """Return ``(n,)`` logits of the outer rows from a model fitted to all inner rows."""
    model = registry.build(config)
    scorer = fit_model(model, inner, FitSettings(registry.training(config), cadence, config.seed))
    return at_prior(model, scorer(outer.features), float(inner.label.mean()))


def _report_searching(report: ReportStage, done: int, n: int) -> None:
    report(f"searching {n} stars", done, n)


def _report_trials(report: ReportStage, model: str, done: int, n: int) -> None:
    report(f"trials of {model}", done, n)
