"""Stars one by one with a cadence of their own, in lists of a bounded size, and what cannot be searched at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_search import CADENCE, curves_of, flux_of

from exojax.config import SearchConfig
from exojax.detection import batch
from exojax.detection.batch import batches, one_by_one
from exojax.detection.star import plan_for
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves
from exojax.photometry.resample import to_even

CONFIG = SearchConfig(period_min=1.0)


def stars(n: int = 23) -> list[LightCurves | Skipped]:
    """Make stars of two cadences and three lengths; two files that cannot be read are among them."""
    made: list[LightCurves | Skipped] = []
    for k in range(n):
        size = (500, 500, 900)[k % 3] - k
        flux = np.random.default_rng(k).normal(0, 3e-4, (1, size))
        made.append(curves_of(flux, cadence=CADENCE if k % 2 else 0.02, first=k))
        if k in (4, 16):
            made.append(Skipped(f"bad{k}", Path("bad.fits"), "is truncated"))
    return made


def test_every_star_is_in_one_batch_in_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "BATCH_STARS", 4)
    made = list(batches(stars(), CONFIG))
    names = [str(star.id[0]) for one in made if isinstance(one, list) for star in one]
    assert names == [f"s{k}" for k in range(23)]
    assert [len(one) for one in made if isinstance(one, list)] == [4, 4, 4, 4, 4, 3]
    assert [one.id for one in made if isinstance(one, Skipped)] == ["bad4", "bad16"]


def test_rows_of_one_file_become_stars_with_cadences_of_their_own() -> None:
    time = np.array(curves_of(flux_of(3)).time)
    time[1] = 200 + (time[1] - 200) * 1.5
    each = [one for one in one_by_one([curves_of(flux_of(3), time=time)], CONFIG) if isinstance(one, LightCurves)]
    assert [len(one) for one in each] == [1, 1, 1]
    assert [one.cadence for one in each] == pytest.approx([CADENCE, 1.5 * CADENCE, CADENCE])


def test_long_curves_share_a_batch_with_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of a batch is bounded by its measurements, too."""
    monkeypatch.setattr(batch, "BATCH_CADENCES", 1200)
    sizes = [len(one) for one in batches([curves_of(flux_of(8))], CONFIG) if isinstance(one, list)]
    assert sizes == [3, 3, 2]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"valid": np.arange(500)[None] < 7}, "fewer than 10"),
        ({"valid": np.zeros((1, 500), bool)}, "fewer than 10"),
        ({"time": 200 + np.arange(500)[None] * 0.003}, "--period-min"),
        ({"time": 200 + np.arange(500)[None] * 1800.0}, "times in days"),
        ({"time": 200 + np.r_[np.arange(499) * CADENCE, 1e6][None]}, "times in days"),
    ],
)
def test_what_cannot_be_searched_is_reported(change: dict, word: str) -> None:
    bad = curves_of(flux_of(1), **change)
    found = list(one_by_one([bad, curves_of(flux_of(1), first=1)], CONFIG))
    assert [type(one) for one in found] == [Skipped, LightCurves]
    assert isinstance(found[0], Skipped)
    assert found[0].id == "s0"
    assert word in found[0].reason


@pytest.mark.parametrize(
    ("cadence", "config", "word"),
    [
        (CADENCE, SearchConfig(period_min=13.0), "cannot hold two periods of 13 d: give a shorter --period-min"),
        (0.3, SearchConfig(period_min=0.2, period_max=1.1), "give a longer --period-max"),
        (CADENCE, SearchConfig(duration_min=4.0, duration_max=6.0), "hold no two transits of 4 d"),
        (1.0, SearchConfig(period_min=4.0), "a --window of 2 d holds fewer than three"),
    ],
)
def test_a_range_that_a_star_cannot_hold_is_reported_with_the_option_that_helps(
    cadence: float, config: SearchConfig, word: str
) -> None:
    (found,) = one_by_one([curves_of(flux_of(1), cadence=cadence)], config)
    assert isinstance(found, Skipped)
    assert word in found.reason


def test_the_shortest_period_that_is_let_through_has_a_plan() -> None:
    """Neither the rounding of cadences nor that of lengths may leave the plan an empty range."""
    for cadence in CADENCE * (1 + np.arange(8) / 350):
        for period in (4 * cadence, 4.05 * cadence, 124.9 * cadence, 249 * cadence, 249.9 * cadence):
            config = SearchConfig(period_min=float(period))
            for one in one_by_one([curves_of(flux_of(1), cadence=cadence)], config):
                if isinstance(one, LightCurves):
                    even = to_even(one, shortest=config.duration_min)
                    assert len(plan_for(even.flux.shape[1], even.cadence, config).passes[0].periods) > 0
