"""Memory and size of a fit."""

import numpy as np
import pytest
from small_training import made_up, small_fit

from exojax.config import TrainConfig
from exojax.models import svc
from exojax.training.cost import memory_used, parameters_of
from exojax.training.fit import Examples, FitSettings, fit_model


def test_memory_is_what_rose_since_and_fell_again():
    big = np.ones(60_000_000)  # half a gigabyte, there before
    with memory_used() as used:
        np.ones(20_000_000).sum()  # 160 MB, gone at once
        rose = used()
    del big
    if np.isnan(rose):
        pytest.skip("this system does not tell a process's memory")
    assert 140 < rose < 300
    with memory_used() as used:
        assert used() < 60


def test_parameters_are_counted():
    # Convolution 3 * 4 + 4, normalisation 2 * 4, dense 16 * 4 + 1.
    assert parameters_of(small_fit(None, settings={"steps": 1, "evaluate_every": 1})) == 16 + 8 + 65
    flux, labels = made_up()
    features = {"spectrum": flux, "flux": flux}
    scorer = fit_model(
        svc.MODEL, Examples(features, labels, np.arange(48)), FitSettings(TrainConfig(), cadence=0.02, seed=0)
    )
    m = len(scorer.arrays["support"])
    assert parameters_of(scorer) == 64 * (m + 2) + m + 2
