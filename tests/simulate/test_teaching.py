"""Teaching populations: shares, determinism, gaps, and the physics of what is put in."""

from dataclasses import replace

import numpy as np
import pytest

from exojax.config import TeachConfig, TeachMix, from_dict
from exojax.errors import InputError
from exojax.simulate.missions import draw_pointing
from exojax.simulate.priors import contact_light, draw_pairs, draw_planets, system
from exojax.simulate.signals import Signals, add_systems
from exojax.simulate.spectral import spectral_variability
from exojax.simulate.stars import N_STAR_UNIFORMS, draw_stars
from exojax.simulate.systematics import CADENCE
from exojax.simulate.teaching import KINDS, MISSIONS, teach

TIME = np.arange(3000) * CADENCE
NONE = dict.fromkeys(KINDS, 0.0)


@pytest.fixture(scope="module")
def sky():
    return teach(TeachConfig(mission="tess", n_stars=256, seed=3))


def eclipse(
    noise: float = 1e-5,
    kind: str = "binary",
    *,
    ratio: float = 0.5,
    light: float = 0.1,
    dilution: float = 1.0,
    e: float = 0.0,
    omega: float = 0.0,
    mass_ratio: float = 0.5,
    impact: float = 0.0,
) -> tuple[np.ndarray, Signals]:
    """Make one system of 3 days and its flux."""
    stars = draw_stars(np.full((1, N_STAR_UNIFORMS), 0.5))
    columns = [np.array([x]) for x in (3.0, 1.0, impact, ratio, e, omega, light, dilution, mass_ratio, 0.0)]
    flux = np.zeros((1, TIME.size), np.float32)
    valid = np.ones(flux.shape, bool)
    systems = system(np.array([0]), stars, *columns)
    return flux[0], add_systems(flux, systems, kind, TIME, valid, np.array([noise]), CADENCE)


@pytest.mark.parametrize("mission", MISSIONS)
def test_containers_and_truth(mission: str) -> None:
    curves, truth = teach(TeachConfig(mission=mission, n_stars=40, seed=2))
    assert len(curves) == 40
    assert curves.absolute
    assert np.all(np.isfinite(curves.flux))
    assert np.all(curves.flux[~curves.valid] == 0)
    medians = [np.median(flux[valid]) for flux, valid in zip(curves.flux, curves.valid)]
    np.testing.assert_allclose(medians, 1, atol=2e-6)
    np.testing.assert_array_equal(curves.label, truth.label)
    assert np.all(curves.kind[truth.label == 1] == "planet")
    steps = np.diff(curves.time, axis=1)
    assert np.all(steps[np.isfinite(steps)] > 0)
    assert np.all(np.isfinite(curves.time[curves.valid]))
    signals = truth.signals
    assert signals.star.max() < 40
    np.testing.assert_array_equal(signals.kind, truth.kind[signals.star])
    eclipsing = np.isfinite(signals.t0)
    first = curves.time[signals.star[eclipsing], 0]
    since = signals.t0[eclipsing] - first
    assert np.all((since > -0.1) & (since < signals.period[eclipsing] + 0.1))


def test_same_seed_same_bits(sky) -> None:
    again, truth = teach(TeachConfig(mission="tess", n_stars=256, seed=3))
    np.testing.assert_array_equal(again.flux, sky[0].flux)
    np.testing.assert_array_equal(again.valid, sky[0].valid)
    np.testing.assert_array_equal(truth.signals.period, sky[1].signals.period)
    other, _ = teach(TeachConfig(mission="tess", n_stars=128, seed=4))
    assert other.sha256 != again.sha256
    assert not np.any(np.all(other.flux == again.flux[:128, : other.flux.shape[1]], axis=1))


def test_a_star_does_not_depend_on_how_many_there_are(sky) -> None:
    few, truth = teach(TeachConfig(mission="tess", n_stars=50, seed=3))
    np.testing.assert_array_equal(few.flux, sky[0].flux[:50])
    expected = sky[1].signals.take(sky[1].signals.star < 50)
    np.testing.assert_array_equal(truth.signals.period, expected.period)


def test_kinds_have_their_shares(sky) -> None:
    for kind in KINDS:
        share = getattr(TeachMix(), kind)
        count = np.count_nonzero(sky[0].kind == kind)
        assert abs(count - 256 * share) <= 2, kind


def test_a_mix_of_one_kind() -> None:
    curves, truth = teach(TeachConfig(mission="tess", n_stars=20, mix=TeachMix(**NONE | {"quiet": 1.0})))
    assert np.all(curves.kind == "quiet")
    assert len(truth.signals) == 0
    assert truth.label.sum() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mission": "hubble"}, "mission is 'hubble'"),
        ({"n_stars": 0}, "n_stars is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"mix": TeachMix(planet=0.9)}, "add up to 1"),
        ({"mix": TeachMix(planet=-0.1)}, "mix.planet is -0.1"),
    ],
)
def test_settings_out_of_range(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        teach(replace(TeachConfig(), **change))


def test_configuration_reads_back() -> None:
    assert from_dict(TeachConfig, {"mission": "k2", "mix": {"planet": 0.5}}, "x").mix.planet == 0.5


def test_depth_of_a_blend_by_hand() -> None:
    """The primary's share of all light, times the covered share of its disc at the centre's brightness."""
    _, alone = eclipse(light=0.25)
    _, blended = eclipse(light=0.25, dilution=0.02)
    stars = draw_stars(np.full((1, N_STAR_UNIFORMS), 0.5))
    u1, u2 = stars.limb_darkening[0]
    # The flux within half of the disc's radius, of a quadratically darkened disc.
    radius = np.linspace(0, 0.5, 20001)
    mu = np.sqrt(1 - radius**2)
    bright = 1 - u1 * (1 - mu) - u2 * (1 - mu) ** 2
    covered = np.trapezoid(2 * radius * bright, radius) / (1 - u1 / 3 - u2 / 6)
    assert alone.depth[0] == pytest.approx(covered / 1.25, rel=0.01)
    assert blended.depth[0] == pytest.approx(0.02 * covered / 1.25, rel=0.01)
    # A total eclipse hides all of the companion.
    assert blended.secondary_depth[0] == pytest.approx(0.02 * 0.25 / 1.25, rel=1e-4)


def test_the_flux_has_the_depths_where_the_truth_says() -> None:
    flux, signals = eclipse(e=0.3, omega=0.5, mass_ratio=1e-6)
    phase = np.mod(TIME - signals.t0[0], 3.0) / 3.0
    at = np.abs(phase - signals.secondary_phase[0]) < 0.003
    assert abs(signals.secondary_phase[0] - 0.5) > 0.05
    assert -flux[at].min() == pytest.approx(signals.secondary_depth[0], rel=0.02)
    assert -flux[(phase < 0.003) | (phase > 0.997)].min() == pytest.approx(signals.depth[0], rel=0.02)
    assert np.abs(flux[np.abs(phase - 0.25) < 0.05]).max() < 1e-4


def test_tides_have_twice_the_orbits_frequency() -> None:
    flux, signals = eclipse(ratio=0.3, mass_ratio=1.0, dilution=0.5)
    phase = np.mod(TIME - signals.t0[0], 3.0) / 3.0
    far = (np.abs(phase - 0.25) < 0.1) | (np.abs(phase - 0.75) < 0.1)
    wave = np.stack([np.cos(2 * np.pi * k * phase[far]) for k in (0, 1, 2)], axis=1)
    size = np.linalg.lstsq(wave, flux[far], rcond=None)[0]
    stars = draw_stars(np.full((1, N_STAR_UNIFORMS), 0.5))
    axis = 4.2083 * (2 * stars.density[0]) ** (1 / 3) * 3 ** (2 / 3)
    assert size[2] == pytest.approx(-1.2 * 0.5 / axis**3, rel=0.02)
    assert abs(size[1]) < 0.02 * abs(size[2])


def test_half_the_period_only_where_both_eclipses_are_alike() -> None:
    assert eclipse(ratio=1.0, light=1.0)[1].found_period[0] == pytest.approx(1.5)
    assert eclipse(ratio=0.9, light=0.5)[1].found_period[0] == pytest.approx(3.0)
    # Alike, but not half a period apart.
    assert eclipse(ratio=1.0, light=1.0, e=0.3)[1].found_period[0] == pytest.approx(3.0)
    # Unlike, but in too much noise to tell.
    assert eclipse(0.2, ratio=0.9, light=0.7)[1].found_period[0] == pytest.approx(1.5)
    # A planet has no second eclipse to confuse.
    assert eclipse(kind="planet", ratio=0.1, light=1e-9, mass_ratio=0.0)[1].found_period[0] == pytest.approx(3.0)


def test_planets_cover_signal_to_noise_and_size() -> None:
    rng = np.random.default_rng(0)
    stars = draw_stars(rng.random((3000, N_STAR_UNIFORMS)))
    noise = np.full(3000, 2e-4)
    rows = np.arange(3000)
    planets = draw_planets(rng, rows, stars, noise, 120.0, CADENCE)
    number = np.bincount(planets.star, minlength=3000)
    assert number.min() == 1
    assert 0.25 < np.mean(number > 1) < 0.45
    period = planets.front.period
    assert np.quantile(period, 0.05) < 2.5
    assert np.quantile(period, 0.95) > 50
    size = planets.front.radius_ratio * stars.radius[planets.star] * 109.1
    assert 0.39 < size.min() < 0.8
    assert 12 < size.max() <= 22.01
    assert np.mean(planets.eccentricity[number[planets.star] == 1] > 0.2) > 0.2
    assert planets.eccentricity[number[planets.star] > 1].max() <= 0.2
    assert np.all(planets.front.duration < 0.3 * period)


def test_pairs_cover_equal_stars_grazing_and_eccentric_orbits() -> None:
    rng = np.random.default_rng(0)
    stars = draw_stars(rng.random((3000, N_STAR_UNIFORMS)))
    pairs = draw_pairs(rng, np.arange(3000), stars, 120.0, np.ones(3000))
    ratio, impact = pairs.front.radius_ratio, pairs.front.impact
    assert np.mean(ratio > 0.95) > 0.2
    assert np.mean(impact > 1 - ratio) > 0.3
    assert np.mean(np.abs(pairs.phase - 0.5) > 0.02) > 0.15
    assert np.all(pairs.eccentricity[pairs.front.period < 3.0] == 0)
    assert np.all(pairs.front_light + pairs.behind_light <= 1 + 1e-12)
    assert np.all(np.isfinite(pairs.behind.duration))


def test_contact_binaries_are_faintest_at_their_minima() -> None:
    phase = np.tile(np.linspace(0, 1, 1001), (200, 1))
    flux, depths = contact_light(np.random.default_rng(1), 200, phase)
    assert np.all(np.abs(np.argmin(flux[:, 300:700], axis=1) - 200) < 20)
    assert np.all(depths[:, 0] >= depths[:, 1])
    assert np.all(depths[:, 1] > 0.4 * depths[:, 0])
    # Minima are narrower than maxima.
    low = np.mean(flux < 0.5 * (flux.min(axis=1) + flux.max(axis=1))[:, None], axis=1)
    assert np.mean(low) < 0.5


def test_variability_has_the_stars_variance() -> None:
    rng = np.random.default_rng(0)
    stars = draw_stars(np.tile(np.full((1, N_STAR_UNIFORMS), 0.5), (300, 1)))
    stars = replace(stars, noise=np.full(300, 1e-9), rotation_period=np.full(300, 3.0))
    flux = spectral_variability(rng, stars, 3000, CADENCE)
    expected = np.sqrt((0.85**2 + 0.5**2) * stars.rotation_sigma[0] ** 2 + stars.granulation_sigma[0] ** 2)
    assert np.sqrt(np.mean(flux**2)) == pytest.approx(expected, rel=0.1)
    turned = np.mean(flux[:, :-147] * flux[:, 147:]) / np.mean(flux**2)
    assert turned > 0.4  # one rotation later


def test_red_noise_meets_white_noise_at_its_knee() -> None:
    rng = np.random.default_rng(0)
    stars = draw_stars(np.tile(np.full((1, N_STAR_UNIFORMS), 0.5), (400, 1)))
    nothing = {name: np.full(400, 1e-12) for name in ("rotation_sigma", "granulation_sigma")}
    stars = replace(stars, noise=np.full(400, 3e-4), **nothing)
    flux = spectral_variability(rng, stars, 4096, CADENCE)
    window = np.hanning(4096)
    power = np.median(np.abs(np.fft.rfft(flux * window, axis=1)) ** 2, axis=0)
    white = np.median(np.abs(np.fft.rfft(3e-4 * rng.standard_normal(flux.shape) * window, axis=1)) ** 2, axis=0)
    frequency = np.fft.rfftfreq(4096, CADENCE)
    near = np.abs(frequency - 0.4) < 0.05
    assert 0.6 < np.median(power[near]) / np.median(white) < 1.6


@pytest.mark.parametrize(("mission", "days", "gap"), [("kepler", 43.0, 1.0), ("k2", 65.0, 0.9), ("tess", 27.3, 0.8)])
def test_pointings_have_their_length_and_gaps(mission: str, days: float, gap: float) -> None:
    for seed in range(6):
        pointing = draw_pointing(np.random.default_rng(seed), mission)
        seen = pointing.time[pointing.valid]
        assert pointing.time[-1] >= days
        assert 0.6 < pointing.valid.mean() < 0.99
        longest = np.diff(seen).max()
        assert gap < longest < 8
        assert pointing.trends.shape == (pointing.strength.size, pointing.time.size)
        assert np.abs(pointing.trends).max() < 10
        if mission == "tess":
            assert abs(seen[np.argmax(np.diff(seen))] - 12.4) < 2


def test_thrusters_of_k2_come_back_every_twelve_cadences() -> None:
    pointing = draw_pointing(np.random.default_rng(0), "k2")
    roll = pointing.trends[np.flatnonzero(pointing.periodic)[0]].astype(float)
    power = np.abs(np.fft.rfft(roll - roll.mean())) ** 2
    frequency = np.fft.rfftfreq(roll.size, CADENCE)
    high = frequency > 1
    assert 1 / frequency[high][np.argmax(power[high])] == pytest.approx(pointing.periods[2], rel=0.05)
