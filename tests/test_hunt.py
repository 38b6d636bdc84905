import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from threading import Barrier

import numpy as np
import pytest

from exojax.config import SearchConfig
from exojax.hunt import batch_size, hunt, made_once
from exojax.layout import Layout, plan_for
from exojax.lightcurve import LightCurves

CADENCES, CADENCE, NOISE, START = 1000, 1 / 48, 3e-4, 2130.7
# Few octaves, and one small batch: two programs serve the whole module.
CONFIG = SearchConfig(period_min=1.5, period_max=6.0, duration_max=0.3, batch=4)
PLANET = {"period": 3.217, "t0": START + 1.3, "depth": 2e-3, "duration": 0.14}
INNER = {"period": 1.937, "t0": START + 0.4, "depth": 1.5e-3, "duration": 0.12}
OUTER = {"period": 5.31, "t0": START + 2.2, "depth": 2.5e-3, "duration": 0.2}
DEEP = {"period": np.inf, "t0": START + 8.9, "depth": 4e-3, "duration": 0.25}
DEEPER = {"period": np.inf, "t0": START + 14.6, "depth": 8e-3, "duration": 0.25}


def transit(time, period, t0, depth, duration):
    """A trapezoid with a tenth of its duration in either slope; -depth at the bottom."""
    late = time - t0 - (0 if np.isinf(period) else np.rint((time - t0) / period) * period)
    return -depth * np.clip((duration / 2 - np.abs(late)) / (0.1 * duration), 0, 1)


def curves(*stars, absolute=True, seed=0):
    """A light curve for each tuple of transits (None: nothing measured), with white noise and a slow wave."""
    time = START + np.tile(np.arange(CADENCES) * CADENCE, (len(stars), 1))
    flux, valid = np.ones(time.shape), np.ones(time.shape, bool)
    for row, planets in enumerate(stars):
        # A star's noise is its own whatever its place.
        rng = np.random.default_rng([seed, len(planets or ()), *(int(1e6 * p["depth"]) for p in planets or ())])
        flux[row] += NOISE * rng.standard_normal(CADENCES) + 2e-3 * np.sin(time[row] / 2.3)
        valid[row] = rng.random(CADENCES) > 0.02
        valid[row, 500:530] = False
        valid[row] &= planets is not None
        for planet in planets or ():
            flux[row] += transit(time[row], **planet)
    if not absolute:
        flux = 4e5 * (flux - 1)
    return LightCurves(
        id=np.array([f"star{row}" for row in range(len(stars))]),
        time=time,
        flux=np.where(valid, flux, 0).astype(np.float32),
        valid=valid,
        label=None,
        kind=None,
        catalogued=False,
        absolute=absolute,
        cadence=CADENCE,
        time_system="BTJD",
        source="a test",
        sha256="",
    )


def of(found, star):
    """The candidates of one star, each as a dictionary."""
    rows = np.flatnonzero(found.star == star)
    return [{f.name: getattr(found, f.name)[row] for f in fields(found)} for row in rows]


def assert_is(candidate, planet, depth=0.15):
    assert not candidate["single"]
    span = CADENCES * CADENCE
    off = abs(candidate["period"] - planet["period"]) * span / planet["period"] / planet["duration"]
    assert off <= max(0.1, 2 / candidate["snr"]), candidate["period"]
    turns = (candidate["t0"] - planet["t0"]) / planet["period"]
    assert abs(turns - np.rint(turns)) * planet["period"] < 0.15 * planet["duration"]
    assert START - CADENCE <= candidate["t0"] < START + planet["period"]
    assert candidate["duration"] == pytest.approx(planet["duration"], rel=0.3)
    assert candidate["depth"] == pytest.approx(planet["depth"], rel=depth)


def assert_is_single(candidate, event):
    assert candidate["single"]
    assert np.isnan(candidate["period"])
    assert abs(candidate["t0"] - event["t0"]) < 0.2 * event["duration"]
    assert candidate["duration"] == pytest.approx(event["duration"], rel=0.5)
    # The box is one of a few, each twice as long as the one before.
    assert 0.6 < candidate["depth"] / event["depth"] < 1.1
    assert candidate["n_transits"] == 1


FIRST = ((PLANET,), (INNER, OUTER), (DEEP,), ())
SECOND = ((DEEP, DEEPER), None, (PLANET, DEEPER))


@pytest.fixture(scope="module")
def first():
    return hunt(curves(*FIRST), CONFIG)


@pytest.fixture(scope="module")
def second():
    return hunt(curves(*SECOND), CONFIG)


def test_a_planet(first):
    found = of(first[0], 0)
    assert_is(found[0], PLANET)
    assert len(found) == 1
    model = transit(first[1].flat.start[0] + np.arange(1024) * CADENCE, **PLANET)
    matched = np.sqrt(np.sum(first[1].flat.weight[0] * model**2)) / NOISE
    assert found[0]["snr"] == pytest.approx(0.94 * matched, rel=0.1)
    assert found[0]["snr_red"] == pytest.approx(found[0]["snr"], rel=0.3)
    assert found[0]["sde"] > 5
    assert found[0]["n_transits"] == 7 - 1
    assert found[0]["depth_error"] < 0.1 * found[0]["depth"]
    assert found[0]["odd_even_sigma"] < 4
    assert "1.60" in found[0]["aliases"]
    assert np.isnan(found[0]["centroid_sigma"])


def test_two_planets_of_one_star(first):
    found = of(first[0], 1)
    assert len(found) == 2
    for planet in (INNER, OUTER):
        near = [row for row in found if abs(row["period"] / planet["period"] - 1) < 0.01]
        assert len(near) == 1
        assert_is(near[0], planet)
    assert [row["rank"] for row in found] == [1, 2]
    assert found[0]["snr_red"] >= found[1]["snr_red"]


def test_a_deep_event_is_a_single_transit_with_a_shortest_period(first):
    found = of(first[0], 2)
    assert_is_single(found[0], DEEP)
    assert len(found) == 1
    # All of the curve but a gap and lone cadences was watched: the next transit is before its start and after its end.
    assert 11.5 < found[0]["period_min"] < 12.2


def test_a_quiet_star_has_one_weak_candidate(first):
    found = of(first[0], 3)
    assert len(found) == 1
    assert not found[0]["single"]
    assert 0 < found[0]["snr"] < CONFIG.snr_min
    assert found[0]["rank"] == 1


def test_unlike_events_are_never_paired(second):
    found = of(second[0], 0)
    assert_is_single(found[0], DEEPER)
    assert_is_single(found[1], DEEP)
    assert len(found) == 2


def test_an_empty_star_has_none(second):
    assert of(second[0], 1) == []
    assert len(second[1].even.flux) == 3


def test_a_planet_beside_a_single_transit(second):
    found = of(second[0], 2)
    singles = [row for row in found if row["single"]]
    periodic = [row for row in found if not row["single"]]
    assert len(singles) == 1
    assert_is_single(singles[0], DEEPER)
    assert_is(periodic[0], PLANET)


def test_every_column_is_filled(first):
    table, trace = first
    assert list(table.star) == sorted(table.star)
    assert list(table.id) == [f"star{k}" for k in table.star]
    assert all(len(getattr(table, f.name)) == len(table) for f in fields(table))
    assert np.all(np.isnan(table.probability))
    assert np.all(table.matches == "")
    assert np.array_equal(np.isnan(table.period), table.single)
    assert np.array_equal(np.isnan(table.period_min), ~table.single)
    assert np.all(np.diff(trace.periods) >= 0)
    assert trace.power.shape == (len(table), len(trace.periods))
    # The picture's peak is the candidate's.
    top = trace.periods[trace.power[0].argmax()]
    assert top == pytest.approx(PLANET["period"], rel=0.01)


def same(one, other):
    for a, b in zip(one, other, strict=True):
        for name in set(a) - {"star", "id"}:
            if isinstance(a[name], float):
                assert a[name] == pytest.approx(b[name], rel=1e-4, abs=1e-5, nan_ok=True), name
            else:
                assert a[name] == b[name], name


def test_a_star_alone_has_the_candidates_that_it_has_among_others(first):
    alone, _ = hunt(curves(FIRST[1]), CONFIG)
    same(of(alone, 0), of(first[0], 1))
    turned, _ = hunt(curves(*FIRST[::-1]), CONFIG)
    for star in range(4):
        same(of(turned, 3 - star), of(first[0], star))


def test_stars_that_wait_for_their_turn_have_the_candidates_that_they_have_at_once(first, second):
    # Eight stars, four at a time: those that show more are searched again beside stars that were not searched yet.
    found, trace = hunt(curves(*FIRST, *SECOND, (PLANET,)), replace(CONFIG, batch=8))
    assert len(trace.flat.flux) == 8
    for star in range(4):
        same(of(found, star), of(first[0], star))
    for star in range(3):
        same(of(found, 4 + star), of(second[0], star))
    same(of(found, 7), of(first[0], 0))


def test_a_program_is_made_once_however_many_threads_ask():
    made, started = [], Barrier(4)

    @made_once
    def make(layout):
        made.append(layout)
        time.sleep(0.05)
        return lambda *_: layout

    def ask(n_stars):
        started.wait()
        return make(Layout(n_stars, 64, 0.02))()

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(ask, (4, 8, 4, 8)))
    assert [layout.n_stars for layout in told] == [4, 8, 4, 8]
    assert sorted(layout.n_stars for layout in made) == [4, 8]


def test_flux_without_a_scale_and_centroids(first):
    known = curves(*FIRST, absolute=False)
    rng = np.random.default_rng(4)
    moved = 400.0 + 0.002 * rng.standard_normal((*known.flux.shape, 2)).astype(np.float32)
    moved[0, :, 1] += np.where(transit(known.time[0], **PLANET) < 0, 0.004, 0).astype(np.float32)
    found, _ = hunt(replace(known, centroid=moved.astype(np.float32)), CONFIG)
    planet = of(found, 0)[0]
    assert_is({**planet, "depth": planet["depth"] * NOISE}, PLANET)
    assert planet["snr"] == pytest.approx(of(first[0], 0)[0]["snr"], rel=0.02)
    assert planet["centroid_sigma"] > 8
    assert all(row["centroid_sigma"] < 4.5 for row in of(found, 1))


def test_irregular_times_and_order():
    even = curves((PLANET,))
    rng = np.random.default_rng(2)
    # Three samples a cadence at any time, in any order.
    time = START + rng.uniform(0, CADENCES * CADENCE, (1, 3 * CADENCES))
    flux = 1 + transit(time, **PLANET) + NOISE * np.sqrt(3) * rng.standard_normal(time.shape)
    irregular = replace(even, time=time, flux=flux.astype(np.float32), valid=np.ones(time.shape, bool))
    found = of(hunt(irregular, CONFIG)[0], 0)
    assert_is(found[0], PLANET)


def test_known_transits_are_left_out(first):
    even = first[1].even
    time = even.start[:, None] + np.arange(even.flux.shape[1]) * even.cadence
    masked = np.zeros(even.flux.shape, bool)
    masked[0] = transit(time[0], **{**PLANET, "duration": 2 * PLANET["duration"]}) < 0
    found, _ = hunt(curves(*FIRST), CONFIG, masked=masked)
    assert of(found, 0)[0]["snr"] < CONFIG.snr_min
    assert_is(of(found, 1)[0], OUTER if of(found, 1)[0]["period"] > 3 else INNER)


def test_periods_end_at_half_the_curve_and_batches_shrink_with_length():
    days = 1024 * CADENCE
    assert plan_for(1024, CADENCE, SearchConfig()).periods.max() == pytest.approx(days / 2, rel=0.05)
    assert plan_for(1024, CADENCE, CONFIG).periods.max() == pytest.approx(6.0, rel=0.05)
    assert [batch_size(n, SearchConfig()) for n in (1, 3584, 3585, 7168, 65536, 10**7)] == [128, 128, 64, 64, 8, 8]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="5 stars in a batch of 4"):
        hunt(curves(*FIRST, ()), CONFIG)
    with pytest.raises(ValueError, match="do not fit"):
        hunt(curves(()), replace(CONFIG, period_min=11.0, period_max=None))
