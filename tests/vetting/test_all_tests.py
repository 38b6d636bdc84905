"""All tests together: the same names for every candidate, and NaN where nothing can be measured."""

import numpy as np
import pytest
from sample_curves import CADENCE, again, series

from exojax.vetting.all_tests import NUMBERS, UNKNOWN, VERDICTS, StarSize, Vetting, all_tests
from exojax.vetting.reasons import TEXTS, reasons
from exojax.vetting.transit_series import TransitSeries, transit_series
from exojax.vetting.verdict import above, below, worst

SUN = StarSize(1.0, 1.0, 1.0)


def run(of: TransitSeries, star: StarSize = SUN, absolute: bool = True) -> Vetting:
    return all_tests(of, star, absolute=absolute, cadence=CADENCE, time_system="BKJD")


def test_names_are_the_same_and_what_is_missing_is_not_known() -> None:
    whole = run(series(2.3, 0.12, secondary=5e-4))
    single = run(again(series(), period=float("nan")))
    outside = run(again(series(), period=float("nan"), t0=4000.0))
    empty = run(transit_series(np.zeros(0), np.zeros(0), np.zeros(0), 3.0, 1.0, 0.1))
    for other in (single, outside, empty):
        assert tuple(other.numbers) == tuple(whole.numbers) == NUMBERS == tuple(UNKNOWN.numbers)
        assert tuple(other.verdicts) == tuple(whole.verdicts) == VERDICTS == tuple(UNKNOWN.verdicts)
    assert set(empty.verdicts.values()) <= {"not known", "pass"}
    assert all(np.isnan(value) for value in empty.numbers.values())
    assert set(outside.verdicts.values()) == {"not known"}
    assert single.verdicts["odd_even"] == single.verdicts["secondary"] == "not known"


def test_a_star_without_radius_and_mass_is_not_known_and_a_flux_without_scale_has_no_radius() -> None:
    unknown = run(series(2.3, 0.12, secondary=5e-4), StarSize())
    for name in ("duration", "planet_radius", "albedo"):
        assert unknown.verdicts[name] == "not known"
    scaleless = run(series(2.3, 0.12, secondary=5e-4), absolute=False)
    assert scaleless.verdicts["planet_radius"] == scaleless.verdicts["albedo"] == "not known"
    assert scaleless.verdicts["duration"] != "not known"


def test_a_planet_passes_and_a_binary_does_not() -> None:
    planet = run(series(7.3, 0.14, 3e-3))
    assert "fail" not in planet.verdicts.values()
    binary = run(series(0.9, 0.11, 0.06, secondary=0.03, tides=3e-3, ingress=0.5))
    failed = {name for name, verdict in binary.verdicts.items() if verdict == "fail"}
    assert {"planet_radius", "secondary", "albedo", "sweet", "orbital_light"} <= failed


def test_limits_lead_to_words() -> None:
    assert [above(x, 3, 5) for x in (1.0, 3.0, 5.0, float("nan"))] == ["pass", "inconclusive", "fail", "not known"]
    assert [below(x, 3, 1) for x in (4.0, 3.0, 1.0, float("nan"))] == ["pass", "inconclusive", "fail", "not known"]
    assert worst("pass", "not known") == "pass"
    assert worst("pass", "fail", "inconclusive") == "fail"
    assert worst("not known", "not known") == "not known"


def test_each_failed_test_is_put_into_words_with_its_number() -> None:
    binary = run(series(0.9, 0.11, 0.06, secondary=0.03, tides=3e-3, ingress=0.5))
    text = "; ".join(reasons(binary.numbers, binary.verdicts))
    assert f"an albedo of {binary.numbers['albedo']:.1f}" in text
    assert "light follows the orbit" in text
    assert reasons(UNKNOWN.numbers, UNKNOWN.verdicts) == []
    every = dict.fromkeys(VERDICTS, "fail")
    assert len(reasons(binary.numbers, every)) == len(TEXTS)  # type: ignore[arg-type]


def degenerate_flux(kind: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Return flux with little or nothing in it: constant, quantised, one deep cadence, or noise on half of it."""
    noise = 1e-4 * rng.standard_normal(n)
    if kind == 0:
        return np.zeros(n)
    if kind == 1:
        return np.round(noise * 5e3) / 5e3
    if kind == 2:
        return np.where(np.arange(n) == n // 2, -0.01, 0.0)
    if kind == 3:
        return np.where(np.arange(n) < n // 2, 0.0, noise)
    return 1e-180 * noise


@pytest.mark.parametrize("seed", range(200))
def test_curves_without_noise_or_without_an_outside_give_no_number_that_means_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.choice([1, 2, 5, 6, 8, 12, 25, 60, 400]))
    time = 100.0 + CADENCE * np.sort(rng.choice(2 * n, n, replace=False))
    flux, period = degenerate_flux(seed % 5, n, rng), float(rng.choice([0.2, 0.9, 5.0, np.nan]))
    found = run(transit_series(time, flux, np.full(n, 1e-4), period, 100.0 + 3 * rng.random(), rng.uniform(0.05, 1.5)))
    assert set(found.verdicts.values()) <= {"pass", "inconclusive", "fail", "not known"}
    if np.ptp(flux) == 0:
        for name in ("mes", "primary", "secondary", "odd_even", "sweet_one", "shape_gain", "events_chi", "asymmetry"):
            assert np.isnan(found.numbers[name]), name
