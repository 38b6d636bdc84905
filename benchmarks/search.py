"""Time the search for transits, ours and other packages', and measure our false alarms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import binom

from benchmarks import commands as bench_commands
from benchmarks import peers as bench_peers
from benchmarks.peers import ABSENT, row
from benchmarks.stars import CADENCE, N_CADENCES, detrended, null, white
from exojax.config import SearchConfig
from exojax.detection import period_grid
from exojax.detection.periodogram import periodogram
from exojax.detection.search_star import search_star
from exojax.light_curves import LightCurves, shared_time
from exojax.loops import compiled

N_TIMED = 64
PERIODS = (0.5, 30.0)
YEARS_CADENCES, YEARS_PERIOD = 65000, 500.0
_YEARS_TIMED = 4
N_NULL, FALSE_ALARMS = 20000, 0.001


def ours(flux: np.ndarray, valid: np.ndarray, period_max: float = PERIODS[1]) -> np.ndarray:
    """Return the best period, days, and its SNR: ``(n_stars, n_cadences)`` -> ``(n_stars, 2)`` float64."""
    compiled.ready()
    plan = period_grid.plan(flux.shape[1], CADENCE, period_min=PERIODS[0], period_max=period_max)
    best = []
    for one, weight in zip(flux, valid.astype(np.float32), strict=True):
        found = periodogram(plan, one, weight)
        top = int(np.argmax(np.where(found.fine, found.power, 0)))
        best.append((found.period[top] * CADENCE, found.power[top]))
    return np.array(best, np.float64)


def measure(repeats: int = 3, seed: int = 0) -> list[dict[str, Any]]:
    """Return rows for ``benchmark.json``: the single pass and each peer, four years of Kepler, false alarms, commands.

    The single pass is the periodogram of a detrended star, all 3,197 cadences and 0.5 to 30 days of it. Each reading
    has a process of its own on one core, ours and theirs in turn, and is CPU time a star, compilation not counted; the
    figures are medians over ``repeats``. ``seed`` makes the stars.
    """
    return [
        *_single_pass(repeats, seed),
        *_four_years(seed),
        _false_alarms(seed),
        row(
            f"search, {N_CADENCES} cadences, all stages, CPU time, 1 core",
            "none",
            run_alone("all stages", seed),
            ABSENT,
            "ms a star",
        ),
        *bench_commands.measure(seed),
    ]


def _single_pass(repeats: int, seed: int) -> list[dict[str, Any]]:
    peers = [peer for peer in bench_peers.PEERS if bench_peers.release(peer)]
    spent: dict[str, list[float]] = {}
    for _ in range(repeats):
        for who in ["ours", *peers]:
            spent.setdefault(who, []).append(run_alone(who, seed))
    task = f"search, {N_CADENCES} cadences, {PERIODS[0]:g} to {PERIODS[1]:g} d, CPU time, 1 core"
    mine = median(spent["ours"])
    return [
        row(task, _name(peer), mine, median(spent[peer]) if peer in spent else ABSENT, "ms a star")
        for peer in bench_peers.PEERS
    ]


def _four_years(seed: int) -> list[dict[str, Any]]:
    """Time four years of Kepler; a peer searches one star once on its own whole grid, which takes minutes."""
    task = f"search, {YEARS_CADENCES} cadences, {PERIODS[0]:g} to {YEARS_PERIOD:g} d"
    peer = "transitleastsquares"
    theirs = run_alone("years of TLS", seed) if bench_peers.release(peer) else ABSENT
    return [
        row(f"{task}, CPU time, 1 core", _name(peer), run_alone("years", seed), theirs, "s a star"),
    ]


def _all_stages(n: int, n_cadences: int, seed: int, clock: Callable[[], float]) -> float:
    """Return the seconds a star from cleaning to candidates, after a search that compiles."""
    stars = null(n, seed)
    ids, moments = np.arange(n).astype(str), shared_time(n, n_cadences, CADENCE)
    flux, valid = stars["flux"], stars["valid"]
    curves = LightCurves(ids, moments, flux, valid, None, None, False, False, CADENCE, "simulated", "", "")
    each = [curves.take(np.array([k])) for k in range(n)]
    search_star(each[0], SearchConfig())
    start = clock()
    for one in each:
        search_star(one, SearchConfig())
    return (clock() - start) / n


def _false_alarms(seed: int) -> dict[str, Any]:
    """Return the SNR that 0.1 % of stars without a planet exceed, with its exact 95 % interval of order statistics."""
    task = f"search, SNR at {FALSE_ALARMS:.1%} false alarms, {N_NULL} stars"
    if find_spec("wotan") is None:
        return row(task, "none", ABSENT, ABSENT, "SNR")
    best = []
    for first in range(0, N_NULL, 1000):
        stars = detrended(null(min(1000, N_NULL - first), seed, first))
        best.append(ours(stars["flux"], stars["valid"])[:, 1])
    ordered = np.sort(np.concatenate(best))
    # As many as k of n stars lie above the true quantile with binomial probability.
    least, most = binom.ppf([0.025, 0.975], len(ordered), FALSE_ALARMS).astype(int)
    low, high = ordered[-1 - most], ordered[-max(least, 1)]
    return row(
        task,
        "none",
        float(np.quantile(ordered, 1 - FALSE_ALARMS)),
        ABSENT,
        f"SNR, from {low:.2f} to {high:.2f} with 95 %",
    )


def _name(peer: str) -> str:
    return " ".join(filter(None, [peer, bench_peers.release(peer)]))


def run_alone(what: str, seed: int) -> float:
    """Return one reading, made in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", __name__, what, str(seed)], check=True, capture_output=True, text=True
    )
    return float(json.loads(answer.stdout.splitlines()[-1]))


def _ours_alone(n: int, n_cadences: int, period_max: float, seed: int) -> float:
    """Return the CPU seconds a star of the periodogram, compiled before."""
    stars = white(n + 1, n_cadences, seed)
    ours(stars["flux"][:1], stars["valid"][:1], period_max)
    start = time.process_time()
    ours(stars["flux"][1:], stars["valid"][1:], period_max)
    return (time.process_time() - start) / n


def _main(what: str, seed: int) -> float:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    if what == "ours":
        return 1e3 * _ours_alone(N_TIMED, N_CADENCES, PERIODS[1], seed)
    if what == "all stages":
        return 1e3 * _all_stages(N_TIMED, N_CADENCES, seed, time.process_time)
    if what == "years":
        return _ours_alone(_YEARS_TIMED, YEARS_CADENCES, YEARS_PERIOD, seed)
    if what == "years of TLS":
        stars = white(1, YEARS_CADENCES, seed)
        flux, valid = stars["flux"][0].astype(np.float64), stars["valid"][0]
        bench_peers.search("transitleastsquares", **white(1, seed=seed))  # compiles
        start = time.process_time()
        bench_peers.tls(CADENCE * np.flatnonzero(valid), flux[valid], YEARS_PERIOD)
        return time.process_time() - start
    stars = white(1 + bench_peers.PEERS[what][2], seed=seed)
    return bench_peers.milliseconds(what, stars["flux"], stars["valid"])


if __name__ == "__main__":
    print(json.dumps(_main(sys.argv[1], int(sys.argv[2]))))
