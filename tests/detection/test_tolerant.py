"""A search that lets transits be hours off time: what it finds that the usual one loses, and what it leaves alone."""

import numpy as np
import pytest

from exojax.config import SearchConfig
from exojax.detection import search_star as module
from exojax.detection.batch import one_by_one
from exojax.detection.curve import FlatCurve
from exojax.detection.red_noise import Noise
from exojax.detection.search_star import search_star
from exojax.detection.timing import straightened, time_transits
from exojax.detection.tolerant import tolerant_signal
from exojax.errors import InputError
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves
from exojax.loops import compiled, tolerant
from exojax.vetting.flags import local_views

SIZE, DAYS, NOISE = 4400, 29.4244 / 1440, 2.5e-4
HOUR = 1 / (24 * DAYS)
PERIOD, T0, DURATION = 380.3, 77.3, 6.0
WIDE = {"periods": (100.0, 2200.0), "limits": (2.0, 24.0)}


@pytest.fixture(autouse=True)
def loops_ready():
    compiled.ready()


def middles(hours, turn=3300.0, period=PERIOD):
    at = T0 + period * np.arange(int((SIZE - T0) / period) + 1)
    return at + hours * HOUR * np.sin(2 * np.pi * at / turn)


def dips(at, depth, seed=0, duration=DURATION):
    """Make flux in units of its scatter: trapezoids at given cadences."""
    flux, place = np.random.default_rng(seed).standard_normal(SIZE), np.arange(SIZE)
    for middle in at:
        flux -= depth * np.clip((duration / 2 - np.abs(place - middle)) / (0.15 * duration), 0, 1)
    return flux.astype(np.float32)


def flat(flux):
    return FlatCurve.of(flux, np.ones(SIZE, np.float32))


def star(flux, name="late"):
    rng = np.random.default_rng(3)
    valid = rng.random((1, SIZE)) > 0.01
    valid[0, 2050:2090] = False
    return LightCurves(
        id=np.array([name]),
        time=(400 + np.arange(SIZE) * DAYS)[None],
        flux=np.where(valid, 1 + NOISE * flux, 0).astype(np.float32),
        valid=valid,
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=DAYS,
        time_system="BKJD",
        source="a test",
        sha256="",
    )


@pytest.mark.parametrize(("hours", "seed"), [(5, 0), (5, 1), (10, 2)])
def test_a_planet_hours_off_is_found_at_its_mean_period_with_a_tolerance_alone(hours, seed):
    """Its transits last three hours: the fold at one period holds hardly any of them together."""
    at = middles(hours)
    curves = star(dips(at, 5.0, seed))
    lost, _ = search_star(curves, SearchConfig())
    assert not np.any(np.abs(lost.period / (PERIOD * DAYS) - 1) < 0.005)
    found, trace = search_star(curves, SearchConfig(ttv=hours))
    assert len(found) == 1
    assert found.period[0] == pytest.approx(PERIOD * DAYS, rel=0.005)
    assert found.ttv_amplitude[0] * 24 == pytest.approx(hours, rel=0.25)
    assert found.ttv_sigma[0] > 50
    assert found.depth[0] == pytest.approx(5 * NOISE, rel=0.12)
    assert found.duration[0] == pytest.approx(DURATION * DAYS, rel=0.25)
    assert found.snr[0] == pytest.approx(5 * np.sqrt(0.85 * DURATION * len(at)), rel=0.15)
    view, _ = local_views(found, trace.flat, durations=3.0)
    assert view[0, 30] / NOISE == pytest.approx(-5.0, rel=0.3)
    # Nothing of the transits is left where they were.
    away = (trace.flat.start[0] + np.arange(trace.flat.flux.shape[1]) * DAYS - found.t0[0]) / found.period[0]
    out = np.abs(away - np.rint(away)) * found.period[0] > found.duration[0]
    assert (trace.flat.flux[0][out] / NOISE).min() > -4.9


def test_without_a_tolerance_nothing_of_it_is_called(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError

    monkeypatch.setattr(module, "tolerant_signal", refuse)
    assert len(search_star(star(dips(middles(0), 5.0)), SearchConfig())[0])
    with pytest.raises(AssertionError):
        search_star(star(dips(middles(0), 5.0)), SearchConfig(ttv=3))


@pytest.mark.parametrize("depth", [1.5, 3.0, 20.0])
def test_a_planet_on_time_is_measured_as_without_a_tolerance(depth):
    curves = star(dips(middles(0), depth))
    (with_it, _), (without, _) = (search_star(curves, SearchConfig(ttv=hours)) for hours in (6, 0))
    assert with_it.period[0] == without.period[0]
    for name in ("t0", "snr_red", "depth"):
        assert getattr(with_it, name)[0] == getattr(without, name)[0], name


@pytest.mark.parametrize("tolerance", [4.0, 10.0, 24.0])
def test_noise_has_no_signal(tolerance):
    for seed in range(12):
        assert tolerant_signal(flat(dips([], 0, seed)), DAYS, tolerance, **WIDE) is None
    rng = np.random.default_rng(7)
    for _ in range(4):
        red = np.convolve(rng.standard_normal(SIZE + 9), np.ones(10) / np.sqrt(10), "valid")
        flux = (0.7 * red + 0.7 * rng.standard_normal(SIZE)).astype(np.float32)
        assert tolerant_signal(flat(flux), DAYS, tolerance, **WIDE) is None


def test_two_events_or_one_make_no_period():
    for at in ([1207.0], [1207.0, 3012.0]):
        assert tolerant_signal(flat(dips(at, 30.0)), DAYS, 10.0, **WIDE) is None
    found = tolerant_signal(flat(dips([507.0, 1907.0, 3312.0], 30.0)), DAYS, 10.0, **WIDE)
    assert found is not None
    assert found.periodic.period == pytest.approx(1402, abs=4)
    assert len(found.timing.number) == 3


def test_events_of_other_depths_are_no_planet():
    flux = dips([507.0, 3312.0], 8.0) + dips([1907.0], 60.0, 1)
    assert tolerant_signal(flat((flux / np.sqrt(2)).astype(np.float32)), DAYS, 10.0, **WIDE) is None


def test_a_second_planet_is_found_beside_one_that_is_late():
    flux = dips(middles(5), 6.0) + dips(T0 + 20 + 151.3 * np.arange(28), 3.0, 1)
    found, _ = search_star(star(flux / np.sqrt(2)), SearchConfig(ttv=5))
    periods = np.sort(found.period[found.snr_red > 7.1])
    assert periods == pytest.approx([151.3 * DAYS, PERIOD * DAYS], rel=0.005)


def test_an_event_that_is_moved_is_seen_once():
    at = middles(8)
    curve = flat(dips(at, 9.0))
    timing = time_transits(curve, Noise.of(curve, 24.0), PERIOD, T0, DURATION, reach=9 * HOUR)
    assert np.abs(timing.deviation).max() > 2 * timing.duration
    flux, weight = straightened(curve.flux, curve.weight, timing)
    place = np.arange(SIZE)
    inside = np.abs(place[:, None] - timing.expected).min(axis=1) < 0.3 * DURATION
    beside = np.abs(place[:, None] - timing.expected).min(axis=1) > 0.7 * DURATION
    assert flux[inside].mean() == pytest.approx(-9.0, abs=0.8)
    assert flux[beside].min() > -5
    assert not flux[weight == 0].any()


def test_the_sums_are_those_of_plain_python():
    rng = np.random.default_rng(1)
    seen = np.ones(300)
    seen[90:200] = 0
    excess = np.where(seen > 0, rng.standard_normal(300), 0.0)
    periods = np.array([7.0, 11.37, 60.9, 149.2])
    power, epoch = np.empty(4), np.empty(4, np.int64)
    tolerant.summed_events(excess, seen, periods, 3, power, epoch)
    for k, period in enumerate(periods):
        best = (0.0, 0)
        for first in range(int(np.ceil(period))):
            at = [int(turn * period) + first for turn in range(300)]
            values = [excess[one] for one in at if one < 300 and seen[one]]
            if len(values) >= 3:
                value = (sum(values) - max(0.0, *values)) / np.sqrt(len(values) - 1)
                best = max(best, (value, -first))
        assert (power[k], epoch[k]) == (pytest.approx(best[0]), -best[1])


@pytest.mark.parametrize("hours", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_is_a_number_of_hours(hours):
    with pytest.raises(InputError, match="ttv"):
        SearchConfig(ttv=hours)


def test_a_tolerance_is_below_a_quarter_of_the_longest_period():
    SearchConfig(ttv=11.9, period_max=2.0)
    with pytest.raises(InputError, match="12"):
        SearchConfig(ttv=12, period_max=2.0)
    (one,) = one_by_one([star(dips([], 0))], SearchConfig(ttv=24 * SIZE * DAYS / 8))
    assert isinstance(one, Skipped)
    assert "--ttv" in one.reason
    (one,) = one_by_one([star(dips([], 0))], SearchConfig(ttv=24 * SIZE * DAYS / 8 - 5))
    assert not isinstance(one, Skipped)
