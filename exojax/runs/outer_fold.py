"""One outer fold of a comparison: tuned, fitted, calibrated on the other rows; then its own are scored, once."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from exojax.config import RunConfig, TrainConfig
from exojax.evaluation import split
from exojax.models import registry
from exojax.runs.fit import Rows
from exojax.runs.injected_copies import Taught, Twins, beside, paced
from exojax.runs.probabilities import apply, calibrated, log_odds
from exojax.runs.run import load
from exojax.training.cost import memory_used, parameters_of
from exojax.training.fit import fit_model
from exojax.training.scorer import Scorer, at_prior
from exojax.training.state import TrainState
from exojax.training.trials import best_of


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


def one_fold(
    plan: Plan,
    name: str,
    cadence: float,
    names: np.ndarray,
    features: dict[str, np.ndarray],
    rows: Rows,
    out: np.ndarray,
    repeat: int,
    planted: Twins | None = None,
) -> dict[str, np.ndarray]:
    """Fit one model on all rows but one fold's, and score that fold's.

    Args:
        plan: the comparison.
        name: of the model.
        cadence: days between samples.
        names: ``(n,)`` str, of the rows.
        features: the model's inputs, n rows.
        rows: labels and stars.
        out: ``(n,)`` bool, the fold's own rows: nothing is chosen by them.
        repeat: number of the repetition, from 0.
        planted: copies of rows with simulated planets, for the trainings on these rows; tuning goes without.

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
    part = lambda chosen: {key: x[chosen] for key, x in features.items()}  # noqa: E731
    config = replace(RunConfig(model=name, seed=seed), train=training_of(plan, name))
    init = _initial(plan, name)
    kept: dict[str, np.ndarray] = {}
    if plan.tune and registry.get(name).space is not None:
        within = {f"input/{key}": x for key, x in part(train).items()}
        fold = split.folds(rows.group[train], rows.label[train], k=plan.inner, seed=seed, stream="inner folds")
        within |= {"label": rows.label[train], "group": rows.group[train], "fold": fold}
        started = time.perf_counter()
        best = best_of(config, within, cadence, trials=plan.tune, init=init)
        kept = {"tuned": np.array([best.score, time.perf_counter() - started])}
        kept["point"] = np.array(json.dumps(best.params))
        config = best.config
    model, training = registry.build(config), registry.training(config)

    taught = Taught(features, rows.label, rows.group, names)

    def fit_on(chosen: np.ndarray) -> Scorer:
        some = beside(taught, planted, chosen)
        how: dict[str, Any] = {"cadence": cadence, "seed": seed, "row_names": some.name, "init": init}
        pace = paced(training, rows.label[chosen], len(some.label) - len(chosen))
        return fit_model(model, pace, some.features, some.label, some.group, **how)

    started = time.perf_counter()
    with memory_used() as used:
        scorer = fit_on(train)
        memory = used()
    fitted = time.perf_counter() - started
    how = None
    if plan.inner:
        how = calibrated(
            name,
            rows.label[train],
            rows.group[train],
            plan.inner,
            seed,
            lambda fit, score: fit_on(train[fit])(part(train[score])),
        )
    # Only now is an outer row looked at.
    outer = part(np.flatnonzero(out))
    scorer(outer)  # the first call compiles
    compiled = time.perf_counter()
    logits = scorer(outer)
    per_star = (time.perf_counter() - compiled) / max(out.sum(), 1)
    kept |= {"logits": logits, "cost": np.array([fitted, per_star, memory, parameters_of(scorer)])}
    if how is None:
        kept["order"] = at_prior(model, logits, float(rows.label[train].mean()))
    else:
        kept["order"] = log_odds(name, how, logits)
        kept |= {"probability": apply(name, how, logits), "threshold": np.asarray(how.threshold)}
    return kept


def training_of(plan: Plan, name: str) -> TrainConfig:
    """As the model's file says, but for the number of steps where the plan gives one."""
    config = registry.training(RunConfig(model=name))
    return config if plan.steps is None else replace(config, steps=plan.steps, passes=0.0, host_passes=0.0)


def _initial(plan: Plan, name: str) -> TrainState | None:
    """The weights that a model starts from, where ``plan.init`` is a run of it."""
    if plan.init is None:
        return None
    start = load(plan.init)
    return start.scorer.states[0] if start.config.model == name else None
