"""Several models on the same folds: repeated, stratified cross-validation, grouped by star, resumable fold by fold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from exojax import config as defaults
from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.evaluation import repeated, split
from exojax.fitting import Rows, check_both_classes, check_not_seen, usable_rows
from exojax.inputs import Data, inputs_of
from exojax.models import registry
from exojax.models.interface import Network
from exojax.runs import check_shapes, load
from exojax.stored import check_same
from exojax.training.fit import fit_model, load_arrays, save_arrays, states_of
from exojax.training.state import TrainState

Report = Callable[[str, int, int], None]
"""``(what, done, total)``"""


@dataclass(frozen=True)
class Plan:
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
    """

    models: tuple[str, ...]
    folds: int = 5
    repeats: int = 1
    seed: int = 0
    steps: int | None = None
    test_fraction: float = 0.0
    init: str | None = None


def compare(plan: Plan, data: Data, out: Path, report: Report | None = None) -> dict[str, Any]:
    """Score every star by models that have not seen it, and compare.

    Each fold's models see the other folds only, all of their rows; networks take a fixed number of steps.
    Scores of one fold become percentiles within the fold, so that folds can be pooled.

    Args:
        plan: what to compare.
        data: labelled light curves or folded events.
        out: folder; a fold that is finished there is not fitted again.
        report: progress.

    Returns:
        ``rows``: one for each model, ready for a table; ``warnings``; ``n``, ``n_positive``; ``data_sha256``; ``plan``.

    Raises:
        InputError: a model is unknown, there are fewer hosts than folds, or ``out`` holds another comparison.
    """
    for name in plan.models:
        registry.get(name)
    for name, number in (("repeats", plan.repeats), ("steps", plan.steps)):
        if number is not None and number < 1:
            raise InputError(f"--{name} {number}: give 1 or more")
    if len(set(plan.models)) < len(plan.models):
        raise InputError(f"--models {','.join(plan.models)}: names a model twice")
    rows = usable_rows(data)
    check_both_classes(rows.label, data.source)
    if plan.test_fraction:
        test = split.holdout(rows.group, rows.label, fraction=plan.test_fraction, seed=plan.seed)
        rows = Rows(rows.index[~test], rows.group[~test], rows.label[~test], rows.digest[~test], rows.warnings)
    if plan.init is not None:
        check_not_seen(load(plan.init), data, rows, np.arange(len(rows.label)))
    folds = [
        split.folds(rows.group, rows.label, k=plan.folds, seed=plan.seed, repeat=repeat)
        for repeat in range(plan.repeats)
    ]
    check_same(
        out / "folds" / "plan.json",
        {"sha256": data.sha256, "cadence_days": data.cadence, **_settings(plan)},
        "comparison",
    )
    for name in plan.models:
        check_same(out / "folds" / f"{name}.json", {name: registry.fingerprint(name)}, "comparison")

    say = report or (lambda what, done, total: None)
    total, done = len(plan.models) * plan.repeats * plan.folds, 0
    scores = np.zeros((len(plan.models), plan.repeats, len(rows.label)))
    cost: dict[str, list[np.ndarray]] = {name: [] for name in plan.models}
    for m, name in enumerate(plan.models):
        features: dict[str, np.ndarray] = {}
        for r, fold in enumerate(folds):
            for number in range(plan.folds):
                say(f"{name}, repeat {r + 1}, fold {number + 1}", done, total)
                kept = out / "folds" / f"{name}-{r}-{number}.npz"
                if not kept.exists():
                    if not features:
                        searched = lambda done, n: say(f"{name}: searching {n} stars", done, n)  # noqa: B023, E731
                        features = inputs_of(
                            registry.get(name).inputs, data.take(rows.index), RunConfig(), report=searched
                        )
                        check_shapes(name, features, data.source)
                    save_arrays(
                        kept,
                        _one_fold(plan, name, data.cadence, data.id[rows.index], features, rows, fold == number, r),
                    )
                found = load_arrays(kept)
                scores[m, r, fold == number] = _percentile(found["logits"])
                cost[name].append(found["cost"])
                done += 1
    say("done", total, total)
    return _summary(plan, data, rows, scores, cost)


def _one_fold(
    plan: Plan,
    name: str,
    cadence: float,
    names: np.ndarray,
    features: dict[str, np.ndarray],
    rows: Rows,
    out: np.ndarray,
    repeat: int,
) -> dict[str, np.ndarray]:
    model = registry.get(name)
    config = model.train if isinstance(model, Network) else defaults.TrainConfig()
    if plan.steps is not None:
        config = replace(config, steps=plan.steps, passes=0.0)
    train = np.flatnonzero(~out)
    part = lambda chosen: {key: x[chosen] for key, x in features.items()}  # noqa: E731
    started = time.perf_counter()
    scorer = fit_model(
        model,
        config,
        part(train),
        rows.label[train],
        rows.group[train],
        cadence=cadence,
        seed=plan.seed + repeat,
        row_names=names[train],
        init=_initial(plan, name),
    )
    fitted = time.perf_counter()
    scorer(part(np.flatnonzero(out)))  # the first call compiles
    compiled = time.perf_counter()
    logits = scorer(part(np.flatnonzero(out)))
    per_star = (time.perf_counter() - compiled) / max(out.sum(), 1)
    return {"logits": logits, "cost": np.array([fitted - started, per_star])}


def _initial(plan: Plan, name: str) -> TrainState | None:
    """The weights that a model starts from, where ``plan.init`` is a run of it."""
    if plan.init is None:
        return None
    start = load(plan.init)
    return states_of(start.scorer)[0] if start.config.model == name else None


def _summary(
    plan: Plan, data: Data, rows: Rows, scores: np.ndarray, cost: dict[str, list[np.ndarray]]
) -> dict[str, Any]:
    how: dict[str, Any] = {"groups": rows.group, "seed": plan.seed}
    table: list[dict[str, Any]] = []
    for m, name in enumerate(plan.models):
        fit_s, star_s = np.median(np.array(cost[name]), axis=0)
        table.append(
            {
                "model": name,
                "average precision": repeated.mean_average_precision(rows.label, scores[m], **how),
                "ROC AUC": repeated.mean_roc_auc(rows.label, scores[m], **how),
                f"difference to {plan.models[0]}": None
                if m == 0
                else repeated.paired_difference(rows.label, scores[m], scores[0], **how),
                "fit, s": round(float(fit_s), 2),
                "score, ms/star": round(1e3 * float(star_s), 3),
            }
        )
    hosts = len(np.unique(rows.group[rows.label == 1]))
    width = max((r["average precision"]["high"] - r["average precision"]["low"] for r in table), default=0.0)
    warnings = [
        *rows.warnings,
        "scores are percentiles within a fold, pooled over the folds; intervals draw stars and leave out the luck of "
        "the training seed",
        f"with {hosts} hosts an average precision is known to about ±{width / 2:.2f}; differences are paired and known "
        "better",
    ]
    return {
        "rows": table,
        "n": len(rows.label),
        "n_positive": int(rows.label.sum()),
        "data_sha256": data.sha256,
        "plan": _settings(plan),
        "warnings": warnings,
    }


def _settings(plan: Plan) -> dict[str, Any]:
    """What finished folds depend on; models may be added later."""
    return {
        "folds": plan.folds,
        "repeats": plan.repeats,
        "seed": plan.seed,
        "steps": plan.steps,
        "test_fraction": plan.test_fraction,
        "init": plan.init,
    }


def _percentile(logits: np.ndarray) -> np.ndarray:
    """Share of the fold's scores below each, ties counted half."""
    ordered = np.sort(logits)
    low, high = np.searchsorted(ordered, logits, "left"), np.searchsorted(ordered, logits, "right")
    return (low + high) / (2 * len(logits))
