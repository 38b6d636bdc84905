"""``inject``: measure the completeness and the false-alarm rate of a search of these light curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np

from exojax.cli import command
from exojax.cli.data_options import ReadingOptions, search_of, with_stated
from exojax.cli.options import value
from exojax.config import DataConfig, SearchConfig, SimulateConfig
from exojax.errors import InputError
from exojax.storage.cores import workers

if TYPE_CHECKING:
    from exojax.injection.planets import Quantity
    from exojax.light_curves import LightCurves
    from exojax.runs.inject import InjectionPlan

SIZES = {"radius": ((0.5, 16.0), 1.0), "depth": ((1e-4, 0.02), 1e6), "snr": ((3.0, 40.0), 1.0)}
"""quantity -> its default range, and the divisor that converts the value of its option into the unit of the range"""


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Measure completeness and false alarms: inject transits into raw light curves, then clean and search them.

    The map shows period against planet radius if stellar radii are known, against depth if not, and against SNR if the
    flux has no absolute scale. Stars labelled as planet hosts are left out. An injection counts as recovered when the
    search finds its period and epoch with an SNR above a threshold. The threshold is the SNR that the stated share of
    signal-free curves exceeds. Signal-free curves are the cleaned curves, inverted or shuffled in blocks; the higher of
    the two thresholds counts. After an interruption the same command continues.
    """

    out: Annotated[Path, value("DIR")]
    """folder for completeness.csv and .png, false_alarms.csv and .png, injections.csv"""
    data: Annotated[str, value("SOURCE")] = "auto"
    """a source, as in train"""
    stars: Annotated[Path | None, value("CSV")] = None
    """CSV of id,radius,mass,teff,mag; by default the values in the files"""
    n: Annotated[int, value("N")] = 2000
    """number of injections"""
    null_stars: Annotated[int, value("N")] = 1000
    """largest number of signal-free stars to search"""
    false_alarm: Annotated[float, value("SHARE")] = 0.01
    """share of signal-free stars that may exceed the threshold"""
    period_min: Annotated[float, value("DAYS")] = SearchConfig.period_min
    """shortest period injected and searched"""
    period_max: Annotated[float | None, value("DAYS")] = None
    """longest period injected and searched; by default half of the median length of the light curves, but at most
    500"""
    duration_min: Annotated[float, value("DAYS")] = SearchConfig.duration_min
    """shortest transit searched"""
    duration_max: Annotated[float, value("DAYS")] = SearchConfig.duration_max
    """longest transit searched; a transit never lasts longer than a quarter of its period"""
    window: Annotated[float | None, value("DAYS")] = None
    """width of the running filter that removes the star's variability; by default the larger of 2 and four times
    --duration-max"""
    radius: Annotated[tuple[float, float] | None, value("EARTH_RADII")] = None
    """smallest and largest planet radius, 0.5 16 by default; needs stellar radii"""
    depth: Annotated[tuple[float, float] | None, value("PPM")] = None
    """smallest and largest transit depth, 100 20000 by default; needs flux with an absolute scale"""
    snr: Annotated[tuple[float, float] | None, value("SNR")] = None
    """smallest and largest white-noise SNR of all transits together, 3 40 by default"""
    max_candidates: Annotated[int, value("N")] = SearchConfig.max_candidates
    """largest number of candidates per star; the injected planet must be one of them"""
    n_stars: Annotated[int, value("N")] = SimulateConfig.n_stars
    """number of simulated stars"""
    seed: Annotated[int, value("N")] = 0
    """seed of the simulated stars, the planets and the shuffled blocks"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("inject.py", Options, inject, argv)


def inject(options: Options) -> int:
    """Inject, search and write the files; return 3 if stars were skipped, else 0."""
    _check(options)
    command.use_wide_vectors()
    command.use_compilation_cache()
    from exojax.cli import inject_outputs
    from exojax.injection.recovery import threshold
    from exojax.io import catalogue
    from exojax.io.source import open_source
    from exojax.runs import inject

    simulate = SimulateConfig(n_stars=options.n_stars, seed=options.seed)
    source = open_source(with_stated(DataConfig(options.data, simulate=simulate), options), labelled=False)
    table = None if options.stars is None else catalogue.stars(options.stars)
    command.say(source.description)
    every = source.curves()
    if table is not None:
        every = catalogue.with_stars(every, table)
    curves = inject.usable(every)
    plan = _plan(options, curves)
    left_out = len(every) - len(curves)
    command.say(
        f"{plan.n:,} injections into {len(curves):,} stars"
        + (f"; {left_out:,} stars labelled as planet hosts are left out" if left_out else "")
    )
    with command.progress() as show:
        found = inject.run(
            plan,
            curves,
            options.out,
            workers=workers(),
            report=lambda what, done, total: show("searching", done, total, unit=what),
        )
        show("writing the tables and maps")
        limits = {
            "inverted": threshold(found.inverted, options.false_alarm),
            "scrambled": threshold(found.scrambled, options.false_alarm),
        }
        inject_outputs.write(options.out, plan, found, limits, options.false_alarm)
    command.say("\n".join(inject_outputs.summary(found, limits, options.false_alarm)))
    command.say(f"map: {options.out / 'completeness.png'}")
    return 3 if found.skipped else 0


def _check(options: Options) -> None:
    if options.n < 1 or options.null_stars < 1:
        raise InputError(f"--n {options.n} --null-stars {options.null_stars}: give 1 or more for each")
    if not 0 < options.false_alarm < 1:
        raise InputError(f"--false-alarm {options.false_alarm}: give a share between 0 and 1, such as 0.01")
    for name in ("radius", "depth", "snr"):
        ends = getattr(options, name)
        if ends is not None and not 0 < ends[0] < ends[1] < float("inf"):
            raise InputError(f"--{name} {ends[0]:g} {ends[1]:g}: give the smallest and the largest value, both above 0")
    _search_config(options)


def _search_config(options: Options) -> SearchConfig:
    return search_of(
        period_min=options.period_min,
        period_max=options.period_max,
        duration_min=options.duration_min,
        duration_max=options.duration_max,
        window=options.window,
        max_candidates=options.max_candidates,
    )


def _plan(options: Options, curves: LightCurves) -> InjectionPlan:
    from exojax.detection.star import LONGEST_PERIOD
    from exojax.runs.inject import InjectionPlan, quantity_of

    natural = quantity_of(curves)
    named = [name for name in SIZES if getattr(options, name) is not None]
    if len(named) > 1:
        raise InputError(f"--{' and --'.join(named)}: give only one of them")
    quantity: Quantity = named[0] if named else natural  # type: ignore[assignment]
    if quantity != "snr" and natural == "snr":
        raise InputError(f"--{quantity}: the flux of {curves.source} has no absolute scale; give --snr")
    if quantity == "radius" and natural != "radius":
        raise InputError(f"--radius: {curves.source} has no stellar radii; give --stars CSV, or --depth or --snr")
    given = getattr(options, quantity)
    size = SIZES[quantity][0] if given is None else tuple(end / SIZES[quantity][1] for end in given)
    if size[1] >= 1 and quantity == "depth":
        raise InputError(f"--depth {given[1]:g}: a transit cannot be deeper than 1,000,000 ppm")
    longest = min(_baseline(curves) / 2, LONGEST_PERIOD) if options.period_max is None else options.period_max
    if not 0 < options.period_min < longest:
        raise InputError(f"--period-min {options.period_min} --period-max {longest:.4g}: the range is empty")
    return InjectionPlan(
        quantity,
        (options.period_min, float(longest)),
        size,
        options.n,
        options.null_stars,
        options.seed,
        _search_config(options),
    )


def _baseline(curves: LightCurves) -> float:
    """Return the median time from the first to the last measurement of a star, days."""
    first = np.where(curves.valid, curves.time, np.inf).min(axis=1, initial=np.inf)
    last = np.where(curves.valid, curves.time, -np.inf).max(axis=1, initial=-np.inf)
    measured = last > first
    if not measured.any():
        raise InputError(f"{curves.source}: no star has two measurements; give other light curves")
    return float(np.median((last - first)[measured]))
