"""The whole search of a star: its candidates, their order, and their independence of other stars."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import numpy as np
import pytest

from exojax.config import FoldConfig, SearchConfig
from exojax.detection import accelerator
from exojax.detection import search_star as module
from exojax.detection.periodogram import periodogram
from exojax.detection.search_star import (
    _is_residual,
    _search_steps,
    run_together,
    search_each_star,
    search_star,
)
from exojax.detection.star import plan_for
from exojax.light_curves import LightCurves
from exojax.runs.fold_stars import search_each

CADENCES, CADENCE, NOISE, START = 1000, 1 / 48, 3e-4, 2130.7
CONFIG = SearchConfig(period_min=1.5, period_max=6.0, duration_max=0.3)
PLANET = {"period": 3.217, "t0": START + 1.3, "depth": 2e-3, "duration": 0.14}
INNER = {"period": 1.937, "t0": START + 0.4, "depth": 1.5e-3, "duration": 0.12}
OUTER = {"period": 5.31, "t0": START + 2.2, "depth": 2.5e-3, "duration": 0.2}
DEEP = {"period": np.inf, "t0": START + 8.9, "depth": 4e-3, "duration": 0.25}
DEEPER = {"period": np.inf, "t0": START + 14.6, "depth": 8e-3, "duration": 0.25}


def transit(time, period, t0, depth, duration):
    """Return a trapezoid with a tenth of its duration in either slope; -depth at the bottom."""
    late = time - t0 - (0 if np.isinf(period) else np.rint((time - t0) / period) * period)
    return -depth * np.clip((duration / 2 - np.abs(late)) / (0.1 * duration), 0, 1)


def curves(*stars, absolute=True, seed=0):
    """Make light curves, one for each tuple of transits (None: nothing measured), with white noise and a slow wave."""
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


def each_of(many):
    return [many.take(np.array([star])) for star in range(len(many))]


def rows(found):
    """Return each candidate as a dictionary."""
    return [{f.name: getattr(found, f.name)[row] for f in fields(found)} for row in range(len(found))]


def equal(one, other):
    """Return true where two tables of candidates are the same to the bit, the number of their star aside."""
    columns = [f.name for f in fields(one) if f.name != "star"]
    return len(one) == len(other) and all(
        getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in columns
    )


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
    """The candidates of each star, and the curves that the search read."""
    return list(search_each_star(each_of(curves(*FIRST)), CONFIG, masks=[None] * 4))


@pytest.fixture(scope="module")
def second():
    return list(search_each_star(each_of(curves(*SECOND)), CONFIG, masks=[None] * 3))


def test_a_planet(first):
    table, trace = first[0]
    found = rows(table)
    assert_is(found[0], PLANET)
    assert len(found) == 1
    size = trace.flat.flux.shape[1]
    model = transit(trace.flat.start[0] + np.arange(size) * CADENCE, **PLANET)
    matched = np.sqrt(np.sum(trace.flat.weight[0] * model**2)) / NOISE
    assert found[0]["snr"] == pytest.approx(0.94 * matched, rel=0.1)
    assert found[0]["snr_red"] == pytest.approx(found[0]["snr"], rel=0.3)
    assert found[0]["sde"] > 5
    assert found[0]["n_transits"] == 7 - 1
    assert found[0]["depth_error"] < 0.1 * found[0]["depth"]
    assert found[0]["odd_even_sigma"] < 4
    assert "1.60" in found[0]["aliases"]
    assert np.isnan(found[0]["centroid_sigma"])


def test_two_planets_of_one_star(first):
    found = rows(first[1][0])
    assert len(found) == 2
    for planet in (INNER, OUTER):
        near = [row for row in found if abs(row["period"] / planet["period"] - 1) < 0.01]
        assert len(near) == 1
        assert_is(near[0], planet)
    assert [row["rank"] for row in found] == [1, 2]
    assert found[0]["snr_red"] >= found[1]["snr_red"]


def test_a_deep_event_is_a_single_transit_with_a_shortest_period(first):
    found = rows(first[2][0])
    assert_is_single(found[0], DEEP)
    assert len(found) == 1
    # All of the curve but a gap and lone cadences was watched: the next transit is before its start and after its end.
    assert 11.5 < found[0]["period_min"] < 12.2


def test_a_quiet_star_has_one_weak_candidate(first):
    found = rows(first[3][0])
    assert len(found) == 1
    assert not found[0]["single"]
    assert 0 < found[0]["snr"] < CONFIG.snr_min
    assert found[0]["rank"] == 1


def test_unlike_events_are_never_paired(second):
    found = rows(second[0][0])
    assert_is_single(found[0], DEEPER)
    assert_is_single(found[1], DEEP)
    assert len(found) == 2


def test_an_empty_star_has_none(second):
    table, trace = second[1]
    assert len(table) == 0
    assert trace.periodograms == ()


def test_a_planet_beside_a_single_transit(second):
    found = rows(second[2][0])
    singles = [row for row in found if row["single"]]
    periodic = [row for row in found if not row["single"]]
    assert len(singles) == 1
    assert_is_single(singles[0], DEEPER)
    assert_is(periodic[0], PLANET)


def test_every_column_is_filled(first, second):
    for star, (table, trace) in enumerate(first):
        assert set(table.id) == {f"star{star}"}
        assert not table.star.any()
        assert table.rank.tolist() == list(range(1, len(table) + 1))
        assert all(len(getattr(table, f.name)) == len(table) for f in fields(table))
        assert np.all(np.isnan(table.probability))
        assert np.all(table.matches == "")
        assert np.array_equal(np.isnan(table.period), table.single)
        assert np.array_equal(np.isnan(table.period_min), ~table.single)
        assert len(trace.periodograms) == len(table)
    for found, planet in ((first[0], PLANET), (second[2], PLANET)):
        table, trace = found
        seen = trace.periodograms[int(np.flatnonzero(~table.single)[0])]
        assert np.all(np.diff(seen.period) >= 0)
        # The picture's peak is the candidate's.
        top = seen.period[np.where(seen.fine, seen.power, 0).argmax()] * CADENCE
        assert top == pytest.approx(planet["period"], rel=0.01)


def test_what_is_found_does_not_depend_on_company_order_or_threads(first, second):
    """To the bit: a star by itself, in another order beside others, and searched by three threads at a time."""
    known = [table for table, _ in (*first, *second)]
    stars = each_of(curves(*FIRST)) + each_of(curves(*SECOND))
    alone, _ = search_star(stars[1], CONFIG)
    assert equal(alone, known[1])
    turned = list(search_each_star(stars[::-1], CONFIG, masks=[None] * 7))[::-1]
    assert all(equal(table, before) for (table, _), before in zip(turned, known, strict=True))
    with ThreadPoolExecutor(3) as pool:
        several = list(pool.map(lambda star: search_star(star, CONFIG)[0], stars))
    assert all(equal(table, before) for table, before in zip(several, known, strict=True))


def searches():
    stars = each_of(curves(*FIRST, *SECOND))
    return [_search_steps(star, CONFIG, None, None) for star in stars]


def test_in_step_with_the_same_periodogram_they_end_alike(first, second):
    """The steps of an accelerator, with the periodogram of a CPU, give the same candidates to the bit."""

    def one_by_one(plan, given):
        assert len({len(flux) for flux, _ in given}) == 1
        return [periodogram(plan, flux, weight) for flux, weight in given]

    found = run_together(searches(), one_by_one)
    # The names are those of a larger table.
    for (table, _), (before, _) in zip(found, (*first, *second), strict=True):
        assert equal(replace(table, id=before.id), before)


def test_an_accelerators_periodogram_leads_to_the_same_planets():
    """Few periods, as a CPU takes its time for an accelerator's way."""
    config = replace(CONFIG, period_min=3.0, duration_min=0.1)
    stars = each_of(curves((PLANET,), (OUTER,), (PLANET, DEEPER), ()))
    found = run_together([_search_steps(star, config, None, None) for star in stars], accelerator.periodograms)
    known = search_each_star(stars, config, masks=[None] * 4)
    for (table, _), (before, _) in zip(found, known, strict=True):
        strong, expected = (x.take(x.snr_red >= CONFIG.snr_min) for x in (table, before))
        assert strong.single.tolist() == expected.single.tolist()
        np.testing.assert_allclose(strong.period, expected.period, rtol=1e-3)
        np.testing.assert_allclose(strong.t0, expected.t0, atol=0.2 * CADENCE)
        np.testing.assert_allclose(strong.snr_red, expected.snr_red, rtol=0.05)
    assert [len(table) for table, _ in found] == [1, 1, 2, 1]


def test_altered_curves_are_searched_as_often_as_any(first):
    """The altered curve of a quiet star holds two planets, and both are found."""
    found, trace = search_star(curves(FIRST[3]), CONFIG, alter=lambda flat: first[1][1].flat)
    np.testing.assert_allclose(np.sort(found.period), [INNER["period"], OUTER["period"]], rtol=2e-3)
    assert len(trace.periodograms) == 2


def test_flux_without_a_scale_and_centroids(first):
    known = curves(*FIRST, absolute=False)
    rng = np.random.default_rng(4)
    moved = 400.0 + 0.002 * rng.standard_normal((*known.flux.shape, 2)).astype(np.float32)
    moved[0, :, 1] += np.where(transit(known.time[0], **PLANET) < 0, 0.004, 0).astype(np.float32)
    stars = each_of(replace(known, centroid=moved.astype(np.float32)))
    found = [one.found for one, _ in search_each(stars[:2], CONFIG, FoldConfig(), masks=[None, None])]
    planet = rows(found[0])[0]
    assert_is({**planet, "depth": planet["depth"] * NOISE}, PLANET)
    assert planet["snr"] == pytest.approx(rows(first[0][0])[0]["snr"], rel=0.02)
    assert planet["centroid_sigma"] > 8
    assert all(row["centroid_sigma"] < 4.5 for row in rows(found[1]))


def test_irregular_times_and_order():
    even = curves((PLANET,))
    rng = np.random.default_rng(2)
    # Three samples a cadence at any time, in any order.
    time = START + rng.uniform(0, CADENCES * CADENCE, (1, 3 * CADENCES))
    flux = 1 + transit(time, **PLANET) + NOISE * np.sqrt(3) * rng.standard_normal(time.shape)
    irregular = replace(even, time=time, flux=flux.astype(np.float32), valid=np.ones(time.shape, bool))
    assert_is(rows(search_star(irregular, CONFIG)[0])[0], PLANET)


def test_known_transits_are_left_out(first):
    even = first[0][1].even
    time = even.start[0] + np.arange(even.flux.shape[1]) * even.cadence
    masked = transit(time, **{**PLANET, "duration": 2 * PLANET["duration"]}) < 0
    found, _ = search_star(curves(FIRST[0]), CONFIG, masked=masked)
    assert found.snr[0] < CONFIG.snr_min


WIDE = {"period": 5.31, "t0": START + 2.2, "depth": 2e-2, "duration": 0.7}


def test_what_a_mask_leaves_of_a_candidate_is_none_itself(monkeypatch):
    """Durations end at 0.3 d: of a transit of 0.7 d the middle is masked, and its wings still dip."""
    star = curves((WIDE,))
    assert len(search_star(star, CONFIG)[0]) == 1
    monkeypatch.setattr(module, "_is_residual", lambda *_: False)
    assert len(search_star(star, CONFIG)[0]) == 3


BEFORE = {"single": False, "period": 200.0, "t0": 50.0, "duration": 8.0}


@pytest.mark.parametrize(
    ("change", "remains"),
    [
        ({"t0": 58.0}, True),
        ({"t0": 66.0}, False),
        ({"period": 400.0, "t0": 241.0}, True),
        ({"period": 600.1, "t0": 258.0}, True),
        ({"period": 100.0, "t0": 51.0}, False),
        ({"period": 206.0, "t0": 51.0}, False),
        ({"single": True, "period": np.inf, "t0": 458.0}, True),
        ({"single": True, "period": np.inf, "t0": 490.0}, False),
    ],
)
def test_remains_lie_beside_every_transit_of_an_earlier_candidate(change, remains):
    assert _is_residual(BEFORE | change, BEFORE) == remains
    # Repeated transits are not what a single one left.
    alone = BEFORE | {"single": True, "period": np.inf}
    assert not _is_residual(BEFORE | {"t0": 58.0}, alone)
    assert _is_residual(alone | {"t0": 58.0}, alone)


def test_periods_end_at_half_the_curve():
    days = 1024 * CADENCE
    assert plan_for(1024, CADENCE, SearchConfig()).period_max * CADENCE == pytest.approx(days / 2)
    assert plan_for(1024, CADENCE, CONFIG).period_max * CADENCE == pytest.approx(6.0)
    assert plan_for(1024, CADENCE, SearchConfig()).period_min * CADENCE == pytest.approx(0.17)
    # Four cadences are the least.
    assert plan_for(1024, 0.1, SearchConfig()).period_min == pytest.approx(4.0)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        search_star(curves(()), replace(CONFIG, period_min=11.0, period_max=None))
