"""Transit searches of other packages: each returns the best period of a detrended star, called as in its manual."""

from __future__ import annotations

import contextlib
import io
import itertools
import time
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import numpy as np

from benchmarks.stars import CADENCE, N_CADENCES, SCATTER

ABSENT = "not measured"
DURATIONS = np.array([2, 3, 4, 5, 7, 9, 12, 16, 20, 24])
"""cadences: 0.98 to 11.8 hours"""
OCTAVES = (24, 48, 96, 192, 384, 768, 1469)
"""cadences, 0.49 to 30 days"""

Peak = tuple[float, float]
"""Period in days, and the statistic by which the peer ranks."""


def row(task: str, peer: str, ours: float | str, theirs: float | str, unit: str) -> dict[str, Any]:
    """Return a row of ``benchmark.json``; ``ours`` and ``theirs`` are numbers or ``ABSENT``."""
    known = isinstance(ours, float) and isinstance(theirs, float)
    ratio = float(theirs) / float(ours) if known and ours else ABSENT
    return {"task": task, "peer": peer, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio}


def natural_grid() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the periods and durations of each octave, days: 12,501 periods from 0.49 to 30 days.

    Transits at neighbouring periods drift by one cadence against each other over the whole curve; durations are a
    quarter of the octave's shortest period at most, and six cadences at least.
    """
    found = []
    for low, high in itertools.pairwise(OCTAVES):
        steps = [max(-(-N_CADENCES // p), 3) - 1 for p in range(low, high)]
        periods = np.concatenate([p + np.arange(n) / n for p, n in zip(range(low, high), steps)])
        found.append((CADENCE * periods, CADENCE * DURATIONS[max(0.25 * low, 6) >= DURATIONS]))
    return found


def astropy_bls(time: np.ndarray, flux: np.ndarray, oversample: int = 10) -> list[Peak]:
    """Return the highest SNR of ``BoxLeastSquares`` on the natural grid; 10 is its default oversampling of epochs."""
    from astropy.timeseries import BoxLeastSquares

    model = BoxLeastSquares(time, flux, dy=1.0)
    best = (0.0, -1.0)
    for periods, durations in natural_grid():
        found = model.power(periods, durations, objective="snr", oversample=oversample)
        top = int(np.nanargmax(found.power))
        best = max(best, (float(found.period[top]), float(found.power[top])), key=lambda peak: peak[1])
    return [best]


def tls(time: np.ndarray, flux: np.ndarray, period_max: float = 30.0) -> list[Peak]:
    """Return the SDE peak and the least chi squared of transitleastsquares on its own grid from 0.5 days on."""
    from transitleastsquares import transitleastsquares

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        model = transitleastsquares(time, 1 + SCATTER * flux, np.full(len(flux), SCATTER))
        found = model.power(period_min=0.5, period_max=period_max, show_progress_bar=False, use_threads=1)
    if not np.ndim(found.chi2):  # nothing dips at all
        return [(0.0, 0.0), (0.0, 0.0)]
    least = int(np.argmin(found.chi2))
    gain = float(np.max(found.chi2) - found.chi2[least])
    return [(float(found.period), float(found.SDE)), (float(found.periods[least]), gain)]


def gerbls(time: np.ndarray, flux: np.ndarray) -> list[Peak]:
    """Return the peak of GERBLS' fast-folding BLS, not downsampled, on its own grid from 0.5 to 30 days."""
    import gerbls

    data = gerbls.pyDataContainer()
    data.store(time, 1 + SCATTER * flux, np.full(len(flux), SCATTER), convert_to_flux=False)
    model = gerbls.pyFastBLS()
    durations = list(CADENCE * DURATIONS[:-1])
    model.setup(data, 0.5, 30.0, t_samp=CADENCE, duration_mode="constant", durations=durations, downsample=False)
    model.run(verbose=False)
    found = gerbls.pyBLSAnalyzer(model)
    dips = np.where(found.dmag > 0, found.snr, 0.0)
    top = int(np.argmax(dips))
    return [(float(found.P[top]), float(dips[top]))]


PEERS: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray], list[Peak]], int]] = {
    "GERBLS": ("gerbls", gerbls, 6),
    "transitleastsquares": ("transitleastsquares", tls, 3),
    "astropy BLS, oversampling 2": ("astropy", lambda time, flux: astropy_bls(time, flux, 2), 2),
    "astropy BLS": ("astropy", astropy_bls, 1),
}
"""Name -> distribution, search of one star (``(m,)`` float64 days, ``(m,)`` float64 flux about 0 in units of its
scatter), and how many stars are timed in one round."""


def release(peer: str) -> str | None:
    """Return the installed version, or None."""
    try:
        return version(PEERS[peer][0])
    except PackageNotFoundError:
        return None


def search(peer: str, flux: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the best peaks of each star.

    Args:
        peer: a name in ``PEERS``.
        flux: ``(n_stars, 3197)`` float32, in units of the scatter.
        valid: of the same shape, bool.

    Returns:
        ``(n_stars, n_statistics, 2)`` float64: period in days and statistic, the peer's own first.
    """
    moment = np.arange(N_CADENCES) * CADENCE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.array([PEERS[peer][1](moment[ok], y[ok].astype(np.float64)) for y, ok in zip(flux, valid)])


def milliseconds(peer: str, flux: np.ndarray, valid: np.ndarray) -> float:
    """Return the median CPU milliseconds a star, after one star that is not counted."""
    search(peer, flux[:1], valid[:1])
    spent = []
    for row in range(1, len(flux)):
        start = time.process_time()
        search(peer, flux[row : row + 1], valid[row : row + 1])
        spent.append(1e3 * (time.process_time() - start))
    return median(spent)
