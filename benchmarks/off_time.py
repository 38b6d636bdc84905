"""Planets hours off a linear ephemeris: how many a search finds with a tolerance and without, and its false alarms.

``python -m benchmarks.off_time --out DIR [--hours H] [--n N] [--null N] [--seed N]`` simulates stars, searches each
with and without ``ttv``, and prints a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from benchmarks.hard_curves import DETECTED, PERIOD_TOLERANCE, Curve, Planet, Truth, make
from exojax.candidates import Candidates
from exojax.cli import command, options
from exojax.cli.table import text_table
from exojax.config import SearchConfig
from exojax.detection.search_star import search_star
from exojax.evaluation.metrics import proportion
from exojax.simulate.random_streams import generator
from exojax.storage.json_files import write_json

QUIET, ACTIVE = (10.0**-4, 10.0**-2.5), (10.0**-2.3, 10.0**-1.5)
"""amplitudes of the rotation"""


@dataclass(frozen=True)
class Options:
    """Search simulated planets that are hours off time, and stars without a planet, with a tolerance and without."""

    out: Annotated[Path, options.value("DIR")]
    """folder for off_time.json"""
    hours: float = 5.0
    """amplitude of the timing variations, and the tolerance"""
    n: int = 100
    """planets"""
    null: int = 100
    """stars without a planet"""
    seed: int = 0
    """seed of all random numbers"""


def planets(n: int, hours: float, seed: int) -> list[Curve]:
    """Return stars with one planet of 4 to 25 d each, off time by a sinusoid of ``hours``, 3 to 10 scatters deep."""
    rng = generator(seed, "benchmark", 20)
    made = []
    for k in range(n):
        period = float(np.exp(rng.uniform(np.log(4.0), np.log(25.0))))
        depth = 2.5e-4 * float(np.exp(rng.uniform(np.log(3.0), np.log(10.0))))
        first, impact, turn = (float(rng.uniform(*ends)) for ends in ((0, period), (0, 0.8), (40, 120)))
        planet = Planet(period, first, depth, impact, hours / 24, turn)
        made.append(Curve(f"late-{k}", "off time", (planet,), density=float(np.exp(rng.uniform(-0.7, 1.2)))))
    return made


def nulls(n: int, seed: int) -> list[Curve]:
    """Return stars without a planet: half quiet, a quarter active, a quarter seen by TESS years apart."""
    rng = generator(seed, "benchmark", 21)
    made = []
    for k in range(n):
        kind = ("quiet", "quiet", "active", "years apart")[k % 4]
        size = np.log(ACTIVE if kind == "active" else QUIET)
        spin = (0.5, 12.0) if kind == "active" else (8.0, 30.0)
        mission = "tess" if kind == "years apart" else "kepler"
        made.append(
            Curve(
                f"null-{k}",
                f"no planet: {kind}",
                mission=mission,
                evolving=mission == "kepler",
                noise=float(10 ** rng.uniform(-4, -3.2)),
                rotation=float(rng.uniform(*spin)),
                amplitude=float(np.exp(rng.uniform(*size))),
            )
        )
    return made


def measure(chosen: Options) -> None:
    """Simulate, search, print and write."""
    rows: list[dict[str, Any]] = []
    with_planets, without = planets(chosen.n, chosen.hours, chosen.seed), nulls(chosen.null, chosen.seed)
    for curves in (with_planets, without):
        stars, truth = make(curves, chosen.seed)
        periods = {one.name: mean_period(one) for one in truth}
        for ttv in (0.0, chosen.hours):
            found = [search_star(star, SearchConfig(ttv=ttv))[0] for star in stars]
            for kind in dict.fromkeys(curve.kind for curve in curves):
                which = [(c, f) for c, f in zip(curves, found, strict=True) if c.kind == kind]
                hits = sum(_hit(f, periods.get(c.name)) for c, f in which)
                rows.append({"kind": kind, "ttv": ttv, "stars": len(which)} | _share(hits, len(which)))
    print(text_table(rows))
    chosen.out.mkdir(parents=True, exist_ok=True)
    write_json(chosen.out / "off_time.json", {"seed": chosen.seed, "hours": chosen.hours, "rows": rows})


def mean_period(planet: Truth) -> float:
    """Return the slope of the line through the observed mid-transits, days: what a curve tells of the mean period."""
    times = np.array(planet.times)
    number = np.rint((times - times[0]) / planet.period)
    return float(np.polyfit(number, times, 1)[0])


def _hit(found: Candidates, period: float | None) -> bool:
    """Return whether a star has a detection: of its planet's period, or any at all where there is none."""
    detected = found.snr_red >= DETECTED
    if period is not None:
        detected &= np.abs(found.period / period - 1) <= PERIOD_TOLERANCE
    return bool(detected.any())


def _share(hits: int, n: int) -> dict[str, Any]:
    share = proportion(hits, n)
    text = "" if share is None else f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"
    return {"detected": hits, "share": text}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    return command.run("off_time.py", Options, measure, argv)


if __name__ == "__main__":
    raise SystemExit(main())
