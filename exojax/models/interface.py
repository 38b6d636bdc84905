"""What a model has to bring: a network in Flax, or a classical estimator as functions over arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from exojax.config import TrainConfig

Inputs = dict[str, jax.Array]
Augment = Callable[[jax.Array, Inputs, jax.Array], Inputs]
"""``(key, inputs, labels (b,)) -> inputs``, pure and traceable."""


Settle = Callable[[Mapping[str, Any], Mapping[str, np.ndarray]], dict[str, Any]]
"""``(batch_stats, features of the training rows) -> batch_stats``."""


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
    """

    inputs: tuple[str, ...]
    module: nn.Module
    train: TrainConfig = field(default_factory=TrainConfig)
    augment: Callable[[float, float], Augment] = no_augmentation
    settle: Settle | None = None


def no_remarks(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Nothing to tell."""
    return ()


@dataclass(frozen=True)
class Classical:
    """An estimator that is fitted at once and kept as arrays.

    Attributes:
        inputs: names in :mod:`exojax.features.registry`.
        fit: ``(features, labels (n,), groups (n,), seed) -> arrays``; whatever it chooses, it chooses on these rows.
        logits: ``(arrays, features) -> (n,)`` float64, higher for likelier hosts.
        remarks: ``arrays -> sentences`` that a reader of the run's figures has to know.
        needs: module that must be installed, and what to type for it.
    """

    inputs: tuple[str, ...]
    fit: Callable[[Mapping[str, np.ndarray], np.ndarray, np.ndarray, int], dict[str, np.ndarray]]
    logits: Callable[[Mapping[str, np.ndarray], Mapping[str, np.ndarray]], np.ndarray]
    remarks: Callable[[Mapping[str, np.ndarray]], tuple[str, ...]] = no_remarks
    needs: tuple[str, str] | None = None


Model = Network | Classical
