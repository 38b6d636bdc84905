"""Define the recipe of a training: functions of a researcher that replace those of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import optax

from exojax.models.base import Augment
from exojax.training.state import Loss, TrainState
from exojax.training.step import Batch, train_step

TrainStep = Callable[[TrainState, Batch], tuple[TrainState, dict[str, Any]]]
"""``(state, batch) -> (state, metrics)``, pure and traceable."""


@dataclass(frozen=True)
class Recipe:
    """Functions that replace those of the model and its configuration in a training; None replaces nothing.

    JAX compiles a training for these function objects: a second training with the same objects compiles nothing.

    Attributes:
        loss: ``(logits (b,), labels (b,)) -> (b,)``, as in ``optax.losses``. A loss with class weights shifts the
            log-odds; the calibration, on rows that the weights have not seen, corrects the shift.
        augment: ``(key, inputs, labels (b,)) -> inputs``, applied to every training batch.
        schedule: ``step -> learning rate``, as in optax.
        train_step: replaces :func:`exojax.training.step.train_step`. Build it from that function or from its parts
            ``gradients`` and ``advance``, which keep the running sums for the log.
    """

    loss: Loss | None = None
    augment: Augment | None = None
    schedule: optax.Schedule | None = None
    train_step: TrainStep | None = None

    def names(self) -> dict[str, str]:
        """Return the module and name of each function that is given, for the run folder."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _name(function) for name, function in given.items() if function is not None}

    @property
    def step(self) -> TrainStep:
        """The training step."""
        return self.train_step or train_step


def _name(function: Any) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"
