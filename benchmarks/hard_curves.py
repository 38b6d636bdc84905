"""Forty hard light curves, and six stars seen years apart, with known truth: how many signals a search finds in them.

``python -m benchmarks.hard_curves --out DIR`` makes them from a seed, searches them and prints a table by kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from exojax.cli import command, options
from exojax.cli.table import text_table
from exojax.light_curves import LightCurves, Stars
from exojax.simulate.random_streams import generator
from exojax.simulate.transits import Orbits, deficit, scaled_axis
from exojax.storage.json_files import write_json

KEPLER_CADENCE = 29.4244 / 1440
KEPLER_DAYS = 90.0
TESS_CADENCE = 30.0 / 1440
SECTORS = ((1325.3, 1353.1), (2036.3, 2060.6), (2963.6, 2988.0))
"""first and last days of TESS's sectors 1, 27 and 61, BTJD"""
DOWNLINK = 1.1
"""days without data in the middle of a sector"""
LIMB_DARKENING = (0.4, 0.26)
PERIOD_TOLERANCE = 0.005
"""share by which a found period may differ from the true one"""
HIT = 0.5
"""durations (and the amplitude of the timing variations) from a true mid-transit at which a predicted one hits it"""
MOST_MISSED = 0.1
"""share of the observed transits that the found ephemeris may miss"""
DETECTED = 7.1
"""least SNR of a detection"""
ALARM = 0.5
"""probability from which a candidate of a star without planets is counted as a false alarm"""
SPOTS = 8


@dataclass(frozen=True)
class Planet:
    """A transiting planet: what is put into a curve.

    Attributes:
        period: days; infinite for a planet that transits once.
        t0: days from the start of the curve, a mid-transit.
        depth: (Rp/R*)^2, fraction.
        impact: in stellar radii.
        variation: days, amplitude of a sinusoidal variation of its transit times.
        turn: days, period of that variation.
    """

    period: float
    t0: float
    depth: float
    impact: float = 0.3
    variation: float = 0.0
    turn: float = 60.0


@dataclass(frozen=True)
class Curve:
    """One simulated star: what is in it.

    Attributes:
        name: of the star, unique.
        kind: group in the table.
        planets: those that a search has to find.
        mission: ``kepler`` or ``tess``.
        noise: white noise of a cadence, fraction.
        density: of the star, solar units.
        rotation: days; 0 for none.
        amplitude: half of the peak-to-peak of the rotation, fraction.
        evolving: spots come and go, instead of one sinusoid.
        binary: period, depth of the primary and of the secondary, duration (days) of an eclipsing pair; or nothing.
        dumps: days between momentum dumps that dim the star; 0 for none.
        dump_depth: fraction lost at a dump.
        pulsation: period (days) and amplitude of a pulsation; or nothing.
        flares: a day.
    """

    name: str
    kind: str
    planets: tuple[Planet, ...] = ()
    mission: str = "kepler"
    noise: float = 2.5e-4
    density: float = 1.0
    rotation: float = 0.0
    amplitude: float = 0.0
    evolving: bool = False
    binary: tuple[float, ...] = ()
    dumps: float = 0.0
    dump_depth: float = 0.0
    pulsation: tuple[float, ...] = ()
    flares: float = 0.0


def forty() -> list[Curve]:
    """Return the forty curves: 30 signals in 28 stars, and 12 stars without a planet."""
    planet, once = Planet, float("inf")
    return [
        # Planets around rotating stars, one sinusoid each, and with spots that evolve.
        Curve("sine-0.6", "rotation, sinusoid", (planet(3.52, 1.7, 2.8e-3),), rotation=0.6, amplitude=0.02),
        Curve("sine-4.9", "rotation, sinusoid", (planet(7.31, 2.9, 2.8e-3),), rotation=4.9, amplitude=0.03),
        Curve("sine-10", "rotation, sinusoid", (planet(5.17, 4.1, 1.8e-3),), rotation=10.0, amplitude=0.03),
        *(
            Curve(
                f"spots-{rotation:g}",
                "rotation, evolving spots",
                planets,
                rotation=rotation,
                amplitude=size,
                evolving=True,
            )
            for rotation, size, planets in (
                (0.6, 0.02, (planet(4.43, 0.8, 2.8e-3),)),
                (2.2, 0.02, (planet(6.07, 5.2, 2.5e-3),)),
                (4.9, 0.03, (planet(3.83, 1.1, 2.5e-3),)),
                (10.0, 0.03, (planet(8.63, 6.4, 1.8e-3),)),
            )
        ),
        Curve("usp-0.28", "ultra-short period", (planet(0.2811, 0.1, 1.6e-4),), density=2.5),
        Curve("usp-0.45", "ultra-short period", (planet(0.4527, 0.2, 1.5e-4, 0.5),)),
        Curve(
            "usp-0.71", "ultra-short period", (planet(0.7134, 0.5, 2.0e-4),), noise=3e-4, rotation=12, amplitude=0.004
        ),
        Curve("ttv-1h", "timing variations", (planet(9.13, 3.3, 1.2e-3, variation=1 / 24, turn=55),)),
        Curve("ttv-2h", "timing variations", (planet(7.77, 2.2, 1.2e-3, variation=2 / 24, turn=70),)),
        Curve("ttv-3h", "timing variations", (planet(6.21, 5.0, 1.5e-3, variation=3 / 24, turn=48),)),
        Curve("pair-1", "2:1 pair", (planet(5.01, 1.2, 7.0e-4), planet(10.06, 3.9, 1.1e-3))),
        Curve("pair-2", "2:1 pair", (planet(3.64, 2.3, 6.0e-4), planet(7.30, 4.1, 1.6e-3, 0.5))),
        Curve("single-1", "single event", (planet(once, 31.4, 1.1e-3),), noise=3e-4),
        Curve("single-2", "single event", (planet(once, 67.8, 2.2e-3, 0.5),), noise=5e-4, density=0.6),
        Curve("single-3", "single event", (planet(once, 12.6, 1.5e-3),), density=0.8, rotation=14.0, amplitude=0.012),
        Curve("long-1", "two or three transits", (planet(31.7, 14.2, 1.4e-3),), noise=3e-4),
        Curve("long-2", "two or three transits", (planet(43.9, 21.3, 2.2e-3, 0.4),), noise=4e-4),
        Curve("years-1", "sectors years apart", (planet(12.371, 3.1, 2.2e-3),), mission="tess", noise=4e-4),
        Curve("years-2", "sectors years apart", (planet(5.823, 1.9, 1.2e-3),), mission="tess", noise=4e-4),
        Curve("grazing", "shape and blends", (planet(4.87, 2.0, 6.0e-3, 0.97),)),
        Curve(
            "giant-star", "shape and blends", (planet(11.9, 6.6, 5.0e-4),), density=0.05, rotation=22, amplitude=3e-4
        ),
        Curve("flares", "shape and blends", (planet(2.93, 1.4, 1.5e-3),), noise=4e-4, density=4.0, flares=1.2),
        Curve("pulsator", "shape and blends", (planet(6.71, 3.0, 3.0e-3),), pulsation=(0.113, 0.004)),
        Curve("shallow", "shape and blends", (planet(9.87, 0.9, 2.2e-4),), noise=1.2e-4),
        Curve("dumps-planet", "momentum dumps", (planet(8.41, 5.9, 1.0e-3),), dumps=3.0, dump_depth=6e-4),
        # Stars without a planet.
        Curve("dumps-1", "no planet: dumps", dumps=3.03, dump_depth=1e-3),
        Curve("dumps-2", "no planet: dumps", dumps=2.5, dump_depth=8e-4, noise=3e-4),
        Curve("dumps-3", "no planet: dumps", dumps=4.4, dump_depth=2e-3, noise=5e-4),
        Curve("eb-deep", "no planet: binary", binary=(3.21, 0.12, 0.05, 0.18)),
        Curve("eb-alike", "no planet: binary", binary=(5.42, 0.031, 0.028, 0.2)),
        Curve("eb-shallow", "no planet: binary", binary=(7.93, 0.006, 0.0012, 0.25)),
        Curve("eb-close", "no planet: binary", binary=(0.82, 0.015, 0.011, 0.16), rotation=0.41, amplitude=0.006),
        Curve("spots-null-1", "no planet: spots", rotation=0.9, amplitude=0.025, evolving=True),
        Curve("spots-null-2", "no planet: spots", rotation=6.0, amplitude=0.03, evolving=True),
        Curve("quiet-1", "no planet: quiet", noise=1.5e-4),
        Curve("quiet-2", "no planet: quiet", noise=6e-4),
        Curve("quiet-3", "no planet: quiet", noise=2.5e-4, rotation=25.0, amplitude=5e-4),
    ]


def six() -> list[Curve]:
    """Return the six stars that TESS saw in sectors 1, 27 and 61."""
    kind, noise = "six stars, years apart", 3.5e-4
    planets = {
        "six-0.4": Planet(0.4043, 0.11, 3.0e-4),
        "six-2.7": Planet(2.7381, 0.9, 7.0e-4),
        "six-9.7": Planet(9.7132, 4.2, 2.0e-3),
        "six-20.5": Planet(20.5217, 6.3, 5.0e-3),
        "six-25": Planet(24.8713, 3.7, 3.0e-3, 0.5),
        # Transits 5.6 and 716.6 days after the start; none in the last sector.
        "six-duo": Planet(711.0 / 14, 5.6, 4.0e-3),
    }
    return [Curve(name, kind, (planet,), "tess", noise) for name, planet in planets.items()]


@dataclass(frozen=True)
class Truth:
    """A signal that can be detected in a curve.

    Attributes:
        name: of the star.
        kind: group in the table.
        period: days; infinite for a planet that transits once.
        times: observed mid-transits, days in the curve's clock.
        duration: days, first to last contact.
        depth: fraction lost at mid-transit.
        snr: white-noise SNR of all observed cadences.
        variation: days, amplitude of the timing variations.
        alone: true where at most two transits were observed, so that a list of possible periods is the right answer.
    """

    name: str
    kind: str
    period: float
    times: tuple[float, ...]
    duration: float
    depth: float
    snr: float
    variation: float
    alone: bool


def make(curves: Sequence[Curve], seed: int) -> tuple[list[LightCurves], list[Truth]]:
    """Return the light curves, one star each, and the planets in them; the same seed gives the same bits."""
    made, truth = [], []
    for number, curve in enumerate(curves):
        rng = generator(seed, "benchmark", 10 if curve.mission == "kepler" else 11, number)
        time, valid, start = _times(rng, curve.mission)
        flux = 1.0 + _variability(rng, curve, time)
        for planet in curve.planets:
            loss, seen = _transits(curve, planet, time, valid)
            flux *= 1.0 - loss
            truth.append(_truth(curve, planet, loss[valid], [start + t for t in seen]))
        flux += curve.noise * rng.standard_normal(time.size)
        cadence = KEPLER_CADENCE if curve.mission == "kepler" else TESS_CADENCE
        made.append(
            LightCurves(
                id=np.array([curve.name]),
                time=(start + time)[None, valid],
                flux=(flux[valid] / np.median(flux[valid]))[None].astype(np.float32),
                valid=np.ones((1, int(valid.sum())), bool),
                label=None,
                kind=None,
                catalogued=False,
                absolute=True,
                cadence=cadence,
                time_system="BKJD" if curve.mission == "kepler" else "BTJD",
                source="hard curves",
                sha256="",
                stars=Stars(*(np.array([x]) for x in _star(curve.density))),
            )
        )
    return made, truth


def score(truth: Sequence[Truth], curves: Sequence[Curve], table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a row a kind: signals, found, and the highest probability of what is no planet.

    A periodic signal is found by a candidate of its star with an SNR of 7.1 whose period is within
    0.5 % and whose ephemeris hits nine in ten of its observed transits. Of a planet with one observed transit a single
    transit at that time counts; of one with two, also a candidate at one of them whose aliases hold the period.

    Args:
        truth: of :func:`make`.
        curves: all of them.
        table: candidates with the columns of ``candidates.csv``.
    """
    rows: dict[str, dict[str, Any]] = {}
    for curve in curves:
        rows.setdefault(curve.kind, {"kind": curve.kind, "curves": 0, "signals": 0, "found": 0, "lost": ""})
        row = rows[curve.kind]
        row["curves"] += 1
        if not curve.planets:
            highest = table.loc[table["id"] == curve.name, "probability"].max()
            row["highest"] = max(row.get("highest", 0.0), float(np.nan_to_num(highest)))
            row["alarms"] = row.get("alarms", 0) + int(highest > ALARM)
    for planet in truth:
        row = rows[planet.kind]
        row["signals"] += 1
        mine = table[(table["id"] == planet.name) & (table["snr"].astype(float) >= DETECTED)]
        if any(_finds(candidate, planet) for candidate in mine.to_dict("records")):
            row["found"] += 1
        else:
            row["lost"] += f" {planet.name}" + (f"/{planet.period:.3g}d" if "pair" in planet.name else "")
    return list(rows.values())


def _finds(candidate: Mapping[Any, Any], planet: Truth) -> bool:
    """Return whether a candidate is the planet."""
    period, t0 = _number(candidate["period_days"]), float(candidate["t0_days"])
    near = HIT * planet.duration + planet.variation
    times = np.array(planet.times)
    if np.isinf(planet.period):
        return bool(not period > 0 and abs(t0 - times[0]) <= near)
    if period > 0 and abs(period / planet.period - 1) <= PERIOD_TOLERANCE:
        late = times - t0
        late -= np.rint(late / period) * period
        return bool(np.mean(np.abs(late) > near) <= MOST_MISSED)
    if not planet.alone or np.abs(times - t0).min() > near:
        return False
    stated = [float(p) for p in str(candidate["aliases"] or "").split(";") if p and p != "nan"]
    return any(abs(p / planet.period - 1) <= 0.1 * PERIOD_TOLERANCE for p in stated)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _star(density: float) -> tuple[float, float, float, float]:
    """Return radius, mass (solar), temperature (K) and magnitude of a star of a density."""
    radius = density ** (-1 / 2.2) if density > 0.3 else density ** (-1 / 2.9)
    return radius, density * radius**3, 5600.0, 13.0


def _times(rng: np.random.Generator, mission: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return days from the start, which of them are measured, and the start."""
    if mission == "kepler":
        time = np.arange(round(KEPLER_DAYS / KEPLER_CADENCE)) * KEPLER_CADENCE
        valid = rng.random(time.size) > 0.005
        for gap in (30.3, 61.2):
            begin = gap + rng.uniform(-1.0, 1.0)
            valid[(time >= begin) & (time < begin + rng.uniform(0.7, 1.1))] = False
        return time, valid, 539.5
    pieces = []
    for first, last in SECTORS:
        piece = np.arange(first, last, TESS_CADENCE)
        middle = 0.5 * (first + last)
        pieces.append(piece[np.abs(piece - middle) > 0.5 * DOWNLINK])
    time = np.concatenate(pieces) - SECTORS[0][0]
    return time, rng.random(time.size) > 0.01, SECTORS[0][0]


def _variability(rng: np.random.Generator, curve: Curve, time: np.ndarray) -> np.ndarray:
    """Return what varies beside the planets, a fraction of the flux, ``(n_cadences,)`` float64 about 0."""
    flux = np.zeros(time.size)
    if curve.rotation:
        spin = _spots if curve.evolving else _sinusoid
        flux += spin(rng, time, curve.rotation, curve.amplitude)
    if curve.pulsation:
        period, size = curve.pulsation
        flux += size * np.sin(2 * np.pi * time / period + rng.uniform(0, 2 * np.pi))
    if curve.binary:
        flux -= _eclipses(time, curve.binary, rng.uniform(0.2, 0.8))
    if curve.dumps:
        since = np.mod(time - rng.uniform(0, curve.dumps), curve.dumps)
        # A recovery over some hours after each dump.
        flux -= curve.dump_depth * np.exp(-since / 0.12) * (since < 0.6)
    for start in rng.uniform(0, time[-1], rng.poisson(curve.flares * time[-1])):
        since = time - start
        flux += np.where(since >= 0, rng.exponential(4e-3) * np.exp(-np.maximum(since, 0) / 0.03), 0.0)
    return flux


def _sinusoid(rng: np.random.Generator, time: np.ndarray, rotation: float, amplitude: float) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * time / rotation + rng.uniform(0, 2 * np.pi))


def _spots(rng: np.random.Generator, time: np.ndarray, rotation: float, amplitude: float) -> np.ndarray:
    """Return the light of dark spots that come and go within one to four rotations (10 days at least) as they turn.

    Each spot dims by the cosine of its angle from the middle of the disk while it is on this side; rotation periods
    differ by 3 % with latitude. The sum is scaled to a peak-to-peak of twice ``amplitude``.
    """
    life = max(10.0, 2.0 * rotation)
    n = max(SPOTS, round(SPOTS * (time[-1] - time[0]) / (4 * life)))
    flux = np.zeros(time.size)
    for _ in range(n):
        period = rotation * (1 + 0.03 * rng.standard_normal())
        angle = 2 * np.pi * time / period + rng.uniform(0, 2 * np.pi)
        age = (time - rng.uniform(time[0], time[-1])) / (life * rng.uniform(0.5, 2.0))
        flux -= rng.exponential() * np.exp(-0.5 * age**2) * np.maximum(np.cos(angle), 0.0)
    low, high = np.percentile(flux, [0.5, 99.5])
    return 2 * amplitude * (flux - np.median(flux)) / (high - low)


def _eclipses(time: np.ndarray, binary: tuple[float, ...], phase: float) -> np.ndarray:
    """Return the flux lost in the V-shaped eclipses of a pair, the secondary half a period after the primary."""
    period, primary, secondary, duration = binary
    loss = np.zeros(time.size)
    for depth, at in ((primary, 0.0), (secondary, 0.5)):
        since = np.mod(time - (phase + at) * period + 0.5 * period, period) - 0.5 * period
        loss += depth * np.clip(1.15 - np.abs(since) / (0.5 * duration), 0.0, 1.0) ** 0.8
    return np.minimum(loss, 0.9)


def _transits(curve: Curve, planet: Planet, time: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Return the flux lost, ``(n_cadences,)``, and the mid-transits with a measured cadence in them."""
    once = np.isinf(planet.period)
    # A planet that transits once has an orbit of a hundred days.
    orbit = _orbit(curve.density, planet, 100.0 if once else planet.period)
    if once:
        middles = np.array([planet.t0])
    else:
        turns = np.arange(-np.floor(planet.t0 / planet.period), np.ceil((time[-1] - planet.t0) / planet.period) + 1)
        middles = planet.t0 + planet.period * turns
        middles = middles + planet.variation * np.sin(2 * np.pi * middles / planet.turn)
    cadence = KEPLER_CADENCE if curve.mission == "kepler" else TESS_CADENCE
    edges = 0.5 * (middles[1:] + middles[:-1])
    since = time - middles[np.searchsorted(edges, time)]
    loss = np.zeros(time.size)
    near = np.abs(since) < 0.5 * (orbit.duration[0] + cadence)
    loss[near] = deficit(orbit, np.zeros(int(near.sum()), int), since[near], cadence)
    inside = valid & (np.abs(since) < 0.3 * orbit.duration[0])
    return loss, [float(t) for t in middles if np.any(inside & (np.abs(time - t) < 0.5 * orbit.duration[0]))]


def _orbit(density: float, planet: Planet, period: float) -> Orbits:
    each = {"period": period, "t0": planet.t0, "impact": planet.impact, "radius_ratio": planet.depth**0.5}
    axis = scaled_axis(np.array([period]), np.array([density]))
    arrays = {name: np.array([value]) for name, value in each.items()}
    return Orbits(scaled_axis=axis, limb_darkening=np.array([LIMB_DARKENING]), **arrays)


def _truth(curve: Curve, planet: Planet, loss: np.ndarray, times: list[float]) -> Truth:
    orbit = _orbit(curve.density, planet, 100.0 if np.isinf(planet.period) else planet.period)
    return Truth(
        name=curve.name,
        kind=curve.kind,
        period=planet.period,
        times=tuple(times),
        duration=float(orbit.duration[0]),
        depth=float(loss.max()),
        snr=float(np.sqrt(np.sum(loss**2)) / curve.noise),
        variation=planet.variation,
        alone=len(times) <= 2,
    )


@dataclass(frozen=True)
class Options:
    """Search forty hard light curves and six stars seen years apart, and print how many signals are found."""

    out: Annotated[Path, options.value("DIR")]
    """folder for hard_curves.json and candidates.csv"""
    seed: int = 0
    """seed of the noise and the variability; the planets do not depend on it"""
    only: tuple[str, ...] = field(default=())
    """names of curves; all by default"""


def _line(planet: Truth) -> dict[str, Any]:
    """Return the truth as JSON can hold it: no period for a planet that transits once."""
    return asdict(planet) | {"period": planet.period if np.isfinite(planet.period) else None}


def search_all(curves: Sequence[LightCurves], search: Callable[[LightCurves], pd.DataFrame]) -> pd.DataFrame:
    """Return the candidates of all stars, each searched by itself."""
    return pd.concat([search(one) for one in curves], ignore_index=True)


def measure(options: Options) -> None:
    """Make, search, score, print and write."""
    import exojax

    tables, report = [], {}
    for title, group in (("forty curves", forty()), ("six stars", six())):
        chosen = [curve for curve in group if not options.only or curve.name in options.only]
        if not chosen:
            continue
        # All are made, so that a curve is the same whichever others are searched.
        names = {curve.name for curve in chosen}
        made, planets = make(group, options.seed)
        curves = [one for one in made if str(one.id[0]) in names]
        truth = [planet for planet in planets if planet.name in names]
        table = search_all(curves, lambda one: exojax.search(one).table)
        rows = score(truth, chosen, table)
        found, signals = (sum(row[name] for row in rows) for name in ("found", "signals"))
        print(f"{title}: found {found} of {signals}")
        columns = ("kind", "curves", "signals", "found", "highest", "alarms", "lost")
        print(text_table([{name: row.get(name, "") for name in columns} for row in rows]))
        tables.append(table)
        report[title] = {"found": found, "signals": signals, "rows": rows, "truth": [_line(t) for t in truth]}
    options.out.mkdir(parents=True, exist_ok=True)
    pd.concat(tables, ignore_index=True).to_csv(options.out / "candidates.csv", index=False)
    write_json(options.out / "hard_curves.json", report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code."""
    return command.run("hard_curves.py", Options, measure, argv)


if __name__ == "__main__":
    raise SystemExit(main())
