"""Stars of any source in batches of one cadence, scale and length, which one compiled program can search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from exojax.config import SearchConfig
from exojax.hunt import batch_size
from exojax.io.folder import Skipped
from exojax.io.stitch import kind_of, pack
from exojax.lightcurve import LightCurves
from exojax.photometry.grid import BINS_PER_DURATION, padded_size

Stars = Iterable[LightCurves | Skipped]


def grouped(stars: Stars, config: SearchConfig) -> Iterator[LightCurves | Skipped]:
    """Batches of stars of one cadence, scale and length, as large as may be; what cannot be searched in between."""
    waiting: dict[tuple, list[LightCurves]] = {}
    kind, full = (), 0
    for given in stars:
        if isinstance(given, Skipped):
            yield given
            continue
        for key, one in split(given, config):
            if isinstance(one, Skipped):
                yield one
                continue
            group = waiting.setdefault(key, [])
            group.append(one)
            full = batch_size(key[-1], config)
            if sum(map(len, group)) >= full:
                whole = pack(group)
                for first in range(0, len(whole) - full + 1, full):
                    yield whole.take(np.arange(first, first + full))
                rest = np.arange(len(whole) // full * full, len(whole))
                waiting[key] = [whole.take(rest)] if len(rest) else []
    # What is left of each length goes with the next longer one: a shape takes longer to compile than to search.
    left: list[LightCurves] = []
    for key in sorted((key for key, group in waiting.items() if group), key=lambda key: (str(key[:-1]), -key[-1])):
        if left and (key[:-1] != kind or sum(map(len, left)) + sum(map(len, waiting[key])) > full):
            yield pack(left)
            left = []
        if not left:
            kind, full = key[:-1], batch_size(key[-1], config)
        left += waiting[key]
    if left:
        yield pack(left)


def split(curves: LightCurves, config: SearchConfig) -> Iterator[tuple[tuple, LightCurves | Skipped]]:
    """The stars of a source by cadence and length of grid, and those whose curves cannot be searched."""
    time = np.where(curves.valid, curves.time, np.nan)
    steps = np.diff(time, axis=1)
    with np.errstate(all="ignore"):
        step = np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in steps])
        many = curves.valid.sum(axis=1) >= 10
        span = np.where(many, np.nanmax(np.where(many[:, None], time, 0), axis=1), 0.0)
        span = np.where(many, span - np.nanmin(np.where(many[:, None], time, 0), axis=1), 0.0)
    cadence = np.where(np.isfinite(step) & (step > 0), step, curves.cadence)
    keys: dict[tuple, list[int]] = {}
    for star in range(len(curves)):
        why = None
        if not many[star]:
            why = "fewer than 10 measurements"
        elif span[star] < 2 * config.period_min:
            why = f"{span[star]:.2f} days cannot hold two periods of {config.period_min} d; give a shorter --period-min"
        elif (least := 4 * _wide(cadence[star], config)) > config.period_min:
            why = f"at {cadence[star]:.3g} days a cadence no period below {least:.3g} d can be searched; "
            why += "give a longer --period-min"
        elif (size := _size(span[star], cadence[star], config)) > 2**18:
            why = f"times span {span[star]:.0f} days, {size} cadences; give times in days"
        if why:
            yield (), Skipped(str(curves.id[star]), Path(curves.source), why)
            continue
        one = replace(curves.take(np.array([star])), cadence=float(cadence[star])) if len(curves) == 1 else None
        kind = kind_of(one if one is not None else replace(curves, cadence=float(cadence[star])))
        keys.setdefault((*kind, curves.centroid is None, size), []).append(star)
    for key, rows in keys.items():
        part = curves.take(np.array(rows))
        yield key, replace(part, cadence=float(np.median(cadence[rows])))


def _wide(cadence: float, config: SearchConfig) -> float:
    """Days between cadences of the even grid that ``to_even`` makes of a star."""
    return float(cadence * max(1.0, np.floor(config.duration_min / BINS_PER_DURATION / cadence + 0.01)))


def _size(span: float, cadence: float, config: SearchConfig) -> int:
    """Cadences of that grid."""
    return padded_size(int(span / _wide(cadence, config)) + 2)
