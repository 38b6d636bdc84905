"""Every test of one candidate together: its numbers by name, its verdicts by name, and what of them goes into flags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exojax.vetting.albedo import albedo_test
from exojax.vetting.asymmetry import asymmetry
from exojax.vetting.centroid import MOVED
from exojax.vetting.coverage import coverage
from exojax.vetting.duration import duration_test
from exojax.vetting.event_depths import event_depths
from exojax.vetting.model_shift import SECONDARY, model_shift
from exojax.vetting.odd_even import odd_even
from exojax.vetting.orbital_light import orbital_light
from exojax.vetting.planet_radius import radius_test
from exojax.vetting.spacecraft import spacecraft_test
from exojax.vetting.sweet import sweet
from exojax.vetting.transit_series import TransitSeries
from exojax.vetting.transit_shape import transit_shape
from exojax.vetting.verdict import Verdict, above

NUMBERS = (
    "mes",
    "red_over_white",
    "duration_ratio",
    "planet_radius",
    "sweet_half",
    "sweet_one",
    "sweet_two",
    "sweet_over_depth",
    "primary",
    "secondary",
    "tertiary",
    "positive",
    "secondary_phase",
    "secondary_over_depth",
    "fold_red",
    "unique",
    "secondary_margin",
    "albedo",
    "odd_even",
    "odd_even_uneven",
    "odd_even_over_depth",
    "events_chi",
    "events_consistency",
    "events_dominance",
    "mean_over_median",
    "chases",
    "filled",
    "observed",
    "at_gaps",
    "at_dumps",
    "shape_ingress",
    "shape_gain",
    "shape_excess",
    "shape_v",
    "shape_axis",
    "shape_duration",
    "asymmetry",
    "ellipsoidal",
    "reflected",
    "centroid",
)
"""names of the measured numbers, in the order of the columns that models take as input"""
COLUMNS = tuple(f"vet_{name}" for name in NUMBERS)
"""the same as columns of ``candidates.csv``"""
VERDICTS = (
    "duration",
    "planet_radius",
    "sweet",
    "unique",
    "secondary",
    "albedo",
    "odd_even",
    "alike",
    "dominance",
    "mean_median",
    "chases",
    "coverage",
    "shape",
    "v_shape",
    "asymmetry",
    "orbital_light",
    "spacecraft",
    "dumps",
    "centroid",
)
"""names of the tests that return a verdict"""
CENTROID = (MOVED, 5.0)
"""sigma of the centroid's shift: from the first inconclusive, from the second it fails"""

DETECTED = 7.1
"""significance of all transits; a weaker signal fails the tests ``OF_STRENGTH`` through noise alone"""
OF_STRENGTH = ("unique", "shape", "dominance", "mean_median", "chases")
OWN_LIGHT = 0.1
"""largest depth of a planet's own secondary, as a share of the depth of its transit"""


@dataclass(frozen=True)
class StarSize:
    """Radius, mass and density of a star in solar units; NaN where unknown."""

    radius: float = float("nan")
    mass: float = float("nan")
    density: float = float("nan")


@dataclass(frozen=True)
class Vetting:
    """Results of all tests of a candidate.

    Attributes:
        numbers: value by name; NaN where it is not known. The names are always those of ``NUMBERS``, in that order.
        verdicts: verdict by test. The tests are always those of ``VERDICTS``, in that order.
    """

    numbers: dict[str, float]
    verdicts: dict[str, Verdict]


UNKNOWN = Vetting(dict.fromkeys(NUMBERS, float("nan")), dict.fromkeys(VERDICTS, "not known"))
"""result for a candidate that cannot be tested"""


def all_tests(
    series: TransitSeries,
    star: StarSize,
    *,
    absolute: bool,
    cadence: float,
    time_system: str,
    centroid_sigma: float = float("nan"),
    dumps: np.ndarray | None = None,
) -> Vetting:
    """Run all tests of a candidate that need only its light curve and its star.

    Args:
        series: light curve of the candidate, without the transits of other candidates.
        star: size of the star.
        absolute: True if depths are fractions of the star's flux.
        cadence: days between samples.
        time_system: ``BKJD``, ``BTJD`` or ``BJD``; it identifies the spacecraft.
        centroid_sigma: significance from :func:`exojax.vetting.centroid.centroid_shift`, or NaN.
        dumps: ``(k,)`` float64 days, times of momentum dumps, or None if they are not known.
    """
    shift = model_shift(series)
    parity = odd_even(series)
    waves = sweet(series)
    covered = coverage(series, cadence)
    shape = transit_shape(series)
    events = event_depths(series, shape)
    # A mean over the whole of a V is a third of its depth.
    depth = float("nan") if not absolute else shape.depth if shape.depth > series.depth else series.depth
    halves = asymmetry(series)
    light = orbital_light(series, star.density)
    craft = spacecraft_test(series, cadence, time_system, dumps)
    duration = series.duration if np.isfinite(series.depth) else float("nan")
    length = duration_test(duration, series.period, depth, star.density)
    size = radius_test(depth, star.radius)
    # The deepest other dip of a fold is no secondary unless it is significant.
    second = shift.secondary_depth if absolute and shift.second >= SECONDARY[1] else float("nan")
    albedo = albedo_test(second, shift.secondary_depth_error, depth, series.period, star.radius, star.mass)
    numbers = {
        "mes": series.mes,
        "red_over_white": series.red / series.white if series.white > 0 else float("nan"),
        "duration_ratio": length.ratio,
        "planet_radius": size.radius,
        "sweet_half": waves.sigma[0],
        "sweet_one": waves.sigma[1],
        "sweet_two": waves.sigma[2],
        "sweet_over_depth": waves.over_depth,
        "primary": shift.primary,
        "secondary": shift.secondary,
        "tertiary": shift.tertiary,
        "positive": shift.positive,
        "secondary_phase": shift.secondary_phase,
        "secondary_over_depth": shift.secondary_depth / series.depth if series.depth > 0 else float("nan"),
        "fold_red": shift.red,
        "unique": shift.unique,
        "secondary_margin": shift.second,
        "albedo": albedo.albedo,
        "odd_even": parity.sigma,
        "odd_even_uneven": parity.sigma_uneven,
        "odd_even_over_depth": abs(parity.ratio),
        "events_chi": events.chi_squared,
        "events_consistency": events.consistency,
        "events_dominance": events.dominance,
        "mean_over_median": events.mean_over_median,
        "chases": events.chases,
        "filled": covered.filled,
        "observed": covered.observed,
        "at_gaps": covered.at_gaps,
        "at_dumps": craft.at_dumps,
        "shape_ingress": shape.ingress,
        "shape_gain": shape.gain,
        "shape_excess": shape.excess,
        "shape_v": shape.v_shape,
        "shape_axis": shape.scaled_axis,
        "shape_duration": shape.duration / series.duration,
        "asymmetry": halves.sigma,
        "ellipsoidal": light.ellipsoidal_sigma,
        "reflected": light.reflected_sigma,
        "centroid": centroid_sigma,
    }
    verdicts: dict[str, Verdict] = {
        "duration": length.verdict,
        "planet_radius": size.verdict,
        "sweet": waves.verdict,
        "unique": shift.verdict_unique,
        "secondary": shift.verdict_secondary,
        "albedo": albedo.verdict,
        "odd_even": parity.verdict,
        "alike": events.verdict_alike,
        "dominance": events.verdict_dominance,
        "mean_median": events.verdict_mean_median,
        "chases": events.verdict_chases,
        "coverage": covered.verdict,
        "shape": shape.verdict,
        "v_shape": shape.verdict_v,
        "asymmetry": halves.verdict,
        "orbital_light": light.verdict,
        "spacecraft": craft.verdict_period,
        "dumps": craft.verdict_dumps,
        "centroid": above(centroid_sigma, *CENTROID),
    }
    if not series.mes >= DETECTED:
        verdicts |= {name: "inconclusive" for name in OF_STRENGTH if verdicts[name] == "fail"}
    if _own_light(verdicts, numbers["secondary_over_depth"]):
        verdicts["secondary"] = "pass"
    return Vetting({name: _finite(value) for name, value in numbers.items()}, verdicts)


def _own_light(verdicts: dict[str, Verdict], ratio: float) -> bool:
    """Return whether a planet can cause the secondary: it is shallow, and albedo and radius are those of a planet."""
    return verdicts["albedo"] == "pass" and verdicts["planet_radius"] != "fail" and ratio < OWN_LIGHT


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else float("nan")
