"""Check the space of a model's settings before a study, by drawing random points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.models import registry
from exojax.simulate.random_streams import generator

DRAWS = 100
"""number of random points; a space without a valid one among them is an error"""


class RandomSuggest:
    """A :class:`Suggest` that draws random values, to try a space without a study."""

    def __init__(self, seed: int) -> None:
        self._rng = generator(seed, "space")

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        if not low <= high or (log and low <= 0):
            raise InputError(f"{name}: the range from {low} to {high}{' (logarithmic)' if log else ''} is empty")
        share = self._rng.random()
        return float(low * (high / low) ** share if log else low + (high - low) * share)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return int(np.clip(round(self.suggest_float(name, low, high, log=log)), low, high))

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        if not len(choices):
            raise InputError(f"{name}: the list of choices is empty")
        return choices[self._rng.integers(len(choices))]


def check_space(config: RunConfig, check: Callable[[RunConfig], None]) -> None:
    """Check that at least one point of a model's space of settings can be trained.

    Args:
        config: settings with the name of the model.
        check: raises ``InputError`` for settings that cannot be trained.

    Raises:
        InputError: none of :data:`DRAWS` random points is valid.
    """
    reason = ""
    for draw in range(DRAWS):
        try:
            return check(registry.point(config, RandomSuggest(draw)))
        except InputError as error:
            reason = str(error)
            if registry.get(config.model).space is None:
                raise
    raise InputError(
        f"--model {config.model}: none of {DRAWS} random points of its space can be trained (the last: {reason})"
    )
