"""From labelled light curves to a finished run: split by star, fit, calibrate, choose a threshold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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
from exojax.models.base import Network
from exojax.runs.injected_copies import Taught, beside, paced, twins_for
from exojax.runs.model_inputs import digests, inputs_of, usable
from exojax.runs.probabilities import fitted, stored
from exojax.runs.run import SCORES, Run, check_shapes, facts_of, load, run_folder, write_config
from exojax.simulate import random_streams
from exojax.storage import announce
from exojax.storage.array_files import load_arrays, save_arrays
from exojax.storage.json_files import write_json
from exojax.training.fit import OWN, fit_model
from exojax.training.recipe import Recipe
from exojax.training.state import TrainState

Report = Callable[[str, dict[str, Any]], None]
"""``(phase, record)``: ``record["step"]``, and after a validation ``loss`` and so on."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows worth learning from.

    Attributes:
        index: ``(m,)`` int rows of the light curves: neither empty nor constant nor repeated.
        group: ``(m,)`` int the star of each; stars that share a row are one.
        label: ``(m,)`` int, 1 for hosts.
        digest: ``(m,)`` str fingerprint of each.
        warnings: what was dropped.
    """

    index: np.ndarray
    group: np.ndarray
    label: np.ndarray
    digest: np.ndarray
    warnings: tuple[str, ...]


def usable_rows(curves: Data) -> Rows:
    """Drop empty, constant and repeated rows, and say so.

    Raises:
        InputError: the rows have no labels, or most rows are of no use.
    """
    if curves.label is None:
        raise InputError(f"{curves.source}: has no labels to learn from; add a LABEL column (2 host, 1 not)")
    useful = usable(curves)
    if 2 * useful.sum() < len(curves):
        first = curves.id[np.flatnonzero(~useful)[0]] if len(curves) else "none"
        raise InputError(
            f"{curves.source}: {len(curves) - useful.sum()} of {len(curves)} rows are empty or constant "
            f"(the first is {first}); check the file"
        )
    digest = digests(curves)
    repeated = leakage.duplicates(digest, useful)
    index = np.flatnonzero(useful & ~repeated)
    warnings = list(curves.warnings)
    if not useful.all():
        warnings.append(f"{np.sum(~useful)} empty or constant rows were dropped")
    if repeated.any():
        warnings.append(f"{repeated.sum()} rows that repeat an earlier one were dropped")
    # Before the repeats are dropped: it is they that tell that two names are one star.
    star = curves.id if curves.catalogued else np.arange(len(curves)).astype(str)
    group = np.zeros(len(curves), np.int64)
    group[useful] = split.merge_groups(star[useful], digest[useful])
    return Rows(index, group[index], curves.label[index].astype(np.int64), digest[index], tuple(warnings))


def check_both_classes(label: np.ndarray, source: str) -> None:
    """Refuse rows of which there is nothing to learn.

    Raises:
        InputError: all of ``label (n,)`` are 1, or none is.
    """
    for name, other in (("planet hosts", label != 1), ("stars without planets", label == 1)):
        if not other.any():
            raise InputError(
                f"{source}: all {len(label)} usable rows are {name}; a split needs labelled stars of both classes"
            )


def validation_rows(label: np.ndarray, group: np.ndarray, seed: int) -> np.ndarray | None:
    """``(n,)`` bool rows to validate on, or None where that would leave too few hosts to validate with."""
    held = split.holdout(group, label, fraction=defaults.VALIDATION_FRACTION, seed=seed, stream="validation split")
    hosts = len(np.unique(group[held & (label == 1)]))
    return held if hosts >= defaults.MIN_VALIDATION_HOSTS else None


def fit(
    config: RunConfig,
    data: Data,
    folder: str | Path | None = None,
    *,
    test_fraction: float = defaults.TEST_FRACTION,
    report: Report | None = None,
    recipe: Recipe = OWN,
) -> Run:
    """Train, calibrate and keep a model; called again after a kill with the same arguments it goes on.

    With 20 or more validation hosts, these stop the training early, calibrate and set the threshold. With fewer, the
    number of steps is fixed, and calibration and threshold come from out-of-fold scores of the training rows.

    Args:
        config: what to train and how.
        data: labelled light curves or folded events.
        folder: a name under ``checkpoints/`` or a path; by default ``<data's file or source>-<model>`` there.
        test_fraction: share of stars kept for :func:`exojax.evaluate`; 0 where the source has a test file of its own.
        report: progress.
        recipe: functions in place of the model's own; the run remembers their names, and nothing of what they do.

    Raises:
        InputError: data or configuration cannot be used, or the folder holds a run of another kind.
        Interrupted: by Ctrl-C or SIGTERM, after saving.
    """
    folder = run_folder(folder or f"{Path(data.source).name.split('.')[0]}-{config.model}")
    say = report or (lambda phase, record: None)
    model = registry.build(config)
    training = registry.training(config)
    config = replace(config, train=training)
    if config.data.rows == "rest" and data.catalogued and is_set_aside(data.id).any():
        raise InputError(f"{data.source}: holds stars that are set aside, which --rows rest leaves out")
    rows = usable_rows(data)
    label, group = rows.label, rows.group
    check_both_classes(label, data.source)

    test = np.zeros(len(label), bool)
    if test_fraction:
        test = split.holdout(group, label, fraction=test_fraction, seed=config.seed)
    dev = np.flatnonzero(~test)
    held = validation_rows(label[dev], group[dev], config.seed)
    train = dev if held is None else dev[~held]
    validation = dev[:0] if held is None else dev[held]
    leakage.check_disjoint({"train": group[train], "validation": group[validation], "test": group[test]})

    found = lambda done, n: say(f"searching {n} stars", {"step": done, "of": n})  # noqa: E731
    seen = inputs_of(model.inputs, data.take(rows.index[dev]), config, report=found)
    check_shapes(config.model, seen, data.source, options=config.options)
    finished = (folder / "calibration.json").exists()
    initial, parts = None, _split(data, rows, train, validation, np.flatnonzero(test))
    if config.init and not finished:
        start = load(config.init)
        initial = _initial(start, config.model)
        check_set_aside(start, config.data.rows)
        judged_or_test = np.concatenate([np.flatnonzero(test), train if held is None else validation])
        check_not_seen(start, data, rows, judged_or_test)
        # What the first run saw, this one has seen.
        parts["digests"] += start.split["digests"]
        parts["seen"] += start.split["seen"]
    train_hosts = np.unique(group[train][label[train] == 1])
    train_others = np.unique(group[train][label[train] == 0])
    if held is None and min(len(train_hosts), len(train_others)) < 2:
        raise InputError(
            f"{data.source}: {len(train_hosts)} hosts and {len(train_others)} others to train on; at least 2 of each "
            "are needed"
        )
    facts = facts_of(data, {name: list(x.shape[1:]) for name, x in seen.items()})
    facts |= {"test_fraction": test_fraction, "streams": random_streams.VERSION}
    facts |= {"recipe": recipe.told()} if recipe.told() else {}
    write_config(folder, config, facts)
    if finished:
        return load(folder)
    write_json(folder / "split.json", parts)

    if not isinstance(data, FoldedEvents):
        watched = data.take(rows.index[train])
        coverage = controls.coverage_features(watched.time, watched.valid, data.cadence)
        save_arrays(folder / "coverage.npz", {"features": coverage, "label": label[train]})

    place = np.zeros(len(label), int)
    place[dev] = np.arange(len(dev))
    features_of = lambda chosen: {name: x[place[chosen]] for name, x in seen.items()}  # noqa: E731
    taught = Taught(seen, label[dev], group[dev], data.id[rows.index[dev]])
    planted = twins_for(model, training, data.take(rows.index[train]), label[train], config, found)
    if planted is not None:
        planted = replace(planted, star=place[train[planted.star]])

    def fit_on(chosen: np.ndarray, phase: str, keep: Path | None, stop_by: np.ndarray) -> Any:
        announce.phase(phase)
        part = beside(taught, planted, place[chosen])
        return fit_model(
            model,
            paced(training, label[chosen], len(part.label) - len(chosen)),
            part.features,
            part.label,
            part.group,
            cadence=data.cadence,
            seed=config.seed,
            folder=keep,
            validation=(features_of(stop_by), label[stop_by]) if len(stop_by) else None,
            report=lambda record: say(_of_member(phase, record, training.members), record),
            row_names=part.name,
            init=initial,
            recipe=recipe,
        )

    scorer = fit_on(train, config.model, folder, validation)
    prior = float(label[train].mean())
    warnings = [*rows.warnings, *scorer.remarks]
    if len(validation):
        protocol, judged = "validation", validation
        scores = scorer(features_of(validation))
    else:
        protocol, judged = "out-of-fold", train
        n_hosts = len(np.unique(group[train][label[train] == 1]))
        k = min(defaults.OUT_OF_FOLD, n_hosts)
        warnings.append(
            f"only {n_hosts} training hosts: no validation rows; a fixed number of steps, and calibration and "
            f"threshold from {k}-fold out-of-fold scores"
        )
        scores = np.zeros(len(train))
        fold = split.folds(group[train], label[train], k=k, seed=config.seed, stream="out-of-fold")
        for number in range(k):
            out = fold == number
            kept = folder / "out_of_fold" / f"{number}.npz"
            if not kept.exists():
                part = fit_on(train[~out], f"{config.model} fold {number + 1}/{k}", None, dev[:0])
                save_arrays(kept, {"logits": part(features_of(train[out]))})
            scores[out] = load_arrays(kept)["logits"]
    kind = np.full(len(judged), "") if data.kind is None else data.kind[rows.index[judged]]
    searched = ~np.isnan(scores)
    if not searched.all():
        warnings.append(
            f"{np.sum(~searched)} {protocol} rows could not be searched: their probability is the share of hosts, "
            f"{prior:.3g}, and they do not calibrate"
        )
    kept_scores = {"logits": scores, "label": label[judged], "group": group[judged], "kind": kind.astype(str)}
    save_arrays(folder / SCORES, {name: x[searched] for name, x in kept_scores.items()})
    how = fitted(
        config.model,
        scores,
        label[judged],
        group[judged],
        prior=prior,
        protocol=protocol,
        steps=scorer.steps,
        # With out-of-fold scores there are too few hosts to choose a map by, and they are of several models.
        seed=config.seed if protocol == "validation" else None,
    )
    write_json(folder / "calibration.json", stored(how) | {"warnings": warnings})
    return load(folder)


def _initial(start: Run, model: str) -> TrainState:
    spec = registry.get(model)
    if not isinstance(spec, Network):
        raise InputError(f"--init {start.folder.name}: {model} is fitted at once and starts from nothing; leave it out")
    if start.config.model != model:
        raise InputError(f"--init {start.folder.name}: is a run of {start.config.model}, which cannot start a {model}")
    return start.scorer.states[0]


def _of_member(phase: str, record: dict[str, Any], members: int) -> str:
    return f"{phase}, member {record['member'] + 1}/{members}" if "member" in record else phase


def check_not_seen(start: Run, data: Data, rows: Rows, kept: np.ndarray) -> None:
    """Refuse first weights that know the stars by which these are to be judged.

    Args:
        start: the run they are of.
        data: labelled rows.
        rows: those of use.
        kept: ``(k,)`` int, of ``rows``, that are to judge.

    Raises:
        InputError: a star or a row of ``kept`` is among those that ``start`` was trained on.
    """
    seen = np.isin(rows.digest[kept], start.split["digests"])
    if data.catalogued and start.data["catalogued"]:
        seen |= np.isin(data.id[rows.index[kept]], start.split["seen"])
    if seen.any():
        raise InputError(
            f"--init {start.folder.name}: was trained on {seen.sum()} of the stars that are to calibrate or test this "
            f"run (the first is {data.id[rows.index[kept[seen]][0]]}); start from a run on other data"
        )


def check_set_aside(start: Run, rows: str) -> None:
    """Refuse first weights that know stars which are set aside, where ``rows`` is ``rest``.

    Raises:
        InputError: a star that ``start`` was trained on is set aside.
    """
    seen = np.array(start.split["seen"], str)
    if rows == "rest" and start.data["catalogued"] and (aside := is_set_aside(seen)).any():
        raise InputError(
            f"--init {start.folder.name}: was trained on {aside.sum()} of the stars that are set aside (the first is "
            f"{seen[aside][0]}); start from a run that was trained with --rows rest"
        )


def _split(data: Data, rows: Rows, train: np.ndarray, validation: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    names = {
        part: data.id[rows.index[chosen]].tolist()
        for part, chosen in (("train", train), ("validation", validation), ("test", test))
    }
    return names | {
        "seen": names["train"] + names["validation"],
        "test_rows": rows.index[test].tolist(),
        "digests": rows.digest[np.concatenate([train, validation])].tolist(),
    }
