"""Fit a run to labelled light curves: choose and split the rows, compute the inputs, train, calibrate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from exojax import config as defaults
from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.evaluation import controls, leakage, split
from exojax.folded_events import Data, FoldedEvents
from exojax.io.set_aside import is_set_aside
from exojax.models import registry
from exojax.models.base import Model
from exojax.models.code import fingerprint
from exojax.runs.injected_copies import InjectedCopies, copies_for, fit_with_copies
from exojax.runs.model_inputs import example_inputs, inputs_of
from exojax.runs.probabilities import fitted, stored
from exojax.runs.rows import UsableRows, check_both_classes, check_not_seen, check_set_aside, usable_rows
from exojax.runs.run import SCORES, Run, check_shapes, facts_of, load, run_folder, write_config
from exojax.simulate import random_streams
from exojax.storage import announce
from exojax.storage.array_files import load_arrays, save_arrays
from exojax.storage.json_files import write_checked
from exojax.training.fit import OWN, Examples, FitSettings
from exojax.training.recipe import Recipe
from exojax.training.scorer import Scorer

ReportPhase = Callable[[str, dict[str, Any]], None]
"""takes ``(phase, record)``; the record holds ``step``, and after a validation ``loss`` and the validation scores"""


def fit(
    config: RunConfig,
    data: Data,
    folder: str | Path | None = None,
    *,
    test_fraction: float = defaults.TEST_FRACTION,
    report: ReportPhase | None = None,
    recipe: Recipe = OWN,
) -> Run:
    """Train, calibrate and store a model. After an interruption, the same call continues.

    With 20 or more validation hosts, the validation rows stop the training early, calibrate and set the threshold. With
    fewer, the number of steps is fixed, and calibration and threshold come from out-of-fold scores of the training
    rows.

    Args:
        config: settings of the run.
        data: labelled light curves or folded events.
        folder: a name under ``checkpoints/`` or a path; by default ``checkpoints/<file or source>-<model>``.
        test_fraction: share of the stars that :func:`exojax.evaluate` will score; 0 if the source has a test file.
        report: receives the progress.
        recipe: functions that replace the model's own; the run stores their names, but not their code.

    Raises:
        InputError: the data or the configuration cannot be used, or the folder holds another run.
        Interrupted: after Ctrl-C or SIGTERM; the training is saved.
    """
    if not isinstance(recipe, Recipe):
        raise InputError("recipe: expected a Recipe (from exojax.training.recipe), such as Recipe(loss=my_loss)")
    folder = run_folder(folder or f"{Path(data.source).name.split('.')[0]}-{config.model}")
    config, report = replace(config, train=registry.training(config)), report or _silent

    rows = prepare_rows(config, data)
    parts = split_rows(data, rows, config.seed, test_fraction)
    start = check(config, parts, folder, recipe, test_fraction)
    if (folder / "calibration.json").exists():
        return load(folder)
    write_split(folder, parts, start)
    examples = compute_inputs(config, parts, report)
    training = set_up(config, parts, examples, start, recipe, report)
    scorer = training.fit(parts.train, config.model, folder=folder, validation=parts.validation)
    calibrate(config, parts, training, scorer, folder)
    return load(folder)


@dataclass(frozen=True, eq=False)
class Split:
    """Rows split by star into training, validation and test.

    Attributes:
        data: all rows.
        rows: the usable rows.
        dev: ``(m,)`` int, index among the usable rows: training and validation rows together.
        train: ``(k,)`` int, index into ``dev``.
        validation: ``(v,)`` int, index into ``dev``; empty if there would be too few validation hosts.
        test: ``(t,)`` int, index among the usable rows.
    """

    data: Data
    rows: UsableRows
    dev: np.ndarray
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def prepare_rows(config: RunConfig, data: Data) -> UsableRows:
    """Return the rows that a model can be trained on.

    Raises:
        InputError: there are no labels or only one class, most rows are empty or constant, or the data hold stars that
            are set aside although the configuration leaves them out.
    """
    if config.data.rows == "rest" and data.catalogued and is_set_aside(data.id).any():
        raise InputError(f"{data.source}: holds stars that are set aside; --rows rest needs data without them")
    rows = usable_rows(data)
    check_both_classes(rows.label, data.source)
    return rows


def split_rows(data: Data, rows: UsableRows, seed: int, test_fraction: float) -> Split:
    """Split the usable rows by star into training, validation and test."""
    test = np.zeros(len(rows.label), bool)
    if test_fraction:
        test = split.holdout(rows.group, rows.label, fraction=test_fraction, seed=seed)
    dev = np.flatnonzero(~test)
    held = validation_rows(rows.label[dev], rows.group[dev], seed)
    parts = Split(data, rows, dev, np.flatnonzero(~held), np.flatnonzero(held), np.flatnonzero(test))
    groups = {"train": dev[parts.train], "validation": dev[parts.validation], "test": parts.test}
    leakage.check_disjoint({name: rows.group[chosen] for name, chosen in groups.items()})
    return parts


def validation_rows(label: np.ndarray, group: np.ndarray, seed: int) -> np.ndarray:
    """Return ``(n,)`` bool, true for validation rows; all false if there would be too few validation hosts."""
    held = split.holdout(group, label, fraction=defaults.VALIDATION_FRACTION, seed=seed, stream="validation split")
    hosts = len(np.unique(group[held & (label == 1)]))
    return held if hosts >= defaults.MIN_VALIDATION_HOSTS else np.zeros(len(label), bool)


def check(config: RunConfig, parts: Split, folder: Path, recipe: Recipe, test_fraction: float) -> Run | None:
    """Check, before any search or training, that the run can be finished; write ``config.json``.

    Returns:
        The run whose weights the network starts from; None for random weights.

    Raises:
        InputError: the data or their size do not suit the model, the run of ``init`` cannot be used, or the folder
            holds a run with other settings.
    """
    shapes = check_data(config, parts)
    finished = (folder / "calibration.json").exists()
    start = None if finished else first_weights(config, parts)
    facts = facts_of(parts.data, shapes)
    facts |= {"test_fraction": test_fraction, "streams": random_streams.VERSION}
    facts["code"] = fingerprint(registry.get(config.model))
    write_config(folder, config, facts | ({"recipe": recipe.names()} if recipe.names() else {}))
    return start


def check_data(config: RunConfig, parts: Split) -> dict[str, list[int]]:
    """Check that the data suit the model; return each input of the model with its shape for one star.

    Raises:
        InputError: a class has too few stars for the folds of the calibration and of the model, the inputs of the model
            cannot be computed from the data, or the series are too short.
    """
    model, source = registry.get(config.model), parts.data.source
    train = parts.rows.take(parts.dev[parts.train])
    needed = next(n for n in count(1) if _in_smallest_fit(n, parts) >= model.fewest_stars)
    if min(train.hosts, train.others) < needed:
        raise InputError(
            f"{source}: {train.hosts} hosts and {train.others} other stars to train on; {config.model} and its "
            f"calibration need at least {needed} of each; give more labelled stars"
        )
    example = example_inputs(model.inputs, parts.data, config)
    check_shapes(config.model, example, source, options=config.options)
    return {name: list(x.shape[1:]) for name, x in example.items()}


def _in_smallest_fit(n: int, parts: Split) -> int:
    """Return how many of ``n`` training stars of a class the smallest fit uses: all, or those outside one fold."""
    return n if len(parts.validation) else n - -(-n // min(defaults.OUT_OF_FOLD, n))


def first_weights(config: RunConfig, parts: Split) -> Run | None:
    """Return the run whose weights the training starts from; None for random weights.

    Raises:
        InputError: the run has another model, or was trained on stars that calibrate or test this run.
    """
    if not config.init:
        return None
    start = load(config.init)
    if registry.get(config.model).kind != "network":
        raise InputError(
            f"--init {start.folder.name}: {config.model} is no network and has no initial weights; leave --init out"
        )
    if start.config.model != config.model:
        raise InputError(f"--init {start.folder.name}: is a run of {start.config.model}; give a run of {config.model}")
    check_set_aside(start, config.data.rows)
    calibrating = parts.validation if len(parts.validation) else parts.train
    check_not_seen(start, parts.data, parts.rows, np.concatenate([parts.test, parts.dev[calibrating]]))
    return start


def compute_inputs(config: RunConfig, parts: Split, report: ReportPhase) -> Examples:
    """Return the inputs of the model for all rows except the test rows; search and fold them if the model needs it."""
    dev, searching = parts.rows.take(parts.dev), partial(_searching, report)
    inputs = inputs_of(registry.get(config.model).inputs, parts.data.take(dev.index), config, report=searching)
    return Examples(inputs, dev.label, dev.group, parts.data.id[dev.index])


def write_split(folder: Path, parts: Split, start: Run | None) -> None:
    """Write ``split.json`` with the stars of each part, and for light curves ``coverage.npz`` of the training stars.

    Args:
        folder: folder of the run.
        parts: the split.
        start: the run whose weights the network starts from; its stars count as seen.
    """
    data, rows = parts.data, parts.rows
    chosen = {"train": parts.dev[parts.train], "validation": parts.dev[parts.validation], "test": parts.test}
    kept: dict[str, Any] = {name: data.id[rows.index[index]].tolist() for name, index in chosen.items()}
    kept["seen"] = kept["train"] + kept["validation"]
    kept["test_rows"] = rows.index[parts.test].tolist()
    kept["digests"] = rows.digest[np.concatenate([chosen["train"], chosen["validation"]])].tolist()
    if start is not None:
        kept["digests"] += start.split["digests"]
        kept["seen"] += start.split["seen"]
    write_checked(folder / "split.json", kept)
    if not isinstance(data, FoldedEvents):
        train = rows.take(chosen["train"])
        observed = data.take(train.index)
        coverage = controls.coverage_features(observed.time, observed.valid, data.cadence)
        save_arrays(folder / "coverage.npz", {"features": coverage, "label": train.label})


@dataclass(frozen=True, eq=False)
class Training:
    """The common part of all fits of a run.

    Attributes:
        model: the model.
        examples: training and validation rows.
        copies: copies of some of these rows with injected planets; None for no copies.
        settings: settings of the fit.
        report: receives the progress.
    """

    model: Model
    examples: Examples
    copies: InjectedCopies | None
    settings: FitSettings
    report: ReportPhase

    def fit(
        self, chosen: np.ndarray, phase: str, *, folder: Path | None = None, validation: np.ndarray | None = None
    ) -> Scorer:
        """Fit the model to some of the rows.

        Args:
            chosen: ``(k,)`` int, rows to train on.
            phase: name of the phase for progress.
            folder: folder of checkpoints and weights; None stores nothing.
            validation: ``(v,)`` int, rows that stop a network early; None or empty for no early stop.
        """
        announce.phase(phase)
        settings = replace(
            self.settings,
            folder=folder,
            validation=None if validation is None or not len(validation) else self.examples.take(validation),
            report=partial(_report_member, self.report, phase, self.settings.config.members),
        )
        return fit_with_copies(self.model, self.examples, self.copies, chosen, settings)


def set_up(
    config: RunConfig,
    parts: Split,
    examples: Examples,
    start: Run | None,
    recipe: Recipe,
    report: ReportPhase,
) -> Training:
    """Return the training, with copies of training stars with injected planets if the model needs them."""
    model, training = registry.build(config), registry.training(config)
    init = None if start is None else start.scorer.states[0]
    settings = FitSettings(training, parts.data.cadence, config.seed, init=init, recipe=recipe)
    train = parts.data.take(parts.rows.index[parts.dev[parts.train]])
    copies = copies_for(model, training, train, examples.label[parts.train], config, partial(_searching, report))
    if copies is not None:
        copies = replace(copies, star=parts.train[copies.star])
    return Training(model, examples, copies, settings, report)


def calibrate(config: RunConfig, parts: Split, training: Training, scorer: Scorer, folder: Path) -> None:
    """Fit the map from logits to probabilities and choose the threshold; write both, and the scores used for them.

    The scores are those of the validation rows, or, without validation rows, out-of-fold scores of the training rows.
    """
    data, rows, examples = parts.data, parts.rows, training.examples
    prior = float(examples.label[parts.train].mean())
    warnings = [*rows.warnings, *scorer.remarks]
    if len(parts.validation):
        protocol, chosen = "validation", parts.validation
        logits = scorer(examples.take(chosen).features)
    else:
        protocol, chosen = "out-of-fold", parts.train
        train = rows.take(parts.dev[chosen])
        k = min(defaults.OUT_OF_FOLD, train.hosts, train.others)
        warnings.append(
            f"only {train.hosts} training hosts, too few for validation rows: the number of steps is fixed, and "
            f"calibration and threshold come from {k}-fold out-of-fold scores"
        )
        logits = out_of_fold(config, training, chosen, k, folder / "out_of_fold")
    label, group = examples.label[chosen], examples.group[chosen]
    known = ~np.isnan(logits)
    if not known.all():
        warnings.append(
            f"{np.sum(~known)} {protocol} rows could not be searched; their probability is the share of hosts, "
            f"{prior:.3g}, and they are left out of the calibration"
        )
    kind = np.full(len(chosen), "") if data.kind is None else data.kind[rows.index[parts.dev[chosen]]].astype(str)
    scores = {"logits": logits, "label": label, "group": group, "kind": kind}
    save_arrays(folder / SCORES, {name: x[known] for name, x in scores.items()})
    calibration = fitted(
        config.model,
        logits,
        label,
        group,
        prior=prior,
        protocol=protocol,
        steps=scorer.steps,
        # Out-of-fold scores come from several models and few hosts, too few to choose the kind of map.
        seed=config.seed if protocol == "validation" else None,
    )
    write_checked(folder / "calibration.json", stored(calibration) | {"warnings": warnings})


def out_of_fold(config: RunConfig, training: Training, chosen: np.ndarray, k: int, folder: Path) -> np.ndarray:
    """Return ``(n,)`` logits of the rows ``chosen (n,)``, int, from models fitted to the other of ``k`` folds.

    Finished folds in ``folder`` are read back.
    """
    examples = training.examples.take(chosen)
    fold = split.folds(examples.group, examples.label, k=k, seed=config.seed, stream="out-of-fold")
    logits = np.zeros(len(chosen))
    for number in range(k):
        out = fold == number
        kept = folder / f"{number}.npz"
        if not kept.exists():
            scorer = training.fit(chosen[~out], f"{config.model} fold {number + 1}/{k}")
            save_arrays(kept, {"logits": scorer(examples.take(out).features)})
        logits[out] = load_arrays(kept)["logits"]
    return logits


def _silent(phase: str, record: dict[str, Any]) -> None:
    """Report nothing."""


def _searching(report: ReportPhase, done: int, n: int) -> None:
    report(f"searching {n} stars", {"step": done, "of": n})


def _report_member(report: ReportPhase, phase: str, members: int, record: dict[str, Any]) -> None:
    report(f"{phase}, member {record['member'] + 1}/{members}" if "member" in record else phase, record)
