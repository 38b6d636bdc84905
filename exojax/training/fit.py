"""One model fitted on arrays, or read back: the same two functions for a network and for a classical estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
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
from exojax.training.loop import Report, train
from exojax.training.recipe import Recipe
from exojax.training.sampler import balanced_batches
from exojax.training.scorer import Features, Scorer, at_prior
from exojax.training.stack import weigh
from exojax.training.state import TrainState, create_state
from exojax.training.weights import with_weights

WEIGHTS = "weights.npz"
"""in a folder without checkpoints: the weights alone, as arrays"""
OWN = Recipe()
"""the model's own way of learning"""


def fit_model(
    model: Model,
    config: TrainConfig,
    features: Features,
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    cadence: float,
    seed: int,
    folder: Path | None = None,
    validation: tuple[Features, np.ndarray] | None = None,
    report: Report | None = None,
    row_names: np.ndarray | None = None,
    init: TrainState | None = None,
    recipe: Recipe = OWN,
) -> Scorer:
    """Fit on all rows given, or go on where a killed call with the same arguments and ``folder`` stopped.

    Args:
        model: from the registry.
        config: of a network's training.
        features: those the model asks for, n rows.
        labels: ``(n,)`` int, 1 for hosts.
        groups: ``(n,)`` the star of each row.
        cadence: days between samples, for augmentation.
        seed: of everything random; an ensemble's members differ in theirs.
        folder: where the weights are kept; None keeps nothing.
        validation: features and labels by which a network stops early.
        report: progress of a training; ``of`` is the number of steps, ``member`` given where there are several.
        row_names: ``(n,)`` str for messages.
        init: a network's trained state whose weights to start from.
        recipe: how a network learns otherwise.

    Raises:
        InputError: a class has no star, the loss is not finite, or another model than a network is given a recipe.
        Interrupted: by Ctrl-C or SIGTERM.
    """
    if recipe.told() and not isinstance(model, Network):
        raise InputError(f"a recipe ({', '.join(recipe.told())}) is for networks; this model is fitted at once")
    if isinstance(model, Stack):
        how: dict[str, Any] = {"cadence": cadence, "seed": seed, "report": report, "row_names": row_names}
        return _fit_stack(model, features, labels, groups, folder, how)
    if isinstance(model, Classical):
        if folder is not None and (folder / "model.npz").exists():
            return load_model(model, folder, {})
        arrays = model.fit({name: features[name] for name in model.inputs}, labels, groups, seed)
        if folder is not None:
            save_arrays(folder / "model.npz", arrays)
        return Scorer(model.inputs, classical=model, arrays=arrays)

    features = {name: features[name] for name in model.inputs}

    config = replace(config, steps=steps_for(config, labels))
    states = []
    for member in range(config.members):
        home = None if folder is None else member_folder(folder, member)
        say = None if report is None else partial(_numbered, report, config, member)
        states.append(
            _fit_network(
                model,
                config,
                features,
                labels,
                cadence,
                seed,
                member,
                home,
                validation,
                say,
                row_names,
                init,
                recipe,
            )
        )
    return Scorer(model.inputs, tuple(states))


def _fit_stack(
    model: Stack, features: Features, labels: np.ndarray, groups: np.ndarray, folder: Path | None, how: dict[str, Any]
) -> Scorer:
    """Each model on all rows, and out of folds to weigh it; what is finished in ``folder`` is read back."""
    report, how = how["report"] or (lambda record: None), how | {"report": None}
    # Progress is told by models fitted: their own steps would start anew with each.
    number_of_fits = len(model.of) * (model.folds + 1)
    fold = split.folds(groups, labels, k=model.folds, seed=how["seed"], stream="stack folds")
    part = lambda rows: {name: x[rows] for name, x in features.items()}  # noqa: E731
    parts, seen = {}, {}
    for at, (name, one) in enumerate(model.of.items()):
        home = None if folder is None else folder / "members" / name
        report({"step": at * (model.folds + 1), "of": number_of_fits})
        config = one.train if isinstance(one, Network) else TrainConfig()
        kept = None if home is None else home / "out_of_fold.npz"
        if kept is not None and kept.exists():
            seen[name] = load_arrays(kept)["logits"]
        else:
            seen[name] = np.zeros(len(labels))
            for number in range(model.folds):
                fit, out = fold != number, fold == number
                names = None if how["row_names"] is None else how["row_names"][fit]
                scorer = fit_model(one, config, part(fit), labels[fit], groups[fit], **(how | {"row_names": names}))
                seen[name][out] = scorer(part(out))
                report({"step": at * (model.folds + 1) + number + 1, "of": number_of_fits})
            if kept is not None:
                save_arrays(kept, {"logits": seen[name]})
        parts[name] = fit_model(one, config, features, labels, groups, folder=home, **how)
    report({"step": number_of_fits, "of": number_of_fits})
    logits = np.stack(list(seen.values()))
    known = ~np.isnan(logits).any(axis=0)  # a star that cannot be searched has no logit
    arrays = weigh(logits[:, known], labels[known])
    if folder is not None:
        save_arrays(folder / "model.npz", arrays)
    return Scorer(model.inputs, arrays=arrays, parts=parts)


def steps_for(config: TrainConfig, labels: np.ndarray) -> int:
    """Training steps: ``config.steps``, or fewer where the ``config``'s passes over ``labels (n,)`` take fewer.

    Rounded to 25, so that folds of nearly one size share one compiled step.
    """
    smaller, larger = sorted((int(np.sum(labels == 1)), int(np.sum(labels != 1))))
    steps = config.steps
    for passes, size in ((config.passes, larger), (config.host_passes, smaller)):
        if passes:
            steps = min(steps, max(25, 25 * round(passes * size / (config.batch_size / 2) / 25)))
    return steps


def member_folder(folder: Path, member: int) -> Path:
    """Where a network of an ensemble is kept: the first in the run's own folder."""
    return folder / "members" / str(member) if member else folder


def _numbered(report: Report, config: TrainConfig, member: int, record: dict[str, Any]) -> None:
    report({**record, "of": config.steps} | ({"member": member} if config.members > 1 else {}))


def _fit_network(
    model: Network,
    config: TrainConfig,
    features: Features,
    labels: np.ndarray,
    cadence: float,
    seed: int,
    member: int,
    folder: Path | None,
    validation: tuple[Features, np.ndarray] | None,
    report: Report | None,
    row_names: np.ndarray | None,
    init: TrainState | None,
    recipe: Recipe,
) -> TrainState:
    from sklearn.metrics import average_precision_score

    hosts = int(np.sum(labels == 1))
    # Rounded, so that folds with a host more or less share one compiled step.
    injected = round(config.inject / (config.inject + hosts), 1) if config.inject else 0.0
    state = create_state(
        model.module,
        _on_device({name: x[:1] for name, x in features.items()}),
        config,
        seed=seed,
        member=member,
        loss=recipe.loss or optax.sigmoid_binary_cross_entropy,
        augment=recipe.augment or model.augment(cadence, injected),
        rate=recipe.schedule,
    )
    if model.settle is not None:
        stats = model.settle(state.batch_stats, features)
        state = state.replace(batch_stats=stats, average=jax.tree.map(jnp.copy, (state.params, stats)))
    if init is not None:
        params, batch_stats = init.average
        if jax.tree.map(jnp.shape, params) != jax.tree.map(jnp.shape, state.params):
            raise InputError(
                "--init: that run's network has weights of other shapes; use one trained on series of this length"
            )
        copies = jax.tree.map(jnp.copy, (params, batch_stats))
        state = state.replace(params=params, batch_stats=batch_stats, average=copies)
    batches = balanced_batches(_on_device(features), labels, config.batch_size)
    validate = None
    if validation is not None:
        rows, truth = validation

        def validate(state: TrainState) -> float:
            return float(average_precision_score(truth, at_prior(model, Scorer(model.inputs, (state,))(rows), 0.5)))

    return train(
        state,
        batches,
        config,
        folder=folder,
        validate=validate,
        report=report,
        row_names=row_names,
        step_fn=recipe.step,
    )


def load_model(model: Model, folder: Path, shapes: Mapping[str, list[int]], *, members: int = 1) -> Scorer:
    """The model that :func:`fit_model` left in ``folder``.

    Args:
        model: from the registry.
        folder: of the run.
        shapes: a star's shape of each input, for a network.
        members: networks whose mean log-odds count.

    Raises:
        InputError: nothing sound is there.
    """
    if isinstance(model, Classical):
        return Scorer(model.inputs, classical=model, arrays=load_arrays(folder / "model.npz"))
    if isinstance(model, Stack):
        parts = {name: load_model(one, folder / "members" / name, shapes) for name, one in model.of.items()}
        return Scorer(model.inputs, arrays=load_arrays(folder / "model.npz"), parts=parts)
    shapes = {name: shapes[name] for name in model.inputs}
    return Scorer(
        model.inputs, tuple(load_state(model, member_folder(folder, member), shapes) for member in range(members))
    )


def load_state(model: Network, folder: Path, shapes: Mapping[str, list[int]]) -> TrainState:
    """The state of a network's best checkpoint, or plain weights, in ``folder``; arguments as of :func:`load_model`."""
    example = {name: np.zeros((1, *shape), np.float32) for name, shape in shapes.items()}
    # The optimiser's arrays are restored too, so its shape must be right; its settings do not matter here.
    fresh = partial(create_state, model.module, example, model.train, seed=0)
    if (shipped := folder / WEIGHTS).is_file():
        # Shapes are enough, and take a tenth of the time; nobody trains on with the optimiser of such a state.
        empty = jax.eval_shape(fresh).replace(step=np.int32(0), key=jax.random.key(0), opt_state=(), tally=())
        return with_weights(empty, load_arrays(shipped), file=str(shipped))
    state = fresh()
    if not (folder / "checkpoints").is_dir():
        raise InputError(f"{folder}: holds no checkpoints; train the run first")
    from exojax.training.checkpoint import open_checkpoints

    with open_checkpoints(folder / "checkpoints") as saver:
        latest = saver.restore(state)
        if latest is None:
            raise InputError(f"{folder / 'checkpoints'}: no checkpoint was finished; train the run first")
        state, meta = latest
        if meta["best_step"] != int(state.step) and (best := saver.restore(state, step=meta["best_step"])):
            state = best[0]
    return state


def _on_device(features: Features) -> Inputs:
    return {name: jnp.asarray(x) for name, x in features.items()}
