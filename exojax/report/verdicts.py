"""The tests of a candidate in words: what is tested, the number that answers, its limits, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from exojax.report.style import ACCENT, GREY, HOST, WARN
from exojax.vetting import (
    albedo,
    all_tests,
    asymmetry,
    coverage,
    duration,
    event_depths,
    model_shift,
    odd_even,
    orbital_light,
    planet_radius,
    shared_ephemeris,
    spacecraft,
    sweet,
    transit_shape,
)
from exojax.vetting.all_tests import Vetting
from exojax.vetting.verdict import Verdict

SIGNS: dict[Verdict, tuple[str, str]] = {
    "pass": ("✓", ACCENT),
    "inconclusive": ("?", WARN),
    "fail": ("✗", HOST),
    "not known": ("–", GREY),
}
"""sign and colour of a verdict: the sign tells in grey what the colour does"""


class VerdictLine(NamedTuple):
    """A test on a sheet: its name, its number and its limit in words, and the verdict."""

    name: str
    number: str
    limit: str
    verdict: Verdict


class _Wording(NamedTuple):
    """Words of a test, names of its numbers, their form, the limits, and whether small numbers fail."""

    words: str
    numbers: tuple[str, ...]
    form: str
    limits: tuple[float, float]
    low: bool = False


_TESTS: dict[str, _Wording] = {
    "unique": _Wording("deepest dip, beyond chance", ("unique",), "{:.1f}σ", model_shift.NOT_UNIQUE, True),
    "secondary": _Wording("second dip, beyond chance", ("secondary_margin",), "{:.1f}σ", model_shift.SECONDARY),
    "albedo": _Wording("albedo for that eclipse", ("albedo",), "{:.2f}", albedo.TOO_BRIGHT),
    "odd_even": _Wording("odd, even beyond detrending", ("odd_even_uneven",), "{:.1f}σ", odd_even.SIGMA),
    "alike": _Wording("depths scatter, χ² each", ("events_chi",), "{:.1f}", event_depths.UNLIKE),
    "dominance": _Wording("one transit carries it", ("events_dominance",), "{:.2f}", event_depths.DOMINANT),
    "mean_median": _Wording("mean over median depth", ("mean_over_median",), "{:.2f}", event_depths.MEAN_MEDIAN),
    "chases": _Wording("quiet around each transit", ("chases",), "{:.2f}", event_depths.CHASES, True),
    "shape": _Wording("fits as a transit, Δχ²", ("shape_gain",), "{:.0f}", transit_shape.GAIN, True),
    "v_shape": _Wording("V-shaped, Δχ²", ("shape_v",), "{:.0f}", transit_shape.V_SHAPED),
    "asymmetry": _Wording("lopsided", ("asymmetry",), "{:.1f}σ", asymmetry.LOPSIDED),
    "sweet": _Wording("sine at P/2, P, 2P", ("sweet_half", "sweet_one", "sweet_two"), "{:.1f}", sweet.SIGMA),
    "orbital_light": _Wording("tides in the light", ("ellipsoidal",), "{:.1f}σ", orbital_light.TIDAL),
    "duration": _Wording("duration over the star's", ("duration_ratio",), "{:.2f}", duration.TOO_LONG),
    "planet_radius": _Wording("radius by √depth, Earth's", ("planet_radius",), "{:.1f}", planet_radius.TOO_LARGE),
    "centroid": _Wording("the centroid moves", ("centroid",), "{:.1f}σ", all_tests.CENTROID),
    "coverage": _Wording("transit filled with data", ("filled",), "{:.0%}", coverage.FILLED, True),
    "dumps": _Wording("transits at interruptions", ("at_dumps",), "{:.0%}", spacecraft.AT_DUMPS),
}


_YES: dict[Verdict, str] = {"fail": "yes", "pass": "no", "inconclusive": "one"}


def verdict_lines(found: Vetting) -> list[VerdictLine]:
    """Return the tests of a candidate in the order of a sheet; what is not known says so."""
    lines = []
    for name, wording in _TESTS.items():
        values = [found.numbers.get(number, math.nan) for number in wording.numbers]
        number = ", ".join("–" if math.isnan(value) else wording.form.format(value) for value in values)
        sign = "<" if wording.low else "≥"
        limit = f"? {sign} {wording.limits[0]:g}, ✗ {sign} {wording.limits[1]:g}"
        if name == "duration":  # it fails on both sides
            (long, longer), (short, shorter) = wording.limits, duration.TOO_SHORT
            limit = f"? {long:g}, ✗ {longer:g}; {short:g}, {shorter:g}"
        verdict = found.verdicts.get(name, "not known")
        unknown = all(math.isnan(value) for value in values)
        lines.append(VerdictLine(wording.words, "not known" if unknown else number.replace("-", "−"), limit, verdict))
    period, shared = (found.verdicts.get(name, "not known") for name in ("spacecraft", "shared"))
    limit = f"? ≥ {shared_ephemeris.SHARED[0]}, ✗ ≥ {shared_ephemeris.SHARED[1]} stars"
    lines.append(VerdictLine("shared with other stars", _YES.get(shared, "–"), limit, shared))
    lines.append(VerdictLine("period is the spacecraft's", _YES.get(period, "–"), "", period))
    return lines


def draw_tests(figure: Figure, lines: Sequence[VerdictLine], box: tuple[float, float, float], step: float) -> float:
    """Write the tests on a sheet, a line each.

    Args:
        figure: of the sheet.
        lines: of :func:`verdict_lines`, or made by hand.
        box: left and right end of the lines, and the height of the first, as shares of the figure.
        step: height of a line.

    Returns:
        The height below the last line.
    """
    left, right, y = box
    width = right - left
    for line in lines:
        sign, colour = SIGNS[line.verdict]
        figure.text(left, y, sign, fontsize=7.5, color=colour, weight="bold", va="baseline")
        figure.text(left + 0.05 * width, y, line.name, fontsize=7, va="baseline")
        figure.text(left + 0.69 * width, y, line.number, fontsize=7, va="baseline", ha="right")
        figure.text(left + 0.71 * width, y, line.limit, fontsize=6, color=GREY, va="baseline")
        y -= step
    return y
