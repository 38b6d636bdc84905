"""Define the kinds of models: a network in Flax, a classical estimator as functions of arrays, a stack of several."""

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
"""``(key, inputs, labels (b,)) -> inputs``, pure and traceable"""


Settle = Callable[[Mapping[str, Any], Mapping[str, np.ndarray]], dict[str, Any]]
"""``(batch_stats, inputs of the training rows) -> batch_stats``"""


class Suggest(Protocol):
    """A source of values for a model's settings, such as a trial of Optuna."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Return a number from ``low`` to ``high``, uniform, or log-uniform if ``log``."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of ``choices``: texts, numbers or booleans."""


@dataclass(frozen=True)
class Choice:
    """Values of a model's settings.

    Attributes:
        train: field of :class:`TrainConfig` to its value, for a network.
        options: attribute of a network's module, or keyword of a classical model's ``fit``, to its value.
    """

    train: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


Space = Callable[[Suggest], Choice]
"""takes a :class:`Suggest`; returns the settings that ``tune.py`` tries; raises ``InputError`` for invalid ones"""
Needs = tuple[str, str]
"""a module that must be installed, and the command that installs it"""
Option = float | int | str | bool
"""a value in the ``options`` of a run"""


@lru_cache
def no_augmentation(cadence: float, injected: float) -> Augment:
    """Return an augmentation that changes nothing."""
    return lambda key, inputs, labels: inputs


@dataclass(frozen=True)
class Network:
    """A Flax network and the defaults of its training.

    Attributes:
        inputs: names of its inputs, from :mod:`exojax.features.registry` or
            :data:`exojax.runs.model_inputs.FOLDED`.
        module: ``module.apply(variables, inputs, train=...)`` receives a dictionary of these inputs, each ``(n, ...)``
            float32, and returns ``(n,)`` logits.
        train: default settings of the training.
        augment: ``(cadence in days, share of positives to inject) -> Augment``. Use ``functools.lru_cache``, so that
            equal arguments give the same function object; otherwise every fit is compiled again.
        settle: fits values such as the scale of an input to the training rows, once, before the first step; they are
            stored with the running averages of the normalisations.
        space: the settings that ``tune.py`` tries.
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
    """half of every batch are hosts, so that a logit of 0 means a probability of one half"""
    fewest_stars: ClassVar[int] = 1
    """smallest number of stars of each class for a fit"""

    @property
    def parts(self) -> tuple[Network | Classical, ...]:
        """The model itself, as the only part."""
        return (self,)

    @property
    def options(self) -> dict[str, Option]:
        """Name -> default of each attribute of the module that is a number, a text or a boolean."""
        names = [name for name in self.module.__dataclass_fields__ if name not in ("parent", "name")]
        return _single_values({name: getattr(self.module, name) for name in names})

    def with_options(self, options: Mapping[str, Option]) -> Network:
        """Return the network with changed attributes of its module."""
        changes: dict[str, Any] = dict(options)
        return replace(self, module=self.module.clone(**changes))


def no_remarks(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Return no remarks."""
    return ()


@dataclass(frozen=True)
class Classical:
    """An estimator that is fitted without training steps and stored as arrays.

    Attributes:
        inputs: names of its inputs, as in :class:`Network`.
        fit: ``(features, labels (n,), groups (n,), seed, *, options...) -> arrays``. All its choices use these rows
            only.
        logits: ``(arrays, features) -> (n,)`` float64, higher for likelier hosts.
        space: the settings that ``tune.py`` tries.
        remarks: ``arrays -> sentences`` about the fit, for the report.
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
        """The model itself, as the only part."""
        return (self,)

    @property
    def options(self) -> dict[str, Option]:
        """Name -> default of each keyword of ``fit``."""
        keywords = inspect.signature(self.fit).parameters.values()
        return _single_values({p.name: p.default for p in keywords if p.kind is p.KEYWORD_ONLY})

    def with_options(self, options: Mapping[str, Option]) -> Classical:
        """Return the model with changed keywords of ``fit``."""
        return replace(self, fit=partial(self.fit, **options))


@dataclass(frozen=True)
class Stack:
    """Several models whose log-odds are added with weights.

    Attributes:
        of: name -> model.
        folds: number of folds of the training stars, whose out-of-fold log-odds determine the weights.
        space: the settings that ``tune.py`` tries.
    """

    of: Mapping[str, Network | Classical]
    folds: int = 3
    space: Space | None = None
    kind: ClassVar[str] = "stack"
    balanced: ClassVar[bool] = False
    train: ClassVar[TrainConfig] = TrainConfig()

    @property
    def parts(self) -> tuple[Network | Classical, ...]:
        """The models of the stack."""
        return tuple(self.of.values())

    @property
    def fewest_stars(self) -> int:
        """Smallest number of stars of each class for a fit."""
        return self.folds

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs of all models."""
        return tuple(dict.fromkeys(name for model in self.parts for name in model.inputs))

    @property
    def options(self) -> dict[str, Option]:
        """No options."""
        return {}

    def with_options(self, options: Mapping[str, Option]) -> Stack:
        """Return the stack unchanged, because it has no options."""
        return self


Model = Network | Classical | Stack


def _single_values(values: Mapping[str, Any]) -> dict[str, Option]:
    return {name: value for name, value in values.items() if isinstance(value, float | int | str | bool)}
