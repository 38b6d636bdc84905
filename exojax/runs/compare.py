"""Several models on the same folds: repeated, stratified cross-validation, grouped by star, resumable fold by fold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.evaluation import power, repeated, split
from exojax.evaluation.metrics import Figure
from exojax.folded_events import Data
from exojax.models import registry
from exojax.runs.fit import Rows, check_both_classes, check_not_seen, check_set_aside, usable_rows
from exojax.runs.injected_copies import twins_for
from exojax.runs.model_inputs import inputs_of
from exojax.runs.outer_fold import Plan, one_fold, training_of
from exojax.runs.run import check_shapes, load
from exojax.simulate import random_streams
from exojax.storage.array_files import load_arrays, save_arrays
from exojax.storage.json_files import check_same
from exojax.training.search_space import check_space

Report = Callable[[str, int, int], None]
"""``(what, done, total)``"""


def compare(plan: Plan, data: Data, out: Path, report: Report | None = None) -> dict[str, Any]:
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

    from sklearn.metrics import average_precision_score

    for name in plan.models:
        registry.get(name)
    if plan.tune:
        for name in plan.models:
            if registry.get(name).space is not None:
                check_space(RunConfig(model=name), lambda point: None)
    for name, number in (("repeats", plan.repeats), ("steps", plan.steps)):
        if number is not None and number < 1:
            raise InputError(f"--{name} {number}: give 1 or more")
    if plan.inner < 0 or plan.inner == 1:
        raise InputError(f"--inner {plan.inner}: give 2 or more folds, or 0 for none")
    if plan.tune < 0 or (plan.tune and not plan.inner):
        raise InputError(f"--tune {plan.tune}: give 1 point or more, which need --inner 2 or more folds; or 0 for none")
    if len(set(plan.models)) < len(plan.models):
        raise InputError(f"--models {','.join(plan.models)}: names a model twice")
    rows = usable_rows(data)
    check_both_classes(rows.label, data.source)
    if plan.test_fraction:
        test = split.holdout(rows.group, rows.label, fraction=plan.test_fraction, seed=plan.seed)
        rows = Rows(rows.index[~test], rows.group[~test], rows.label[~test], rows.digest[~test], rows.warnings)
    hosts = len(np.unique(rows.group[rows.label == 1]))
    if plan.inner and plan.folds > 1 and plan.folds <= hosts < 2 + -(-hosts // plan.folds):
        raise InputError(f"{hosts} planet hosts in {plan.folds} folds leave too few for inner folds; give --inner 0")
    if plan.init is not None:
        start = load(plan.init)
        check_set_aside(start, plan.rows)
        check_not_seen(start, data, rows, np.arange(len(rows.label)))
    folds = [
        split.folds(rows.group, rows.label, k=plan.folds, seed=plan.seed, repeat=repeat)
        for repeat in range(plan.repeats)
    ]
    check_same(
        out / "folds" / "plan.json",
        {"sha256": data.sha256, "cadence_days": data.cadence, "streams": random_streams.VERSION, **_settings(plan)},
        "comparison",
    )
    for name in plan.models:
        check_same(out / "folds" / f"{name}.json", {name: registry.fingerprint(name)}, "comparison")

    say = report or (lambda what, done, total: None)
    total, done = len(plan.models) * plan.repeats * plan.folds, 0
    shape = (len(plan.models), plan.repeats, len(rows.label))
    found = Scores(np.zeros(shape), np.full(shape, np.nan), np.zeros(shape, bool))
    cost: dict[str, list[np.ndarray]] = {name: [] for name in plan.models}
    tuned: dict[str, list[dict[str, Any]]] = {}
    unsearched: dict[str, int] = {}
    for m, name in enumerate(plan.models):
        features: dict[str, np.ndarray] = {}
        planted = None
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
                        planted = twins_for(
                            registry.get(name),
                            training_of(plan, name),
                            data.take(rows.index),
                            rows.label,
                            RunConfig(seed=plan.seed),
                            searched,
                        )
                    save_arrays(
                        kept,
                        one_fold(
                            plan, name, data.cadence, data.id[rows.index], features, rows, fold == number, r, planted
                        ),
                    )
                one = load_arrays(kept)
                found.rank[m, r, fold == number] = _percentile(one["order"])
                if plan.inner:
                    found.probability[m, r, fold == number] = one["probability"]
                    found.called[m, r, fold == number] = one["probability"] >= one["threshold"]
                cost[name].append(one["cost"])
                unsearched[name] = unsearched.get(name, 0) + (0 if r else int(np.isnan(one["logits"]).sum()))
                if "point" in one:
                    outer = average_precision_score(rows.label[fold == number], one["order"])
                    inner, seconds = (float(x) for x in one["tuned"])
                    about = {"repeat": r, "fold": number, "inner": inner, "outer": float(outer), "seconds": seconds}
                    tuned.setdefault(name, []).append(about | {"point": json.loads(str(one["point"]))})
                done += 1
    say("done", total, total)
    told = [
        f"{name}: {n} stars could not be searched: their probability is the share of hosts, and they do not calibrate"
        for name, n in unsearched.items()
        if n
    ]
    return _summary(plan, data, replace(rows, warnings=(*rows.warnings, *told)), found, cost, tuned)


@dataclass(frozen=True, eq=False)
class Scores:
    """Outer scores of every row.

    Attributes:
        rank: ``(models, repeats, n)`` float, percentile within the fold.
        probability: the same shape, calibrated; NaN without inner folds.
        called: the same shape, bool, at or above the fold's threshold.
    """

    rank: np.ndarray
    probability: np.ndarray
    called: np.ndarray


def _summary(
    plan: Plan,
    data: Data,
    rows: Rows,
    found: Scores,
    cost: dict[str, list[np.ndarray]],
    tuned: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    how: dict[str, Any] = {"groups": rows.group, "seed": plan.seed}
    table: list[dict[str, Any]] = []
    differences: dict[str, Figure] = {}
    for m, name in enumerate(plan.models):
        each = np.array(cost[name])
        rank, truth = found.rank[m], rows.label
        if m:
            differences[name] = repeated.paired_difference(truth, rank, found.rank[0], **how)
        line: dict[str, Any] = {
            "model": name,
            "average precision": repeated.mean_average_precision(truth, rank, **how),
            "chance level": float(truth.mean()),
            "ROC AUC": repeated.mean_roc_auc(truth, rank, **how),
            f"difference to {plan.models[0]}": differences.get(name),
        }
        if plan.inner:
            line |= {
                "Brier": repeated.mean_brier(truth, found.probability[m], **how),
                "recall at the threshold": repeated.mean_recall(truth, found.called[m], **how),
                "precision at the threshold": repeated.mean_precision(truth, found.called[m], **how),
            }
        if name in tuned:
            line["inner less outer AP"] = round(float(np.mean([t["inner"] - t["outer"] for t in tuned[name]])), 3)
            line["tuning, s"] = round(float(np.median([t["seconds"] for t in tuned[name]])), 2)
        line |= {
            "fit, s": round(float(np.median(each[:, 0])), 2),
            "score, ms/star": round(1e3 * float(np.median(each[:, 1])), 3),
            "memory, MB": None if np.isnan(each[:, 2]).all() else round(float(np.nanmax(each[:, 2]))),
            "parameters": int(np.median(each[:, 3])),
        }
        table.append(line | ({"note": plan.note} if plan.note else {}))
    hosts = len(np.unique(rows.group[rows.label == 1]))
    width = max((r["average precision"]["high"] - r["average precision"]["low"] for r in table), default=0.0)
    warnings = [
        *([plan.note] if plan.note else []),
        *rows.warnings,
        *(
            [f"{', '.join(untuned)}: no space to tune in, so as its file says"]
            if plan.tune and (untuned := [name for name in plan.models if name not in tuned])
            else []
        ),
        "scores are percentiles within a fold, pooled over the folds; intervals draw stars and leave out the luck of "
        "the training seed",
        f"with {hosts} hosts an average precision is known to about ±{width / 2:.2f}; differences are paired and known "
        "better",
    ]
    curves = {
        name: repeated.mean_precision_recall(rows.label, found.rank[m], **how) for m, name in enumerate(plan.models)
    }
    return {
        "rows": table,
        "curves": curves,
        "tuned": tuned,
        "can_show": power.told(differences, plan.models[0], hosts),
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
        **({"rows": plan.rows} if plan.rows != "all" else {}),
        "inner": plan.inner,
        # Comparisons from before there was a choice go on.
        **({"tune": plan.tune} if plan.tune else {}),
    }


def _percentile(logits: np.ndarray) -> np.ndarray:
    """Share of the fold's scores below each, ties counted half."""
    ordered = np.sort(logits)
    low, high = np.searchsorted(ordered, logits, "left"), np.searchsorted(ordered, logits, "right")
    return (low + high) / (2 * len(logits))
