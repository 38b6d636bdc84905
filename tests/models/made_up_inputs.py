"""Inputs of any model, made up, and the first weights of a network."""

import jax
import numpy as np

from exojax.folded_events import SCALARS, VIEWS, WIDE_VIEWS
from exojax.vetting.all_tests import NUMBERS


def made_up(name, n, cadences):
    """Make an input of that name of ``n`` stars: a series, views of two candidates, or the numbers beside them."""
    rng = np.random.default_rng(0)
    if name == "scalars":
        return rng.standard_normal((n, 2, len(SCALARS))).astype(np.float32)
    if name == "vetting":
        return rng.standard_normal((n, 2, len(NUMBERS))).astype(np.float32)
    shape = (n, 2, 201 if name in WIDE_VIEWS else 61, 3) if name in VIEWS else (n, cadences)
    return np.abs(rng.standard_normal(shape)).astype(np.float32)


def started(module, inputs, seed=0):
    """Initialise the variables of a network in one program; Flax by itself would compile every operation."""
    return jax.jit(lambda x: module.init(jax.random.key(seed), x, train=False))(inputs)
