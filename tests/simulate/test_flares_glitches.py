"""Flares and single events: their shapes, and that none comes before it begins."""

import numpy as np
import pytest

from exojax.simulate.flares import flare_shape, flares
from exojax.simulate.glitches import SHAPES, glitch_shape, glitches
from exojax.simulate.systematics import CADENCE

TIME = np.arange(2000) * CADENCE


def test_a_flare_rises_fast_and_decays_slowly() -> None:
    assert flare_shape(np.array(0.0)) == pytest.approx(1, abs=0.01)
    assert flare_shape(np.array(-1.001)) == 0
    since = np.linspace(-3, 20, 4001)
    shape = flare_shape(since)
    above = since[shape > 0.5]
    # Widths are measured at half maximum.
    assert above[-1] - above[0] == pytest.approx(1, abs=0.15)
    assert above[-1] > -above[0] * 0.5
    assert np.all(np.diff(shape[since > 0]) < 0)


def test_flares_brighten_as_often_as_configured() -> None:
    rng = np.random.default_rng(0)
    flux = flares(rng, TIME, np.full(100, 1e-3), np.repeat([0.0, 0.5], 50))
    assert np.all(flux[:50] == 0)
    assert flux[50:].min() >= 0
    assert np.all(flux[50:].max(axis=1) > 1e-3)
    starts = np.sum(np.diff((flux[50:] > 1e-3).astype(int), axis=1) == 1, axis=1)
    assert 0.3 * 0.5 * TIME[-1] < starts.mean() < 0.5 * TIME[-1]


@pytest.mark.parametrize("shape", SHAPES)
def test_glitches_begin_when_they_begin_and_are_of_size_one(shape: str) -> None:
    rng = np.random.default_rng(0)
    since = np.linspace(-5, 25, 30001)
    for _ in range(30):
        event = glitch_shape(shape, since, *rng.random(3))
        assert np.all(event[since < 0] == 0)
        assert event.min() >= 0
        assert 0.3 < event.max() <= 1.0 + 1e-9
        if shape == "dip":
            assert np.all(event[since > 1.51] == 0)


def test_edges_follow_gaps_and_sizes_are_bounded() -> None:
    rng = np.random.default_rng(1)
    valid = np.ones(TIME.size, bool)
    valid[900:1000] = False
    flux = glitches(rng, TIME, valid, np.full(300, 1e-3), np.full(300, 1.0), np.full(300, 20.0))
    assert np.abs(flux).max() < 1.0
    single = np.abs(flux).max(axis=1)
    assert np.quantile(single[single > 0], 0.9) < 0.05
    assert np.mean(single == 0) == pytest.approx(np.exp(-1), abs=0.1)
    first = np.argmax(flux != 0, axis=1)[single > 0]
    assert np.mean(np.isin(first, (0, 1000))) > 0.1
    assert np.mean(flux.sum(axis=1)[single > 0] < 0) > 0.7
