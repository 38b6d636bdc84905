"""A model's search space, tried before a study begins: points drawn at random; one without a valid point is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.models import registry
from exojax.simulate.random_streams import generator

DRAWS = 100
"""points drawn to see whether a space has a valid one"""


class RandomSuggest:
    """A :class:`Suggest` that draws by itself, to try a space without a study."""

    def __init__(self, seed: int) -> None:
        self._rng = generator(seed, "space")

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        if not low <= high or (log and low <= 0):
            raise InputError(f"{name} may lie from {low} to {high}{' in its logarithm' if log else ''}: nothing does")
        share = self._rng.random()
        return float(low * (high / low) ** share if log else low + (high - low) * share)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return int(np.clip(round(self.suggest_float(name, low, high, log=log)), low, high))

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        if not len(choices):
            raise InputError(f"{name} has no choices")
        return choices[self._rng.integers(len(choices))]


def check_space(config: RunConfig, check: Callable[[RunConfig], None]) -> None:
    """Refuse a space of which no point can be trained, before anything is.

    Args:
        config: names the model.
        check: raises an ``InputError`` where a configuration cannot be trained.

    Raises:
        InputError: none of :data:`DRAWS` points is valid.
    """
    told = ""
    for draw in range(DRAWS):
        try:
            return check(registry.point(config, RandomSuggest(draw)))
        except InputError as error:
            told = str(error)
            if registry.get(config.model).space is None:
                raise
    raise InputError(f"--model {config.model}: none of {DRAWS} points of its space can be trained ({told})")
