"""One model fitted on arrays, or read back: the same two functions for a network and for a classical estimator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.errors import ScopeParamShapeError
from sklearn.metrics import average_precision_score

from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.models.interface import Classical, Inputs, Model, Network
from exojax.training.arrays import load_arrays, save_arrays
from exojax.training.checkpoint import open_checkpoints
from exojax.training.loop import Report, train
from exojax.training.recipe import Recipe
from exojax.training.sampler import balanced_batches
from exojax.training.state import TrainState, create_state
from exojax.training.step import scored
from exojax.training.weights import with_weights

Features = Mapping[str, np.ndarray]
"""Feature name -> ``(n, ...)`` float32."""
Scorer = Callable[[Features], np.ndarray]
"""Features of n stars -> ``(n,)`` float64 logits, before calibration."""

BATCH = 256
"""stars scored at a time"""
WEIGHTS = "weights.npz"
"""in a folder without checkpoints: the weights alone, as arrays"""
OWN = Recipe()
"""the model's own way of learning"""
_APART = 1000
"""between the seeds of an ensemble's members, so that runs of neighbouring seeds share none"""


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
        InputError: a class has no star, the loss is not finite, or a classical model is given a recipe.
        Interrupted: by Ctrl-C or SIGTERM.
    """
    if isinstance(model, Classical):
        if recipe.told():
            raise InputError(f"a recipe ({', '.join(recipe.told())}) is for networks; this model is fitted at once")
        if folder is not None and (folder / "model.npz").exists():
            return load_model(model, folder, {})
        arrays = model.fit(features, labels, groups, seed)
        if folder is not None:
            save_arrays(folder / "model.npz", arrays)
        return partial(_classical, model, arrays)

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
                seed + _APART * member,
                home,
                validation,
                say,
                row_names,
                init,
                recipe,
            )
        )
    return partial(_ensemble, tuple(states))


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
    folder: Path | None,
    validation: tuple[Features, np.ndarray] | None,
    report: Report | None,
    row_names: np.ndarray | None,
    init: TrainState | None,
    recipe: Recipe,
) -> TrainState:
    hosts = int(np.sum(labels == 1))
    # Rounded, so that folds with a host more or less share one compiled step.
    injected = round(config.inject / (config.inject + hosts), 1) if config.inject else 0.0
    state = create_state(
        model.module,
        _on_device({name: x[:1] for name, x in features.items()}),
        config,
        seed=seed,
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
        validate = lambda state: average_precision_score(truth, _network(state, rows))  # noqa: E731
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
        return partial(_classical, model, load_arrays(folder / "model.npz"))
    return partial(
        _ensemble, tuple(load_state(model, member_folder(folder, member), shapes) for member in range(members))
    )


def steps_of(scorer: Scorer) -> list[int] | None:
    """The training step of each network's weights; None for a classical model."""
    states = states_of(scorer)
    return [int(state.step) for state in states] or None


def states_of(scorer: Scorer) -> tuple[TrainState, ...]:
    """The trained networks behind a scorer; none for a classical model."""
    first = getattr(scorer, "args", (None,))[0]
    return first if isinstance(first, tuple) else ()


def arrays_of(scorer: Scorer) -> Mapping[str, np.ndarray]:
    """What a classical model is kept as; nothing of a network."""
    arguments: tuple[Any, ...] = getattr(scorer, "args", ())
    return arguments[1] if len(arguments) == 2 else {}


def remarks_of(scorer: Scorer) -> tuple[str, ...]:
    """What a classical model has to tell of its fit."""
    arguments: tuple[Any, ...] = getattr(scorer, "args", ())
    return arguments[0].remarks(arguments[1]) if len(arguments) == 2 else ()


def member_logits(scorer: Scorer, features: Features) -> np.ndarray:
    """``(members, n)`` float64 log-odds of each network; of a classical model one row."""
    states = states_of(scorer)
    return np.stack([_network(state, features) for state in states] if states else [scorer(features)])


def load_state(model: Network, folder: Path, shapes: Mapping[str, list[int]]) -> TrainState:
    """The state of a network's best checkpoint, or plain weights, in ``folder``; arguments as of :func:`load_model`."""
    example = {name: jnp.zeros((1, *shape), jnp.float32) for name, shape in shapes.items()}
    # The optimiser's arrays are restored too, so its shape must be right; its settings do not matter here.
    state = create_state(model.module, example, model.train, seed=0)
    if (shipped := folder / WEIGHTS).is_file():
        return with_weights(state, load_arrays(shipped), file=str(shipped))
    if not (folder / "checkpoints").is_dir():
        raise InputError(f"{folder}: holds no checkpoints; train the run first")
    with open_checkpoints(folder / "checkpoints") as saver:
        latest = saver.restore(state)
        if latest is None:
            raise InputError(f"{folder / 'checkpoints'}: no checkpoint was finished; train the run first")
        state, meta = latest
        if meta["best_step"] != int(state.step) and (best := saver.restore(state, step=meta["best_step"])):
            state = best[0]
    return state


def _classical(model: Classical, arrays: Mapping[str, np.ndarray], features: Features) -> np.ndarray:
    return np.asarray(model.logits(arrays, features), np.float64)


def _ensemble(states: tuple[TrainState, ...], features: Features) -> np.ndarray:
    return np.mean([_network(state, features) for state in states], axis=0)


def _network(state: TrainState, features: Features) -> np.ndarray:
    n = len(next(iter(features.values())))
    scores = []
    for start in range(0, n, BATCH):
        part = {name: x[start : start + BATCH] for name, x in features.items()}
        missing = min(BATCH, _ceil_power(n)) - len(next(iter(part.values())))
        padded = {name: np.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)) for name, x in part.items()}
        try:
            found = _forward(state.apply_fn, state.average, padded)
            scores.append(np.asarray(found)[: len(next(iter(part.values())))])
        except ScopeParamShapeError:
            shape = next(iter(features.values())).shape[1:]
            raise InputError(
                f"the network was trained on series of another length than {shape[0]} cadences; "
                "score data of the same layout, or train on these"
            ) from None
    return np.concatenate(scores).astype(np.float64) if scores else np.zeros(0)


@partial(jax.jit, static_argnums=0)
def _forward(apply_fn: Callable[..., Any], average: Any, inputs: Inputs) -> jax.Array:
    """Not of the whole state, whose optimiser differs from run to run and would compile this again."""
    return scored(apply_fn, average, inputs)


def _ceil_power(n: int) -> int:
    """Next power of two: batches of a few sizes compile a few times, whatever the number of stars."""
    return 1 << max(n - 1, 0).bit_length()


def _on_device(features: Features) -> Inputs:
    return {name: jnp.asarray(x) for name, x in features.items()}
