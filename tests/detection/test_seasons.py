"""Stars seen years apart: what three sectors in four and a half years find, and what they leave open."""

from dataclasses import replace

import numpy as np
import pytest

from exojax.config import SearchConfig
from exojax.detection import seasons as module
from exojax.detection.batch import one_by_one
from exojax.detection.search_star import search_star
from exojax.detection.seasons import split
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves

START, STARTS, LENGTH = 1325.0, (0.0, 711.0, 1640.0), 25.0
CADENCE, NOISE, DURATION = 30 / 1440, 3e-4, 0.16


def star(*planets, starts=STARTS, seed=0, cadence=CADENCE, length=LENGTH):
    """Make a star with trapezoid transits: each planet is a period (infinite: one event), an epoch and a depth."""
    time = np.concatenate([begin + np.arange(0, length, cadence) for begin in starts])
    time = time[np.abs((time - np.array(starts)[np.searchsorted(starts, time, "right") - 1]) - length / 2) > 0.5]
    rng = np.random.default_rng(seed)
    flux = 1 + NOISE * rng.standard_normal(time.size) + 8e-4 * np.sin(2 * np.pi * time / 7.7)
    for period, t0, depth in planets:
        late = time - t0 - (np.rint((time - t0) / period) * period if np.isfinite(period) else 0)
        flux -= depth * np.clip((DURATION / 2 - np.abs(late)) / (0.1 * DURATION), 0, 1)
    return LightCurves(
        id=np.array(["star"]),
        time=(START + time)[None],
        flux=flux[None].astype(np.float32),
        valid=np.ones((1, time.size), bool),
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=cadence,
        time_system="BTJD",
        source="a test",
        sha256="",
    )


@pytest.mark.parametrize(("period", "t0", "depth"), [(0.4617, 0.11, 5e-4), (3.137, 1.9, 8e-4), (10.91, 4.4, 1.6e-3)])
def test_a_period_is_kept_in_phase_over_the_gaps(period, t0, depth):
    found, _ = search_star(star((period, t0, depth)), SearchConfig())
    # A tenth of a duration over four and a half years.
    assert abs(found.period[0] / period - 1) * 1665 < 0.1 * DURATION
    late = found.t0[0] - START - t0
    assert abs(late - np.rint(late / period) * period) < 0.2 * DURATION
    assert found.depth[0] == pytest.approx(depth, rel=0.15)
    assert not found.single[0]


def test_a_planet_that_transits_once_or_twice_a_season():
    found, _ = search_star(star((18.37, 5.2, 3e-3)), SearchConfig())
    assert found.period[0] == pytest.approx(18.37, rel=1e-4)
    assert len(found) == 1


def test_two_events_in_different_seasons_are_one_duotransit_with_its_possible_periods():
    period = 713.9 / 15
    found, _ = search_star(star((period, 6.1, 3e-3)), SearchConfig())
    # Its third season holds none: 1640 to 1665.
    seen = 6.1 + period * np.arange(45)
    assert sum(any(b <= t <= b + LENGTH for b in STARTS) for t in seen) == 2
    assert len(found) == 1
    assert found.single[0]
    assert found.n_transits[0] == 2
    assert np.isnan(found.period[0])
    assert found.t0[0] - START == pytest.approx(6.1, abs=0.01)
    possible = np.array([float(p) for p in found.aliases[0].split(";")])
    assert np.abs(possible / period - 1).min() < 1e-4
    assert found.period_min[0] == pytest.approx(possible.min(), rel=1e-5)
    # None of them would have put a third transit where data show none.
    time = star().time[0] - START
    for p in possible:
        transits = 6.1 + p * np.arange(np.ceil(-6.1 / p), 1665 / p)
        covered = [t for t in transits if (np.abs(time - t) < 0.3 * DURATION).sum() >= 4]
        assert len(covered) == 2, p


def test_events_of_unlike_depth_stay_two_singles():
    found, _ = search_star(star((np.inf, 6.1, 3e-3), (np.inf, 719.0, 9e-3)), SearchConfig())
    assert found.single.all()
    assert found.n_transits.tolist() == [1, 1]


def test_seasons_of_other_noise_are_weighed():
    """With three times the noise in one season, its weight is a ninth, and the SNR that of the best combination."""
    one = star((3.137, 1.9, 1e-3))
    rng = np.random.default_rng(5)
    noisy = one.time[0] > START + 1600
    flux = one.flux[0] + np.where(noisy, np.sqrt(8) * NOISE * rng.standard_normal(one.flux.shape[1]), 0)
    found, trace = search_star(replace(one, flux=flux[None].astype(np.float32)), SearchConfig())
    weight = trace.flat.weight[0]
    where = trace.flat.start[0] + trace.flat.cadence * np.arange(len(weight)) > START + 1600
    ratio = np.median(weight[(weight > 0) & where]) / np.median(weight[(weight > 0) & ~where])
    assert ratio == pytest.approx(1 / 9, rel=0.25)
    assert found.period[0] == pytest.approx(3.137, rel=1e-4)


def test_the_grid_of_periods_is_that_of_the_longest_season(monkeypatch):
    """The work grows with the data: ten more years of gap add no trial period to the seasons' periodogram."""
    sizes = []
    original = module.season_periodogram

    def noted(plan, curve, seasons):
        found = original(plan, curve, seasons)
        sizes.append(sum(len(one.periods) for one in plan.passes))
        return found

    monkeypatch.setattr(module, "season_periodogram", noted)
    for starts in (STARTS, (0.0, 711.0, 5300.0)):
        search_star(star((3.137, 1.9, 1e-3), starts=starts), SearchConfig())
    assert len(set(sizes)) == 1


def test_what_makes_a_season():
    def of(*pieces, size=80_000):
        weight = np.zeros(size, np.float32)
        for first, n in pieces:
            weight[first : first + n] = 1
        return [(one.first, one.stop) for one in split(weight, CADENCE)]

    assert of((0, 1200), (34_000, 1200)) == [(0, 1200), (34_000, 35_200)]
    # One season; a gap of a quarter; a last season of one point, and of less than two days.
    assert of((0, 1200)) == []
    assert of((0, 4000), (4000 + 4300, 4000)) == []
    assert of((0, 1200), (34_000, 1)) == [(0, 1200)]
    assert of((0, 1200), (34_000, 60)) == [(0, 1200)]
    assert of((0, 1), (34_000, 1)) == []
    # Well filled, and short enough to be searched at once.
    assert of((0, 4000), (4000 + 6000, 4000), size=20_000) == []
    assert len(of((0, 4000), (4000 + 6000, 4000))) == 2


def test_a_season_of_one_point_is_no_obstacle():
    one = star((3.137, 1.9, 1.5e-3))
    keep = (one.time[0] < START + 800) | (np.arange(one.time.shape[1]) == one.time.shape[1] - 1)
    cut = {name: getattr(one, name)[:, keep] for name in ("time", "flux", "valid")}
    found, _ = search_star(replace(one, **cut), SearchConfig())
    assert found.period[0] == pytest.approx(3.137, rel=2e-4)


def test_a_period_range_that_no_season_holds_is_searched_at_once():
    found, _ = search_star(star((18.37, 5.2, 3e-3)), SearchConfig(period_min=14.0, period_max=25.0))
    assert found.period[0] == pytest.approx(18.37, rel=1e-3)


def test_fourteen_years_of_ten_minutes_are_searched():
    one = star((3.137, 1.9, 2e-3), starts=(0.0, 5100.0), cadence=10 / 1440)
    assert not any(isinstance(x, Skipped) for x in one_by_one([one], SearchConfig()))
