"""Model-shift uniqueness test: compare the transit with all other dips of the fold (Coughlin 2017).

A box as long as the transit is moved through the fold, with white and red noise (Kunimoto et al. 2025). Its
significance is compared at the primary event, the deepest other dip (secondary), the third deepest (tertiary, which
noise can cause) and the highest bump (positive).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import erfcinv

from exojax.loops import boxes
from exojax.vetting.transit_series import TransitSeries, ratio, spread
from exojax.vetting.verdict import Verdict, above, below

SEARCHED = 20_000
"""number of candidates of a survey; by chance one of them passes (false-alarm level 1)"""
APART, FAR = 2.0, 3.0
"""smallest distance between two events, and between an event and a positive event, in durations"""
RED = 1.8
"""red noise of the fold from which the fold itself varies"""
NOT_UNIQUE = (1.4, -1.1)
"""significance of the primary above its false-alarm levels: inconclusive below the first value, failed below the second
"""
SECONDARY = (0.1, 2.7)
"""significance of a secondary above its false-alarm levels: inconclusive from the first value, failed from the second
"""


@dataclass(frozen=True)
class ModelShift:
    """The four events of a fold.

    Attributes:
        primary, secondary, tertiary, positive: significance of each event; NaN if the fold has no room for it.
        secondary_phase: phase of the secondary, 0 to 1; the transit is at 0.
        secondary_depth: depth of the secondary, fraction.
        secondary_depth_error: its standard error, fraction.
        red: noise of boxes over that of white noise ("Fred"), 1 in white noise.
        alarm_survey: significance that chance reaches once in a survey; limit of the primary and secondary over
            ``red``.
        alarm_fold: significance that chance reaches once in a fold; limit of the differences.
        unique: smallest of ``primary / red - alarm_survey``, ``primary - tertiary - alarm_fold`` and
            ``primary - positive - alarm_fold``.
        second: margin of the secondary: the lesser of ``secondary / red - alarm_survey`` (left out where ``red`` is
            above 1.8: then the fold is full of light that is no noise) and of the larger of ``secondary - tertiary -
            alarm_fold`` and ``secondary - positive - alarm_fold``, plus 1; above 0 it is significant.
        verdict_unique: "fail" if another event of the fold is about as significant as the primary.
        verdict_secondary: "fail" if there is a significant secondary.
    """

    primary: float
    secondary: float
    tertiary: float
    positive: float
    secondary_phase: float
    secondary_depth: float
    secondary_depth_error: float
    red: float
    alarm_survey: float
    alarm_fold: float
    unique: float
    second: float
    verdict_unique: Verdict
    verdict_secondary: Verdict


def model_shift(series: TransitSeries) -> ModelShift:
    """Return the significance of the four events of a fold.

    For a single transit, or a fold without cadences out of transit, numbers are NaN and verdicts "not known".

    False-alarm levels are ``sqrt(2) erfcinv(q / 20000)`` and ``sqrt(2) erfcinv(q)`` with ``q`` the duration over the
    period (Coughlin 2017).
    """
    nan = float("nan")
    if not series.folds:
        return ModelShift(*(nan,) * 12, "not known", "not known")
    share = series.duration / series.period
    fold = moved_box(series)
    phase, mes = fold.phase, fold.depth / fold.error
    inside = np.flatnonzero(_distance(phase, 0.0) < 0.5 * share)
    k = inside[np.argmax(mes[inside])]
    at, primary = float(phase[k]), float(mes[k])
    secondary = tertiary = positive = red = nan
    second_phase = second_depth = second_error = nan
    from_primary = _distance(phase, at)
    free = from_primary >= APART * share
    if free.any():
        k = np.flatnonzero(free)[np.argmax(mes[free])]
        secondary, second_phase = float(mes[k]), float((phase[k] - at) % 1.0)
        second_depth, second_error = float(fold.depth[k]), float(fold.error[k])
        from_secondary = _distance(phase, float(phase[k]))
        red = _red(series, fold, free & (from_secondary >= share))
        third = free & (from_secondary >= APART * share)
        tertiary = float(mes[third].max()) if third.any() else nan
        bumps = (from_primary >= FAR * share) & (from_secondary >= FAR * share)
        positive = float(-mes[bumps].min()) if bumps.any() else nan
    survey, chance = (float(np.sqrt(2) * erfcinv(share / n)) for n in (SEARCHED, 1.0))
    unique = _margin(primary, red, tertiary, positive, survey, chance)
    second = _second(secondary, red, tertiary, positive, survey, chance)
    return ModelShift(
        primary,
        secondary,
        tertiary,
        positive,
        second_phase,
        second_depth,
        second_error,
        red,
        survey,
        chance,
        unique,
        second,
        below(unique, *NOT_UNIQUE),
        above(second, *SECONDARY),
    )


class MovedBox(NamedTuple):
    """Depth and error of a box around each cadence, in the order of phase; all ``(n,)`` float64."""

    phase: np.ndarray
    flux: np.ndarray
    weight: np.ndarray
    depth: np.ndarray
    error: np.ndarray


def _distance(phase: np.ndarray, at: float) -> np.ndarray:
    """Return the distance of each phase from the phase ``at``, 0 to 0.5."""
    away = np.abs(phase - at)
    return np.minimum(away, 1.0 - away)


def moved_box(series: TransitSeries) -> MovedBox:
    """Move a box as long as the transit through the fold."""
    share = series.duration / series.period
    phase = series.late / series.period
    before = phase < 0
    phase = np.where(before, phase + 1.0, phase)
    order = np.argsort(phase, kind="stable")
    # An orbit begins at mid-transit.
    orbit = (series.event - before)[order]
    orbit += 1 - orbit.min()
    phase, flux, weight = phase[order], series.flux[order], series.weight[order]
    held = np.empty((len(phase), 4))
    boxes.phase_boxes(phase, orbit, flux, weight, 0.5 * share, held)
    depth = series.level - held[:, 1] / held[:, 2]
    error = np.sqrt(series.white**2 / held[:, 0] + series.red**2 / held[:, 3])
    return MovedBox(phase, flux, weight, depth, error)


def _red(series: TransitSeries, fold: MovedBox, rest: np.ndarray) -> float:
    """Return the scatter of boxes over that of white noise in the part ``rest`` of the fold; NaN where it is empty."""
    white = spread(fold.flux[rest], fold.weight[rest])
    if not white > 0:
        return float("nan")
    return float(np.sqrt(series.n_inside) * spread(fold.depth[rest], fold.error[rest] ** -2) / white)


def _margin(event: float, red: float, tertiary: float, positive: float, survey: float, fold: float) -> float:
    """Return the smallest difference between an event and its false-alarm levels, without those that are NaN."""
    differences = (ratio(event, red) - survey, event - tertiary - fold, event - positive - fold)
    known = [x for x in differences if np.isfinite(x)]
    return min(known) if known else float("nan")


def _second(event: float, red: float, tertiary: float, positive: float, survey: float, fold: float) -> float:
    """Return ``second`` of :class:`ModelShift`; NaN if there is no secondary."""
    apart = [event - other - fold + 1.0 for other in (tertiary, positive) if np.isfinite(other)]
    margins = [max(apart)] if apart else [event - survey]
    if not red > RED:
        margins.append(ratio(event, red) - survey)
    known = [margin for margin in margins if np.isfinite(margin)]
    return float(min(known)) if known else float("nan")
