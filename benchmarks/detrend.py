"""Time the detrending of a star, ours and wotan's biweight, on one core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import numpy as np

from exojax.config import KEPLER_CADENCE_MINUTES, SearchConfig
from exojax.light_curves import EvenCurves

ABSENT = "not measured"
N_STARS, N_CADENCES, LONG_STARS, LONG_CADENCES = 64, 3197, 4, 65_000
WINDOW = SearchConfig().window_days
_NOISE = 1e-4
_CADENCE = KEPLER_CADENCE_MINUTES / 1440
_GAP = 0.75


def measure(repeats: int = 5, seed: int = 0) -> list[dict[str, Any]]:
    """Return rows for ``benchmark.json``: CPU milliseconds a star on one core, and the difference of the two trends.

    Both run in one process pinned to one core, in turn after each has been compiled; the figures are medians over
    ``repeats``. Ours goes from curves on an even grid to detrended curves with their scatter, breaks included; theirs
    is ``wotan.flatten``, every cadence, star by star. ``seed`` makes the rotating stars with gaps.
    """
    peer = wotan_version()
    command = [sys.executable, "-m", __name__, str(repeats), str(seed)]
    environment = os.environ | {"NUMBA_NUM_THREADS": "1"}
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    rows = []
    for task, times in found.items():
        theirs = times["theirs"]
        rows.append(
            {
                "task": f"detrend, {task}",
                "peer": f"wotan {peer} biweight" if peer else "wotan",
                "ours": times["ours"],
                "theirs": ABSENT if theirs is None else theirs,
                "unit": "ms/star",
                "ratio": ABSENT if theirs is None else theirs / times["ours"],
            }
        )
    difference = next(iter(found.values()))["difference"]
    return [
        *rows,
        {
            "task": "detrend, rms difference from theirs over the scatter",
            "peer": rows[0]["peer"],
            "ours": ABSENT if difference is None else difference,
            "theirs": ABSENT,
            "unit": "sigma",
            "ratio": ABSENT,
        },
    ]


def wotan_version() -> str | None:
    """Return the installed version of wotan, or None."""
    try:
        return version("wotan")
    except PackageNotFoundError:
        return None


def rotating_stars(n_stars: int, n_cadences: int, seed: int) -> EvenCurves:
    """Make stars that rotate in 10 to 30 days (two harmonics, up to 4 sigma): noise of 100 ppm, a gap, 5 % lost."""
    rng = np.random.default_rng(seed)
    time = np.arange(n_cadences) * _CADENCE
    turn = 2 * np.pi * (time / rng.uniform(10, 30, (n_stars, 1)) + rng.random((n_stars, 1)))
    size = rng.uniform(0, 4, (n_stars, 1))
    flux = 1 + _NOISE * (size * (np.sin(turn) + 0.2 * np.sin(2 * turn)) + rng.normal(size=(n_stars, n_cadences)))
    weight = rng.random((n_stars, n_cadences)) > 0.05
    for row, begin in enumerate(rng.integers(n_cadences // 4, n_cadences // 2, n_stars)):
        weight[row, begin : begin + rng.integers(50, 150)] = False
    filled = np.where(weight, flux, 0).astype(np.float32)
    scatter = np.full(n_stars, np.nan, np.float32)
    return EvenCurves(np.zeros(n_stars), filled, weight.astype(np.float32), scatter, _CADENCE)


def time_both(n_stars: int, n_cadences: int, repeats: int, seed: int) -> dict[str, float | None]:
    """Return ``ours`` and ``theirs``, CPU milliseconds a star, and the rms ``difference``; None without wotan."""
    from exojax.photometry.detrend import flatten

    curves = rotating_stars(n_stars, n_cadences, seed)
    time_axis = np.arange(n_cadences) * _CADENCE
    filled = curves.weight > 0

    def ours() -> np.ndarray:
        return flatten(curves, WINDOW, absolute=True, gap=_GAP).flux

    def theirs() -> np.ndarray:
        import wotan

        flat = np.zeros(curves.flux.shape)
        options = {"method": "biweight", "window_length": WINDOW, "edge_cutoff": 0, "break_tolerance": _GAP}
        for row, here in enumerate(filled):
            flat[row, here] = wotan.flatten(time_axis[here], curves.flux[row, here].astype(float), **options) - 1
        return flat

    works = {"ours": ours, "theirs": theirs} if wotan_version() else {"ours": ours}
    flats = {who: work() for who, work in works.items()}
    times: dict[str, list[float]] = {who: [] for who in works}
    for _ in range(repeats):
        for who, work in works.items():
            start = time.process_time()
            work()
            times[who].append(1e3 * (time.process_time() - start) / n_stars)
    found: dict[str, float | None] = {"ours": median(times["ours"]), "theirs": None, "difference": None}
    if "theirs" in works:
        found["theirs"] = median(times["theirs"])
        found["difference"] = float(np.sqrt(np.mean((flats["ours"] - flats["theirs"])[filled] ** 2)) / _NOISE)
    return found


def _main(repeats: int, seed: int) -> None:
    # Before any library has made its threads.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    import jax

    # Where there is a GPU, this is still a comparison of processors.
    jax.config.update("jax_platforms", "cpu")
    tasks = {
        f"{WINDOW:g} d window": (N_STARS, N_CADENCES),
        f"{WINDOW:g} d window, {LONG_CADENCES} cadences": (LONG_STARS, LONG_CADENCES),
    }
    print(json.dumps({name: time_both(*sizes, repeats, seed) for name, sizes in tasks.items()}))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
