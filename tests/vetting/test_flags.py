"""Flags by hand: each with its number, none where nothing was measured, and a shape that noise does not bend."""

from dataclasses import fields

import numpy as np
import pytest

from exojax.candidates import Candidates
from exojax.light_curves import EvenCurves, Stars
from exojax.vetting.flags import flags, local_views, resolved, shape_of
from exojax.vetting.spacecraft import THRUSTERS

UNREMARKABLE = {
    "period": 10.0, "t0": 150.0, "duration": 0.1, "depth": 1e-3, "n_transits": 8, "odd_even_sigma": 0.5,
    "secondary_sigma": 2.9, "secondary_phase": 0.31, "centroid_sigma": 1.0,
}  # fmt: skip


def candidates(**columns):
    made, n = {}, max((np.size(column) for column in columns.values()), default=1)
    for field in fields(Candidates):
        text = field.name in ("id", "aliases", "matches", "detrending")
        unknown = "" if text else False if field.name == "single" else 0 if field.name == "star" else np.nan
        made[field.name] = np.broadcast_to(np.array(columns.get(field.name, unknown)), n)
    return Candidates(**made)


def flags_of(radius=1.0, mass=1.0, absolute=True, system="BKJD", shape=None, **columns):
    def one(value):
        return np.array([value])

    star = Stars(one(radius), one(mass), one(np.nan), one(np.nan))
    found = candidates(**(UNREMARKABLE | columns))
    return flags(found, star, one(absolute), one(system), None if shape is None else one(shape)).item()


def test_a_quiet_candidate_and_one_of_which_nothing_is_known_have_none():
    assert flags_of() == ""
    nothing = dict.fromkeys(UNREMARKABLE, np.nan) | {"n_transits": 3}
    assert flags_of(np.nan, np.nan, shape=np.nan, **nothing) == ""


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"odd_even_sigma": 4.23}, "odd and even differ by 4.2σ"),
        ({"secondary_sigma": 9.96, "secondary_phase": 0.5}, "a secondary of 10.0σ at phase 0.50"),
        # 9.731 * sqrt(0.05587) = 2.300
        ({"depth": 0.05587}, "the depth implies 2.3 Jupiter radii for this star"),
        ({"depth": 0.014, "radius": 2.0}, "the depth implies 2.3 Jupiter radii for this star"),
        ({"centroid_sigma": 5.0}, "the centroid moves by 5.0σ"),
        ({"matches": "7:1;8:2;9:1/2;10:1;11:1;+7"}, "shared with 12 other stars"),
        ({"matches": "EPIC:7:1"}, "shared with 1 other star"),
        ({"n_transits": 2}, "2 transits"),
        # 13 h * (10 / 365.25)^(1/3) = 3.918 h = 0.16325 d
        ({"duration": 0.5}, "3.1 times as long as a central transit of this star"),
        ({"shape": 5 / 9}, "V-shaped: mean depth 0.56 of the middle's"),
        ({"period": 3 * THRUSTERS, "t0": 2200.0}, "the period is the spacecraft's: 3 × 0.2452 d, K2's thrusters"),
        ({"single": True, "period": np.nan, "n_transits": 1, "odd_even_sigma": 9.0}, "a single transit"),
        ({"n_transits": 1}, "1 transit"),
        ({"n_transits": 0}, "no transit in the data"),
        ({"single": True, "period": np.nan, "n_transits": 0}, "no transit in the data"),
        (
            {"single": True, "period": np.nan, "n_transits": 2, "aliases": "50.8;71.1;355.5;711"},
            "a duotransit: two transits, 4 possible periods",
        ),
        ({"single": True, "period": np.nan, "n_transits": 2, "aliases": ""}, "a duotransit: two transits"),
    ],
)  # fmt: skip
def test_each_flag_has_its_number(columns, text):
    assert flags_of(**columns) == text


@pytest.mark.parametrize(("star", "phase", "flagged"), [(0, 0.887, False), (0, 0.5, True), (1, 0.887, True)])
def test_another_planets_transits_are_no_secondary(star, phase, flagged):
    """K2-3 b and c: 1979.2768 - 1980.4157 is a phase of 0.887 of b's period."""
    both = UNREMARKABLE | {
        "star": [0, star], "rank": [1, 2], "period": [10.05474, 24.64666], "t0": [1980.4157, 1979.2768],
        "duration": [0.11, 0.16], "n_transits": [8, 4], "secondary_sigma": [9.2, 0.0],
        "secondary_phase": [phase, np.nan], "single": [False, False], "id": ["a", "a"], "matches": ["", ""],
    }  # fmt: skip
    both = {name: np.broadcast_to(np.array(value), 2) for name, value in both.items()}
    nothing = np.full(2, np.nan)
    found = flags(candidates(**both), Stars(*[nothing] * 4), np.ones(2, bool), np.array(["BKJD"] * 2))
    assert ("a secondary" in found[0]) == flagged
    # The better candidate's transits were masked before the other was found: they explain nothing there.
    turned = both | {"rank": np.array([2, 1])}
    assert (
        "a secondary" in flags(candidates(**turned), Stars(*[nothing] * 4), np.ones(2, bool), np.array(["BKJD"] * 2))[0]
    )


def pair(first, second):
    """Return flags of two candidates of one star; the first is the better one."""
    base = UNREMARKABLE | {"star": 0, "single": False, "id": "a", "matches": "", "odd_even_sigma": 0.0}
    rows = [base | first | {"rank": 1}, base | second | {"rank": 2}]
    nothing = np.full(2, np.nan)
    table = candidates(**{name: np.array([row[name] for row in rows]) for name in rows[0]})
    return flags(table, Stars(*[nothing] * 4), np.ones(2, bool), np.array(["assumed"] * 2)).tolist()


@pytest.mark.parametrize(
    ("second", "text"),
    [
        ({"t0": 155.0}, "the period of candidate 1, half a period later"),
        ({"t0": 152.3}, "the period of candidate 1, 0.23 of a period later"),
        # Seven periods later the transits are a fifth of a duration apart, or more than a quarter.
        ({"t0": 155.0, "period": 10.002}, "the period of candidate 1, half a period later"),
        ({"t0": 155.0, "period": 10.006}, ""),
        ({"period": 5.0, "n_transits": 15, "t0": 152.5}, "half the period of candidate 1"),
        ({"period": 5.003, "n_transits": 15, "t0": 152.5}, ""),
        ({"period": 20.0, "n_transits": 4, "t0": 155.0}, "twice the period of candidate 1"),
        ({"period": 20.05, "n_transits": 4, "t0": 155.0}, ""),
        ({"period": 30.0, "n_transits": 3, "t0": 155.0}, ""),
        ({"period": np.nan, "single": True, "n_transits": 1}, "a single transit"),
        ({"period": 10.0, "t0": 155.0, "star": 1}, ""),
    ],
)
def test_a_candidate_on_an_earlier_ones_period_is_marked(second, text):
    assert pair({}, second) == ["", text]


def test_two_transits_do_not_make_any_period_the_same():
    """Over one period the drift is bounded by hardly anything but the share of the period itself."""
    few = {"n_transits": 2, "duration": 2.0, "period": 10.0}
    assert pair(few, few | {"t0": 155.0, "period": 10.2}) == ["2 transits", "2 transits"]


def test_what_is_no_reason_raises_none():
    assert flags_of(depth=0.05587, absolute=False) == ""
    assert flags_of(depth=0.05587, radius=np.nan) == ""
    assert flags_of(depth=0.042) == ""  # 1.99 Jupiter radii
    assert flags_of(duration=0.5, mass=np.nan) == ""
    assert flags_of(shape=0.85) == ""
    assert flags_of(centroid_sigma=2.99) == flags_of(odd_even_sigma=2.99) == flags_of(secondary_sigma=4.99) == ""


def test_several_are_joined_in_one_order():
    text = flags_of(odd_even_sigma=4.2, centroid_sigma=3.3, shape=0.6)
    assert text.split(";") == [
        "V-shaped: mean depth 0.60 of the middle's",
        "odd and even differ by 4.2σ",
        "the centroid moves by 3.3σ",
    ]


BINS = 61
AT = (np.arange(BINS) + 0.5) / BINS * 3 - 1.5  # durations from the middle, of a view of three


def test_shapes_of_a_box_and_a_triangle():
    box = -1.0 * (np.abs(AT) < 0.5)
    triangle = -np.clip(1 - 2 * np.abs(AT), 0, None)
    ones = np.ones((2, BINS))
    found = shape_of(np.stack([box, triangle]) * 3e-4, ones, 3.0)
    assert found == pytest.approx([1, 5 / 9], abs=0.03)
    # Bins without weight are left out, whatever stands in them.
    hole = np.where((AT > 0.2) & (AT < 0.4), 0.0, 1.0)
    assert shape_of(np.where(hole > 0, box, 99)[None], hole[None], 3.0) == pytest.approx([1], abs=1e-9)
    assert np.isnan(shape_of(box[None], 0 * hole[None], 3.0)).all()
    assert np.isnan(shape_of(-box[None], ones[:1], 3.0)).all()


def test_noise_does_not_make_a_v_of_a_box_and_too_much_of_it_makes_nothing():
    rng = np.random.default_rng(0)
    view = -1.0 * (np.abs(AT) < 0.5) + rng.normal(0, 0.3, (500, BINS))
    found = shape_of(view, np.ones_like(view), 3.0)
    assert np.mean(found < 0.65) < 0.01
    assert np.nanmean(found) == pytest.approx(1, abs=0.03)
    assert np.isnan(shape_of(rng.normal(0, 1, (200, BINS)), np.ones((200, BINS)), 3.0)).mean() > 0.97


def test_exposures_make_a_v_of_a_short_transit_and_no_flag_is_set():
    shape = resolved(np.array([0.5, 0.5, np.nan]), np.array([0.19, 0.21, 0.5]), 0.1)
    np.testing.assert_array_equal(shape, [np.nan, 0.5, np.nan])


def test_the_fold_is_binned_by_weight_around_the_transit():
    """A curve from day 10, a cadence 0.1 d: the transit of 0.3 d at 11.05 + k is in the middle bin of three."""
    time = 10 + 0.1 * np.arange(100)
    flux = np.where(np.abs((time - 11.05 + 0.5) % 1 - 0.5) < 0.15, -2.0, 0.5).astype(np.float32)
    weight = np.ones(100, np.float32)
    flux[7:13], weight[7:13] = 99, 0  # the first transit, unmeasured
    flux[20], weight[20] = -6.0, 3.0  # in the second, of three times the weight
    even = EvenCurves(
        np.array([0.0, 10.0]), np.stack([0 * flux, flux]), np.stack([0 * weight, weight]), np.ones(2), 0.1
    )
    found = candidates(star=1, period=1.0, t0=11.05, duration=0.3, single=False)
    mean, total = local_views(found, even, bins=3, durations=3.0)
    n = total[0, 1] - 3.0
    assert mean[0, 1] == pytest.approx((n * -2.0 - 18.0) / (n + 3.0))
    assert mean[0, [0, 2]] == pytest.approx([0.5, 0.5])
    alone = candidates(star=1, period=np.nan, t0=12.05, duration=0.3, single=True)
    mean, total = local_views(alone, even, bins=3, durations=3.0)
    assert total[0].tolist() == pytest.approx([3, 5, 3], abs=1)
    assert mean[0, 1] == pytest.approx((-2.0 * (total[0, 1] - 3) - 18) / total[0, 1])
    assert local_views(candidates(star=0, period=1.0, t0=1.0, duration=0.3), even, 3)[1].tolist() == [[0, 0, 0]]
