"""Stars to search, and a search of them that takes no time: what it finds tells the star and its company."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import SearchConfig
from exojax.hunt import Trace, batch_size
from exojax.lightcurve import Candidates, LightCurves
from exojax.photometry.grid import to_even

CADENCE, CADENCES, START = 0.05, 500, 200.0


def flux_of(n: int, *, hosts: Sequence[int] = (), seed: int = 0) -> np.ndarray:
    """``(n, CADENCES)``: white noise of 300 ppm about 0; ``hosts`` dip by 3,000 ppm every 1.9 days from day 0.7 on."""
    time = np.arange(CADENCES) * CADENCE
    flux = np.random.default_rng(seed).normal(0, 3e-4, (n, CADENCES))
    for host in hosts:
        flux[host] -= 3e-3 * (np.abs(time - 0.7 - np.rint((time - 0.7) / 1.9) * 1.9) < 0.08)
    return flux


def write_npz(path: Path, flux: np.ndarray, **more: np.ndarray) -> Path:
    time = START + np.tile(np.arange(flux.shape[1]) * CADENCE, (len(flux), 1))
    arrays = {"kepid": 100 + np.arange(len(flux)), "time": time, "n_points": np.full(len(flux), flux.shape[1])}
    np.savez(path, **(arrays | {"flux": flux.astype(np.float32)} | more))
    return path


def write_csv(path: Path, flux: np.ndarray, time: np.ndarray | None = None, header: str = "time,flux") -> Path:
    time = START + np.arange(len(flux)) * CADENCE if time is None else time
    path.write_text(f"{header}\n" + "".join(f"{t:.6f},{f:.7f}\n" for t, f in zip(time, flux)))
    return path


def curves_of(flux: np.ndarray, *, cadence: float = CADENCE, first: int = 0, **more: Any) -> LightCurves:
    n, size = flux.shape
    given: dict[str, Any] = {
        "id": np.array([f"s{first + k}" for k in range(n)]),
        "time": START + np.tile(np.arange(size) * cadence, (n, 1)),
        "flux": (1 + flux).astype(np.float32),
        "valid": np.ones((n, size), bool),
        "label": None,
        "kind": None,
        "catalogued": True,
        "absolute": True,
        "cadence": cadence,
        "time_system": "BKJD",
        "source": "a.npz",
        "sha256": "abc",
    }
    return LightCurves(**(given | more))


def quick_hunt(curves: LightCurves, config: SearchConfig, *, masked: np.ndarray | None = None, **_: Any) -> tuple:
    """A candidate a star that depends on the star, on the batch and on the mask; none of flux that does not vary."""
    even = to_even(curves, shortest=config.duration_min)
    assert len(curves) <= batch_size(even.flux.shape[1], config)
    told = [curves.id.tolist(), curves.cadence, None if masked is None else int(masked.sum())]
    company = int(hashlib.sha256(repr(told).encode()).hexdigest()[:6], 16) / 16**6
    star = np.flatnonzero([np.ptp(f[v]) > 0 if v.any() else False for f, v in zip(curves.flux, curves.valid)])
    n = len(star)
    values: dict[str, Any] = {field.name: np.full(n, np.nan) for field in fields(Candidates)}
    values |= {"star": star, "id": curves.id[star], "rank": np.ones(n, int), "n_transits": np.ones(n, int)}
    values |= {"aliases": np.full(n, ""), "matches": np.full(n, ""), "single": np.zeros(n, bool)}
    values |= {"period": 1 + company + np.arange(n) / 97, "t0": even.start[star], "duration": np.full(n, 0.1)}
    values |= {"snr_red": np.array([float(curves.flux[k].std()) for k in star]), "depth": np.full(n, 0.01)}
    return Candidates(**values), Trace(even, even, np.zeros(0), np.zeros((n, 0), np.float32))
