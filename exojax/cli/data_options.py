"""Turn options that several commands have into configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from exojax.cli.options import value
from exojax.config import DataConfig, RunConfig, SearchConfig, SimulateConfig
from exojax.errors import InputError
from exojax.io.columns import checked as checked_units
from exojax.io.simulated import population_of


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """Options by which the user states cadence, units and clock of light curves."""

    cadence_minutes: Annotated[float | None, value("MINUTES")] = None
    """minutes between samples of rows without a time axis"""
    flux_unit: Annotated[str | None, value("UNIT")] = None
    """relative, ppm, ppt, percent, counts, magnitudes or mmag, where files of single stars do not tell"""
    time_unit: Annotated[str | None, value("UNIT")] = None
    """days, hours, minutes or seconds, where files of single stars do not tell"""
    clock: Annotated[str | None, value("CLOCK")] = None
    """BJD, BTJD, BKJD, HJD, JD or MJD, where files of single stars do not tell"""


def with_stated(data: DataConfig, options: ReadingOptions) -> DataConfig:
    """Return the configuration with what the options state of the files; else as it was.

    Raises:
        InputError: a unit or a clock is not known.
    """
    checked_units(options.flux_unit, options.time_unit, options.clock)
    given = {name: getattr(options, name) for name in ("cadence_minutes", "flux_unit", "time_unit", "clock")}
    return replace(data, **{name: stated for name, stated in given.items() if stated is not None})


def positive_of(listed: str) -> tuple[str, ...]:
    """Return the dispositions in ``PC,EB``."""
    return tuple(part.strip() for part in listed.split(",") if part.strip())


def start_of(given: str | None, config: RunConfig, folded: bool) -> str | None:
    """Return the run whose weights a network starts from; None for none.

    Args:
        given: ``--init``: a run, ``none``, or None where the option was not given.
        config: of the network.
        folded: whether the rows are ready-made folded events, which teach a network from scratch.
    """
    if given is not None:
        return None if given == "none" else given
    from exojax.runs.run import shipped_start

    return None if folded else shipped_start(config)


def learnt_from(rows: str) -> str:
    """Return the rows to learn from or to choose by, as named.

    Raises:
        InputError: they are not ``rest`` or ``all``: no choice may see the stars that are set aside.
    """
    if rows not in ("rest", "all"):
        raise InputError(f"--rows {rows}: give rest or all; exojax evaluate alone scores the stars that are set aside")
    return rows


def checked(population: SimulateConfig) -> SimulateConfig:
    """Return the same population, where it can be.

    Raises:
        InputError: too few stars, or a share outside (0, 1).
    """
    if population.n_stars < 20:
        raise InputError(f"--n-stars {population.n_stars}: give 20 or more")
    if not 0 < population.host_fraction < 1:
        raise InputError(f"--host-fraction {population.host_fraction}: give a share between 0 and 1")
    return population


def data_of(
    source: str,
    reading: ReadingOptions,
    *,
    labels: str | None,
    positive: str,
    n_stars: int | None,
    host_fraction: float | None,
    rows: str = "all",
) -> DataConfig:
    """Return what to read, from the options of these names.

    Raises:
        InputError: the simulated population cannot be, or a unit or a clock is not known.
    """
    stars = population_of(source, SimulateConfig(), n_stars=n_stars, host_fraction=host_fraction)
    population = checked(stars)
    made = DataConfig(source, labels=labels, positive=positive_of(positive), rows=rows, simulate=population)
    return with_stated(made, reading)


NARROWEST_WINDOW = 2.0
"""longest durations that a detrending window must hold: a narrower one takes the transit for the star's variability"""


def search_of(
    *,
    period_min: float,
    period_max: float | None,
    duration_min: float,
    duration_max: float,
    window: float | None,
    snr_min: float = SearchConfig.snr_min,
    max_candidates: int,
) -> SearchConfig:
    """Return how to search, from the options of these names.

    Raises:
        InputError: a number is not finite or not above 0, a range is empty, or the window is too narrow for the
            durations.
    """
    _check_range("period", period_min, period_max)
    _check_range("duration", duration_min, duration_max)
    if period_max is not None and 4 * duration_min > period_max:
        raise InputError(
            f"--duration-min {duration_min:g} --period-max {period_max:g}: a transit lasts a quarter of its period at "
            "most; give a shorter --duration-min or a longer --period-max"
        )
    narrowest = NARROWEST_WINDOW * duration_max
    if window is not None and not narrowest <= window < float("inf"):
        raise InputError(
            f"--window {window:g}: give {narrowest:g} days or more, twice the --duration-max of {duration_max:g}, or "
            "the window takes transits for the star's own variability"
        )
    if max_candidates < 1:
        raise InputError(f"--max-candidates {max_candidates}: give 1 or more")
    if not 0 < snr_min < float("inf"):
        raise InputError(f"--snr-min {snr_min:g}: give a number above 0")
    return SearchConfig(
        period_min=period_min,
        period_max=period_max,
        duration_min=duration_min,
        duration_max=duration_max,
        window=window,
        snr_min=snr_min,
        max_candidates=max_candidates,
    )


def _check_range(name: str, low: float, high: float | None) -> None:
    for end, days in (("min", low), ("max", high)):
        if days is not None and not 0 < days < float("inf"):
            raise InputError(f"--{name}-{end} {days:g}: give a number of days above 0")
    if high is not None and not low < high:
        raise InputError(f"--{name}-min {low:g} --{name}-max {high:g}: the range is empty")
