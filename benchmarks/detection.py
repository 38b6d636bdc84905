"""Compare the planets that searches detect in the same detrended stars, each at 1 % false alarms of its own."""

from __future__ import annotations

import hashlib
import sys
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.stats import binomtest

from benchmarks import peers as bench_peers
from benchmarks import search as bench_search
from benchmarks.peers import ABSENT, row
from benchmarks.stars import CADENCE, N_CADENCES, detrended, injected, null
from exojax.simulate.random_streams import generator
from exojax.storage.cache import load_or_make

N_NULL = 2000
FALSE_ALARMS = 0.01
CHUNK = 96
HARMONICS = (1.0, 1 / 2, 2.0, 1 / 3, 3.0, 2 / 3, 3 / 2, 1 / 4, 4.0)
_RESAMPLES = 2000


def measure(seed: int = 0) -> list[dict[str, Any]]:
    """Return rows for ``benchmark.json``: shares detected by us and by each peer, of all planets and of SNR 5 to 8.

    The peers' searches take hours the first time. They are kept star by star in the user's cache, so that a
    measurement that was stopped goes on where it was. ``seed`` makes the stars.
    """
    installed = [peer for peer in bench_peers.PEERS if find_spec("wotan") and bench_peers.release(peer)]
    if installed:
        sample = stars(seed=seed)
        ours = bench_search.ours(sample["flux"], sample["valid"])
    rows = []
    for peer in bench_peers.PEERS:
        if peer not in installed:
            rows.append(row(f"detection at {FALSE_ALARMS:.0%} false alarms", peer, ABSENT, ABSENT, "share"))
            continue
        theirs = peaks(peer, sample)
        name = f"{peer} {bench_peers.release(peer)}"
        for statistic, title in enumerate([name, f"{name}, by chi squared"][: theirs.shape[1]]):
            for text, chosen in (("", sample["snr"] >= 0), (", SNR 5 to 8", sample["snr"] <= 8)):
                part = {column: values[chosen] for column, values in sample.items()}
                found = compare(part, ours[chosen], theirs[chosen, statistic], seed)
                unit = f"share; difference {found['low']:+.3f} to {found['high']:+.3f}, p {found['p']:.2f}"
                task = f"detection at {FALSE_ALARMS:.0%} false alarms, {(part['snr'] > 0).sum()} planets{text}"
                rows.append(row(task, title, found["ours"], found["theirs"], unit))
    return rows


def stars(n_null: int = N_NULL, seed: int = 0) -> dict[str, np.ndarray]:
    """Return the 384 injected stars, then ``n_null`` without a planet, detrended; see ``benchmarks.stars``."""
    parts = [detrended(injected(seed)), detrended(null(n_null, seed))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def peaks(peer: str, sample: dict[str, np.ndarray]) -> np.ndarray:
    """Return ``benchmarks.peers.search`` of all stars; pieces that were searched before come from the cache."""
    found = []
    for start in range(0, len(sample["flux"]), CHUNK):
        flux, valid = (sample[name][start : start + CHUNK] for name in ("flux", "valid"))
        content = hashlib.sha256(flux.tobytes() + valid.tobytes()).hexdigest()
        key = f"peaks of {peer} {bench_peers.release(peer)} {content}"
        found.append(load_or_make(key, partial(_searched, peer, flux, valid))["peaks"])
        if sys.stderr.isatty():
            print(f"\r{peer}: {start + len(flux)} of {len(sample['flux'])} stars", end="", file=sys.stderr)
    return np.concatenate(found)


def _searched(peer: str, flux: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
    return {"peaks": bench_peers.search(peer, flux, valid)}


def found_period(sample: dict[str, np.ndarray], period: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` bool: the period is the planet's or a simple multiple or fraction of it.

    The tolerance shifts a transit by its duration, or by two cadences, over the whole curve.
    """
    tolerance = np.maximum(sample["duration"], 2 * CADENCE) / (N_CADENCES * CADENCE)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.abs(period / sample["period"] / np.array(HARMONICS)[:, None] - 1)
    return (off < tolerance).any(axis=0) & (sample["snr"] > 0)


def compare(sample: dict[str, np.ndarray], ours: np.ndarray, theirs: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Return the shares of injected planets detected, and their difference on the same stars.

    A planet is detected when the star's best peak is at its period (see ``found_period``) and above the statistic that
    1 % of the stars without a planet exceed.

    Args:
        sample: stars of :func:`stars`, or the injected stars of some SNRs and all stars without a planet.
        ours: ``(n, 2)`` best period and statistic of each star.
        theirs: the same of another search.
        seed: of the bootstrap.

    Returns:
        ``ours`` and ``theirs``, shares; ``low`` and ``high`` of their difference, 95 % (bootstrap over stars, those
        without a planet included); ``p``, McNemar's exact test of it at the thresholds as they are.
    """
    planet = sample["snr"] > 0
    right = np.array([found_period(sample, found[:, 0])[planet] for found in (ours, theirs)])
    value = np.array([found[planet, 1] for found in (ours, theirs)])
    noise = np.array([found[~planet, 1] for found in (ours, theirs)])

    def shares(here: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level = np.quantile(noise[:, background], 1 - FALSE_ALARMS, axis=1)
        detected = right[:, here] & (value[:, here] > level[:, None])
        return detected.mean(axis=1), detected

    share, detected = shares(np.arange(planet.sum()), np.arange((~planet).sum()))
    rng = generator(seed, "bootstrap")
    draws = [
        shares(rng.integers(0, planet.sum(), planet.sum()), rng.integers(0, (~planet).sum(), (~planet).sum()))[0]
        for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile(np.subtract(*np.transpose(draws)), [0.025, 0.975])
    only = int((detected[0] & ~detected[1]).sum()), int((~detected[0] & detected[1]).sum())
    p = float(binomtest(only[0], sum(only)).pvalue) if sum(only) else 1.0
    return {"ours": float(share[0]), "theirs": float(share[1]), "low": float(low), "high": float(high), "p": p}
