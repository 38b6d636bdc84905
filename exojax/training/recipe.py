"""How a network learns, as functions that a researcher passes in."""

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
    """What a training does otherwise than the model's file and its configuration say; None leaves it to them.

    Functions are static to the compiler: pass the same objects again and a second training compiles nothing.

    Attributes:
        loss: ``(logits (b,), labels (b,)) -> (b,)``, as in ``optax.losses``. A loss that weights the classes shifts
            the log-odds; calibration, on rows that the weights have not seen, takes it back.
        augment: ``(key, inputs, labels (b,)) -> inputs`` of every training batch, in place of the model's own.
        schedule: ``step -> learning rate``, as in optax.
        train_step: in place of :func:`exojax.training.step.train_step`; best made of its parts, ``gradients`` and
            ``advance``, or around it, so that the running sums which are logged are kept.
    """

    loss: Loss | None = None
    augment: Augment | None = None
    schedule: optax.Schedule | None = None
    train_step: TrainStep | None = None

    def told(self) -> dict[str, str]:
        """Return the names of the functions given: what a run folder can remember of them."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _name(function) for name, function in given.items() if function is not None}

    @property
    def step(self) -> TrainStep:
        """The training step."""
        return self.train_step or train_step


def _name(function: Any) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"
