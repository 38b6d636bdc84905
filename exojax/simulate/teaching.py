"""Simulate populations of transits and false positives for pre-training a network, at the cadence of each mission."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from exojax.config import TeachConfig, TeachMix
from exojax.errors import InputError
from exojax.light_curves import LightCurves, Stars, nominal_cadence
from exojax.simulate.coarse import flatten_quadratic, thin
from exojax.simulate.flares import flares
from exojax.simulate.glitches import glitches
from exojax.simulate.missions import Pointing, draw_magnitudes, draw_pointing, mission_noise
from exojax.simulate.populate import add_contents
from exojax.simulate.random_streams import generator
from exojax.simulate.signals import Signals, join_signals
from exojax.simulate.spectral import spectral_variability
from exojax.simulate.stars import N_STAR_UNIFORMS, SimulatedStars, draw_stars

__all__ = ["TEACHING_VERSION", "PopulationTruth", "teach"]

# Part of the fingerprint: raise it whenever the same settings would give other stars.
TEACHING_VERSION = 2
MISSIONS = ("kepler", "k2", "tess", "coarse")
# Stars of one pointing; a star depends on the seed and its row, not on how many there are.
BLOCK = 128
KINDS = tuple(asdict(TeachMix()))
UPWARD, DOWNWARD = 1e-3, 1e-4


@dataclass(frozen=True, eq=False)
class PopulationTruth:
    """The true properties of the stars: ``(n_stars,)`` arrays in the order of the light curves, and their signals.

    Attributes:
        id: str, as in the light curves.
        kind: str, one of ``KINDS``.
        label: int8, 1 where a planet of the star can be seen (SNR >= 7.1 and two or more transits).
        magnitude: float64, in the mission's band.
        noise: float64, white noise of one original cadence, fraction of the flux.
        radius, density: float64, of the star, in solar units and without error.
        rotation_period: float64, days.
        signals: periodic signals of planets and false positives.
    """

    id: np.ndarray
    kind: np.ndarray
    label: np.ndarray
    magnitude: np.ndarray
    noise: np.ndarray
    radius: np.ndarray
    density: np.ndarray
    rotation_period: np.ndarray
    signals: Signals


@dataclass(frozen=True, eq=False)
class _Block:
    time: np.ndarray
    flux: np.ndarray
    valid: np.ndarray
    kind: np.ndarray
    stars: SimulatedStars
    signals: Signals
    known: np.ndarray


def teach(config: TeachConfig) -> tuple[LightCurves, PopulationTruth]:
    """Simulate stars for pre-training; return their light curves and the truth about them.

    The same configuration gives the same bits on the same machine and versions. Light curves have the cadence, gaps and
    systematic effects of the mission, as after its pipeline; only ``coarse`` is detrended. Flux is relative with median
    1. Blocks of 128 stars share one pointing, and each block has the stated share of every kind, to one star. A star
    depends on the seed and its row, not on ``n_stars``. ``LightCurves.stars`` holds radius, mass and temperature like a
    catalogue, with errors of 20 %, and NaN for one star in fifteen.

    Raises:
        InputError: a setting is out of range.
    """
    _check(config)
    blocks = [_block(config, number) for number in range(-(-config.n_stars // BLOCK))]
    n = config.n_stars
    width = max(block.flux.shape[1] for block in blocks)
    time, flux, valid = (
        np.concatenate([_padded(getattr(block, name), width, fill) for block in blocks])[:n]
        for name, fill in (("time", np.nan), ("flux", 0.0), ("valid", False))
    )
    kind, known = (np.concatenate([getattr(block, name) for block in blocks])[:n] for name in ("kind", "known"))
    stars = {
        name: np.concatenate([getattr(block.stars, name) for block in blocks])[:n]
        for name in ("magnitude", "noise", "radius", "density", "rotation_period")
    }
    signals = join_signals([block.signals.moved(BLOCK * i, 0.0) for i, block in enumerate(blocks)])
    signals = signals.take(signals.star < n)
    label = np.zeros(n, np.int8)
    label[signals.star[signals.visible & (signals.kind == "planet")]] = 1
    ids = np.array([f"{config.mission}{config.seed}:{row}" for row in range(n)])
    settings = json.dumps({"version": TEACHING_VERSION, **asdict(config)}, sort_keys=True)
    curves = LightCurves(
        id=ids,
        time=time,
        flux=flux,
        valid=valid,
        label=label,
        kind=kind,
        catalogued=False,
        absolute=True,
        cadence=nominal_cadence(time[0]),
        time_system="simulated",
        source=f"teaching, {config.mission}",
        sha256=hashlib.sha256(settings.encode()).hexdigest(),
        stars=Stars(radius=known[:, 0], mass=known[:, 1], teff=known[:, 2], mag=known[:, 3]),
    )
    return curves, PopulationTruth(id=ids, kind=kind, label=label, signals=signals, **stars)


def _check(config: TeachConfig) -> None:
    if config.mission not in MISSIONS:
        raise InputError(f"mission is {config.mission!r}: give one of {', '.join(MISSIONS)}")
    if config.n_stars < 1:
        raise InputError(f"n_stars is {config.n_stars}: give at least 1")
    if not 0 <= config.seed < 2**32:
        raise InputError(f"seed is {config.seed}: give a whole number from 0 to {2**32 - 1}")
    shares = asdict(config.mix)
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise InputError(f"mix.{name} is {share}: give a share between 0 and 1")
    if abs(sum(shares.values()) - 1) > 1e-6:
        raise InputError(f"the shares of mix add up to {sum(shares.values()):.6g}: give shares that add up to 1")


def _block(config: TeachConfig, number: int) -> _Block:
    """Simulate 128 stars of one pointing."""
    rng = generator(config.seed, "teaching", MISSIONS.index(config.mission), number)
    mission = "kepler" if config.mission == "coarse" else config.mission
    pointing = draw_pointing(rng, mission)
    edges = np.cumsum(list(asdict(config.mix).values()))[:-1]
    kind = np.array(KINDS)[np.searchsorted(edges, (rng.permutation(BLOCK) + rng.random()) / BLOCK, side="right")]
    stars = _stars(rng, mission, kind)
    # One in four loses more cadences than its neighbours.
    lost = np.where(rng.random(BLOCK) < 0.25, 0.02, 0.002) * rng.random(BLOCK)
    valid = pointing.valid & (rng.random((BLOCK, pointing.time.size), np.float32) >= lost[:, None])
    flux = spectral_variability(rng, stars, pointing.time.size, pointing.cadence)
    signals = add_contents(rng, flux, kind, stars, pointing, valid)
    flux = _measured(rng, flux, kind, stars, pointing)
    if config.mission == "coarse":
        flux, lasting = flatten_quadratic(flux, valid), valid
        time, flux, valid = thin(flux, lasting, pointing.cadence)
    else:
        time = np.broadcast_to(pointing.time, flux.shape)
    middle = np.array([np.median(row[seen]) if seen.any() else 1.0 for row, seen in zip(flux, valid)])
    flux = np.where(valid, flux / middle[:, None], 0.0).astype(np.float32)
    start = pointing.start
    return _Block(time + start, flux, valid, kind, stars, signals.moved(0, start), _known(rng, stars))


def _stars(rng: np.random.Generator, mission: str, kind: np.ndarray) -> SimulatedStars:
    stars = draw_stars(rng.random((kind.size, N_STAR_UNIFORMS)))
    stars = _swollen(rng, stars, rng.random(kind.size) < np.where(kind == "planet", 0.02, 0.1))
    magnitude = draw_magnitudes(rng, mission, kind.size)
    noise = mission_noise(mission, magnitude) * np.exp(0.12 * rng.standard_normal(kind.size))
    stars = replace(stars, magnitude=magnitude, noise=noise)
    spotted = kind == "rotator"
    period = np.where(spotted, 0.3 * 100.0 ** rng.random(kind.size), stars.rotation_period)
    # Most stars are quieter than those whose rotation was published.
    sigma = stars.rotation_sigma * np.exp(-1.2 + 0.6 * rng.standard_normal(kind.size))
    sigma = np.where(spotted, 1e-3 * 30.0 ** rng.random(kind.size), sigma)
    # Stars of close pairs are spotted; that they turn with their orbit is not simulated.
    close = np.isin(kind, ["binary", "contact"]) & (rng.random(kind.size) < 0.5)
    sigma = np.where(close, np.minimum(5.0 * sigma, 0.03), sigma)
    quiet = np.where((kind == "quiet") | (kind == "glitch"), 0.3, 1.0)
    return replace(stars, rotation_period=period, rotation_sigma=sigma * quiet)


def _swollen(rng: np.random.Generator, stars: SimulatedStars, giant: np.ndarray) -> SimulatedStars:
    """Return ``stars``, those that are ``giant`` with 3 to 15 solar radii and the granulation of their gravity."""
    n = giant.size
    radius = np.where(giant, 3.0 * 5.0 ** rng.random(n), stars.radius)
    mass = stars.density * stars.radius**3
    shrunk = (stars.radius / radius) ** 2
    return replace(
        stars,
        radius=radius,
        density=mass / radius**3,
        granulation_sigma=stars.granulation_sigma * shrunk**-0.7,
        granulation_time=stars.granulation_time * shrunk**-0.8,
    )


def _measured(
    rng: np.random.Generator, flux: np.ndarray, kind: np.ndarray, stars: SimulatedStars, pointing: Pointing
) -> np.ndarray:
    """Return the telescope's reading: ``(n, n_cadences)`` float32 flux about 0 -> the same about 1."""
    n, noise = len(flux), stars.noise
    size = pointing.strength * np.exp(0.9 * rng.standard_normal((n, pointing.strength.size)))
    habits = size * rng.standard_normal(size.shape)
    strong = (kind == "systematic")[:, None] & pointing.periodic
    habits = np.where(strong, noise[:, None] * 10.0 ** rng.uniform(-0.2, 1.3, size.shape) * np.sign(habits), habits)
    flares_a_day = np.where(kind == "flare", 0.1 * 20.0 ** rng.random(n), 0.0)
    flares_a_day += np.where((kind != "flare") & (rng.random(n) < 0.04), 0.05, 0.0)
    glitchy = kind == "glitch"
    events = np.where(glitchy, 1.0 + 5.0 * rng.random(n), 0.2)
    flux += flares(rng, pointing.time, noise, flares_a_day)
    flux += glitches(rng, pointing.time, pointing.valid, noise, events, np.where(glitchy, 100.0, 12.0))
    flux += 1.0
    flux *= 1.0 + habits.astype(np.float32) @ pointing.trends
    scatter = rng.standard_normal(flux.shape, np.float32)
    # Cosmic rays brighten; missed flags and over-corrections darken.
    stray = rng.random(flux.shape, np.float32)
    up, down = stray < UPWARD, stray > 1.0 - DOWNWARD
    scatter[up] += rng.exponential(6.0, np.count_nonzero(up)).astype(np.float32)
    scatter[down] -= rng.exponential(5.0, np.count_nonzero(down)).astype(np.float32)
    flux += noise[:, None].astype(np.float32) * pointing.shake * scatter
    return flux


def _known(rng: np.random.Generator, stars: SimulatedStars) -> np.ndarray:
    """Draw radius, mass, temperature and magnitude as catalogued, ``(n, 4)``: with errors that have long tails."""
    n = stars.radius.size
    mass = stars.density * stars.radius**3
    error = np.clip(rng.standard_t(4, (n, 3)), -5, 5)
    columns = [
        stars.radius * np.exp(0.18 * error[:, 0]),
        mass * np.exp(0.07 * error[:, 1]),
        5780.0 * mass**0.55 + 130.0 * error[:, 2],
        stars.magnitude,
    ]
    known = np.stack(columns, axis=1)
    known[rng.random(n) < 1 / 15, :3] = np.nan
    return known


def _padded(values: np.ndarray, width: int, fill: float) -> np.ndarray:
    if values.shape[1] == width:
        return values
    out = np.full((len(values), width), fill, values.dtype)
    out[:, : values.shape[1]] = values
    return out
