"""The accelerator's periodogram, run on a CPU: float64 brute force, the CPU's loops, and what it compiles."""

from dataclasses import replace

import brute_force
import numpy as np
import pytest

from exojax.detection import accelerator
from exojax.detection.accelerator import LENGTHS, padded_length, periodograms
from exojax.detection.period_grid import plan
from exojax.detection.periodogram import Sums, evaluate

# Short folds and few powers of four: each pair of them is a compilation.
SIZES = {"hours": (600, 1 / 24, 0.8, 2.4), "ten minutes": (1300, 10 / 1440, 1.3, 1.75)}


def made(name):
    n_cadences, cadence, low, high = SIZES[name]
    return plan(n_cadences, cadence, period_min=low, period_max=high)


def in_plan_order(grid, found):
    """Return the SNR of each trial in the order of passes and bands."""
    periods = np.concatenate([one.periods for one in grid.passes])
    power = np.empty(len(periods), np.float32)
    power[np.argsort(periods, kind="stable")] = found.power
    return power


@pytest.fixture(scope="module")
def searched():
    """Six stars of each plan and their periodograms; the last star was never measured."""
    made_up = {}
    for name, sizes in SIZES.items():
        curves = [brute_force.light_curve(sizes[0] - 31 * k, 40 + k) for k in range(5)]
        curves.append((np.zeros(400, np.float32), np.zeros(400, np.float32)))
        made_up[name] = curves, periodograms(made(name), curves)
    return made_up


@pytest.mark.parametrize("name", SIZES)
def test_snr_is_that_of_a_float64_brute_force(name, searched):
    grid, (curves, found) = made(name), searched[name]
    rng = np.random.default_rng(0)
    for (flux, weight), one in zip(curves[:5], found):
        power, first = in_plan_order(grid, one), 0
        for band in (band for one in grid.passes for band in one.bands):
            # Every trial is folded by itself, whatever the CPU shares among a group.
            alone = replace(band, group=1, block=1)
            for trial in {0, len(band.periods) - 1, *rng.integers(0, len(band.periods), 3).tolist()}:
                expected = brute_force.snr(flux, weight, alone, trial)
                assert power[first + trial] == pytest.approx(expected, rel=1e-3, abs=3e-3), band.periods[trial]
            first += len(band.periods)


@pytest.mark.parametrize("name", SIZES)
def test_it_is_that_of_the_loops_where_these_fold_each_trial_by_itself(name, searched):
    grid, (curves, found) = made(name), searched[name]
    alone = np.concatenate([np.full(len(b.periods), b.group == 1) for one in grid.passes for b in one.bands])
    assert alone.any()
    for (flux, weight), one in zip(curves, found):
        sums = Sums(flux, weight, grid)
        power = np.concatenate([evaluate(one, sums) for one in grid.passes])
        here = in_plan_order(grid, one)
        assert np.allclose(here[alone], power[alone], rtol=1e-3, atol=3e-3)
        # Rows of a group are off by up to half a bin: single trials differ, the whole does not.
        assert power.max() == 0 or np.corrcoef(here, power)[0, 1] > 0.8


def test_a_periodogram_is_complete_and_in_order_of_period(searched):
    grid, (_, found) = made("hours"), searched["hours"]
    wanted = np.sort(np.concatenate([one.periods for one in grid.passes]))
    for one in found:
        np.testing.assert_array_equal(one.period, wanted)
        assert one.period.shape == one.power.shape == one.trend.shape == one.fine.shape
        assert one.fine.any()
        assert np.isfinite(one.power).all()
        assert one.spread > 0
    assert np.all(found[-1].power == 0)


def test_stars_are_padded_to_batches_and_lengths():
    assert [padded_length(n) for n in (1, 1500, 1501, 20000, 72000, 72001, 150000)] == [
        1500, 1500, 4500, 20000, 72000, 144000, 216000,
    ]  # fmt: skip
    assert padded_length(LENGTHS[-1] * 5) == LENGTHS[-1] * 5


def test_another_length_cadence_and_number_of_stars_compile_nothing(searched, monkeypatch):
    grid, (curves, found) = made("hours"), searched["hours"]
    before = accelerator._trials._cache_size()
    assert before == len({kind for name in SIZES for kind in accelerator._kinds(
        [b for one in made(name).passes for b in one.bands], 1500)})  # fmt: skip
    # Fewer stars, in another order, of other lengths.
    again = periodograms(grid, [curves[3], curves[0]])
    np.testing.assert_array_equal(again[0].power, found[3].power)
    np.testing.assert_array_equal(again[1].power, found[0].power)
    # More than a batch of them: the rest is another one.
    monkeypatch.setattr(accelerator, "STARS", (8,))
    some, alone = searched["ten minutes"]
    many = periodograms(made("ten minutes"), some[:5] * 2)
    np.testing.assert_array_equal(many[8].power, alone[3].power)
    # 640 cadences of 66 minutes fall to the same powers of four, in other numbers of other trials.
    other = plan(640, 66 / 1440, period_min=0.9, period_max=2.5)
    old, new = (accelerator._kinds([b for one in g.passes for b in one.bands], 1500) for g in (grid, other))
    assert set(new) <= set(old)
    assert any(len(places) for places in new.values())
    periodograms(other, [brute_force.light_curve(620, 9)])
    assert accelerator._trials._cache_size() == before
