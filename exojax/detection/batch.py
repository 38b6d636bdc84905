"""Split the stars of any source into batches of a bounded size, and report the stars that cannot be searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from exojax.config import TOLERANCES, SearchConfig
from exojax.detection.period_grid import LEAST_PERIOD
from exojax.detection.seasons import GAP
from exojax.io.folder import Skipped
from exojax.light_curves import LightCurves, nominal_cadence
from exojax.photometry.resample import BINS_PER_DURATION

Stars = Iterable[LightCurves | Skipped]
MIN_POINTS = 10
LONGEST_STEP = 5.0
"""longest time between cadences, days; a longer time means that times have another unit"""
MOST_CADENCES = 2**18
"""longest part of a star's even grid that is searched at once; a longer grid means that times have another unit"""
LONGEST_GRID = 2**20
"""longest whole grid, cadences, limited by the memory"""
BATCH_STARS = 32
BATCH_CADENCES = 2**21
"""largest number of measurements in a batch of several stars"""


def one_by_one(stars: Stars, config: SearchConfig) -> Iterator[LightCurves | Skipped]:
    """Yield each star as light curves of one star with its own cadence, or the reason why it cannot be searched."""
    for given in stars:
        if isinstance(given, Skipped):
            yield given
            continue
        for star in range(len(given)):
            one = given.take(np.array([star]))
            step = nominal_cadence(one.time[0, one.valid[0]])
            one = replace(one, cadence=step if step > 0 else one.cadence)
            why = _obstacle(one, config)
            yield Skipped(str(one.id[0]), Path(one.source), why) if why else one


def batches(stars: Stars, config: SearchConfig) -> Iterator[list[LightCurves] | Skipped]:
    """Yield lists of up to 32 stars that can be searched, and between them the stars that cannot, in their order."""
    waiting: list[LightCurves] = []
    held = 0
    for one in one_by_one(stars, config):
        if isinstance(one, Skipped):
            yield one
            continue
        waiting.append(one)
        held += one.flux.shape[1]
        if len(waiting) == BATCH_STARS or held > BATCH_CADENCES:
            yield waiting
            waiting, held = [], 0
    if waiting:
        yield waiting


def _longest_season(time: np.ndarray) -> float:
    """Return the length of the longest season (no long gap), days; ``time`` may have any order."""
    ordered = np.sort(time)
    breaks = np.flatnonzero(np.diff(ordered) > GAP)
    edges = np.concatenate([[0], breaks + 1, [len(time)]])
    return float(max(ordered[b - 1] - ordered[a] for a, b in pairwise(edges)))


def _obstacle(one: LightCurves, config: SearchConfig) -> str:
    """Return why a star cannot be searched, or an empty text."""
    time = one.time[0, one.valid[0]]
    if len(time) < MIN_POINTS:
        return f"fewer than {MIN_POINTS} measurements"
    span, cadence = float(time.max() - time.min()), one.cadence
    wide = cadence * max(1.0, np.floor(config.duration_min / BINS_PER_DURATION / cadence + 0.01))
    # A gap between two seasons costs little if each season can be searched separately.
    season = _longest_season(time)
    joint = season if season > 2 * max(config.period_min, LEAST_PERIOD * wide) else span
    if span / wide > LONGEST_GRID or joint / wide > MOST_CADENCES or cadence > LONGEST_STEP:
        return f"times span {span:.0f} days in steps of {cadence:.3g}: give times in days"
    shortest = max(config.period_min, LEAST_PERIOD * wide)
    if span <= 2 * shortest:
        return f"{span:.2f} days cannot hold two periods of {shortest:.3g} d: give a shorter --period-min"
    if config.period_max is not None and config.period_max <= shortest:
        return f"at {cadence:.3g} days a cadence no period below {shortest:.3g} d can be searched: " + (
            "give a longer --period-max"
        )
    longest = span / 2 if config.period_max is None else min(config.period_max, span / 2)
    if config.duration_min > longest / 4:
        return (
            f"{span:.2f} days hold no two transits of {config.duration_min:.3g} d, a quarter of their period at most: "
            "give a shorter --duration-min"
        )
    if config.ttv and TOLERANCES * config.ttv / 24 >= longest:
        return (
            f"transits off time by {config.ttv:g} hours have periods of {TOLERANCES * config.ttv / 24:.4g} d or more, "
            f"and {span:.2f} days hold no two of them: give fewer hours for --ttv"
        )
    if config.window_days < 3 * wide:
        return f"at {cadence:.3g} days a cadence a --window of {config.window_days:.3g} d holds fewer than three"
    return ""
