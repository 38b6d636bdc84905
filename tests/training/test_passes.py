"""The number of passes through a small data set."""

import numpy as np
import pytest

from exojax.config import TrainConfig
from exojax.training.fit import steps_for


@pytest.mark.parametrize(
    ("hosts", "others", "steps"),
    [
        (417, 417, 100),  # 15 passes over 417 rows, 64 a step: 98
        (37, 5050, 75),  # 120 passes over 37 hosts: 69
        (336, 11000, 600),  # 120 passes over 336 hosts: 630
        (2, 2, 25),
    ],
)
def test_neither_class_is_seen_too_often(hosts, others, steps):
    config = TrainConfig(steps=600, passes=15, host_passes=120, batch_size=128)
    labels = np.repeat([1, 0], [hosts, others])
    assert steps_for(config, labels) == steps
    assert steps_for(TrainConfig(steps=600), labels) == 600
