"""What a model has to bring: a network in Flax, a classical estimator as functions over arrays, or several of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, ClassVar, Protocol

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
        """Return a number from ``low`` to ``high``, evenly or in its logarithm."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of ``choices``: texts, numbers or booleans."""


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
Needs = tuple[str, str]
"""A module that must be installed, and what to type for it."""
Option = float | int | str | bool
"""A value that a run's ``options`` may change."""


@lru_cache
def no_augmentation(cadence: float, injected: float) -> Augment:
    """Return the inputs as they are."""
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
        needs: a module that must be installed.
    """

    inputs: tuple[str, ...]
    module: nn.Module
    train: TrainConfig = field(default_factory=TrainConfig)
    augment: Callable[[float, float], Augment] = no_augmentation
    settle: Settle | None = None
    space: Space | None = None
    needs: Needs | None = None
    kind: ClassVar[str] = "network"
    balanced: ClassVar[bool] = True
    """batches hold as many hosts as others: a logit of 0 is an even chance"""
    fewest_stars: ClassVar[int] = 1
    """stars of either class that it can be fitted on"""

    @property
    def parts(self) -> tuple[Network | Classical, ...]:
        """Return the models that it is made of: itself."""
        return (self,)

    @property
    def options(self) -> dict[str, Option]:
        """Return name -> default of the module's attributes that are single values."""
        names = [name for name in self.module.__dataclass_fields__ if name not in ("parent", "name")]
        return _single_values({name: getattr(self.module, name) for name in names})

    def with_options(self, options: Mapping[str, Option]) -> Network:
        """Return the network with other attributes of its module."""
        changes: dict[str, Any] = dict(options)
        return replace(self, module=self.module.clone(**changes))


def no_remarks(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Return no remarks."""
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
        needs: a module that must be installed.
    """

    inputs: tuple[str, ...]
    fit: Callable[..., dict[str, np.ndarray]]
    logits: Callable[[Mapping[str, np.ndarray], Mapping[str, np.ndarray]], np.ndarray]
    space: Space | None = None
    remarks: Callable[[Mapping[str, np.ndarray]], tuple[str, ...]] = no_remarks
    needs: Needs | None = None
    kind: ClassVar[str] = "classical"
    balanced: ClassVar[bool] = False
    fewest_stars: ClassVar[int] = 1
    train: ClassVar[TrainConfig] = TrainConfig()

    @property
    def parts(self) -> tuple[Network | Classical, ...]:
        """Return the models that it is made of: itself."""
        return (self,)

    @property
    def options(self) -> dict[str, Option]:
        """Return name -> default of the keywords of ``fit``."""
        keywords = inspect.signature(self.fit).parameters.values()
        return _single_values({p.name: p.default for p in keywords if p.kind is p.KEYWORD_ONLY})

    def with_options(self, options: Mapping[str, Option]) -> Classical:
        """Return the model with other keywords of ``fit``."""
        return replace(self, fit=partial(self.fit, **options))


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
    kind: ClassVar[str] = "stack"
    balanced: ClassVar[bool] = False
    train: ClassVar[TrainConfig] = TrainConfig()

    @property
    def parts(self) -> tuple[Network | Classical, ...]:
        """Return the models that it is made of."""
        return tuple(self.of.values())

    @property
    def fewest_stars(self) -> int:
        """Return how many stars of either class it can be fitted on."""
        return self.folds

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the inputs of all its models."""
        return tuple(dict.fromkeys(name for model in self.parts for name in model.inputs))

    @property
    def options(self) -> dict[str, Option]:
        """Return the options: none."""
        return {}

    def with_options(self, options: Mapping[str, Option]) -> Stack:
        """Return the stack as it is: it has no options."""
        return self


Model = Network | Classical | Stack


def _single_values(values: Mapping[str, Any]) -> dict[str, Option]:
    return {name: value for name, value in values.items() if isinstance(value, float | int | str | bool)}
