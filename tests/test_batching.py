"""Which stars share a batch, and which cannot be searched at all."""

from __future__ import annotations

import numpy as np
import pytest
from small_search import CADENCE, curves_of, flux_of

from exojax.batching import grouped, split
from exojax.config import SearchConfig
from exojax.hunt import batch_size
from exojax.io.folder import Skipped
from exojax.layout import nominal, plan_for
from exojax.lightcurve import LightCurves
from exojax.photometry.grid import to_even

CONFIG = SearchConfig(period_min=1.0, batch=4)


def stars(n: int = 23) -> list[LightCurves]:
    """One by one: two cadences, three lengths, and every cadence a little off its neighbours'."""
    made = []
    for k in range(n):
        size = (500, 500, 900)[k % 3] - k
        cadence = (CADENCE if k % 2 else 0.02) * (1 + 1e-5 * k)
        made.append(curves_of(np.random.default_rng(k).normal(0, 3e-4, (1, size)), cadence=cadence, first=k))
    return made


def company(batches: list[LightCurves | Skipped]) -> list[tuple[tuple[str, ...], float]]:
    return [(tuple(b.id.tolist()), b.cadence) for b in batches if not isinstance(b, Skipped)]


def test_every_star_is_in_one_batch_that_one_program_can_search() -> None:
    batches = list(grouped(stars(), CONFIG))
    names = [name for ids, _ in company(batches) for name in ids]
    assert sorted(names) == sorted(f"s{k}" for k in range(23))
    assert max(len(ids) for ids, _ in company(batches)) == 4
    for batch in batches:
        assert isinstance(batch, LightCurves)
        assert len(batch) <= batch_size(to_even(batch).flux.shape[1], CONFIG)
        own = np.array([np.median(np.diff(time[np.isfinite(time)])) for time in batch.time])
        assert own.max() < 1.02 * own.min()
        assert batch.cadence == np.median(own)


@pytest.mark.parametrize("whole", [False, True], ids=["one by one", "in blocks"])
def test_what_is_left_after_some_batches_keeps_its_company(whole: bool) -> None:
    """A resumed search leaves out what is done, and must make the rest's batches again."""
    each = stars()
    if whole:
        one = curves_of(flux_of(23))
        time = np.array(one.time)
        time[::2] = 200 + (time[::2] - 200) * 1.5
        time *= 1 + 1e-6 * np.random.default_rng(0).normal(size=(23, 1))
        each = [curves_of(flux_of(23), time=time)]
    before = company(list(grouped(each, CONFIG)))
    for n_done in range(len(before)):
        done = {name for ids, _ in before[:n_done] for name in ids}
        left = [one.take(~np.isin(one.id, list(done))) for one in each]
        if whole:
            left = [left[0].take(np.arange(k, min(k + 5, len(left[0])))) for k in range(0, len(left[0]), 5)]
        left = [one for one in left if len(one)]
        assert sorted(company(list(grouped(left, CONFIG)))) == sorted(before[n_done:])


def test_a_grid_that_comes_out_longer_at_the_batch_s_cadence_is_split() -> None:
    """128 stars fit a batch of 3,584 cadences; at the cadence that most of them have the slow ones need 3,610."""
    fast, slow = nominal(0.02) * 0.996, nominal(0.02) * 1.004
    noise = np.random.default_rng(0).normal(0, 3e-4, (128, 3582))
    most = curves_of(noise[:80, :3400], cadence=fast)
    rest = curves_of(noise[80:], cadence=slow, first=80)
    config = SearchConfig(period_min=1.0)
    assert batch_size(3584, config) == 128
    batches = [one for one in grouped([most, rest], config) if isinstance(one, LightCurves)]
    assert sum(map(len, batches)) == 128
    for batch in batches:
        assert len(batch) <= batch_size(to_even(batch).flux.shape[1], config)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"valid": np.arange(500)[None] < 7}, "fewer than 10"),
        ({"valid": np.zeros((1, 500), bool)}, "fewer than 10"),
        ({"time": 200 + np.arange(500)[None] * 0.003}, "--period-min"),
        ({"time": 200 + np.arange(500)[None] * 0.3}, "longer --period-min"),
        ({"time": 200 + np.arange(500)[None] * 1800.0}, "times in days"),
        ({"time": 200 + np.r_[np.arange(499) * CADENCE, 1e6][None]}, "times in days"),
    ],
)
def test_what_cannot_be_searched_is_told(change: dict, word: str) -> None:
    bad = curves_of(flux_of(1), **change)
    found = list(grouped([bad, curves_of(flux_of(1), first=1)], CONFIG))
    assert [type(one) for one in found] == [Skipped, LightCurves]
    assert isinstance(found[0], Skipped)
    assert found[0].id == "s0"
    assert word in found[0].reason


def test_the_shortest_period_that_is_let_through_has_a_plan() -> None:
    """Neither the rounding of cadences nor that of lengths may leave the plan an empty range."""
    for cadence in CADENCE * (1 + np.arange(8) / 350):
        for period in (4 * cadence, 4.05 * cadence, 124.9 * cadence, 249 * cadence, 249.9 * cadence):
            config = SearchConfig(period_min=float(period), batch=4)
            for key, one in split(curves_of(flux_of(1), cadence=cadence), config):
                if isinstance(one, LightCurves):
                    assert len(plan_for(key[-1], nominal(one.cadence), config).periods) > 0
