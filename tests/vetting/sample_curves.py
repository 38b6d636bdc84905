"""Light curves with one known signal, and the same in LEO-Vetter's hands."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import pytest

from exojax.vetting.transit_series import TransitSeries, transit_series

CADENCE = 29.4244 / 1440
START = 1000.0
T0 = 1002.1


def dip(late: np.ndarray, duration: float, ingress: float = 0.15) -> np.ndarray:
    """Return a trapezoid of depth 1, ``late`` days from its middle."""
    return np.clip((0.5 * duration - np.abs(late)) / (ingress * duration), 0.0, 1.0)


def from_event(time: np.ndarray, period: float, t0: float) -> np.ndarray:
    """Return days from the nearest of events ``period`` apart."""
    return np.mod(time - t0 + 0.5 * period, period) - 0.5 * period


def series(
    period: float = 7.3,
    duration: float = 0.17,
    depth: float = 1e-3,
    *,
    secondary: float = 0.0,
    tides: float = 0.0,
    alternate: float = 0.0,
    ingress: float = 0.15,
    noise: float = 3e-4,
    red: float = 0.0,
    n: int = 3197,
    lost: float = 0.03,
    seed: int = 1,
) -> TransitSeries:
    """Return a K2-like curve with transits, a secondary at phase 0.4, tides, or deeper odd transits (``alternate``)."""
    rng = np.random.default_rng(seed)
    time = START + CADENCE * np.arange(n)
    kept = rng.random(n) >= lost
    kept[900:1000] = False
    late = from_event(time, period, T0)
    odd = np.round((time - T0 - late) / period) % 2 == 0
    flux = -(depth + alternate * odd) * dip(late, duration, ingress)
    flux -= secondary * dip(from_event(time, period, T0 + 0.4 * period), duration, ingress)
    flux -= tides * np.cos(4 * np.pi * late / period)
    flux += noise * rng.standard_normal(n)
    walk = np.cumsum(rng.standard_normal(n + 50))
    walk = walk[25:-25] - np.convolve(walk, np.ones(51) / 51, "valid")
    flux += red * walk / walk.std()
    error = noise * (1.0 + 0.2 * rng.random(n))
    return transit_series(time[kept], flux[kept], error[kept], period, T0, duration)


def again(of: TransitSeries, **changed: Any) -> TransitSeries:
    """Return the same curve at another ephemeris, or with other flux."""
    given = {"time": of.time, "flux": of.flux, "error": of.weight**-0.5, "period": of.period, "t0": of.t0}
    return transit_series(**(given | {"duration": of.duration} | changed))


def leo(of: TransitSeries) -> Any:
    """Return LEO-Vetter's light curve with its noise measured, or skip the test where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # batman asks for distutils
        main = pytest.importorskip("leo_vetter.main", reason="leo-vetter is not installed")
    flux = 1.0 + of.flux
    curve = main.TCELightCurve(1, of.time, flux, flux, of.weight**-0.5, of.period, of.t0, of.duration)
    with np.errstate(all="ignore"):
        curve.get_SES_MES()
    return curve


def quietly(function: Any, *arguments: Any) -> None:
    """Call one of LEO-Vetter's tests without its words and warnings."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        function(*arguments)
