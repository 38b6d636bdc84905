"""Models of one's own: what is refused says what to write instead."""

import jax
import numpy as np
import pytest
from flax import linen as nn

import exojax
from exojax.config import TrainConfig
from exojax.errors import InputError
from exojax.models import registry
from exojax.models.base import Inputs, Network
from exojax.training.state import create_state


class Bare(nn.Module):
    @nn.compact
    def __call__(self, inputs: Inputs, *, train: bool) -> jax.Array:
        return nn.Dense(1)(inputs["spectrum"])[:, 0]


@pytest.mark.parametrize("model", [Bare(), Bare, object()])
def test_what_is_no_model_learns_how_to_become_one(model: object) -> None:
    with pytest.raises(InputError, match=r"is no model yet.*exojax\.Network.*Classical"):
        exojax.register("bare", model)  # type: ignore[arg-type]


def test_inputs_in_one_text_are_refused() -> None:
    with pytest.raises(InputError, match=r"inputs=\('spectrum',\)"):
        exojax.register("bare", Network(inputs="spectrum", module=Bare()))  # type: ignore[arg-type]


def test_the_name_of_a_network_given_to_fit_stays_free() -> None:
    assert "mine" not in registry.OWN
    with pytest.raises(InputError, match="choose another name"):
        exojax.register("svc", Network(inputs=("spectrum",), module=Bare()))


class Column(nn.Module):
    @nn.compact
    def __call__(self, inputs: Inputs, *, train: bool) -> jax.Array:
        return nn.Dense(1)(inputs["spectrum"])


def test_logits_in_a_column_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(1, 1\) for one star.*\[:, 0\]"):
        create_state(Column(), {"spectrum": np.zeros((4, 3), np.float32)}, TrainConfig(steps=1), seed=0)
