"""Simulate a population: choose the contents of each star, compute its light curve, and order the stars by the seed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

import numpy as np

from exojax.config import SimulateConfig
from exojax.errors import InputError
from exojax.light_curves import LightCurves, shared_time
from exojax.simulate.binaries import N_BINARY_UNIFORMS, draw_binaries, find_eclipses, tides
from exojax.simulate.random_streams import POPULATIONS, generator, root_key
from exojax.simulate.stars import (
    N_PULSATOR_UNIFORMS,
    N_STAR_UNIFORMS,
    SimulatedStars,
    draw_stars,
    pulsation,
)
from exojax.simulate.systematics import CADENCE, Campaign, draw_campaign
from exojax.simulate.telescope import measured_flux, observed_cadences
from exojax.simulate.transits import (
    MIN_SNR,
    MIN_TRANSITS,
    N_PLANET_UNIFORMS,
    Orbits,
    deficit,
    detectability,
    draw_planets,
    find_events,
)
from exojax.simulate.truth import Truth, write_truth

__all__ = ["CADENCE", "SIMULATOR_VERSION", "Truth", "simulate", "write_truth"]

# Part of the fingerprint: raise it whenever the same settings would give other stars.
SIMULATOR_VERSION = 2
BINARY_SHARE, PULSATOR_SHARE = 0.02, 0.03
INVISIBLE_CAP = 0.03
MIN_CADENCES = 200
# Systems drawn at a time while hosts are looked for; about one in ten transits.
BLOCK = 1024
N_NUMBERS = N_STAR_UNIFORMS + max(N_PLANET_UNIFORMS, N_BINARY_UNIFORMS, N_PULSATOR_UNIFORMS)
UNKNOWN = ("period", "t0", "duration", "depth", "secondary_depth", "radius_ratio", "impact", "scaled_axis")
CLOSED = "The campaign's gaps were closed up: times and phases behind a gap are earlier than they were."
# Parts of a population's stream, none of which repeats another.
FIELD, HOSTS, CAMPAIGN, ROWS = range(4)


@dataclass(frozen=True, eq=False)
class _Hosts:
    """Stars whose planet transits: ``(n, N_NUMBERS)`` uniform ``numbers`` that make star and planet, and
    ``(n,)`` ``place`` in the population, ``snr`` and ``n_transits``.
    """

    numbers: np.ndarray
    place: np.ndarray
    snr: np.ndarray
    n_transits: np.ndarray

    @property
    def visible(self) -> np.ndarray:
        return _visible(self.snr, self.n_transits)


def simulate(config: SimulateConfig) -> tuple[LightCurves, Truth]:
    """Simulate K2-like stars and their truth; the same configuration gives the same bits on the same machine and
    versions.

    Exactly ``round(n_stars * host_fraction)`` stars are positives, whose transits can be seen (``Truth.visible``).
    Hosts of the population whose transits cannot be seen are negatives, up to 3 % of the stars. About 2 % of the others
    are eclipsing binaries and 3 % pulsators. A star depends on the population, the seed and its row; a host on the
    population, the seed and its place; neither depends on ``n_stars``. Two populations share no star.

    Light curves have all ``n_cadences`` columns, which are not valid in the campaign's gaps. With ``close_gaps`` the
    cadences that the campaign lost for all stars are removed, and the time axis is continuous, like that assumed for a
    file without times; ``time_system`` is then ``assumed``, else ``simulated``.

    Raises:
        InputError: a setting is out of range.
    """
    _check(config)
    n, seed, stream = config.n_stars, config.seed, config.population
    root = root_key(np.uint32(seed), stream)
    campaign = draw_campaign(generator(seed, stream, CAMPAIGN, 0), config.n_cadences)
    n_hosts = round(n * config.host_fraction)
    hosts = _draw_hosts(seed, stream, n_hosts, min(round(INVISIBLE_CAP * n), n - n_hosts), campaign)
    host_rows = generator(seed, stream, ROWS, 0).permutation(n)[: len(hosts.place)]

    numbers = generator(seed, stream, FIELD, 0).random((n, N_NUMBERS + 1))
    fate = np.searchsorted([BINARY_SHARE, BINARY_SHARE + PULSATOR_SHARE], numbers[:, -1])
    kind = np.array(["binary", "pulsator", "quiet"])[fate]
    kind[host_rows] = "planet"
    place = np.arange(n)
    place[host_rows] = hosts.place
    numbers[host_rows, :N_NUMBERS] = hosts.numbers
    stars, secrets = draw_stars(numbers[:, :N_STAR_UNIFORMS]), numbers[:, N_STAR_UNIFORMS:N_NUMBERS]
    valid = observed_cadences(root, kind == "planet", place, campaign)

    truth = {name: np.full(n, np.nan) for name in UNKNOWN}
    truth |= {"snr": np.zeros(n), "n_transits": np.zeros(n, np.int64)}
    signal = np.ones((n, config.n_cadences), np.float32)
    _put(truth, host_rows, snr=hosts.snr, n_transits=hosts.n_transits)
    _add_planets(signal, truth, host_rows, stars, secrets, campaign)
    _add_binaries(signal, truth, np.flatnonzero(kind == "binary"), stars, secrets, campaign, valid)
    _add_pulsators(signal, truth, np.flatnonzero(kind == "pulsator"), secrets, campaign)
    visible = _visible(truth["snr"], truth["n_transits"])
    label = (visible & (kind == "planet")).astype(np.int8)
    prefix = "sim" if stream == "synthetic" else f"{stream}-sim"
    ids = np.array([f"{prefix}{seed}:{row}" for row in range(n)])

    flux = measured_flux(root, kind == "planet", place, signal, stars, campaign)
    if config.close_gaps:
        flux, valid = flux[:, campaign.valid], valid[:, campaign.valid]
        time, time_system = shared_time(n, flux.shape[1], CADENCE), "assumed"
    else:
        time, time_system = np.broadcast_to(campaign.time, flux.shape), "simulated"
    flux /= np.nanmedian(np.where(valid, flux, np.nan), axis=1, keepdims=True)
    flux[~valid] = 0.0
    settings = json.dumps({"version": SIMULATOR_VERSION, **asdict(config)}, sort_keys=True)
    curves = LightCurves(
        id=ids,
        time=time,
        flux=flux,
        valid=valid,
        label=label,
        kind=kind,
        catalogued=False,
        absolute=True,
        cadence=CADENCE,
        time_system=time_system,
        source=stream,
        sha256=hashlib.sha256(settings.encode()).hexdigest(),
        warnings=(CLOSED,) if config.close_gaps else (),
    )
    return curves, Truth(
        id=ids,
        kind=kind,
        label=label,
        visible=visible,
        u1=stars.limb_darkening[:, 0],
        u2=stars.limb_darkening[:, 1],
        magnitude=stars.magnitude,
        noise=stars.noise,
        **truth,
    )


def _check(config: SimulateConfig) -> None:
    if config.n_stars < 1:
        raise InputError(f"n_stars is {config.n_stars}: give at least 1")
    if not 0 <= config.host_fraction <= 1:
        raise InputError(f"host_fraction is {config.host_fraction}: give a share between 0 and 1")
    if config.n_cadences < MIN_CADENCES:
        raise InputError(f"n_cadences is {config.n_cadences}: give at least {MIN_CADENCES} (four days)")
    known = [name for name in POPULATIONS if name != "teaching"]
    if config.population not in known:
        raise InputError(f"population is {config.population!r}: give one of {', '.join(known)}")
    if not 0 <= config.seed < 2**32:
        raise InputError(f"seed is {config.seed}: give a whole number from 0 to {2**32 - 1}")


def _draw_hosts(seed: int, stream: str, n_visible: int, max_unseen: int, campaign: Campaign) -> _Hosts:
    """Draw the first ``n_visible`` systems that can be seen, and the unseen ones drawn before the last of them."""
    found = [_draw_block(seed, stream, 0, campaign)]
    while sum(np.count_nonzero(part.visible) for part in found) < n_visible:
        found.append(_draw_block(seed, stream, len(found), campaign))
    every = _Hosts(*(np.concatenate([getattr(part, f.name) for part in found]) for f in fields(_Hosts)))
    visible = np.flatnonzero(every.visible)[:n_visible]
    unseen = np.flatnonzero(~every.visible[: visible.max(initial=0)])[:max_unseen]
    chosen = np.concatenate([visible, unseen])
    return _Hosts(*(getattr(every, f.name)[chosen] for f in fields(_Hosts)))


def _draw_block(seed: int, stream: str, block: int, campaign: Campaign) -> _Hosts:
    """Draw the transiting systems among ``BLOCK`` of the population."""
    numbers = generator(seed, stream, HOSTS, block).random((BLOCK, N_NUMBERS))
    stars = draw_stars(numbers[:, :N_STAR_UNIFORMS])
    _, transits = draw_planets(stars, numbers[:, N_STAR_UNIFORMS:])
    numbers, place = numbers[transits], block * BLOCK + np.flatnonzero(transits)
    stars = draw_stars(numbers[:, :N_STAR_UNIFORMS])
    orbits, _ = draw_planets(stars, numbers[:, N_STAR_UNIFORMS:])
    root = root_key(np.uint32(seed), stream)
    valid = observed_cadences(root, np.ones(place.size, bool), place, campaign)
    events = find_events(orbits, campaign.time, CADENCE)
    return _Hosts(numbers, place, *detectability(orbits, events, stars.noise, valid))


def _visible(snr: np.ndarray, n_transits: np.ndarray) -> np.ndarray:
    return (snr >= MIN_SNR) & (n_transits >= MIN_TRANSITS)


def _put(columns: dict[str, np.ndarray], rows: np.ndarray, **values: np.ndarray) -> None:
    for name, value in values.items():
        columns[name][rows] = value


def _orbit_truth(orbits: Orbits) -> dict[str, np.ndarray]:
    return {
        "period": orbits.period,
        "t0": orbits.t0,
        "duration": orbits.duration,
        "radius_ratio": orbits.radius_ratio,
        "impact": orbits.impact,
        "scaled_axis": orbits.scaled_axis,
    }


def _middle(orbits: Orbits) -> np.ndarray:
    """Return the deficit at mid-transit, averaged over one exposure: ``(n,)``."""
    n = orbits.period.size
    return deficit(orbits, np.arange(n), np.zeros(n), CADENCE)


def _add_planets(
    signal: np.ndarray,
    truth: dict[str, np.ndarray],
    rows: np.ndarray,
    stars: SimulatedStars,
    secrets: np.ndarray,
    campaign: Campaign,
) -> None:
    orbits, _ = draw_planets(stars.take(rows), secrets[rows])
    events = find_events(orbits, campaign.time, CADENCE)
    signal[rows[events.row], events.column] -= events.deficit
    _put(truth, rows, depth=_middle(orbits), **_orbit_truth(orbits))


def _add_binaries(
    signal: np.ndarray,
    truth: dict[str, np.ndarray],
    rows: np.ndarray,
    stars: SimulatedStars,
    secrets: np.ndarray,
    campaign: Campaign,
    valid: np.ndarray,
) -> None:
    pairs = draw_binaries(stars.take(rows), secrets[rows])
    signal[rows] += tides(pairs, campaign.time).astype(np.float32)
    strengths = []
    for events, orbits in zip(find_eclipses(pairs, campaign.time, CADENCE), (pairs.primary, pairs.secondary)):
        signal[rows[events.row], events.column] -= events.deficit
        strengths.append(detectability(orbits, events, stars.noise[rows], valid[rows]))
    (first, n_transits), (second, _) = strengths
    _put(
        truth,
        rows,
        depth=_middle(pairs.primary) * pairs.primary_light,
        secondary_depth=_middle(pairs.secondary) * pairs.secondary_light,
        snr=np.hypot(first, second),
        n_transits=n_transits,
        **_orbit_truth(pairs.primary),
    )


def _add_pulsators(
    signal: np.ndarray,
    truth: dict[str, np.ndarray],
    rows: np.ndarray,
    secrets: np.ndarray,
    campaign: Campaign,
) -> None:
    flux, period = pulsation(secrets[rows], campaign.time, CADENCE)
    signal[rows] += flux.astype(np.float32)
    _put(truth, rows, period=period)
