"""What a model has to bring: a network in Flax, a classical estimator as functions over arrays, or several of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import jax
import numpy as np
from flax import linen as nn

from exojax.config import TrainConfig

Inputs = dict[str, jax.Array]
Augment = Callable[[jax.Array, Inputs, jax.Array], Inputs]
"""``(key, inputs, labels (b,)) -> inputs``, pure and traceable."""


Settle = Callable[[Mapping[str, Any], Mapping[str, np.ndarray]], dict[str, Any]]
"""``(batch_stats, features of the training rows) -> batch_stats``."""


class Suggest(Protocol):
    """Where a model's space asks for its values. An Optuna trial is one; a model need not know."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number from ``low`` to ``high``, evenly or in its logarithm."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number from ``low`` to ``high``, both included."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of ``choices``: texts, numbers or booleans."""


@dataclass(frozen=True)
class Choice:
    """A point of a model's space.

    Attributes:
        train: fields of :class:`TrainConfig` to their values, for a network.
        options: attributes of a network's module, or keywords of a classical model's ``fit``, to their values.
    """

    train: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


Space = Callable[[Suggest], Choice]
"""What ``tune.py`` may choose; it raises an ``InputError`` at a point that cannot be."""


@lru_cache
def no_augmentation(cadence: float, injected: float) -> Augment:
    """The inputs as they are."""
    return lambda key, inputs, labels: inputs


@dataclass(frozen=True)
class Network:
    """A Flax network and how it likes to be trained.

    Attributes:
        inputs: names in :mod:`exojax.features.registry`.
        module: called as ``module.apply(variables, inputs, train=...)`` with a dict of those features, each
            ``(n, ...)`` float32; returns ``(n,)`` logits.
        train: its training defaults.
        augment: ``(cadence in days, share of positives to be injected) -> Augment``; the same function object for the
            same arguments (``functools.lru_cache``), or every fit compiles anew.
        settle: what is fitted once, on the training rows alone, before the first step, such as the scale of an input;
            kept with the running averages of the normalisations.
        space: what ``tune.py`` may choose.
    """

    inputs: tuple[str, ...]
    module: nn.Module
    train: TrainConfig = field(default_factory=TrainConfig)
    augment: Callable[[float, float], Augment] = no_augmentation
    settle: Settle | None = None
    space: Space | None = None


def no_remarks(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Nothing to tell."""
    return ()


@dataclass(frozen=True)
class Classical:
    """An estimator that is fitted at once and kept as arrays.

    Attributes:
        inputs: names in :mod:`exojax.features.registry`.
        fit: ``(features, labels (n,), groups (n,), seed, *, options...) -> arrays``; whatever it chooses, it chooses on
            these rows.
        logits: ``(arrays, features) -> (n,)`` float64, higher for likelier hosts.
        space: what ``tune.py`` may choose.
        remarks: ``arrays -> sentences`` that a reader of the run's figures has to know.
        needs: module that must be installed, and what to type for it.
    """

    inputs: tuple[str, ...]
    fit: Callable[..., dict[str, np.ndarray]]
    logits: Callable[[Mapping[str, np.ndarray], Mapping[str, np.ndarray]], np.ndarray]
    space: Space | None = None
    remarks: Callable[[Mapping[str, np.ndarray]], tuple[str, ...]] = no_remarks
    needs: tuple[str, str] | None = None


@dataclass(frozen=True)
class Stack:
    """Several models, each fitted in its own way, and the weights with which their log-odds add up.

    Attributes:
        of: name -> model.
        folds: of the training rows, by star; out of them come the log-odds by which the models are weighed.
        space: what ``tune.py`` may choose.
    """

    of: Mapping[str, Network | Classical]
    folds: int = 3
    space: Space | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """What any of the models looks at."""
        return tuple(dict.fromkeys(name for model in self.of.values() for name in model.inputs))


Model = Network | Classical | Stack
