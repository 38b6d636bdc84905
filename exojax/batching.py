"""Stars of any source in batches of one cadence, scale and length, which one compiled program can search.

Which stars share a batch follows from the order of the source alone. Stars that are searched already may be left out of
it by whole batches, and the others meet the same companions as before: a search that was killed ends as one that was
not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from exojax.config import SearchConfig
from exojax.hunt import batch_size
from exojax.io.folder import Skipped
from exojax.io.stitch import kind_of, pack
from exojax.layout import nominal
from exojax.lightcurve import LightCurves
from exojax.photometry.grid import BINS_PER_DURATION, padded_size

Stars = Iterable[LightCurves | Skipped]
MIN_POINTS = 10
LONGEST_STEP = 5.0
"""days between cadences; longer ones are of another unit"""


def grouped(stars: Stars, config: SearchConfig) -> Iterator[LightCurves | Skipped]:
    """Batches of stars of one cadence, scale and length, as large as may be; what cannot be searched in between."""
    waiting: dict[tuple, list[LightCurves]] = {}
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
                    yield from _settled(whole.take(np.arange(first, first + full)), config)
                rest = np.arange(len(whole) // full * full, len(whole))
                waiting[key] = [whole.take(rest)] if len(rest) else []
    # What is left of each length goes with the next longer one: a shape takes longer to compile than to search.
    left: list[LightCurves] = []
    kind, full = (), 0
    for key in sorted((key for key, group in waiting.items() if group), key=lambda key: (str(key[:-1]), -key[-1])):
        if left and (key[:-1] != kind or sum(map(len, left)) + sum(map(len, waiting[key])) > full):
            yield from _settled(pack(left), config)
            left = []
        if not left:
            kind, full = key[:-1], batch_size(key[-1], config)
        left += waiting[key]
    if left:
        yield from _settled(pack(left), config)


def split(curves: LightCurves, config: SearchConfig) -> Iterator[tuple[tuple, LightCurves | Skipped]]:
    """The stars of a source by cadence and length of grid (the last of the key), and those that cannot be searched."""
    cadence, span = _cadence(curves), _span(curves)
    keys: dict[tuple, list[int]] = {}
    for star in range(len(curves)):
        wide, size = _wide(cadence[star], config), _size(span[star], cadence[star], config)
        why = None
        if curves.valid[star].sum() < MIN_POINTS:
            why = f"fewer than {MIN_POINTS} measurements"
        elif size > 2**18 or cadence[star] > LONGEST_STEP:
            why = f"times span {span[star]:.0f} days in steps of {cadence[star]:.3g}: give times in days"
        elif min(span[star], size * nominal(wide)) <= 2 * config.period_min:
            why = f"{span[star]:.2f} days cannot hold two periods of {config.period_min} d: give a shorter --period-min"
        elif (least := 4 * nominal(wide)) > config.period_min:
            why = f"at {cadence[star]:.3g} days a cadence no period below {least:.3g} d can be searched: "
            why += "give a longer --period-min"
        if why:
            yield (), Skipped(str(curves.id[star]), Path(curves.source), why)
            continue
        kind = kind_of(replace(curves, cadence=float(cadence[star])))
        bins = round(wide / cadence[star])
        keys.setdefault((*kind, curves.centroid is None, bins, size), []).append(star)
    for key, rows in keys.items():
        yield key, replace(curves.take(np.array(rows)), cadence=float(np.median(cadence[rows])))


def _settled(batch: LightCurves, config: SearchConfig) -> Iterator[LightCurves]:
    """The batch with the cadence of its median star; in two where the grid comes out longer at that cadence."""
    batch = replace(batch, cadence=float(np.median(_cadence(batch))))
    most = batch_size(_size(_span(batch).max(), batch.cadence, config), config)
    for first in range(0, len(batch), most):
        yield batch.take(np.arange(first, min(first + most, len(batch))))


def _cadence(curves: LightCurves) -> np.ndarray:
    """``(n_stars,)`` days: each star's median step; that of the source where a star has none."""
    each = np.diff(np.where(curves.valid, curves.time, np.nan), axis=1)
    step = np.array([np.median(row[known]) if known.any() else 0.0 for row, known in zip(each, np.isfinite(each))])
    return np.where(step > 0, step, curves.cadence)


def _span(curves: LightCurves) -> np.ndarray:
    """``(n_stars,)`` days from each star's first to its last measurement; 0 where there is none."""
    last = np.where(curves.valid, curves.time, -np.inf).max(axis=1, initial=-np.inf)
    first = np.where(curves.valid, curves.time, np.inf).min(axis=1, initial=np.inf)
    return np.where(last > first, last - first, 0.0)


def _wide(cadence: float, config: SearchConfig) -> float:
    """Days between cadences of the even grid that ``to_even`` makes of a star."""
    return float(cadence * max(1.0, np.floor(config.duration_min / BINS_PER_DURATION / cadence + 0.01)))


def _size(span: float, cadence: float, config: SearchConfig) -> int:
    """Cadences of that grid."""
    return padded_size(int(span / _wide(cadence, config)) + 2)
