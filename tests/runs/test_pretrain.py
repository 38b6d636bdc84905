"""Simulated rows for pretraining hold everything that the network reads, and the shipped weights know it."""

import numpy as np
import pytest

from exojax.config import RunConfig, SearchConfig
from exojax.folded_events import VIEWS
from exojax.models import registry
from exojax.models.candidate import COLUMNS
from exojax.runs import pretrain
from exojax.runs.model_inputs import FOLDED, inputs_of
from exojax.runs.run import PRETRAINED, load
from exojax.vetting.all_tests import NUMBERS

UNKNOWN_IN_ALL = {"centroid"}
"""vetting numbers that no simulated star has: there are no pixels"""


@pytest.fixture(scope="module")
def events():
    config = RunConfig(model="transit", seed=2, search=SearchConfig(period_min=1.0, max_candidates=2))
    return pretrain.pretraining_events({"k2": 12}, config)


def test_every_input_of_the_network_is_there(events):
    names = registry.get("transit").inputs
    assert set(names) <= set(FOLDED)
    inputs = inputs_of(names, events, RunConfig(model="transit"))
    for name in set(names) - set(VIEWS):
        known = np.isfinite(inputs[name][:, 0]).any(axis=0)
        assert known.mean() > 0.5, name
    assert all(inputs[name].any() for name in set(names) & set(VIEWS))


def test_the_shipped_weights_know_the_vetting_numbers():
    (state,) = load(PRETRAINED).scorer.states
    spread = np.asarray(state.batch_stats["columns_spread"])[COLUMNS:]
    assert len(spread) == len(NUMBERS)
    assert {name for name, width in zip(NUMBERS, spread) if not width > 0} <= UNKNOWN_IN_ALL
