"""A limb-darkened transit for the eye: the shape that fits a fold best, drawn over it.

The light of a star with quadratic limb darkening behind a dark disc is integrated over rings of the star, which is
slower than the closed form of Mandel & Agol (2002, ApJ 580, L171) and needs none of its cases. The path is a straight
chord.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

LIMB = (0.40, 0.26)
"""quadratic limb darkening of a star like the Sun in Kepler's band (Claret & Bloemen 2011)"""
RINGS = 32
"""rings of the star that are summed"""
IMPACTS = np.array([0.0, 0.35, 0.55, 0.7, 0.82, 0.91, 0.97])
"""impacts of the paths tried, in units of 1 + the ratio of radii"""
LENGTHS = np.array([0.8, 0.86, 0.92, 0.96, 1.0, 1.03, 1.06, 1.1, 1.15, 1.22, 1.32])
"""durations tried, in units of the one found"""
FINER = ((0.1, 0.02), (0.05, 0.01), (0.0, 0.0))
"""steps of impact and of duration around the best of the grid, and around the best of those"""
SAMPLES = np.array([-0.375, -0.125, 0.125, 0.375])
"""places within an exposure at which the model is taken, in exposures"""
ROUNDS = 4
"""turns of the ratio of radii, until it explains the depth by itself"""
LARGEST = 0.3
"""ratio of radii up to which paths are tried: larger ones are stars'"""
SURE = 9.0
"""chi-squared by which a less central path has to fit better"""
GRAZING = 0.9
"""impact from which on the ratio of radii is hardly known"""


@dataclass(frozen=True)
class TransitModel:
    """A transit of a dark disc over a limb-darkened star.

    Attributes:
        ratio: of the disc's radius to the star's.
        impact: distance of the disc's path from the star's centre, in units of 1 + ``ratio``.
        duration: days, first to last contact.
        exposure: days.
        scale: of the dip, 1 where its depth is a fraction.
    """

    ratio: float
    impact: float
    duration: float
    exposure: float
    scale: float = 1.0

    def __call__(self, late: np.ndarray) -> np.ndarray:
        """Return the flux less 1, ``(n,)`` float64, at ``late`` days from mid-transit."""
        near = np.abs(late) < 0.5 * (self.duration + self.exposure)
        flux = np.zeros(len(late))
        flux[near] = -self.scale * _dip(late[near], self.ratio, self.impact, self.duration, self.exposure)
        return flux

    def axis(self, period: float) -> float:
        """Return a/R of a circular orbit of ``period`` days with this path; NaN without a period."""
        if not period > self.duration:
            return float("nan")
        reach = (1 + self.ratio) ** 2 * (1 - self.impact**2) / np.sin(np.pi * self.duration / period) ** 2
        return float(np.sqrt(reach + (self.impact * (1 + self.ratio)) ** 2))


def light_lost(distance: np.ndarray, ratio: float, limb: tuple[float, float] = LIMB) -> np.ndarray:
    """Return the share of the star's light behind a disc, ``(n,)`` float64.

    Args:
        distance: ``(n,)`` float64, of the disc's centre from the star's, in radii of the star.
        ratio: of the disc's radius to the star's.
        limb: ``u1, u2`` of ``1 - u1 (1 - mu) - u2 (1 - mu)^2``.
    """
    z = np.abs(distance)[:, None]
    low, high = np.maximum(z - ratio, 0.0), np.clip(z + ratio, None, 1.0)
    # Rings are dense at both ends, where the covered arc changes fastest.
    node, weight = np.polynomial.legendre.leggauss(RINGS)
    turn = 0.5 * np.pi * (node + 1)
    middle, half = 0.5 * (low + high), np.maximum(0.5 * (high - low), 0.0)
    radius = middle - half * np.cos(turn)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = (radius**2 + z**2 - ratio**2) / (2 * radius * z)
    arc = np.where(radius <= ratio - z, np.pi, np.arccos(np.clip(np.nan_to_num(cosine, nan=-1.0), -1.0, 1.0)))
    mu = np.sqrt(np.clip(1 - radius**2, 0.0, 1.0))
    light = 1 - limb[0] * (1 - mu) - limb[1] * (1 - mu) ** 2
    lost = (weight * 0.5 * np.pi * np.sin(turn) * half * light * 2 * radius * arc).sum(axis=1)
    return np.asarray(lost / (np.pi * (1 - limb[0] / 3 - limb[1] / 6)))


def fitted(
    late: np.ndarray,
    flux: np.ndarray,
    weight: np.ndarray,
    duration: float,
    exposure: float,
    *,
    absolute: bool,
    scatter: float = 0.0,
) -> TransitModel | None:
    """Return the transit that fits a fold best, or None where nothing dips.

    Durations and paths of a small grid are tried; the ratio of radii follows from the depth.

    Args:
        late: ``(n,)`` float64 days from mid-transit, such as the middles of bins.
        flux: ``(n,)`` float64, 0 out of transit.
        weight: ``(n,)`` float64, inverse variance up to a factor.
        duration: days, as found.
        exposure: days.
        absolute: ``flux`` is a fraction; otherwise the shape is that of a disc a tenth of the star's size.
        scatter: standard deviation of a value of weight 1: of paths that fit as well the most central is taken.
    """
    inside = np.abs(late) < 0.35 * duration
    if not (weight[inside] > 0).any() or not duration > 0:
        return None
    depth = -float(np.average(flux[inside], weights=weight[inside]))
    if not depth > 0:
        return None
    centre = 1 - LIMB[0] / 3 - LIMB[1] / 6
    first = float(np.clip(np.sqrt(depth * centre), 0.003, LARGEST)) if absolute else 0.1
    least, lowest, found = np.inf, IMPACTS[0], None
    paths = [(impact, length) for impact in IMPACTS for length in LENGTHS]
    for impact_step, length_step in FINER:
        for impact, length in paths:
            model = TransitModel(first, float(impact), float(length * duration), exposure)
            shape = model(late)
            power = float(weight @ shape**2)
            if not power > 0:
                continue
            scale = float(weight @ (shape * flux)) / power
            misfit = float(weight @ (flux - scale * shape) ** 2)
            ratio = first * np.sqrt(max(scale, 0.0)) if absolute else first
            if scale > 0 and ratio <= LARGEST and misfit < least - (SURE * scatter**2 if impact > lowest else 0.0):
                least, lowest, found = misfit, impact, replace(model, ratio=ratio)
        if found is None:
            break
        here = found.impact, found.duration / duration
        impacts = np.clip(here[0] + impact_step * np.array([-1, 0, 1]), 0.0, IMPACTS[-1])
        paths = [(impact, here[1] + length_step * by) for impact in impacts for by in (-1, 0, 1)]
    if found is None:
        return None
    ratio = found.ratio
    for _ in range(ROUNDS if absolute else 0):
        # Of a grazing disc the depth does not go as the square of its radius.
        scale = _scale(late, flux, weight, replace(found, ratio=ratio))
        ratio = float(np.clip(ratio * np.sqrt(max(scale, 0.0)), 1e-3, LARGEST))
    found = replace(found, ratio=ratio)
    return replace(found, scale=_scale(late, flux, weight, found))


def _scale(late: np.ndarray, flux: np.ndarray, weight: np.ndarray, model: TransitModel) -> float:
    """Return the factor by which the model, taken at scale 1, fits the flux best."""
    shape = replace(model, scale=1.0)(late)
    return float(weight @ (shape * flux)) / float(weight @ shape**2)


def _dip(late: np.ndarray, ratio: float, impact: float, duration: float, exposure: float) -> np.ndarray:
    """Return the share of light lost at ``late`` days, averaged over an exposure."""
    whole = 1 + ratio
    x = 2 * (late[:, None] + exposure * SAMPLES) / duration
    distance = whole * np.sqrt(impact**2 + (1 - impact**2) * x**2)
    return light_lost(distance.ravel(), ratio).reshape(x.shape).mean(axis=1)
