"""The numbers of one candidate as a vetter reads them: days, hours, ppm, each with its error."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from exojax.ephemeris import next_transit
from exojax.light_curves import Piece, Stars
from exojax.report.folding import Sheet, secondary_explained, separation
from exojax.report.style import plain
from exojax.report.transit_model import GRAZING
from exojax.vetting.duration import AXIS_OF_ONE_DAY

EARTHS = 109.076  # nominal solar radius over nominal Earth's, IAU 2015 resolution B3 (6,378.1 km)
NONE = "not known"
REPEATED = ("odd – even", "secondary", "aliases", "timing")
"""rows of a signal with a period alone"""
SIGNIFICANT = 3.0
"""sigma from which on transits do not come on time"""
MOST_LISTED, MOST_PIECES = 6, 8
"""aliases or matches, and sectors, that a line names"""
FIRST_EPIC = 200_000_000
"""first number of K2's catalogue of its campaigns"""


def catalogue(id: str, time_system: str) -> str:
    """Return ``TIC``, ``KIC`` or ``EPIC`` of a catalogue number, by the clock of its mission; else an empty text."""
    if not id.isdigit():
        return ""
    return {"BTJD": "TIC", "BKJD": "EPIC" if int(id) >= FIRST_EPIC else "KIC"}.get(time_system, "")


def title(one: Sheet) -> str:
    """Return the star's name in its catalogue's words, and the planet's where one is known with this period."""
    id = str(one.candidate.id[0])
    name = f"{catalogue(id, one.time_system)} {plain(id, 40)}".strip()
    if id.isdigit():
        for part in str(one.candidate.matches[0]).split(";"):
            known, _, ratio = part.rpartition(":")
            # Other stars are named by their numbers.
            if ratio in ("1", "single") and known and not known.isdigit():
                return f"{name} = {plain(known, 24)}"
    return name


def rows(one: Sheet) -> list[tuple[str, str]]:
    """Return names and values of a candidate, for the table on its sheet; what is not known says so.

    The radius of the planet is the star's times the ratio of radii of the fitted transit, its error that of the depth
    alone. Equilibrium temperature and insolation are those of a circular orbit around a star of the mass given; the
    former of a planet that reflects nothing and shares its heat. Light from neighbours in the aperture is neglected.
    """
    found, star = one.candidate, one.star
    single = bool(found.single[0])
    scale, unit, digits = (1e6, "ppm", 0) if one.absolute else (1.0, "σ", 2)
    depth, depth_error = float(found.depth[0]) * scale, float(found.depth_error[0]) * scale
    white, red = float(found.snr[0]), float(found.snr_red[0])
    quiet = " (no red noise was found)" if math.isfinite(red) and abs(red - white) <= 1e-6 * abs(white) else ""
    period = float(found.period[0])
    explained = secondary_explained(one)
    remark = f": candidate {explained}'s transits" if explained else ""
    pair = math.isfinite(separation(found))
    unmeasured = "not measured (two transits)" if pair else "not measured (one transit)"
    table = [
        ("period", least(float(found.period_min[0])) if single else both(period, found.period_error[0], "d", 5)),
        (
            "t0, file's clock" if one.time_system == "file" else f"t0, {plain(one.time_system, 9)}",
            both(found.t0[0], found.t0_error[0], "d", 4),
        ),
        ("duration", both(float(found.duration[0]) * 24, math.nan, "h", 2)),
        ("mean depth", both(depth, depth_error, unit, digits)),
        ("radius", radius(one) if one.absolute else f"{NONE}: the flux has no scale"),
        ("a/R", axes_of(one)),
        ("impact", NONE if one.fit is None else text(one.fit.impact * (1 + one.fit.ratio), 2)),
        ("Teq, insolation", warmth(period, star)),
        ("SNR", f"{text(white, 1)} white, {text(red, 1)} red{quiet}"),
        ("SDE", text(found.sde[0], 1)),
        ("transits seen", str(int(found.n_transits[0]))),
        ("timing", timing(one)),
        ("odd – even", sigma(found.odd_even_sigma[0])),
        ("secondary", sigma(found.secondary_sigma[0], found.secondary_phase[0]) + remark),
        ("centroid shift", unmeasured if single else sigma(found.centroid_sigma[0])),
        ("probability", share(float(found.probability[0]))),
        ("possible periods" if pair else "aliases", _listed(str(found.aliases[0]), "\xa0d")),
        ("matches", _listed(str(found.matches[0]))),
    ]
    return [(name, value) for name, value in table if not (single and name in REPEATED)]


def system(one: Sheet) -> list[str]:
    """Return the star's other candidates, a line each, best first."""
    lines = []
    others = one.others
    scale, unit, digits = (1e6, "ppm", 0) if one.absolute else (1.0, "σ", 2)
    for k in np.argsort(others.rank, kind="stable"):
        single = math.isnan(others.period[k])
        when = f"one transit at {text(others.t0[k], 2)}" if single else f"{text(others.period[k], 4)} d"
        deep = text(float(others.depth[k]) * scale, digits)
        lines.append(f"{int(others.rank[k])}: {when}, {deep} {unit}, SNR {text(others.snr_red[k], 1)}")
    return lines[:6]


def upcoming(one: Sheet, count: int = 3) -> list[str]:
    """Return the first transits after the light curve's end, with the error of the first, and how it grows."""
    found = one.candidate
    period, error, t0, t0_error = (float(x[0]) for x in (found.period, found.period_error, found.t0, found.t0_error))
    if not period > 0 or not math.isfinite(t0):
        return []
    span = one.cadence * len(one.flat)
    when, spread = (float(found.next_transit[0]), float(found.next_transit_error[0]))
    if not math.isfinite(when):
        when, spread = map(float, next_transit(period, t0, error, t0_error, one.start + span, one.start + span / 2))
    times = ", ".join(f"{when + k * period:.4f}" for k in range(count))
    clock = "by the file's clock" if one.time_system == "file" else plain(one.time_system, 20)
    _, later = next_transit(period, t0, error, t0_error, when + 365.25, one.start + span / 2)
    if not (math.isfinite(spread) and np.isfinite(later)):
        return [f"{times} {clock}; error not known"]
    return [f"{times} {clock}", f"± {24 * spread:.2g} h; a year later ± {24 * float(later):.2g} h"]


def timing(one: Sheet) -> str:
    """Return by how much the transits deviate from a linear ephemeris, and how significantly."""
    value, minutes = float(one.candidate.ttv_sigma[0]), float(one.candidate.ttv_amplitude[0]) * 1440
    if not math.isfinite(value):
        return NONE
    if not value >= SIGNIFICANT:
        return f"on time, {sigma(value)}"
    return f"{minutes:.2g} min off a linear ephemeris, {sigma(value)}"


def least(period: float) -> str:
    """Return the shortest period of a single transit, days, or that it is not known."""
    return NONE if math.isnan(period) else f"≥ {text(period, 4)} d"


def text(value: float, digits: int) -> str:
    """Return the value with so many decimals, or that it is not known."""
    return NONE if math.isnan(value) else f"{value:.{digits}f}" if abs(value) < 1e7 else f"{value:.3g}"


def both(value: float, error: float, unit: str, digits: int) -> str:
    """Return ``10.05446 ± 0.00026 d``: decimals so that the error has two figures, ``digits`` where it is unknown."""
    if math.isnan(value):
        return NONE
    if not (math.isfinite(error) and error > 0):
        return f"{text(value, digits)} {unit}"
    digits = min(max(1 - math.floor(math.log10(error)), 0), 8)
    return f"{text(value, digits)} ± {text(error, digits)} {unit}"


def radius(one: Sheet) -> str:
    """Return ``2.1 ± 0.1 R⊕`` of the planet, or why there is none."""
    star, depth, error = one.star, float(one.candidate.depth[0]), float(one.candidate.depth_error[0])
    if not depth > 0:
        return NONE
    grazing = one.fit is not None and one.fit.impact > GRAZING
    ratio = math.sqrt(depth) if one.fit is None or grazing else one.fit.ratio
    sign = "≥ " if grazing else ""
    if star is None or not star.radius[0] > 0:
        return f"{sign}{ratio:.4f} of the star's, whose radius is not known"
    size = ratio * float(star.radius[0]) * EARTHS
    if not error > 0:
        return f"{sign}{size:.3g} R⊕"
    return f"{sign}{both(size, 0.5 * size * error / depth, 'R⊕', 2)} (the depth's error)"


def axes_of(one: Sheet) -> str:
    """Return the orbit in radii of the star, from the shape of the transit and from the star's density."""
    period, star = float(one.candidate.period[0]), one.star
    shape = math.nan if one.fit is None else one.fit.axis(period)
    dense = math.nan if star is None or not period > 0 else AXIS_OF_ONE_DAY * _cube_root(float(star.density[0]), period)
    phrases = [
        f"{value:.3g} by the {name}" for value, name in ((shape, "transit"), (dense, "star")) if math.isfinite(value)
    ]
    return ", ".join(phrases) or NONE


def _cube_root(density: float, period: float) -> float:
    return math.nan if math.isnan(density) else float((density * period**2) ** (1 / 3))


def warmth(period: float, star: Stars | None) -> str:
    """Return equilibrium temperature, K, and insolation in the Earth's."""
    if star is None or not period > 0:
        return NONE
    axis = AXIS_OF_ONE_DAY * _cube_root(float(star.density[0]), period)
    teff = float(star.teff[0])
    if not (math.isfinite(axis) and math.isfinite(teff)):
        return NONE
    # The Earth's: 215.03 radii of a Sun of 5,772 K.
    return f"{teff * math.sqrt(0.5 / axis):.0f} K, {(teff / 5772) ** 4 * (215.032 / axis) ** 2:.3g} of the Earth's"


def star_line(star: Stars | None, pieces: Sequence[Piece] = ()) -> str:
    """Return the known facts of the star, in one line."""
    known = []
    if star is not None:
        known = [
            (float(star.mag[0]), "mag {:.2f}"),
            (float(star.teff[0]), "{:.0f} K"),
            (float(star.radius[0]), "{:.3g} R☉"),
            (float(star.mass[0]), "{:.3g} M☉"),
            (float(star.density[0]), "{:.2g} ρ☉"),
        ]
    phrases = [form.format(value) for value, form in known if math.isfinite(value)]
    place = next((one for one in pieces if math.isfinite(one.ra) and math.isfinite(one.dec)), None)
    if place is not None:
        phrases = [f"α {place.ra:.5f}° δ {place.dec:+.5f}°".replace("-", "−"), *phrases]
    numbered: dict[str, list[str]] = {}
    for one in pieces:
        if one.kind:
            numbered.setdefault(one.kind, []).append(str(one.number))
    parts = [f"{kind}{'s' * (len(all_of) > 1)} {_some(all_of, MOST_PIECES)}" for kind, all_of in numbered.items()]
    missing = "" if phrases and len([x for x, _ in known if math.isfinite(x)]) else "   star: size and mass not known"
    return "   ".join([*phrases, *([", ".join(parts)] if parts else [])]) + missing


def sigma(value: float, phase: float = math.nan) -> str:
    """Return a significance in words, with the phase where one is given."""
    where = "" if math.isnan(phase) else f" at phase {phase:.3f}"
    return "not measured" if math.isnan(value) else f"{value:.1f}σ{where}".replace("-", "−")


def _listed(joined: str, unit: str = "") -> str:
    parts = [plain(part, 40) for part in joined.split(";") if part]
    return _some(parts, MOST_LISTED, unit) if parts else "none"


def _some(parts: list[str], most: int, unit: str = "") -> str:
    """Return the first ``most`` parts, and how many there are where there are more."""
    more = f" … {len(parts)} in all" if len(parts) > most else ""
    return ", ".join(parts[:most]) + unit + more


def share(value: float) -> str:
    """Return a probability with three decimals; one below a thousandth is not 0."""
    return "< 0.001" if 0 < value < 0.0005 else "> 0.999" if 0.9995 <= value < 1 else text(value, 3)
