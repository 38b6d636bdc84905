"""Eclipsing binaries: where their eclipses lie and how deep they are."""

import batman
import numpy as np
import pytest

from exojax.simulate.binaries import N_BINARY_UNIFORMS, Binaries, draw_binaries, find_eclipses, tides
from exojax.simulate.stars import N_STAR_UNIFORMS, SimulatedStars, draw_stars
from exojax.simulate.systematics import CADENCE

TIME = np.arange(3000) * CADENCE


def pair(
    *,
    alike: bool = False,
    size: float = 0.5,
    period: float = 0.9,
    impact: float = 0.0,
    blend: float | None = None,
) -> tuple[SimulatedStars, Binaries]:
    stars = draw_stars(np.full((1, N_STAR_UNIFORMS), 0.5))
    numbers = [
        0.1 if alike else 0.9,
        size,
        period,
        impact,
        0.5,
        0.9 if blend is None else 0.1,
        blend or 0.5,
        0.3,
    ]
    assert len(numbers) == N_BINARY_UNIFORMS
    return stars, draw_binaries(stars, np.array([numbers]))


def eclipses(binaries: Binaries) -> tuple[np.ndarray, np.ndarray]:
    dense = np.zeros((2, TIME.size))
    for row, events in enumerate(find_eclipses(binaries, TIME, CADENCE)):
        dense[row, events.column] = events.deficit
    return dense[0], dense[1]


def centres(binaries: Binaries, deficit: np.ndarray) -> np.ndarray:
    """Return phases of the flux-weighted middle of an eclipse, wrapped to [-0.5, 0.5) about the primary's."""
    phase = (TIME - binaries.primary.t0[0]) / binaries.primary.period[0]
    turn = np.sum(deficit * np.exp(2j * np.pi * phase))
    return np.angle(turn) / (2 * np.pi)


def test_secondary_lies_half_a_period_after_the_primary() -> None:
    _, binaries = pair()
    primary, secondary = eclipses(binaries)
    assert centres(binaries, primary) == pytest.approx(0, abs=2e-3)
    assert abs(centres(binaries, secondary)) == pytest.approx(0.5, abs=2e-3)
    assert not np.any((primary > 0) & (secondary > 0))


def test_eclipse_depths() -> None:
    """A primary is batman's transit diluted by the companion; a total secondary hides all its light."""
    stars, binaries = pair()
    primary, secondary = eclipses(binaries)
    orbit = binaries.primary
    params = batman.TransitParams()
    params.t0, params.per, params.a, params.rp = orbit.t0[0], orbit.period[0], orbit.scaled_axis[0], 0.0
    params.rp, params.inc, params.ecc, params.w = orbit.radius_ratio[0], 90.0, 0.0, 90.0
    params.limb_dark, params.u = "quadratic", list(stars.limb_darkening[0])
    model = batman.TransitModel(params, TIME, max_err=0.1, supersample_factor=11, exp_time=CADENCE * 10 / 11)
    expected = (1 - model.light_curve(params)) * binaries.primary_light[0]
    np.testing.assert_allclose(primary, expected, atol=2e-5)
    assert secondary.max() == pytest.approx(binaries.secondary_light[0], rel=1e-5)
    assert binaries.primary_light[0] + binaries.secondary_light[0] == pytest.approx(1)


def test_unlike_stars_differ_odd_from_even_and_equal_stars_hardly() -> None:
    """Folded at half the period, odd events are primaries and even events secondaries."""
    primary, secondary = eclipses(pair(size=0.4)[1])
    assert secondary.max() < 0.5 * primary.max()
    primary, secondary = eclipses(pair(alike=True, size=0.97)[1])
    assert secondary.max() == pytest.approx(primary.max(), rel=0.1)
    assert secondary.max() <= primary.max() * 1.001


def test_a_blend_is_as_shallow_as_a_planet() -> None:
    whole, blended = pair()[1], pair(blend=0.3)[1]
    ratio = 0.002 * 150**0.3
    for shallow, deep in zip(eclipses(blended), eclipses(whole)):
        np.testing.assert_allclose(shallow, ratio * deep, rtol=1e-4)
    assert blended.ellipsoidal[0] / whole.ellipsoidal[0] == pytest.approx(ratio, rel=1e-4)


def test_grazing_eclipses_are_v_shaped() -> None:
    """A U stays near its depth through most of the eclipse, a V only at its tip."""

    def flatness(impact: float) -> float:
        deficit = eclipses(pair(impact=impact, size=0.2)[1])[0]
        return np.mean(deficit[deficit > 0] > 0.8 * deficit.max())

    assert flatness(0.0) > 0.5
    assert flatness(0.85) < 0.4


def test_close_pairs_are_detached_and_tidally_bulged() -> None:
    uniforms = np.random.default_rng(0).random((2000, N_STAR_UNIFORMS + N_BINARY_UNIFORMS))
    binaries = draw_binaries(draw_stars(uniforms[:, :N_STAR_UNIFORMS]), uniforms[:, N_STAR_UNIFORMS:])
    orbit = binaries.primary
    assert np.all(orbit.scaled_axis > 1.39 * (1 + orbit.radius_ratio))
    assert np.all(orbit.duration < 0.3 * orbit.period)
    np.testing.assert_allclose(binaries.secondary.duration, orbit.duration, rtol=1e-9)
    bulge = tides(binaries, TIME)
    assert np.abs(bulge).max() < 0.2
    at_eclipse = tides(binaries, np.array([0.0]) + orbit.t0[:1])[0, 0]
    assert at_eclipse == pytest.approx(-binaries.ellipsoidal[0])
