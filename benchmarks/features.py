"""Time the statistics of whole series, ours and tsfresh's efficient set, on the same curves."""

from __future__ import annotations

import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import numpy as np

from benchmarks.peers import ABSENT, row
from benchmarks.stars import CADENCE, null
from exojax.features.registry import BATCH, compute
from exojax.light_curves import LightCurves, shared_time

ROUNDS, PEER_STARS = 3, 2


def measure(seed: int = 0) -> list[dict[str, Any]]:
    """Return a row for ``benchmark.json``: CPU milliseconds a star of all threads, in turn after each has run once.

    Ours is a batch of 256 stars of 3,197 cadences, from the raw flux on, detrending included; theirs is
    ``extract_features`` with ``EfficientFCParameters`` on the valid cadences of the first of them, in one process.
    ``seed`` makes the stars. Their sets are not ours: some 780 columns against some sixty.
    """
    peer = release()
    curves = stars(BATCH, seed)
    ours: list[float] = []
    theirs: list[float] = []
    compute(("series",), curves)
    if peer:
        tsfresh_columns(curves, 1)
    for _ in range(ROUNDS):
        start = time.process_time()
        compute(("series",), curves)
        ours.append(1e3 * (time.process_time() - start) / len(curves))
        if peer:
            start = time.process_time()
            tsfresh_columns(curves, PEER_STARS)
            theirs.append(1e3 * (time.process_time() - start) / PEER_STARS)
    name = f"tsfresh {peer} EfficientFCParameters" if peer else "tsfresh"
    their = median(theirs) if theirs else ABSENT
    return [row(f"series statistics, {curves.flux.shape[1]} cadences", name, median(ours), their, "ms/star")]


def release() -> str | None:
    """Return the installed version of tsfresh, or None."""
    try:
        return version("tsfresh")
    except PackageNotFoundError:
        return None


def stars(n: int, seed: int) -> LightCurves:
    """Make ``n`` rotating stars with gaps and no planet."""
    made = null(n, seed)
    return LightCurves(
        id=np.arange(n).astype(str),
        time=shared_time(n, made["flux"].shape[1], CADENCE),
        flux=made["flux"],
        valid=made["valid"],
        label=None,
        kind=None,
        catalogued=False,
        absolute=False,
        cadence=CADENCE,
        time_system="assumed",
        source="made up",
        sha256="",
    )


def tsfresh_columns(curves: LightCurves, n: int) -> int:
    """Return the number of columns that tsfresh computes for the first ``n`` stars."""
    import pandas as pd
    from tsfresh import extract_features
    from tsfresh.feature_extraction import EfficientFCParameters

    parts = [
        pd.DataFrame({"id": k, "time": curves.time[k][ok], "flux": curves.flux[k][ok].astype(np.float64)})
        for k, ok in enumerate(curves.valid[:n])
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = extract_features(
            pd.concat(parts),
            column_id="id",
            column_sort="time",
            default_fc_parameters=EfficientFCParameters(),
            n_jobs=0,
            disable_progressbar=True,
        )
    return int(found.shape[1])
