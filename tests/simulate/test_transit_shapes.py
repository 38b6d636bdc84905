"""The transit model against batman, and the rule that says whether a planet can be seen."""

import batman
import jax
import numpy as np
import pytest

from exojax.simulate.stars import N_STAR_UNIFORMS, draw_stars
from exojax.simulate.systematics import CADENCE
from exojax.simulate.transits import (
    N_PLANET_UNIFORMS,
    SAMPLES,
    Orbits,
    deficit,
    detectability,
    draw_planets,
    exposed_deficit,
    find_events,
    scaled_axis,
)

# period, a/R*, impact parameter, radius ratio, limb darkening
SYSTEMS = [
    (3.0, 8.0, 0.3, 0.1, (0.40, 0.26)),
    (0.6, 3.0, 0.0, 0.02, (0.62, 0.12)),
    (25.0, 40.0, 0.8, 0.05, (0.30, 0.30)),
    (1.5, 5.0, 1.02, 0.1, (0.40, 0.26)),
    (10.0, 60.0, 0.2, 0.2, (0.45, 0.27)),
]


def batman_deficit(
    time: np.ndarray, system: tuple, exposure: float, samples: int = SAMPLES, t0: float = 0.0
) -> np.ndarray:
    period, axis, impact, ratio, limb_darkening = system
    params = batman.TransitParams()
    params.t0, params.per, params.a, params.rp = t0, period, axis, ratio
    params.inc, params.ecc, params.w = np.degrees(np.arccos(impact / axis)), 0.0, 90.0
    params.limb_dark, params.u = "quadratic", list(limb_darkening)
    # batman's samples include both ends of the exposure; shortened by one step they are the midpoints.
    width = exposure * (samples - 1) / samples
    model = batman.TransitModel(params, time, max_err=0.01, supersample_factor=samples, exp_time=width)
    return 1.0 - model.light_curve(params)


def ours(time: np.ndarray, system: tuple, dtype: str, exposure: float) -> np.ndarray:
    *numbers, limb_darkening = system
    columns = [np.full(time.shape, number, dtype) for number in numbers]
    u = np.tile(np.array(limb_darkening, dtype), (time.size, 1))
    return np.asarray(exposed_deficit(time.astype(dtype), *columns, u, np.asarray(exposure, dtype)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_transit_agrees_with_batman(system: tuple, dtype: str) -> None:
    """Same geometry, limb darkening and exposure: within 1e-6 of the star's flux in both precisions.

    Measured: 4e-7 for the largest planet, where batman's own quadrature limits it, and 2e-8 for the others.
    """
    time = np.linspace(-0.15, 0.15, 401)
    with jax.enable_x64(dtype == "float64"):
        got = ours(time, system, dtype, CADENCE)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, batman_deficit(time, system, CADENCE), rtol=0, atol=1e-6)


@pytest.mark.parametrize("system", SYSTEMS)
def test_exposure_is_sampled_finely_enough(system: tuple) -> None:
    """Against ten times as many samples: within 1 % of the depth, ingress included, and 5e-5 of the flux."""
    time = np.linspace(-0.15, 0.15, 401)
    fine = batman_deficit(time, system, CADENCE, samples=10 * SAMPLES)
    difference = np.abs(ours(time, system, "float32", CADENCE) - fine).max()
    assert difference < min(0.01 * fine.max(), 5e-5)


def orbits_of(systems: list[tuple], t0: list[float]) -> Orbits:
    *columns, u = (np.array(column) for column in zip(*systems))
    return Orbits(columns[0], np.array(t0), *columns[1:], u)


def test_events_put_transits_where_the_ephemeris_says() -> None:
    time = np.arange(1500) * CADENCE
    t0 = [1.7, 0.1, 20.03, 1.4999, 0.0]
    orbits = orbits_of(SYSTEMS, t0)
    events = find_events(orbits, time, CADENCE)
    dense = np.zeros((len(SYSTEMS), time.size))
    dense[events.row, events.column] = events.deficit
    for row, system in enumerate(SYSTEMS):
        expected = batman_deficit(time, system, CADENCE, t0=t0[row])
        # float32 phases of a 25-day orbit are good to some 2e-6 d
        np.testing.assert_allclose(dense[row], expected, rtol=0, atol=2e-6)


def test_folded_noise_free_curve_gives_depth_duration_and_period_back() -> None:
    time = np.arange(3197) * CADENCE
    orbits = orbits_of([(3.217, 9.0, 0.25, 0.08, (0.4, 0.26))], [2.1])
    events = find_events(orbits, time, CADENCE)
    dense = np.zeros(time.size)
    dense[events.column] = events.deficit
    phase = (time - 2.1 + 0.5 * 3.217) % 3.217 - 0.5 * 3.217
    middle = deficit(orbits, np.array([0]), np.array([0.0]), CADENCE)[0]
    np.testing.assert_allclose(dense[np.abs(phase) < 0.005], middle, rtol=0.01)
    touched = np.abs(phase[dense > 0])
    assert 0.5 * (orbits.duration[0] - CADENCE) < touched.max() < 0.5 * (orbits.duration[0] + CADENCE)
    wrong = (time - 2.1 + 0.5 * 3.25) % 3.25 - 0.5 * 3.25
    assert dense[np.abs(wrong) < 0.005].mean() < 0.5 * middle


def test_duration_spans_first_to_fourth_contact() -> None:
    orbits = orbits_of(SYSTEMS, [0.0] * len(SYSTEMS))
    for row, system in enumerate(SYSTEMS):
        edge = 0.5 * orbits.duration[row]
        inside, outside = batman_deficit(np.array([0.995 * edge, 1.005 * edge]), system, 1e-9, samples=2)
        assert inside > 0
        assert outside == 0


def test_detectability_is_that_of_a_matched_filter_over_observed_cadences() -> None:
    time = np.arange(1000) * CADENCE
    orbits = orbits_of([(5.0, 15.0, 0.1, 0.03, (0.4, 0.26))], [1.0])
    events = find_events(orbits, time, CADENCE)
    valid = np.ones((1, time.size), bool)
    snr, count = detectability(orbits, events, np.array([1e-4]), valid)
    expected = batman_deficit(time, (5.0, 15.0, 0.1, 0.03, (0.4, 0.26)), CADENCE, t0=1.0)
    assert snr[0] == pytest.approx(np.sqrt(np.sum(expected**2)) / 1e-4, rel=1e-3)
    assert count[0] == 4
    valid[0, np.abs(time - 6.0) < 0.3] = False
    fewer, count = detectability(orbits, events, np.array([1e-4]), valid)
    assert count[0] == 3
    assert fewer[0] == pytest.approx(snr[0] * np.sqrt(3 / 4), rel=0.02)
    nothing, count = detectability(orbits, events, np.array([1e-4]), np.zeros_like(valid))
    assert (nothing[0], count[0]) == (0, 0)


def test_population_is_weighted_by_geometry_and_size() -> None:
    uniforms = np.random.default_rng(0).random((200_000, N_STAR_UNIFORMS + N_PLANET_UNIFORMS))
    stars = draw_stars(uniforms[:, :N_STAR_UNIFORMS])
    orbits, transits = draw_planets(stars, uniforms[:, N_STAR_UNIFORMS:])
    expected = (1 + orbits.radius_ratio) / orbits.scaled_axis
    assert transits.mean() == pytest.approx(expected.mean(), rel=0.05)
    assert np.median(orbits.period[transits]) < np.median(orbits.period)
    assert orbits.period.min() >= 0.5
    assert orbits.period.max() <= 60.0
    size = orbits.radius_ratio * stars.radius * 109.1
    assert 0.02 < np.mean(size > 8) < 0.1
    assert np.mean(size < 3.5) > 0.7
    fraction = orbits.impact[transits] / (1 + orbits.radius_ratio[transits])
    np.testing.assert_allclose(np.quantile(fraction, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.02)


def test_scaled_axis_of_the_earth() -> None:
    """An astronomical unit is 215.03 solar radii."""
    assert scaled_axis(np.array([365.256]), np.array([1.0]))[0] == pytest.approx(215.03, rel=1e-3)
