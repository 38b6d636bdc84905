"""Made-up stars through the whole search: what is in them is found as it is, and nothing twice."""

import math

import numpy as np
import pytest

from exojax.config import SearchConfig
from exojax.detection.search_star import _kept_from_trend, search_star
from exojax.light_curves import LightCurves
from exojax.loops import compiled

START = 2130.7
MINUTE = 1 / 1440


def star(days, cadence, *signals, noise=3e-4, seed=0, wave=1e-3):
    """Return a light curve: white noise, a slow wave, a gap, and signals, each a function of time in days."""
    rng = np.random.default_rng(seed)
    time = START + np.arange(0, days, cadence)
    flux = 1 + noise * rng.standard_normal(len(time)) + wave * np.sin(time / 2.3)
    for signal in signals:
        flux += signal(time)
    valid = rng.random(len(time)) > 0.02
    valid[(time > START + 0.48 * days) & (time < START + 0.5 * days)] = False
    return LightCurves(
        id=np.array(["a"]),
        time=time[None],
        flux=np.where(valid, flux, 0).astype(np.float32)[None],
        valid=valid[None],
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=cadence,
        time_system="BTJD",
        source="a test",
        sha256="",
    )


def trapezoid(period, t0, duration, depth, ingress=0.12):
    """Make transits with a flat bottom; ``t0`` from the start, all in days. An infinite period is one transit."""

    def lost(time):
        late = time - START - t0
        late = late - (0.0 if np.isinf(period) else np.rint(late / period) * period)
        return -depth * np.clip((duration / 2 - np.abs(late)) / (ingress * duration), 0, 1)

    return lost


def limb_darkened(period, t0, duration, ratio, impact=0.2):
    """Make transits of a planet of ``ratio`` stellar radii with batman, averaged over 30 minutes at most."""
    batman = pytest.importorskip("batman", reason="batman is not installed: pip install -e '.[test]'")

    def lost(time):
        orbit = batman.TransitParams()
        chord = math.sqrt((1 + ratio) ** 2 - impact**2)
        orbit.t0, orbit.per, orbit.rp, orbit.ecc, orbit.w = START + t0, period, ratio, 0.0, 90.0
        orbit.a = math.sqrt((chord / math.sin(math.pi * duration / period)) ** 2 + impact**2)
        orbit.inc = math.degrees(math.acos(impact / orbit.a))
        orbit.u, orbit.limb_dark = [0.4, 0.25], "quadratic"
        exposure = float(np.median(np.diff(time)))
        model = batman.TransitModel(orbit, time, supersample_factor=7, exp_time=exposure)
        return model.light_curve(orbit) - 1

    return lost


def search(curves, **settings):
    return search_star(curves, SearchConfig(**settings))[0]


def assert_found(found, row, period, t0, duration, days):
    """Assert that the last transit is right to a tenth of a duration, or to two standard errors of a weak signal."""
    drift = abs(found.period[row] - period) * days / period / duration
    assert drift < max(0.1, 2 / found.snr[row]), found.period
    turns = (found.t0[row] - START - t0) / period
    assert abs(turns - np.rint(turns)) * period < 0.15 * duration


@pytest.mark.parametrize("cadence", [2 * MINUTE, 10 * MINUTE, 30 * MINUTE])
def test_a_planet_of_four_hours_is_found_at_its_period_by_default(cadence):
    """4.3 hours: shorter than any period that was once searched for, and found at a multiple then."""
    period, duration = 4.3 / 24, 0.8 / 24
    found = search(star(27, cadence, trapezoid(period, 0.1, duration, 6e-4), noise=3e-4 * math.sqrt(cadence * 48)))
    assert_found(found, 0, period, 0.1, duration, 27)
    assert not found.single[0]
    assert len(found) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_planet_of_four_hours_is_found_in_a_long_curve(seed):
    period, duration = 4.3 / 24, 0.9 / 24
    found = search(star(80, 30 * MINUTE, trapezoid(period, 0.05, duration, 3e-4), seed=seed))
    assert_found(found, 0, period, 0.05, duration, 80)


# Of five standard deviations a cadence a trend that does not know of the transits takes an eighth.
@pytest.mark.parametrize("depth", [1.5e-3, 2.5e-3, 1e-2])
@pytest.mark.parametrize("cadence", [10 * MINUTE, 30 * MINUTE])
def test_a_day_long_transit_keeps_its_depth_and_is_one_planet(depth, cadence):
    """A giant's: with the window that follows the longest duration, and no "single" beside its transits."""
    period, t0 = 18.3, 4.1
    found = search(star(80, cadence, trapezoid(period, t0, 1.0, depth)), duration_max=1.0)
    assert_found(found, 0, period, t0, 1.0, 80)
    assert found.depth[0] == pytest.approx(depth, rel=0.1)
    assert found.duration[0] == pytest.approx(1.0, rel=0.1)
    assert len(found) == 1


def test_a_day_long_single_transit_keeps_its_depth():
    found = search(star(80, 30 * MINUTE, trapezoid(np.inf, 31.2, 1.0, 4e-3)), duration_max=1.0)
    assert found.single[0]
    assert found.t0[0] == pytest.approx(START + 31.2, abs=0.05)
    assert found.depth[0] == pytest.approx(4e-3, rel=0.1)
    assert found.duration[0] == pytest.approx(1.0, rel=0.15)
    assert found.period_min[0] > 30
    assert len(found) == 1


@pytest.mark.parametrize("minutes", [1, 2])
def test_an_eight_minute_transit_of_a_white_dwarf_is_not_binned_away(minutes):
    """WD 1856 b: 8 minutes every 1.41 days, half of the light; here a tenth of it in a noisy star."""
    period, t0, duration = 1.4079, 0.3, 8 * MINUTE
    curves = star(27, minutes * MINUTE, trapezoid(period, t0, duration, 0.1, 0.3), noise=0.02 / math.sqrt(minutes))
    found, trace = search_star(curves, SearchConfig(duration_min=8 * MINUTE))
    assert trace.even.cadence == pytest.approx(minutes * MINUTE)
    assert_found(found, 0, period, t0, duration, 27)
    assert found.duration[0] == pytest.approx(duration, rel=0.3)
    assert found.depth[0] == pytest.approx(0.1, rel=0.15)
    # Most of a matched filter's SNR: the search looks for transits of that length at every period.
    matched = np.sqrt((trapezoid(period, t0, duration, 0.1, 0.3)(curves.time[curves.valid]) ** 2).sum())
    assert found.snr[0] > 0.85 * matched * math.sqrt(minutes) / 0.02
    # By default it is binned to ten minutes, which take half of it.
    plain, trace = search_star(curves, SearchConfig())
    assert trace.even.cadence == pytest.approx(10 * MINUTE)
    assert plain.depth[0] < 0.08


def test_a_planet_like_wasp_18_b_has_its_period_and_phase():
    """0.94 days, 2.2 hours, a hundredth: 28 transits with an SNR in the hundreds, and one candidate."""
    period, t0, duration = 0.9414526, 0.61, 2.2 / 24
    found = search(star(27, 10 * MINUTE, limb_darkened(period, t0, duration, 0.097)))
    assert found.period[0] == pytest.approx(period, abs=2e-5)
    assert_found(found, 0, period, t0, duration, 27)
    assert abs(found.t0[0] - START - t0) < 0.002
    # Limb darkening makes the middle deeper than the area that is covered.
    assert found.depth[0] == pytest.approx(0.097**2 / (1 - 0.4 / 3 - 0.25 / 6), rel=0.08)
    assert found.duration[0] == pytest.approx(duration, rel=0.1)
    assert found.snr[0] > 200
    assert found.odd_even_sigma[0] < 4
    # What follows is below the threshold, or nothing.
    assert all(snr < 7.1 for snr in found.snr_red[1:])
    assert not found.single.any()


def same_or_simple(found):
    """Return pairs of candidates with the same transits: the period of one is a simple multiple of the other's."""
    pairs = []
    for i in range(len(found)):
        for j in range(i):
            late = found.t0[i] - found.t0[j]
            ratio = found.period[i] / found.period[j]
            for multiple in (1 / 3, 1 / 2, 1, 2, 3):
                if abs(ratio / multiple - 1) < 0.01:
                    step = min(found.period[i], found.period[j])
                    if abs(late - np.rint(late / step) * step) < 1.5 * max(found.duration[i], found.duration[j]):
                        pairs.append((found.period[i], found.period[j]))
            if found.single[i] or found.single[j]:
                periodic = found.period[j] if found.single[i] else found.period[i]
                step = periodic if np.isfinite(periodic) else np.inf
                off = late if np.isinf(step) else late - np.rint(late / step) * step
                if abs(off) < 1.5 * max(found.duration[i], found.duration[j]):
                    pairs.append((found.period[i], found.period[j]))
    return pairs


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("period", "duration", "depth", "settings"),
    [
        (18.3, 1.0, 5e-3, {"duration_max": 1.0}),
        (18.3, 1.0, 2e-2, {}),  # longer than any that is tried: its wings are left
        (3.217, 0.14, 3e-2, {}),
        (1.1, 0.09, 8e-3, {"duration_max": 0.08}),
        (9.7, 0.3, 5e-2, {}),
    ],
)
def test_no_candidate_is_what_the_mask_left_of_another(period, duration, depth, settings, seed):
    """Neither its wings as single transits, nor its ephemeris again, nor half or twice of it."""
    curves = star(60, 30 * MINUTE, trapezoid(period, 2.3, duration, depth, 0.3), seed=seed)
    found = search(curves, **settings)
    assert found.period[0] == pytest.approx(period, rel=0.01)
    assert same_or_simple(found) == []


def test_a_second_planet_and_a_single_transit_beside_it_stay():
    """Nothing of its own is merged away: two planets near 2 : 1, apart in phase, and an event of a third."""
    inner, outer = trapezoid(3.217, 1.3, 0.14, 2e-3), trapezoid(6.4, 2.9, 0.2, 2.5e-3)
    found = search(star(60, 30 * MINUTE, inner, outer, trapezoid(np.inf, 40.7, 0.4, 5e-3)))
    assert sorted(np.round(found.period[~found.single], 2)) == [3.22, 6.4]
    assert found.single.sum() == 1
    assert found.t0[found.single][0] == pytest.approx(START + 40.7, abs=0.05)


@pytest.mark.parametrize("shallow", [0.3, 0.6])
@pytest.mark.parametrize("period", [1.9, 4.31])
def test_a_binary_with_unlike_eclipses_comes_at_its_true_period(period, shallow):
    deep = trapezoid(period, 0.7, 0.16, 2e-2, 0.4)
    other = trapezoid(period, 0.7 + period / 2, 0.16, shallow * 2e-2, 0.4)
    found = search(star(27, 10 * MINUTE, deep, other))
    assert found.period[0] == pytest.approx(period, rel=1e-3)
    assert_found(found, 0, period, 0.7, 0.16, 27)
    # Its other eclipse is its secondary.
    assert found.secondary_phase[0] == pytest.approx(0.5, abs=0.02)
    assert found.secondary_sigma[0] > 10


def test_quiet_stars_have_one_weak_candidate():
    snr = []
    for seed in range(12):
        found = search(star(27, 30 * MINUTE, seed=seed))
        assert len(found) >= 1
        snr.append(found.snr_red[0])
    assert np.median(snr) < 7.1
    assert np.mean(np.array(snr) > 8) < 0.2


def test_a_star_of_another_length_and_cadence_compiles_nothing():
    loops = [getattr(m, name) for m in compiled._modules() for name in m.SIGNATURES]
    before = [list(loop.signatures) for loop in loops]
    for days, cadence in ((13.0, 30 * MINUTE), (41.0, 29.4244 * MINUTE), (27.0, 20 / 86400)):
        search(star(days, cadence, trapezoid(2.1, 0.4, 0.12, 5e-3), trapezoid(np.inf, 7.7, 0.3, 2e-2)))
    assert [list(loop.signatures) for loop in loops] == before


def test_a_star_in_transit_all_the_time_keeps_a_trend():
    weight = np.ones(100, np.float32)
    for share, kept in ((90, 0), (50, 50), (0, 0)):
        assert _kept_from_trend(np.arange(100) < share, weight).sum() == kept
    assert _kept_from_trend(np.ones(100, bool), 0 * weight).sum() == 100


def test_a_range_that_the_curve_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        search(star(10, 30 * MINUTE), period_min=7.0)
