"""The ranges that may be tuned: every model's space, at its corners."""

from collections.abc import Sequence
from typing import Any

import pytest

from exojax.config import RunConfig
from exojax.models import registry
from exojax.models.base import Network


class Corner:
    """Suggests the lowest or the highest of everything."""

    def __init__(self, high: bool) -> None:
        self.high = high

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        assert low < high
        assert low > 0 or not log
        return high if self.high else low

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return high if self.high else low

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return choices[-1 if self.high else 0]


@pytest.mark.parametrize("name", [name for name in registry.MODELS if name != "stack"])
@pytest.mark.parametrize("high", [False, True])
def test_every_corner_of_a_models_space_can_be_built(name, high):
    config = registry.point(RunConfig(model=name), Corner(high))
    model = registry.build(config)
    own = registry.get(name)
    if isinstance(model, Network):
        assert (config.train, model.module) != (own.train, own.module)
    else:
        assert model.fit.keywords == dict(config.options)
