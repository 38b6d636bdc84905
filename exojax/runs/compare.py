"""Several models on the same folds: repeated, stratified cross-validation, grouped by star, resumable fold by fold."""

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
    """What is compared, and on what.

    Attributes:
        models: names; differences are taken against the first.
        folds: outer folds.
        repeats: times the stars are dealt anew.
        seed: of folds, weights and batches.
        steps: of networks; None for each one's own.
        init: a run whose model, where it is compared, starts from that run's weights in every fold.
        test_fraction: share of stars left out altogether, the same as a run's test stars; 0 where the test rows are
            a file of their own.
        inner: folds of each outer fold's training rows, whose out-of-fold scores calibrate and set the threshold;
            0 leaves both out, and only the order of the stars is judged.
        tune: points of each model's space that are tried in those inner folds, in every outer fold anew; 0 for the
            models' own settings, which a model without a space keeps.
        note: what has to stand beside every figure; empty for none.
        rows: ``rest`` where the stars that are set aside were left out of the data.
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
    """Score every star by models that have not seen it, and compare.

    Each fold's models see the other folds only, all of their rows; networks take a fixed number of steps.
    Scores of one fold become percentiles within the fold, so that folds can be pooled. Calibration and threshold come
    from inner folds of those other rows, and the outer rows are scored once, when both stand.

    Args:
        plan: what to compare.
        data: labelled light curves or folded events.
        out: folder; a fold that is finished there is not fitted again.
        report: progress.

    Returns:
        ``rows``: one for each model, ready for a table; ``curves``: model to its PR curve; ``tuned``: model to what was
        chosen in each fold; ``can_show``: what this many hosts can and cannot show; ``warnings``; ``n``,
        ``n_positive``; ``data_sha256``; ``plan``.

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
    """Refuse what can be refused before a row is read.

    Raises:
        InputError: a model is unknown, named twice or has no space that can be tuned, a number is out of range, or the
            run whose weights the models start from cannot be loaded.
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
        raise InputError(f"--tune {plan.tune}: give 1 point or more, which need --inner 2 or more folds; or 0 for none")
    if len(set(plan.models)) < len(plan.models):
        raise InputError(f"--models {','.join(plan.models)}: names a model twice")
    if plan.tune:
        check_installed()
        for name in plan.models:
            if registry.get(name).space is not None:
                check_space(RunConfig(model=name), lambda point: None)
    if plan.init is not None:
        check_set_aside(load(plan.init), plan.rows)


def compared_rows(plan: ComparisonPlan, data: Data) -> UsableRows:
    """Return the usable rows without those that are kept for a test.

    Raises:
        InputError: a class is missing, there are too few hosts for the folds, or the run whose weights the models start
            from was trained on some of the rows.
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
    """Refuse classes with too few stars for the outer folds, the inner ones and the models themselves.

    Raises:
        InputError: there are too few.
    """
    for kind, n in (("planet hosts", rows.hosts), ("stars without planets", rows.others)):
        if n < plan.folds:
            continue  # the split of the outer folds refuses them, with its own remedy
        outer = n - -(-n // plan.folds)
        if plan.inner and outer < (plan.inner if plan.tune else 2):
            raise InputError(f"{n} {kind} in {plan.folds} folds leave too few for inner folds; give --inner 0")
        fit = outer - -(-outer // min(plan.inner, outer)) if plan.inner else outer
        for name in plan.models:
            if fit < (needed := registry.get(name).fewest_stars):
                raise InputError(
                    f"{n} {kind}: some fits of {name} would have {fit} of them, and {needed} are needed; give fewer "
                    "--folds, or --inner 0"
                )


def check_folder(plan: ComparisonPlan, data: Data, folder: Path) -> None:
    """Write what the finished folds in ``folder`` depend on, or compare with what is there.

    Raises:
        InputError: the folder holds another comparison.
    """
    settings = {"sha256": data.sha256, "cadence_days": data.cadence, "streams": random_streams.VERSION}
    check_same(folder / "plan.json", settings | _settings(plan), "comparison")
    for name in plan.models:
        check_same(folder / f"{name}.json", {name: code_of(name)}, "comparison")


@dataclass(frozen=True, eq=False)
class OuterScores:
    """One model's scores of every row by fits that have not seen it.

    Attributes:
        rank: ``(repeats, n)`` float, percentile within the fold.
        probability: the same shape, calibrated; NaN without inner folds.
        called: the same shape, bool, at or above the fold's threshold.
        cost: ``(fits, 4)`` float: seconds of the fit, seconds a star of the scoring, MB, parameters.
        tuned: what was chosen in each fold; none without tuning.
        unsearched: stars that could not be searched.
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
    """Fit and score one model in every fold of every repeat; a fold that is finished in ``folder`` is read back.

    Args:
        plan: the comparison.
        name: of the model.
        data: all rows.
        rows: the n rows that are compared on.
        folds: ``(repeats, n)`` int.
        folder: of the finished folds.
        report: progress.
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
    """Return a model's inputs of all rows, and the copies with simulated planets that its training asks for."""
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
    """Tune, fit and calibrate one model on all rows but one fold's, then score that fold's, once.

    Args:
        plan: the comparison.
        name: of the model.
        examples: the n rows.
        out: ``(n,)`` bool, the fold's own rows: nothing is chosen by them.
        repeat: number of the repetition, from 0.
        cadence: days between samples.
        copies: copies of rows with simulated planets, for the trainings on these rows; tuning goes without.

    Returns:
        ``logits (m,)`` of the fold's own rows, NaN where a star cannot be searched; ``order (m,)``, the log-odds by
        which they are ranked, those of the share of hosts for such a star; ``cost``: seconds of the fit, seconds a star
        of the scoring, bytes, parameters; with inner folds ``probability (m,)`` and the ``threshold``; with tuning
        ``tuned``: the chosen point's average precision in the inner folds and the seconds of all trials, and ``point``,
        its numbers as JSON.

    Raises:
        InputError: a model has no valid point, or cannot be trained.
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
    # Only now is an outer row looked at.
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
    """Return logits of the training rows ``out`` by a model fitted on the training rows ``inner``."""
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
    """Return the model's own training, but for the number of steps where the plan gives one."""
    config = registry.get(name).train
    return config if plan.steps is None else replace(config, steps=plan.steps, passes=0.0, host_passes=0.0)


def _initial(plan: ComparisonPlan, name: str) -> TrainState | None:
    """Return the weights that a model starts from, where ``plan.init`` is a run of it."""
    start = None if plan.init is None else load(plan.init)
    return None if start is None or start.config.model != name else start.scorer.states[0]


def _summary(plan: ComparisonPlan, data: Data, rows: UsableRows, found: dict[str, OuterScores]) -> dict[str, Any]:
    how: dict[str, Any] = {"groups": rows.group, "seed": plan.seed}
    first = found[plan.models[0]].rank
    differences = {
        name: repeated.paired_difference(rows.label, scores.rank, first, **how)
        for name, scores in found.items()
        if name != plan.models[0]
    }
    table = [_line(plan, name, scores, rows.label, differences.get(name), how) for name, scores in found.items()]
    tuned = {name: scores.tuned for name, scores in found.items() if scores.tuned}
    return {
        "rows": table,
        "curves": {
            name: repeated.mean_precision_recall(rows.label, scores.rank, **how) for name, scores in found.items()
        },
        "tuned": tuned,
        "can_show": power.told(differences, plan.models[0], rows.hosts),
        "n": len(rows.label),
        "n_positive": int(rows.label.sum()),
        "data_sha256": data.sha256,
        "plan": _settings(plan),
        "warnings": _warnings(plan, rows, found, table),
    }


def _line(
    plan: ComparisonPlan, name: str, scores: OuterScores, label: np.ndarray, difference: Figure, how: dict[str, Any]
) -> dict[str, Any]:
    """Return a model's row of the table."""
    line: dict[str, Any] = {
        "model": name,
        "average precision": repeated.mean_average_precision(label, scores.rank, **how),
        "chance level": float(label.mean()),
        "ROC AUC": repeated.mean_roc_auc(label, scores.rank, **how),
        f"difference to {plan.models[0]}": difference,
    }
    if plan.inner:
        line |= {
            "Brier": repeated.mean_brier(label, scores.probability, **how),
            "recall at the threshold": repeated.mean_recall(label, scores.called, **how),
            "precision at the threshold": repeated.mean_precision(label, scores.called, **how),
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
        f"{name}: {scores.unsearched} stars could not be searched: their probability is the share of hosts, and they "
        "do not calibrate"
        for name, scores in found.items()
        if scores.unsearched
    ]
    return [
        *([plan.note] if plan.note else []),
        *rows.warnings,
        *unsearched,
        *([f"{', '.join(untuned)}: no space to tune in, so as its file says"] if untuned else []),
        "scores are percentiles within a fold, pooled over the folds; intervals draw stars and leave out the luck of "
        "the training seed",
        f"with {rows.hosts} hosts an average precision is known to about ±{width / 2:.2f}; differences are paired and "
        "known better",
    ]


def _settings(plan: ComparisonPlan) -> dict[str, Any]:
    """Return what finished folds depend on; models may be added later."""
    return {
        "folds": plan.folds,
        "repeats": plan.repeats,
        "seed": plan.seed,
        "steps": plan.steps,
        "test_fraction": plan.test_fraction,
        "init": plan.init,
        **({"rows": plan.rows} if plan.rows != "all" else {}),
        "inner": plan.inner,
        # Comparisons from before there was a choice go on.
        **({"tune": plan.tune} if plan.tune else {}),
    }


def _percentile(logits: np.ndarray) -> np.ndarray:
    """Return the share of the fold's scores below each, ties counted half."""
    ordered = np.sort(logits)
    low, high = np.searchsorted(ordered, logits, "left"), np.searchsorted(ordered, logits, "right")
    return (low + high) / (2 * len(logits))


def _silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def _searching(report: ReportStage, name: str, done: int, n: int) -> None:
    report(f"{name}: searching {n} stars", done, n)
