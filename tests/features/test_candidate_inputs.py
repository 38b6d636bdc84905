"""Inputs of a network for a candidate: better candidates of the star are masked, numbers are those of the search."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from exojax.candidates import Candidates
from exojax.detection.period_grid import transit_duration
from exojax.features.candidate_inputs import candidate_inputs, folded_period, star_moments
from exojax.folded_events import SCALARS
from exojax.light_curves import EvenCurves, Stars

SIZE, START, CADENCE = 400, 2130.5, 0.02
NAN = float("nan")
SHAPE = {"global_bins": 400, "local_bins": 64}


def candidates(*rows: dict[str, float]) -> Candidates:
    """Make candidates, times in cadences from the first; numbers that are not given are unknown."""
    unknown = {f.name: "" if f.name in ("id", "aliases", "matches") else NAN for f in fields(Candidates)}
    unknown |= {"star": 0, "rank": 0, "n_transits": 0}
    made = []
    for rank, row in enumerate(rows, 1):
        days = {name: row[name] * CADENCE for name in ("period", "duration", "period_min") if name in row}
        single = np.isnan(row["period"])
        made.append(unknown | row | days | {"t0": START + row["t0"] * CADENCE, "rank": rank, "single": single})
    return Candidates.of_rows(made)


def flat(flux: np.ndarray | None = None) -> EvenCurves:
    flux = np.zeros(SIZE) if flux is None else flux
    return EvenCurves(
        np.array([START]),
        flux[None].astype(np.float32),
        np.ones((1, SIZE), np.float32),
        np.ones(1, np.float32),
        CADENCE,
    )


def hidden(*others: tuple[float, float, float], period: float = 37.0) -> np.ndarray:
    """Return the cadences masked for the last candidate, whose period is twice the curve unless given."""
    best = [{"period": p, "t0": t, "duration": d} for p, t, d in others]
    found = candidates(*best, {"period": period, "t0": 0.0, "duration": 4.0})
    sums = star_moments(found, flat(), **SHAPE)[-1].whole
    # One cadence in one bin: all of them, and those that have weight.
    assert sums[:, 3].sum() == SIZE
    return sums


def test_transits_of_another_candidate_are_hidden_and_nothing_else() -> None:
    # Folded at twice the curve each cadence has bins of its own, from the transit on.
    sums = hidden((100.0, 30.0, 8.2), period=NAN)
    weight = sums[800 : 800 + SIZE, 0]
    # Three quarters of 8 cadences on either side of 30, 130, 230 and 330.
    expected = np.concatenate([middle + np.arange(-6, 7) for middle in (30, 130, 230, 330)])
    np.testing.assert_array_equal(np.flatnonzero(weight == 0), expected)
    # A single transit is hidden once.
    weight = hidden((NAN, 200.0, 8.2))[:, 0].sum()
    assert weight == SIZE - 13
    # Of two both are, but not where the candidate itself transits: 33 to 39 and 333 to 336.
    own = np.abs(np.arange(SIZE) - np.rint(np.arange(SIZE) / 37.0) * 37.0) <= 3
    others = np.abs(np.arange(SIZE) - 30 - np.rint((np.arange(SIZE) - 30) / 100.0) * 100.0) <= 6
    others |= np.abs(np.arange(SIZE) - 200) <= 6
    assert 0 < (own & others).sum() < others.sum()
    assert hidden((100.0, 30.0, 8.2), (NAN, 200.0, 8.2))[:, 0].sum() == SIZE - (others & ~own).sum()


@pytest.mark.parametrize("multiple", [0.5, 1.0, 2.0, 1.002])
def test_a_binary_keeps_its_other_eclipse(multiple: float) -> None:
    assert hidden((100.0, 30.0, 8.2), period=100.0 * multiple)[:, 0].sum() == SIZE
    assert hidden((100.0, 30.0, 8.2), period=100.0 * multiple * 1.03)[:, 0].sum() < SIZE


def test_planets_near_a_resonance_hide_each_other() -> None:
    """Twice the period to 1 %, but the phase drifts by more than a transit over the curve: no binary."""
    inner, outer = {"period": 50.0, "t0": 3.0, "duration": 4.0}, {"period": 100.9, "t0": 30.0, "duration": 8.0}
    for found in (candidates(inner, outer), candidates(outer, inner)):
        assert all(one.whole[:, 0].sum() < SIZE for one in star_moments(found, flat(), **SHAPE))


def test_a_single_transit_meets_nothing_but_itself() -> None:
    assert folded_period(7.0, SIZE) == 7.0
    assert folded_period(NAN, SIZE) == 2 * SIZE


def numbers(absolute: bool) -> list[dict[str, float]]:
    """Return numbers of a planet of 2 % depth by the fold and of a single transit, at a star of half solar density."""
    flux = np.zeros((2, SIZE))
    flux[0, np.abs((np.arange(SIZE) - 20) % 50 - 0) < 3] = -0.02
    flux[1, 200:206] = -0.02
    common = {"depth": 0.01, "sde": NAN, "centroid_sigma": NAN}
    planet = candidates(common | {
        "period": 50, "t0": 22, "duration": 5, "snr": 100, "snr_red": 50, "sde": 9, "n_transits": 8,
        "odd_even_sigma": 0.5, "secondary_sigma": 1.5, "secondary_phase": 0.5,
    })  # fmt: skip
    single = candidates(common | {
        "period": NAN, "period_min": 300, "t0": 203, "duration": 6, "snr": 10, "snr_red": 8, "n_transits": 1,
        "star": 1, "secondary_phase": 0.3,
    })  # fmt: skip
    folds = [star_moments(x, flat(f), global_bins=40, local_bins=20)[0] for x, f in zip((planet, single), flux)]
    names = [f.name for f in fields(Candidates)]
    both = Candidates(**{name: np.concatenate([getattr(planet, name), getattr(single, name)]) for name in names})
    stars = Stars(np.array([1.0, NAN]), np.array([0.5, NAN]), np.full(2, NAN), np.array([12.0, NAN]))
    made = candidate_inputs(both, folds, np.array([0.001, 0.001]), stars, absolute=absolute)
    # Folded at twice the curve, a single transit has no second event to be compared with.
    assert not made["secondary_view"][1].any()
    assert made["secondary_view"][0].any()
    assert made["scalars"].dtype == made["global_view"].dtype == np.float32
    return [dict(zip(SCALARS, row.tolist())) for row in made["scalars"].astype(float)]


def test_numbers_are_in_days_and_for_the_star() -> None:
    planet, single = numbers(absolute=True)
    expected = {"log_period": 0, "log_duration": -1, "log_depth": -2, "log_snr": 2, "sde": 9, "mag": 12}
    expected |= {"log_snr_red": np.log10(50), "log_n_transits": np.log10(8), "secondary_sigma": 1.5}
    expected |= {"duration_ratio": 0.1 / float(transit_duration(1.0, 0.5))}
    for name, value in expected.items():
        assert planet[name] == pytest.approx(value, abs=1e-5), name
    assert planet["log_view_depth"] == pytest.approx(np.log10(0.02), abs=0.02)
    assert planet["log_depth_scatters"] == pytest.approx(np.log10(20), abs=0.02)
    for name in ("centroid_sigma", "tess_depth", "epoch"):
        assert np.isnan(planet[name])
    assert np.isnan(single["log_period"])
    # Of an unknown star a sunlike one is expected, and of an unknown period the shortest.
    assert single["duration_ratio"] == pytest.approx(0.12 / float(transit_duration(6.0, 1.0)), rel=1e-5)


def test_without_an_absolute_scale_depths_are_unknown_but_in_scatters() -> None:
    planet, _ = numbers(absolute=False)
    assert np.isnan(planet["log_depth"])
    assert np.isnan(planet["log_view_depth"])
    assert planet["log_depth_scatters"] == pytest.approx(np.log10(20), abs=0.02)
