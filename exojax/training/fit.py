"""Fit a model to arrays, or load a fitted model, with one function for every kind of model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial, singledispatch
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.evaluation import split
from exojax.models.base import Classical, Inputs, Model, Network, Stack
from exojax.storage.array_files import load_arrays, save_arrays
from exojax.training.loop import ReportRecord, Validate, train
from exojax.training.recipe import Recipe
from exojax.training.sampler import balanced_batches
from exojax.training.scorer import Features, Scorer, at_prior
from exojax.training.stack import weigh
from exojax.training.state import TrainState, create_state, shapes_of
from exojax.training.weights import with_weights

WEIGHTS = "weights.npz"
"""file with the weights as arrays, in a folder without checkpoints"""
OWN = Recipe()
"""a recipe that replaces nothing"""


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled rows for training or validation.

    Attributes:
        features: name of an input to ``(n, ...)`` float32; there may be more inputs than the model reads.
        label: ``(n,)`` int, 1 for hosts.
        group: ``(n,)``, number or name of the star of each row.
        name: ``(n,)`` str, names of the rows for messages, or None.
    """

    features: Features
    label: np.ndarray
    group: np.ndarray
    name: np.ndarray | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.label)

    def take(self, rows: np.ndarray) -> Examples:
        """Return the rows ``rows`` (``(k,)`` int, or ``(n,)`` bool)."""
        features = {name: x[rows] for name, x in self.features.items()}
        name = None if self.name is None else self.name[rows]
        return Examples(features, self.label[rows], self.group[rows], name)


@dataclass(frozen=True, eq=False)
class FitSettings:
    """Settings of a fit.

    Attributes:
        config: settings of the training of a network.
        cadence: days between samples, for augmentation.
        seed: seed of all random numbers; each member of an ensemble derives another one from it.
        folder: folder of the weights; None stores nothing.
        validation: rows that stop the training of a network early; None for a fixed number of steps.
        report: receives the progress; ``of`` is the number of steps, and ``member`` the number of the network in an
            ensemble.
        init: trained state with the initial weights; None for random weights.
        recipe: functions that replace those of the model.
    """

    config: TrainConfig
    cadence: float
    seed: int
    folder: Path | None = None
    validation: Examples | None = None
    report: ReportRecord | None = None
    init: TrainState | None = None
    recipe: Recipe = OWN


@singledispatch
def fit_model(model: Model, examples: Examples, settings: FitSettings) -> Scorer:
    """Fit a model to rows. After an interruption, a call with the same arguments and folder continues.

    Args:
        model: a model from the registry, or your own.
        examples: rows to train on.
        settings: settings of the fit.

    Raises:
        InputError: a class has no star, the loss is not finite, or there is a recipe for a model that is no network.
        Interrupted: after Ctrl-C or SIGTERM.
    """
    raise TypeError(f"{type(model).__name__} is no kind of model: give a Network, a Classical or a Stack")


@fit_model.register
def _fit_networks(model: Network, examples: Examples, settings: FitSettings) -> Scorer:
    """Fit each network of an ensemble with a different seed."""
    features = {name: examples.features[name] for name in model.inputs}
    examples = replace(examples, features=features)
    config = replace(settings.config, steps=steps_for(settings.config, examples.label))
    states = []
    for member in range(config.members):
        folder = None if settings.folder is None else member_folder(settings.folder, member)
        report = None if settings.report is None else partial(_numbered, settings.report, config, member)
        of_member = replace(settings, config=config, folder=folder, report=report)
        states.append(_fit_network(model, examples, of_member, member))
    return Scorer(model.inputs, tuple(states))


@fit_model.register
def _fit_classical(model: Classical, examples: Examples, settings: FitSettings) -> Scorer:
    _check_no_recipe(settings.recipe)
    kept = None if settings.folder is None else settings.folder / "model.npz"
    if kept is not None and kept.exists():
        return Scorer(model.inputs, classical=model, arrays=load_arrays(kept))
    features = {name: examples.features[name] for name in model.inputs}
    arrays = model.fit(features, examples.label, examples.group, settings.seed)
    if kept is not None:
        save_arrays(kept, arrays)
    return Scorer(model.inputs, classical=model, arrays=arrays)


@fit_model.register
def _fit_stack(model: Stack, examples: Examples, settings: FitSettings) -> Scorer:
    """Fit each model to all rows, and weight the models by out-of-fold scores; read finished fits from the folder."""
    _check_no_recipe(settings.recipe)
    # Progress counts fits, because the steps of every model begin at 0.
    fits = len(model.of) * (model.folds + 1)
    parts, logits = {}, []
    for first, (name, part) in zip(itertools.count(0, model.folds + 1), model.of.items()):
        _note_fits(settings.report, fits, first, 0)
        folder = None if settings.folder is None else settings.folder / "members" / name
        of_part = FitSettings(part.train, settings.cadence, settings.seed, folder)
        note = partial(_note_fits, settings.report, fits, first)
        logits.append(_out_of_fold(part, examples, of_part, model.folds, note))
        parts[name] = fit_model(part, examples, of_part)
    _note_fits(settings.report, fits, fits, 0)
    stacked = np.stack(logits)
    known = ~np.isnan(stacked).any(axis=0)  # a star that cannot be searched has no logit
    arrays = weigh(stacked[:, known], examples.label[known])
    if settings.folder is not None:
        save_arrays(settings.folder / "model.npz", arrays)
    return Scorer(model.inputs, arrays=arrays, parts=parts)


def _out_of_fold(
    model: Network | Classical, examples: Examples, settings: FitSettings, folds: int, note: Callable[[int], None]
) -> np.ndarray:
    """Return ``(n,)`` logits of all rows, each from a model fitted to the other folds; read them back if stored."""
    kept = None if settings.folder is None else settings.folder / "out_of_fold.npz"
    if kept is not None and kept.exists():
        return load_arrays(kept)["logits"]
    fold = split.folds(examples.group, examples.label, k=folds, seed=settings.seed, stream="stack folds")
    logits = np.zeros(len(examples))
    for number in range(folds):
        out = fold == number
        scorer = fit_model(model, examples.take(~out), replace(settings, folder=None))
        logits[out] = scorer(examples.take(out).features)
        note(number + 1)
    if kept is not None:
        save_arrays(kept, {"logits": logits})
    return logits


def _note_fits(report: ReportRecord | None, of: int, first: int, done: int) -> None:
    if report is not None:
        report({"step": first + done, "of": of})


def _check_no_recipe(recipe: Recipe) -> None:
    if recipe.names():
        raise InputError(f"recipe ({', '.join(recipe.names())}): this model is no network; leave the recipe out")


def steps_for(config: TrainConfig, labels: np.ndarray) -> int:
    """Return the number of training steps: ``config.steps``, or fewer if its passes over the rows need fewer.

    The number is rounded to a multiple of 25, so that folds of similar sizes share one compiled step.

    Args:
        config: settings of the training.
        labels: ``(n,)`` int, 1 for hosts.
    """
    smaller, larger = sorted((int(np.sum(labels == 1)), int(np.sum(labels != 1))))
    steps = config.steps
    for passes, size in ((config.passes, larger), (config.host_passes, smaller)):
        if passes:
            steps = min(steps, max(25, 25 * round(passes * size / (config.batch_size / 2) / 25)))
    return steps


def member_folder(folder: Path, member: int) -> Path:
    """Return the folder of a network of an ensemble; the first network is in the folder of the run."""
    return folder / "members" / str(member) if member else folder


def _numbered(report: ReportRecord, config: TrainConfig, member: int, record: dict[str, Any]) -> None:
    report({**record, "of": config.steps} | ({"member": member} if config.members > 1 else {}))


def _fit_network(model: Network, examples: Examples, settings: FitSettings, member: int) -> TrainState:
    return train(
        _initial_state(model, examples, settings, member),
        balanced_batches(_on_device(examples.features), examples.label, settings.config.batch_size),
        settings.config,
        folder=settings.folder,
        validate=None if settings.validation is None else _validation(model, settings.validation),
        report=settings.report,
        row_names=examples.name,
        step_fn=settings.recipe.step,
    )


def _initial_state(model: Network, examples: Examples, settings: FitSettings, member: int) -> TrainState:
    """Return the state at step 0, with the weights of ``settings.init`` if there is one."""
    config, recipe = settings.config, settings.recipe
    hosts = int(np.sum(examples.label == 1))
    # Rounded, so that folds whose numbers of hosts differ by one share one compiled step.
    injected = round(config.inject / (config.inject + hosts), 1) if config.inject else 0.0
    state = create_state(
        model.module,
        _on_device({name: x[:1] for name, x in examples.features.items()}),
        config,
        seed=settings.seed,
        member=member,
        loss=recipe.loss or optax.sigmoid_binary_cross_entropy,
        augment=recipe.augment or model.augment(settings.cadence, injected),
        rate=recipe.schedule,
    )
    if model.settle is not None:
        stats = model.settle(state.batch_stats, examples.features)
        state = state.replace(batch_stats=stats, average=jax.tree.map(jnp.copy, (state.params, stats)))
    if settings.init is None:
        return state
    params, batch_stats = settings.init.average
    if jax.tree.map(jnp.shape, params) != jax.tree.map(jnp.shape, state.params):
        raise InputError(
            "--init: the network of that run has weights of other shapes; give a run trained on series of this length"
        )
    copies = jax.tree.map(jnp.copy, (params, batch_stats))
    return state.replace(params=params, batch_stats=batch_stats, average=copies)


def _validation(model: Network, rows: Examples) -> Validate:
    from sklearn.metrics import average_precision_score

    def validate(state: TrainState) -> float:
        logits = at_prior(model, Scorer(model.inputs, (state,))(rows.features), 0.5)
        return float(average_precision_score(rows.label, logits))

    return validate


@singledispatch
def load_model(model: Model, folder: Path, shapes: Mapping[str, list[int]], *, members: int = 1) -> Scorer:
    """Load the model that :func:`fit_model` has stored in ``folder``.

    Args:
        model: the model.
        folder: folder of the run.
        shapes: name of an input to its shape for one star; used for a network.
        members: number of networks in an ensemble.

    Raises:
        InputError: a file is missing or damaged.
    """
    raise TypeError(f"{type(model).__name__} is no kind of model: give a Network, a Classical or a Stack")


@load_model.register
def _load_networks(model: Network, folder: Path, shapes: Mapping[str, list[int]], *, members: int = 1) -> Scorer:
    shapes = {name: shapes[name] for name in model.inputs}
    states = (load_state(model, member_folder(folder, member), shapes) for member in range(members))
    return Scorer(model.inputs, tuple(states))


@load_model.register
def _load_classical(model: Classical, folder: Path, shapes: Mapping[str, list[int]], *, members: int = 1) -> Scorer:
    return Scorer(model.inputs, classical=model, arrays=load_arrays(folder / "model.npz"))


@load_model.register
def _load_stack(model: Stack, folder: Path, shapes: Mapping[str, list[int]], *, members: int = 1) -> Scorer:
    parts = {name: load_model(part, folder / "members" / name, shapes) for name, part in model.of.items()}
    return Scorer(model.inputs, arrays=load_arrays(folder / "model.npz"), parts=parts)


def load_state(model: Network, folder: Path, shapes: Mapping[str, list[int]]) -> TrainState:
    """Return the state of the best checkpoint, or of plain weights, in ``folder``; arguments as in
    :func:`load_model`."""
    example = {name: np.zeros((1, *shape), np.float32) for name, shape in shapes.items()}
    if (shipped := folder / WEIGHTS).is_file():
        return with_weights(shapes_of(model.module, example, model.train), load_arrays(shipped), file=str(shipped))
    # The optimiser's arrays are restored too, so that their shapes must be right; its settings have no effect here.
    state = create_state(model.module, example, model.train, seed=0)
    if not (folder / "checkpoints").is_dir():
        raise InputError(f"{folder}: has no checkpoints; train the run first")
    from exojax.training.checkpoint import open_checkpoints

    with open_checkpoints(folder / "checkpoints") as saver:
        latest = saver.restore(state)
        if latest is None:
            raise InputError(f"{folder / 'checkpoints'}: has no finished checkpoint; train the run first")
        state, meta = latest
        if meta["best_step"] != int(state.step) and (best := saver.restore(state, step=meta["best_step"])):
            state = best[0]
    return state


def _on_device(features: Features) -> Inputs:
    return {name: jnp.asarray(x) for name, x in features.items()}
