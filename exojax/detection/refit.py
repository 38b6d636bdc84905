"""Measure the candidates of a star again when all are known, each without the transits of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from exojax.detection.curve import FlatCurve
from exojax.detection.measure import LONGEST_SHARE, Ephemeris, FittedTransit, describe, fit_transit
from exojax.detection.red_noise import Noise
from exojax.detection.star import Star
from exojax.detection.timing import Timing, on_time, straightened, time_transits
from exojax.detection.tolerant import retimed
from exojax.ephemeris import is_locked, transit_mask
from exojax.light_curves import EvenCurves


def in_transit(row: dict[str, Any], size: int) -> np.ndarray:
    """Return the cadences in and near a candidate's transits, ``(size,)`` bool.

    Args:
        row: columns of the candidate; ``reach`` holds the cadences on either side of mid-transit, and ``timing`` the
            times of transits that may be off time.
        size: length of the curve, cadences.
    """
    timing: Timing | None = row.get("timing")
    if timing is None:
        return transit_mask(np.arange(size), row["period"], row["t0"], 2 * row["reach"])
    first, last = int(np.ceil(-timing.t0 / timing.period)), int((size - timing.t0) / timing.period)
    number = np.setdiff1d(np.arange(first, last + 1), timing.number)
    middle = np.concatenate([timing.middle, timing.t0 + timing.period * number])
    return np.any([transit_mask(np.arange(size), np.inf, at, 2 * row["reach"]) for at in middle], axis=0)


def refit(rows: list[dict[str, Any]], last: EvenCurves, star: Star) -> tuple[EvenCurves, list[Timing]]:
    """Measure each candidate again on the last flat curve, without the transits of the others.

    The trend of that curve leaves out all transits; an earlier trend removes a tenth of a long, shallow transit. The
    first measurement of secondary and odd-even also contained the transits of later candidates.

    Returns:
        The flat curve, with transits off time moved to their times on the best line; and the times of those transits.
    """
    flux, size = last.flux[0] / last.scatter[0], last.flux.shape[1]
    inside = [in_transit(row, size) for row in rows]
    timings: list[Timing] = []
    for k, row in enumerate(rows):
        curve = without_others(flux, last.weight[0], inside, k)
        if row.get("timing") is not None:
            timings.append(_tolerant_again(row, curve, star))
            if len(rows) > 1:
                _describe_again(row, rows, *straightened(flux, last.weight[0], timings[-1]), inside, star)
            continue
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
        moved_flux, moved_weight = straightened(last.flux[0], last.weight[0], timing)
        last = replace(last, flux=moved_flux[None], weight=moved_weight[None])
    return last, timings


def _tolerant_again(row: dict[str, Any], curve: FlatCurve, star: Star) -> Timing:
    """Measure again the times of a candidate of the tolerant search, and fit its aligned transits."""
    noise = Noise.of(curve, float(star.grid.durations[-1]))
    timing: Timing = retimed(curve, noise, row["timing"], star.tolerance) or row["timing"]
    row |= {"timing": timing, "ttv_sigma": timing.sigma, "ttv_amplitude": timing.amplitude}
    row |= _aligned_fit(row, curve, timing, star)
    return timing


def _aligned_fit(row: dict[str, Any], curve: FlatCurve, timing: Timing, star: Star) -> dict[str, Any]:
    """Return the columns of a fit to the aligned events; empty if the fit fails."""
    start = Ephemeris(timing.period, timing.t0, timing.duration, row["snr"])
    longest = min(star.limits[1], LONGEST_SHARE * timing.period)
    shape = fit_transit(on_time(curve, timing), start, star.limits[0], longest)
    return vars(shape) if shape.depth > 0.5 * timing.depth and np.isfinite(shape.t0_error) else {}


def _timed(row: dict[str, Any], curve: FlatCurve, star: Star) -> Timing | None:
    """Measure the times of a candidate's transits; if they are off time, fit duration and depth to the aligned ones."""
    noise = Noise.of(curve, float(star.grid.durations[-1]))
    timing = time_transits(curve, noise, row["period"], row["t0"], row["duration"])
    if timing is None:
        return None
    row |= {"ttv_sigma": timing.sigma, "ttv_amplitude": timing.amplitude}
    if timing.late:
        row |= _aligned_fit(row, curve, timing, star)
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
