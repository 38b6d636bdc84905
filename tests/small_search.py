"""Stars to search, and a quick stand-in for the search whose candidate depends on the star."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from exojax.candidates import Candidates
from exojax.config import FoldConfig, SearchConfig
from exojax.detection.batch import BATCH_STARS
from exojax.detection.search_star import Trace
from exojax.features.views import Moments
from exojax.light_curves import LightCurves
from exojax.photometry.resample import to_even
from exojax.runs.fold_stars import SearchedStar
from exojax.vetting.all_tests import UNKNOWN

CADENCE, CADENCES, START = 0.05, 500, 200.0


def flux_of(n: int, *, hosts: Sequence[int] = (), seed: int = 0) -> np.ndarray:
    """Return ``(n, CADENCES)``: white noise of 300 ppm about 0; ``hosts`` dip by 3,000 ppm every 1.9 days."""
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


def quick_search_each(
    stars: Sequence[LightCurves],
    search: SearchConfig,
    how: FoldConfig,
    *,
    masks: Sequence[np.ndarray | None],
    alter: Any = None,
) -> Iterator[tuple[SearchedStar, Trace]]:
    """Yield, in place of ``search_each``, a candidate of each star that star and mask decide; none of constant flux."""
    assert len(stars) <= BATCH_STARS
    for curves, mask in zip(stars, masks, strict=True):
        even = to_even(curves, shortest=search.duration_min)
        deciding = [curves.id.tolist(), curves.cadence, None if mask is None else int(mask.sum())]
        period = 1 + int(hashlib.sha256(repr(deciding).encode()).hexdigest()[:6], 16) / 16**6
        seen = curves.flux[0, curves.valid[0]]
        n = int(len(seen) > 0 and np.ptp(seen) > 0)
        values: dict[str, Any] = {field.name: np.full(n, np.nan) for field in fields(Candidates)}
        values |= {"star": np.zeros(n, int), "id": curves.id[:n], "rank": np.ones(n, int)}
        values |= {"n_transits": np.ones(n, int), "single": np.zeros(n, bool)}
        values |= {name: np.full(n, "") for name in ("aliases", "matches", "detrending")}
        values |= {"period": np.full(n, period), "t0": even.start[:n], "duration": np.full(n, 0.1)}
        values |= {"snr_red": np.full(n, float(seen.std())), "depth": np.full(n, 0.01)}
        empty = [np.zeros((size, 4)) for size in (4 * how.global_bins, *4 * [how.local_bins])]
        yield (
            SearchedStar(curves, Candidates(**values), 1.0, n * [Moments(*empty)], n * [UNKNOWN]),
            Trace(even, even, (), ()),
        )
