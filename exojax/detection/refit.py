"""The candidates of a star measured again when all are known, each without the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.measure import LONGEST_SHARE, Ephemeris, FittedTransit, describe, fit_transit
from exojax.detection.red_noise import Noise
from exojax.detection.star import Star
from exojax.detection.timing import Timing, aligned, time_transits
from exojax.ephemeris import is_locked, transit_mask
from exojax.light_curves import EvenCurves


def refit(rows: list[dict[str, Any]], last: EvenCurves, star: Star) -> EvenCurves:
    """Measure each candidate again on the last flat curve, whose trend does not follow it, without the others.

    A trend that is found before the transits are known takes a tenth of a long, shallow one with it, and of the other
    candidates the later ones were still in the curve when secondary and odd-even were measured.

    Returns:
        The flat curve, transits that are not on time moved to where their best line expects them.
    """
    flux, size = last.flux[0] / last.scatter[0], last.flux.shape[1]
    inside = [transit_mask(np.arange(size), row["period"], row["t0"], 2 * row["reach"]) for row in rows]
    timings: list[Timing] = []
    for k, row in enumerate(rows):
        curve = without_others(flux, last.weight[0], inside, k)
        shortest, longest = star.limits[0], min(star.limits[1], LONGEST_SHARE * row["period"])
        shape = fit_transit(curve, Ephemeris(row["period"], row["t0"], row["duration"], row["snr"]), shortest, longest)
        moved = abs(shape.t0 - row["t0"]) if row["single"] else abs(shape.period / row["period"] - 1) * size
        if not (shape.depth < 0.5 * row["depth"] or not np.isfinite(shape.t0_error) or moved > row["duration"]):
            new = dict(vars(shape))
            if row["single"]:
                del new["period"], new["period_error"]
            row |= new
        if row["single"]:
            continue
        timing = _timed(row, curve, star) if row["snr_red"] >= star.config.snr_min else None
        if timing is not None and timing.late:
            timings.append(timing)
        if len(rows) > 1:
            _describe_again(row, rows, flux, last.weight[0], inside, star)
    for timing in timings:
        reach = 2 * timing.duration
        moved_flux, moved_weight = (aligned(x[0], timing, reach)[None] for x in (last.flux, last.weight))
        last = replace(last, flux=moved_flux, weight=moved_weight)
    return last


def _timed(row: dict[str, Any], curve: FlatCurve, star: Star) -> Timing | None:
    """Time a candidate's transits; where they are not on time, duration and depth become those of the aligned ones."""
    noise = Noise.of(curve, float(star.grid.durations[-1]))
    timing = time_transits(curve, noise, row["period"], row["t0"], row["duration"])
    if timing is None:
        return None
    row |= {"ttv_sigma": timing.sigma, "ttv_amplitude": timing.amplitude}
    if timing.late:
        reach = 2 * timing.duration
        together = FlatCurve.of(aligned(curve.flux, timing, reach), aligned(curve.weight, timing, reach))
        start = Ephemeris(timing.period, timing.t0, timing.duration, row["snr"])
        shape = fit_transit(together, start, star.limits[0], min(star.limits[1], LONGEST_SHARE * timing.period))
        if shape.depth > 0.5 * timing.depth and np.isfinite(shape.t0_error):
            row |= vars(shape)
    return timing


def _describe_again(
    row: dict[str, Any],
    rows: list[dict[str, Any]],
    flux: np.ndarray,
    weight: np.ndarray,
    inside: list[np.ndarray],
    star: Star,
) -> None:
    """Measure secondary and odd-even of a candidate without the transits of all others that do not keep its phase."""
    size = len(flux)
    own = next(mask for mask, one in zip(inside, rows) if one is row)
    for mask, other in zip(inside, rows):
        theirs = np.inf if other["single"] else other["period"]
        longer = max(row["duration"], other["duration"])
        if other is not row and not is_locked(row["period"], theirs, longer, size):
            weight = np.where(mask & ~own, np.float32(0), weight)
    curve = FlatCurve.of(flux, weight)
    shape = FittedTransit(**{name: row[name] for name in FittedTransit.__dataclass_fields__})
    signal = Ephemeris(row["period"], row["t0"], row["duration"], row["snr"])
    found, _ = describe(curve, signal, shape, row["sde"], Noise.of(curve, float(star.grid.durations[-1])))
    row |= {name: getattr(found, name) for name in ("odd_even_sigma", "secondary_sigma", "secondary_phase")}


def without_others(flux: np.ndarray, weight: np.ndarray, inside: list[np.ndarray], k: int) -> FlatCurve:
    """Return the curve with weight 0 in the transits of every candidate but number ``k``, whose own are kept.

    ``flux`` and ``weight`` are ``(n_cadences,)`` float32, ``inside`` the ``(n_cadences,)`` bool of each candidate.
    """
    others = np.any([mask for j, mask in enumerate(inside) if j != k], axis=0) if len(inside) > 1 else False
    return FlatCurve.of(flux, np.where(others & ~inside[k], np.float32(0), weight))
