"""Flag properties of a candidate that speak against a planet, as short texts with the measured number.

A flag asks for a closer look; it is no verdict. The tests are those of Kepler's Robovetter (Thompson et al. 2018, ApJS
235, 38) that need only a table of candidates.
"""

from __future__ import annotations

import math

import numpy as np

from exojax.candidates import Candidates
from exojax.detection.period_grid import transit_duration
from exojax.ephemeris import phase, transit_mask
from exojax.light_curves import EvenCurves, Stars
from exojax.vetting.centroid import moved
from exojax.vetting.shared_ephemeris import other_stars
from exojax.vetting.spacecraft import nearest_rhythm

ODD_EVEN = 3.0
SECONDARY = 5.0
"""significance of a flagged secondary; the deepest dip of a fold reaches 3 by chance"""
LARGEST = 2.0
"""radius in Jupiter radii; hardly any known planet is larger"""
JUPITERS = 9.731
"""nominal solar radius over nominal Jupiter's, IAU 2015 resolution B3"""
LONGEST = 1.5
"""flagged duration, in units of that of a central transit on a circular orbit"""
FEW = 2
POINTED = 0.62
"""shape below which a transit is called V-shaped: a triangle has 5/9, a box 1; K2-3 d was found at 0.65"""
RESOLVED = 2.0
"""shortest transit whose shape is used, cadences; exposures alone make shorter transits V-shaped"""
SHARED = {1.0: "", 2.0: "twice ", 0.5: "half "}
"""flagged ratios of a candidate's period to that of an earlier candidate of the star, in words"""
DRIFT = 0.25
"""largest drift between two candidates of one signal over the light curve, in durations"""
CLOSE = 0.01
"""largest relative difference of their periods; it counts if few transits hardly limit the drift"""


def flags(
    found: Candidates,
    stars: Stars,
    absolute: np.ndarray,
    time_system: np.ndarray,
    shape: np.ndarray | None = None,
) -> np.ndarray:
    """Return the flags of each candidate.

    Args:
        found: ``n`` candidates; only matches with other stars are used, not those with known planets.
        stars: ``(n,)`` properties of the star of each candidate; NaN where unknown.
        absolute: ``(n,)`` bool, True if the depth is a fraction of the flux.
        time_system: ``(n,)`` str, ``BKJD``, ``BTJD`` or ``BJD``; it identifies the spacecraft.
        shape: ``(n,)`` float from :func:`shape_of`, NaN where unknown; None if no shape was measured.

    Returns:
        ``(n,)`` str, the flags of a candidate joined with ``;``; empty if there is none. A number that was not measured
        raises no flag.
    """
    density = stars.density
    order = np.argsort(found.star, kind="stable")
    ends = np.searchsorted(found.star[order], found.star), np.searchsorted(found.star[order], found.star, "right")
    texts = []
    for i in range(len(found)):
        single = bool(found.single[i])
        candidate_flags = [] if shape is None else [_shaped(float(shape[i]))]
        if not single:
            candidate_flags.append(_sigma("odd and even differ by {:.1f}σ", found.odd_even_sigma[i], ODD_EVEN))
            place = float(found.secondary_phase[i])
            text = _sigma(f"a secondary of {{:.1f}}σ at phase {place:.2f}", found.secondary_sigma[i], SECONDARY)
            family = order[ends[0][i] : ends[1][i]]
            if text and not _explained(found, i, family):
                candidate_flags.append(text)
            candidate_flags.append(_same_ephemeris(found, i, family))
        candidate_flags += [
            _large(float(found.depth[i]), float(stars.radius[i])) if absolute[i] else "",
            f"the centroid moves by {found.centroid_sigma[i]:.1f}σ" if moved(found.centroid_sigma[i]) else "",
            _of_spacecraft(float(found.period[i]), float(found.t0[i]), str(time_system[i])),
            _shared(str(found.matches[i])),
            _few(single, int(found.n_transits[i]), str(found.aliases[i])),
            _long(float(found.duration[i]), float(found.period[i]), float(density[i])),
        ]
        texts.append(";".join(filter(None, candidate_flags)))
    return np.array(texts, dtype=np.str_)


def local_views(
    found: Candidates, even: EvenCurves, bins: int = 61, durations: float = 3.0
) -> tuple[np.ndarray, np.ndarray]:
    """Fold each candidate's curve and return its weighted mean in bins around the transit.

    Args:
        found: ``n`` candidates; ``found.star`` holds rows of ``even``.
        even: flat curves.
        bins: number of bins.
        durations: width of all bins together, in transit durations; bins beyond half a period stay empty.

    Returns:
        Two ``(n, bins)`` float64 arrays: mean flux (0 in an empty bin) and sum of weights.
    """
    n, size = len(found), even.flux.shape[1]
    flux, weight = even.flux[found.star].astype(np.float64), even.weight[found.star].astype(np.float64)
    time = even.start[found.star, None] + even.cadence * np.arange(size)
    away = phase(time, np.where(found.single, np.nan, found.period)[:, None], found.t0[:, None])
    place = np.floor((away / (durations * found.duration[:, None]) + 0.5) * bins)
    inside = (place >= 0) & (place < bins) & (weight > 0)
    cell = (np.arange(n)[:, None] * bins + np.where(inside, place, 0).astype(np.int64))[inside]
    total = np.bincount(cell, weight[inside], n * bins)
    sums = np.bincount(cell, (weight * flux)[inside], n * bins)
    mean = np.divide(sums, total, out=np.zeros(n * bins), where=total > 0)  # empty sums are integers
    return mean.reshape(n, bins), total.reshape(n, bins)


def shape_of(view: np.ndarray, weight: np.ndarray, durations: float) -> np.ndarray:
    """Return the mean depth of each transit over the mean depth of its middle fifth.

    The ratio is 1 for a box, 5/9 for a V and about 0.85 for a limb-darkened transit. Both depths are linear in the
    flux, therefore noise does not turn a box into a V, as it does for measured widths.

    Args:
        view: ``(n, bins)`` float, fold around the transit, 0 out of it and negative in it, in any unit.
        weight: ``(n, bins)`` float, inverse variance of a bin up to a factor; 0 for an empty one.
        durations: width of all bins together, in transit durations; 1 or more.

    Returns:
        ``(n,)`` float64; NaN where either part is empty, or where the middle is less than 5 standard errors deep (from
        the scatter of the bins out of transit, or 0 where there are none).
    """
    bins = view.shape[-1]
    away = np.abs((np.arange(bins) + 0.5) / bins - 0.5) * durations  # durations from the middle, 0.5 is the edge
    depth = -np.asarray(view, np.float64)

    def mean(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total = np.sum(weight * inside, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sum(depth * weight * inside, axis=-1) / total, total

    whole, middle, beside = mean(away < 0.5), mean(away <= 0.1 + 0.5 * durations / bins), away > 0.7
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.sum(weight * beside * depth**2, axis=-1) / max(int(beside.sum()), 1)
        error = np.sqrt(squares / middle[1])
        return np.where(middle[0] > np.maximum(5 * error, 0), whole[0] / middle[0], np.nan)


def resolved(shape: np.ndarray, duration: np.ndarray, cadence: float) -> np.ndarray:
    """Return ``shape`` with NaN where the transit lasts fewer than two cadences.

    Args:
        shape: ``(n,)`` float from :func:`shape_of`.
        duration: ``(n,)`` float, days.
        cadence: days.
    """
    return np.where(duration >= RESOLVED * cadence, shape, np.nan)


def _few(single: bool, n_transits: int, aliases: str) -> str:
    """Return the flag of a candidate with two transits or fewer, or an empty text."""
    if n_transits == 0:
        return "no transit in the data"
    if single and n_transits == 2:
        n = aliases.count(";") + 1 if aliases else 0
        return f"a duotransit: two transits, {n} possible periods" if n else "a duotransit: two transits"
    if single:
        return "a single transit"
    return "" if n_transits > FEW else f"{n_transits} transit{'s' if n_transits > 1 else ''}"


def _of_spacecraft(period: float, t0: float, time_system: str) -> str:
    _, name = nearest_rhythm(period, t0, time_system)
    return f"the period is the spacecraft's: {name}" if name else ""


def _shared(matches: str) -> str:
    n = other_stars(matches)
    return "" if n == 0 else f"shared with {n} other star{'s' if n > 1 else ''}"


def _same_ephemeris(found: Candidates, i: int, family: np.ndarray) -> str:
    """Return the flag of a candidate with the period of a better candidate of its star, or half or twice that period.

    Two signals of one period are the eclipses of a binary, or the second is a remainder of the first beside its mask.
    Two planets whose ratio of periods is near 1, 2 or 1/2 by chance drift apart by the end of the light curve and get
    no flag. Without a flag the text is empty.
    """
    if not found.period[i] > 0:
        return ""
    first = np.nanmin(found.t0[family])
    last = np.nanmax(found.t0[family] + (found.n_transits[family] - 1) * np.nan_to_num(found.period[family]))
    for j in family[np.argsort(found.rank[family], kind="stable")]:
        if not (found.rank[j] < found.rank[i] and found.period[j] > 0):
            continue
        for ratio, words in SHARED.items():
            expected = ratio * float(found.period[j])
            off = abs(float(found.period[i]) - expected)
            turns = max((last - first) / expected, 1.0)
            longest = max(float(found.duration[i]), float(found.duration[j]))
            if off <= CLOSE * expected and off * turns <= DRIFT * longest:
                text = f"{words}the period of candidate {int(found.rank[j])}"
                if ratio != 1.0:
                    return text
                share = float((found.t0[i] - found.t0[j]) / found.period[j] % 1.0)
                return f"{text}, {'half' if abs(share - 0.5) < 0.02 else f'{share:.2f} of'} a period later"
    return ""


def _explained(found: Candidates, i: int, family: np.ndarray) -> bool:
    """Return whether a transit of a later candidate of the star explains the secondary of candidate ``i``.

    Transits of later candidates were not masked yet when the secondary was measured.
    """
    period = float(found.period[i])
    at = found.t0[i] + found.secondary_phase[i] * period
    # The end of the light curve, estimated from the last transits.
    last = np.nanmax(found.t0[family] + found.n_transits[family] * np.nan_to_num(found.period[family]))
    for j in family[found.rank[family] > found.rank[i]]:
        step = float(found.period[j])
        times = found.t0[j] + (0.0 if not step > 0 else np.arange(0.0, max(last - found.t0[j], step), step))
        if transit_mask(times, period, at, found.duration[i] + found.duration[j]).any():
            return True
    return False


def _sigma(text: str, value: float, least: float) -> str:
    return text.format(float(value)) if value >= least else ""


def _shaped(shape: float) -> str:
    return f"V-shaped: mean depth {shape:.2f} of the middle's" if shape < POINTED else ""


def _large(depth: float, radius: float) -> str:
    size = radius * JUPITERS * math.sqrt(depth) if depth > 0 else math.nan
    return f"the depth implies {size:.1f} Jupiter radii for this star" if size > LARGEST else ""


def _long(duration: float, period: float, density: float) -> str:
    if not (period > 0 and density > 0):
        return ""
    ratio = duration / float(transit_duration(period, density))
    return f"{ratio:.1f} times as long as a central transit of this star" if ratio > LONGEST else ""
