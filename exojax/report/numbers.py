"""The numbers of one candidate as a vetter reads them: days, hours, ppm, each with its error."""

from __future__ import annotations

import math

from exojax.candidates import Candidates
from exojax.light_curves import Stars
from exojax.report.style import plain

EARTHS = 109.076  # nominal solar radius over nominal Earth's, IAU 2015 resolution B3 (6,378.1 km)
NONE = "–"


def rows(one: Candidates, time_system: str, absolute: bool, star: Stars | None) -> list[tuple[str, str]]:
    """Names and values of the one candidate, for the table on its sheet.

    Args:
        one: one row.
        time_system: of ``t0``, as in :class:`exojax.light_curves.LightCurves`.
        absolute: depth is a fraction; otherwise it is in units of the star's scatter.
        star: one row, or None. The radius of the planet is the star's times the root of the depth, which neglects limb
            darkening and light from neighbours.
    """
    single = bool(one.single[0])
    scale, unit, digits = (1e6, "ppm", 0) if absolute else (1.0, "σ", 2)
    depth, depth_error = float(one.depth[0]) * scale, float(one.depth_error[0]) * scale
    found = [
        ("period", least(float(one.period_min[0])) if single else both(one.period[0], one.period_error[0], "d", 5)),
        (f"t0, {plain(time_system, 9)}", both(one.t0[0], one.t0_error[0], "d", 4)),
        ("duration", f"{text(one.duration[0] * 24, 2)} h"),
        ("depth", both(depth, depth_error, unit, digits)),
        ("radius", radius(float(one.depth[0]), star) if absolute else NONE),
        ("SNR, white", text(one.snr[0], 1)),
        ("SNR, red", text(one.snr_red[0], 1)),
        ("SDE", text(one.sde[0], 1)),
        ("transits seen", str(int(one.n_transits[0]))),
        ("odd – even", sigma(one.odd_even_sigma[0])),
        ("secondary", sigma(one.secondary_sigma[0], one.secondary_phase[0])),
        ("centroid shift", sigma(one.centroid_sigma[0])),
        ("probability", text(one.probability[0], 3)),
        ("aliases", _listed(str(one.aliases[0]), "\xa0d")),
        ("matches", _listed(str(one.matches[0]))),
    ]
    return [(name, value) for name, value in found if not (single and name in ("odd – even", "secondary", "aliases"))]


def least(period: float) -> str:
    """The shortest period of a single transit, days, or that it is not known."""
    return "unknown" if math.isnan(period) else f"≥ {text(period, 4)} d"


def text(value: float, digits: int) -> str:
    """The value with so many decimals, or a dash for NaN."""
    return NONE if math.isnan(value) else f"{value:.{digits}f}" if abs(value) < 1e7 else f"{value:.3g}"


def both(value: float, error: float, unit: str, digits: int) -> str:
    """``10.05446 ± 0.00026 d``: decimals so that the error has two figures, ``digits`` where it is unknown."""
    if math.isnan(value):
        return NONE
    if not (math.isfinite(error) and error > 0):
        return f"{text(value, digits)} {unit}"
    digits = min(max(1 - math.floor(math.log10(error)), 0), 8)
    return f"{text(value, digits)} ± {text(error, digits)} {unit}"


def radius(depth: float, star: Stars | None) -> str:
    """``2.1 Earth`` of a depth as a fraction, or why there is none."""
    if star is None or not star.radius[0] > 0:
        return "star's unknown"
    return f"≈ {float(star.radius[0]) * EARTHS * math.sqrt(depth):.3g} R⊕" if depth > 0 else NONE


def star_line(star: Stars | None) -> str:
    """What is known of the star, in one line."""
    if star is None:
        return "star: nothing known"
    known = [
        (star.radius[0], "R = {:.3g} R☉"),
        (star.mass[0], "M = {:.3g} M☉"),
        (star.teff[0], "Teff = {:.0f} K"),
        (star.mag[0], "mag = {:.2f}"),
    ]
    told = "   ".join(form.format(value) for value, form in known if math.isfinite(value))
    return told or "star: nothing known"


def sigma(value: float, phase: float = math.nan) -> str:
    where = "" if math.isnan(phase) else f" at phase {phase:.3f}"
    return "not measured" if math.isnan(value) else f"{value:.1f}σ{where}".replace("-", "−")


def _listed(joined: str, unit: str = "") -> str:
    parts = [plain(part, 40) for part in joined.split(";") if part]
    return ", ".join(parts) + (unit if parts else "") or "none"
