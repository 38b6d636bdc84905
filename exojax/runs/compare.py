"""Compare several models by repeated, stratified cross-validation on the same folds of stars; resume fold by fold."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import RunConfig, TrainConfig
from exojax.errors import InputError
from exojax.evaluation import power, repeated, split
from exojax.evaluation.metrics import Figure
from exojax.folded_events import Data
from exojax.models import registry
from exojax.runs.injected_copies import InjectedCopies, copies_for, fit_with_copies
from exojax.runs.model_inputs import code_of, example_inputs, inputs_of
from exojax.runs.probabilities import apply, calibrated, log_odds
from exojax.runs.rows import UsableRows, check_both_classes, check_not_seen, check_set_aside, usable_rows
from exojax.runs.run import check_shapes, load
from exojax.simulate import random_streams
from exojax.storage.announce import ReportStage
from exojax.storage.array_files import load_arrays, save_arrays
from exojax.storage.json_files import check_same
from exojax.training.cost import memory_used, parameters_of
from exojax.training.fit import Examples, FitSettings
from exojax.training.scorer import Scorer, at_prior
from exojax.training.search_space import check_space
from exojax.training.state import TrainState
from exojax.training.study import check_installed
from exojax.training.trials import best_of


@dataclass(frozen=True)
class ComparisonPlan:
    """Settings of a comparison.

    Attributes:
        models: names; the others are compared with the first.
        folds: number of outer folds.
        repeats: number of repetitions, each with other folds.
        seed: seed of the folds, the weights and the batches.
        steps: training steps of networks; None for the number of each model.
        init: name of a run; the model of this run starts from its weights in every fold. None for no such run.
        test_fraction: share of the stars that are left out because a run with the same seed would keep them as test
            stars; 0 where the test rows are a separate file.
        inner: number of folds of the training rows of an outer fold. Their out-of-fold scores calibrate and set the
            threshold. With 0 there is neither, and only the ranking of the stars is scored.
        tune: number of settings of each model that are tried in the inner folds, for every outer fold separately; 0
            keeps the model's own settings. A model without a space of settings always keeps its own.
        note: text beside every figure; may be empty.
        rows: ``rest`` if the data are without the stars that are set aside, else ``all``.
    """

    models: tuple[str, ...]
    folds: int = 5
    repeats: int = 1
    seed: int = 0
    steps: int | None = None
    test_fraction: float = 0.0
    init: str | None = None
    inner: int = 2
    tune: int = 0
    note: str = ""
    rows: str = "all"


def compare(plan: ComparisonPlan, data: Data, out: Path, report: ReportStage | None = None) -> dict[str, Any]:
    """Score every star with models that have not seen it, and compare the models.

    The model of an outer fold is trained on all rows of the other folds; networks take a fixed number of steps.
    Calibration and threshold come from inner folds of these rows. Then the rows of the outer fold are scored once.
    The scores are converted to percentiles within their fold, so that the folds can be pooled.

    Args:
        plan: settings of the comparison.
        data: labelled light curves or folded events.
        out: folder; finished folds there are read back.
        report: receives the progress.

    Returns:
        ``rows``: one table row per model; ``curves``: model to precision-recall curve; ``tuned``: model to the
        settings chosen in each fold; ``can_show``: sentences on the differences that this number of hosts can show;
        ``warnings``; ``n`` and ``n_positive``: numbers of rows and of hosts; ``data_sha256``; ``plan``.

    Raises:
        InputError: a model is unknown, there are fewer hosts than folds, or ``out`` holds another comparison.
    """
    report = report or _silent
    check_plan(plan)
    rows = compared_rows(plan, data)
    for name in plan.models:
        check_shapes(name, example_inputs(registry.get(name).inputs, data, RunConfig()), data.source)
    folds = np.stack(
        [
            split.folds(rows.group, rows.label, k=plan.folds, seed=plan.seed, repeat=repeat)
            for repeat in range(plan.repeats)
        ]
    )
    check_folder(plan, data, out / "folds")
    found = {name: score_model(plan, name, data, rows, folds, out / "folds", report) for name in plan.models}
    total = len(plan.models) * plan.repeats * plan.folds
    report("done", total, total)
    return _summary(plan, data, rows, found)


def check_plan(plan: ComparisonPlan) -> None:
    """Check a plan before any row is read.

    Raises:
        InputError: a model is unknown, named twice or has no valid space of settings, a number is out of range, or the
            run of ``init`` cannot be loaded.
    """
    for name in plan.models:
        registry.get(name)
    for name, number in (("repeats", plan.repeats), ("steps", plan.steps)):
        if number is not None and number < 1:
            raise InputError(f"--{name} {number}: give 1 or more")
    if plan.folds < 2:
        raise InputError(f"--folds {plan.folds}: give 2 or more")
    if plan.inner < 0 or plan.inner == 1:
        raise InputError(f"--inner {plan.inner}: give 2 or more folds, or 0 for none")
    if plan.tune < 0 or (plan.tune and not plan.inner):
        raise InputError(f"--tune {plan.tune}: give 1 or more together with --inner 2 or more; or 0 for no tuning")
    if len(set(plan.models)) < len(plan.models):
        raise InputError(f"--models {','.join(plan.models)}: a model is named twice; name each once")
    if plan.tune:
        check_installed()
        for name in plan.models:
            if registry.get(name).space is not None:
                check_space(RunConfig(model=name), lambda point: None)
    if plan.init is not None:
        check_set_aside(load(plan.init), plan.rows)


def compared_rows(plan: ComparisonPlan, data: Data) -> UsableRows:
    """Return the usable rows without the test rows.

    Raises:
        InputError: a class is missing, there are too few hosts for the folds, or the run of ``init`` was trained on
            some of the rows.
    """
    rows = usable_rows(data)
    check_both_classes(rows.label, data.source)
    if plan.test_fraction:
        rows = rows.take(~split.holdout(rows.group, rows.label, fraction=plan.test_fraction, seed=plan.seed))
    check_enough(plan, rows)
    if plan.init is not None:
        check_not_seen(load(plan.init), data, rows, np.arange(len(rows.label)))
    return rows


def check_enough(plan: ComparisonPlan, rows: UsableRows) -> None:
    """Check that each class has enough stars for the outer folds, the inner folds and the models.

    Raises:
        InputError: a class has too few stars.
    """
    for kind, n in (("planet hosts", rows.hosts), ("stars without planets", rows.others)):
        if n < plan.folds:
            continue  # the split into outer folds raises an error of its own
        outer = n - -(-n // plan.folds)
        if plan.inner and outer < (plan.inner if plan.tune else 2):
            raise InputError(f"{n} {kind} in {plan.folds} folds leave too few for inner folds; give --inner 0")
        fit = outer - -(-outer // min(plan.inner, outer)) if plan.inner else outer
        for name in plan.models:
            if fit < (needed := registry.get(name).fewest_stars):
                raise InputError(
                    f"{n} {kind}: some fits of {name} would get {fit} of them, but need {needed}; give fewer --folds, "
                    "or --inner 0"
                )


def check_folder(plan: ComparisonPlan, data: Data, folder: Path) -> None:
    """Write the settings of the finished folds to ``folder``, or compare with the settings that are there.

    Raises:
        InputError: the folder holds another comparison.
    """
    settings = {"sha256": data.sha256, "cadence_days": data.cadence, "streams": random_streams.VERSION}
    check_same(folder / "plan.json", settings | _settings(plan), "comparison")
    for name in plan.models:
        check_same(folder / f"{name}.json", {name: code_of(name)}, "comparison")


@dataclass(frozen=True, eq=False)
class OuterScores:
    """Scores of every row by one model, from fits that have not seen the row.

    Attributes:
        rank: ``(repeats, n)`` float, percentile within the fold.
        probability: ``(repeats, n)`` float, calibrated; NaN without inner folds.
        called: ``(repeats, n)`` bool, true at or above the threshold of the fold.
        cost: ``(fits, 4)`` float: seconds of the fit, seconds of scoring per star, MB, number of parameters.
        tuned: the settings chosen in each fold; empty without tuning.
        unsearched: number of stars that could not be searched.
    """

    rank: np.ndarray
    probability: np.ndarray
    called: np.ndarray
    cost: np.ndarray
    tuned: list[dict[str, Any]]
    unsearched: int


def score_model(
    plan: ComparisonPlan, name: str, data: Data, rows: UsableRows, folds: np.ndarray, folder: Path, report: ReportStage
) -> OuterScores:
    """Fit and score one model in every fold of every repetition; read finished folds back from ``folder``.

    Args:
        plan: settings of the comparison.
        name: name of the model.
        data: all rows.
        rows: the n rows of the comparison.
        folds: ``(repeats, n)`` int, number of the outer fold of each row.
        folder: folder of the finished folds.
        report: receives the progress.
    """
    prepared = cache(partial(_prepared, plan, name, data, rows, report))
    total, first = len(plan.models) * folds.shape[0] * plan.folds, plan.models.index(name) * folds.shape[0] * plan.folds
    rank, probability = np.zeros(folds.shape), np.full(folds.shape, np.nan)
    called = np.zeros(folds.shape, bool)
    cost, tuned, unsearched = [], [], 0
    for r, number in np.ndindex(folds.shape[0], plan.folds):
        report(f"{name}, repeat {r + 1}, fold {number + 1}", first + r * plan.folds + number, total)
        out, kept = folds[r] == number, folder / f"{name}-{r}-{number}.npz"
        if not kept.exists():
            examples, copies = prepared()
            save_arrays(kept, score_fold(plan, name, examples, out, r, cadence=data.cadence, copies=copies))
        fold = load_arrays(kept)
        rank[r, out] = _percentile(fold["order"])
        if plan.inner:
            probability[r, out] = fold["probability"]
            called[r, out] = fold["probability"] >= fold["threshold"]
        cost.append(fold["cost"])
        unsearched += 0 if r else int(np.isnan(fold["logits"]).sum())
        if "point" in fold:
            tuned.append({"repeat": r, "fold": number} | _tuned(fold, rows.label[out]))
    return OuterScores(rank, probability, called, np.array(cost), tuned, unsearched)


def _prepared(
    plan: ComparisonPlan, name: str, data: Data, rows: UsableRows, report: ReportStage
) -> tuple[Examples, InjectedCopies | None]:
    """Return the inputs of a model for all rows, and the copies with injected planets that its training needs."""
    model, mine = registry.get(name), data.take(rows.index)
    searching = partial(_searching, report, name)
    features = inputs_of(model.inputs, mine, RunConfig(), report=searching)
    copies = copies_for(model, training_of(plan, name), mine, rows.label, RunConfig(seed=plan.seed), searching)
    return Examples(features, rows.label, rows.group, mine.id), copies


def _tuned(fold: dict[str, np.ndarray], label: np.ndarray) -> dict[str, Any]:
    from sklearn.metrics import average_precision_score

    inner, seconds = (float(x) for x in fold["tuned"])
    outer = float(average_precision_score(label, fold["order"]))
    return {"inner": inner, "outer": outer, "seconds": seconds, "point": json.loads(str(fold["point"]))}


def score_fold(
    plan: ComparisonPlan,
    name: str,
    examples: Examples,
    out: np.ndarray,
    repeat: int,
    *,
    cadence: float,
    copies: InjectedCopies | None = None,
) -> dict[str, np.ndarray]:
    """Tune, fit and calibrate one model on the rows outside one fold, then score the m rows of this fold once.

    Args:
        plan: settings of the comparison.
        name: name of the model.
        examples: the n rows.
        out: ``(n,)`` bool, true for the rows of the fold; they affect no choice.
        repeat: number of the repetition, from 0.
        cadence: days between samples.
        copies: copies of rows with injected planets, added in training but not in tuning; None for no copies.

    Returns:
        ``logits (m,)``, NaN where a star cannot be searched; ``order (m,)``: log-odds that rank the rows, those of the
        share of hosts where a star cannot be searched; ``cost``: seconds of the fit, seconds of scoring per star, MB,
        number of parameters. With inner folds also ``probability (m,)`` and ``threshold``. With tuning also
        ``tuned``: average precision of the chosen settings in the inner folds, and seconds of all trials; and
        ``point``: the chosen settings as JSON.

    Raises:
        InputError: the model has no valid settings, or cannot be trained.
    """
    train, seed = np.flatnonzero(~out), plan.seed + repeat
    config = RunConfig(model=name, seed=seed, train=training_of(plan, name))
    init = _initial(plan, name)
    kept: dict[str, np.ndarray] = {}
    if plan.tune and registry.get(name).space is not None:
        config, kept = _tune_fold(plan, config, examples.take(train), cadence, init)
    settings = FitSettings(registry.training(config), cadence, seed, init=init)
    fit = partial(fit_with_copies, registry.build(config), examples, copies, settings=settings)

    started = time.perf_counter()
    with memory_used() as used:
        scorer = fit(train)
        memory = used()
    seconds = time.perf_counter() - started
    calibration = None
    label, group = examples.label[train], examples.group[train]
    if plan.inner:
        score = partial(_score_inner, fit, examples, train)
        calibration = calibrated(name, label, group, plan.inner, seed, score)
    # The outer rows are used only from here on.
    outer = examples.take(out).features
    scorer(outer)  # the first call compiles
    compiled = time.perf_counter()
    logits = scorer(outer)
    per_star = (time.perf_counter() - compiled) / max(out.sum(), 1)
    kept |= {"logits": logits, "cost": np.array([seconds, per_star, memory, parameters_of(scorer)])}
    if calibration is None:
        return kept | {"order": at_prior(registry.get(name), logits, float(label.mean()))}
    probability, threshold = apply(name, calibration, logits), np.asarray(calibration.threshold)
    return kept | {"order": log_odds(name, calibration, logits), "probability": probability, "threshold": threshold}


def _score_inner(
    fit: Callable[[np.ndarray], Scorer], examples: Examples, train: np.ndarray, inner: np.ndarray, out: np.ndarray
) -> np.ndarray:
    """Return the logits of the training rows ``out`` from a model fitted to the training rows ``inner``."""
    return fit(train[inner])(examples.take(train[out]).features)


def _tune_fold(
    plan: ComparisonPlan, config: RunConfig, rows: Examples, cadence: float, init: TrainState | None
) -> tuple[RunConfig, dict[str, np.ndarray]]:
    fold = split.folds(rows.group, rows.label, k=plan.inner, seed=config.seed, stream="inner folds")
    started = time.perf_counter()
    best = best_of(config, rows, fold, cadence, trials=plan.tune, init=init)
    tuned = np.array([best.score, time.perf_counter() - started])
    return best.config, {"tuned": tuned, "point": np.array(json.dumps(best.params))}


def training_of(plan: ComparisonPlan, name: str) -> TrainConfig:
    """Return the training settings of a model, with the number of steps of the plan if it has one."""
    config = registry.get(name).train
    return config if plan.steps is None else replace(config, steps=plan.steps, passes=0.0, host_passes=0.0)


def _initial(plan: ComparisonPlan, name: str) -> TrainState | None:
    """Return the weights that a model starts from if ``plan.init`` is a run of this model, else None."""
    start = None if plan.init is None else load(plan.init)
    return None if start is None or start.config.model != name else start.scorer.states[0]


def _summary(plan: ComparisonPlan, data: Data, rows: UsableRows, found: dict[str, OuterScores]) -> dict[str, Any]:
    bootstrap: dict[str, Any] = {"groups": rows.group, "seed": plan.seed}
    first = found[plan.models[0]].rank
    differences = {
        name: repeated.paired_difference(rows.label, scores.rank, first, **bootstrap)
        for name, scores in found.items()
        if name != plan.models[0]
    }
    table = [_line(plan, name, scores, rows.label, differences.get(name), bootstrap) for name, scores in found.items()]
    tuned = {name: scores.tuned for name, scores in found.items() if scores.tuned}
    return {
        "rows": table,
        "curves": {
            name: repeated.mean_precision_recall(rows.label, scores.rank, **bootstrap) for name, scores in found.items()
        },
        "tuned": tuned,
        "can_show": power.statements(differences, plan.models[0], rows.hosts),
        "n": len(rows.label),
        "n_positive": int(rows.label.sum()),
        "data_sha256": data.sha256,
        "plan": _settings(plan),
        "warnings": _warnings(plan, rows, found, table),
    }


def _line(
    plan: ComparisonPlan,
    name: str,
    scores: OuterScores,
    label: np.ndarray,
    difference: Figure,
    bootstrap: dict[str, Any],
) -> dict[str, Any]:
    """Return the row of a model in the table."""
    line: dict[str, Any] = {
        "model": name,
        "average precision": repeated.mean_average_precision(label, scores.rank, **bootstrap),
        "chance level": float(label.mean()),
        "ROC AUC": repeated.mean_roc_auc(label, scores.rank, **bootstrap),
        f"difference to {plan.models[0]}": difference,
    }
    if plan.inner:
        line |= {
            "Brier": repeated.mean_brier(label, scores.probability, **bootstrap),
            "recall at the threshold": repeated.mean_recall(label, scores.called, **bootstrap),
            "precision at the threshold": repeated.mean_precision(label, scores.called, **bootstrap),
        }
    if scores.tuned:
        line["inner less outer AP"] = round(float(np.mean([fold["inner"] - fold["outer"] for fold in scores.tuned])), 3)
        line["tuning, s"] = round(float(np.median([fold["seconds"] for fold in scores.tuned])), 2)
    seconds, per_star, memory, parameters = scores.cost.T
    line |= {
        "fit, s": round(float(np.median(seconds)), 2),
        "score, ms/star": round(1e3 * float(np.median(per_star)), 3),
        "memory, MB": None if np.isnan(memory).all() else round(float(np.nanmax(memory))),
        "parameters": int(np.median(parameters)),
    }
    return line | ({"note": plan.note} if plan.note else {})


def _warnings(
    plan: ComparisonPlan, rows: UsableRows, found: dict[str, OuterScores], table: list[dict[str, Any]]
) -> list[str]:
    width = max((row["average precision"]["high"] - row["average precision"]["low"] for row in table), default=0.0)
    untuned = [name for name, scores in found.items() if plan.tune and not scores.tuned]
    unsearched = [
        f"{name}: {scores.unsearched} stars could not be searched; their probability is the share of hosts, and they "
        "are left out of the calibration"
        for name, scores in found.items()
        if scores.unsearched
    ]
    return [
        *([plan.note] if plan.note else []),
        *rows.warnings,
        *unsearched,
        *([f"{', '.join(untuned)}: has no settings to tune; its own were used"] if untuned else []),
        "scores are percentiles within a fold, pooled over the folds; the intervals come from resampling stars and do "
        "not include the scatter between training seeds",
        f"with {rows.hosts} hosts an average precision has an uncertainty of about ±{width / 2:.2f}; differences are "
        "paired and have a smaller one",
    ]


def _settings(plan: ComparisonPlan) -> dict[str, Any]:
    """Return the settings on which finished folds depend. The models are not among them: models may be added later."""
    return {
        "folds": plan.folds,
        "repeats": plan.repeats,
        "seed": plan.seed,
        "steps": plan.steps,
        "test_fraction": plan.test_fraction,
        "init": plan.init,
        **({"rows": plan.rows} if plan.rows != "all" else {}),
        "inner": plan.inner,
        # Left out at 0, so that comparisons of earlier releases without this setting can be continued.
        **({"tune": plan.tune} if plan.tune else {}),
    }


def _percentile(logits: np.ndarray) -> np.ndarray:
    """Return, for each score of a fold, the share of the scores below it; ties count half."""
    ordered = np.sort(logits)
    low, high = np.searchsorted(ordered, logits, "left"), np.searchsorted(ordered, logits, "right")
    return (low + high) / (2 * len(logits))


def _silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def _searching(report: ReportStage, name: str, done: int, n: int) -> None:
    report(f"{name}: searching {n} stars", done, n)
