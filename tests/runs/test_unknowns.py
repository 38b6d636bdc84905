"""Stars and ephemerides of which a test cannot know: "not known" or one line, never a number that means nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import exojax
from exojax.light_curves import LightCurves, Stars

DAYS, SIZE, START = 1 / 48, 3000, 540.0
PERIOD, T0, DURATION = 5.3, START + 2.1, 0.15
OF_STAR = ("duration", "planet_radius", "albedo")


def star(wave: float = 0.0, hidden: float = 0.0, radius: float | None = None, days: float = SIZE * DAYS) -> LightCurves:
    """Make a star with a planet; a part of its phase around the transit may be hidden."""
    time = START + np.arange(SIZE) * DAYS
    late = time - T0 - np.rint((time - T0) / PERIOD) * PERIOD
    flux = 1 - 2e-3 * (np.abs(late) < DURATION / 2) + wave * np.sin(2 * np.pi * (time - START) / 40)
    flux += 3e-4 * np.random.default_rng(0).standard_normal(SIZE)
    valid = (time < START + days) & ~((late > 0) & (late < hidden))
    one = np.array([np.nan if radius is None else radius])
    return LightCurves(
        id=np.array(["a"]),
        time=time[None],
        flux=flux[None].astype(np.float32),
        valid=valid[None],
        label=None,
        kind=None,
        catalogued=False,
        absolute=True,
        cadence=DAYS,
        time_system="BKJD",
        source="a test",
        sha256="",
        stars=Stars(one, one, one, one),
    )


def vetted(curves: LightCurves, period: float = PERIOD, t0: float = T0) -> dict[str, Any]:
    """Return the row of a given ephemeris."""
    (row,) = exojax.vet(curves, period, t0, DURATION, run=None).table.to_dict("records")
    return row


def verdicts(row: dict[str, Any]) -> dict[str, str]:
    return {name.removeprefix("verdict_"): value for name, value in row.items() if name.startswith("verdict_")}


def no_nonsense(row: dict[str, Any]) -> None:
    """Check that no number is infinite or absurd."""
    numbers = [value for value in row.values() if isinstance(value, float) and value == value]
    assert np.isfinite(numbers).all()
    assert np.abs(numbers).max(initial=0) < 1e7


def test_a_star_without_radius_or_mass_has_no_verdict_that_needs_them() -> None:
    row = vetted(star())
    assert {verdicts(row)[name] for name in OF_STAR} == {"not known"}
    assert all(row[name] is None or np.isnan(row[name]) for name in ("vet_planet_radius", "vet_duration_ratio"))
    known = verdicts(vetted(star(radius=1.0)))
    assert {known[name] for name in ("duration", "planet_radius")} <= {"pass", "inconclusive", "fail"}
    without_mass = replace(star(radius=1.0), stars=Stars(*(np.array([x]) for x in (1.0, np.nan, np.nan, np.nan))))
    found = verdicts(vetted(without_mass))
    assert (found["duration"], found["planet_radius"]) == ("not known", known["planet_radius"])


@pytest.mark.parametrize("period", [np.nan, 500.0])
def test_one_transit_has_no_verdict_that_needs_two(period: float) -> None:
    row = vetted(star(days=5.0), period)
    assert row["n_transits"] == 1
    for name in ("odd_even", "alike", "dominance", "mean_median", "dumps"):
        assert verdicts(row)[name] == "not known", name
    assert "1 transit" in row["flags"] or "a single transit" in row["flags"]
    no_nonsense(row)


def test_a_curve_shorter_than_a_rotation() -> None:
    curves = star(wave=0.02, days=12.0)
    row = vetted(curves)
    no_nonsense(row)
    assert row["depth_ppm"] == pytest.approx(2000, rel=0.25)
    table = exojax.search(curves, run=None).table
    assert table["period_days"][0] == pytest.approx(PERIOD, rel=0.01)
    assert (table["detrending"] == "window").all()


@pytest.mark.parametrize("hidden", [0.12, 0.3, 2.6])
def test_a_fold_with_empty_bins(hidden: float) -> None:
    """Measure a transit of which half, its later side, or half of the phase is never observed."""
    row = vetted(star(hidden=hidden))
    no_nonsense(row)
    assert row["vet_filled"] <= 0.7
    assert verdicts(row)["coverage"] == "fail"


@pytest.mark.parametrize(("period", "t0"), [(np.nan, START + 900), (np.nan, START - 30), (800.0, START + 300)])
def test_an_ephemeris_outside_the_data_measures_nothing(period: float, t0: float) -> None:
    row = vetted(star(), period, t0)
    assert row["n_transits"] == 0
    assert row["flags"] == "no transit in the data"
    for name in ("depth_ppm", "snr", "snr_red", "odd_even_sigma", "secondary_sigma", "t0_error_days"):
        assert row[name] is None or np.isnan(row[name]), name
    assert set(verdicts(row).values()) - {"not known"} <= {"pass"}
    assert {value for name, value in verdicts(row).items() if name != "spacecraft"} == {"not known"}


def test_an_epoch_many_periods_from_the_data_is_the_same_ephemeris() -> None:
    far, near = vetted(star(), t0=T0 + 300 * PERIOD), vetted(star())
    assert far["depth_ppm"] == pytest.approx(near["depth_ppm"], rel=1e-3)


def test_an_epoch_in_another_clock_is_one_line() -> None:
    result = exojax.vet(star(), PERIOD, T0 + 2454833, DURATION, run=None)
    assert len(result) == 0
    (skipped,) = result.skipped
    assert "Julian date" in skipped.reason
    assert "BKJD" in skipped.reason
    assert "\n" not in skipped.reason
