"""Turn options that several commands share into configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from exojax.cli.options import value
from exojax.config import TOLERANCES, DataConfig, RunConfig, SearchConfig, SimulateConfig
from exojax.errors import InputError
from exojax.io.columns import checked as checked_units
from exojax.io.simulated import population_of


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """Options by which the user states cadence, units and clock of light curves."""

    cadence_minutes: Annotated[float | None, value("MINUTES")] = None
    """minutes between samples of rows without a time axis"""
    flux_unit: Annotated[str | None, value("UNIT")] = None
    """relative, ppm, ppt, percent, counts, magnitudes or mmag, for files of single stars that do not state it"""
    time_unit: Annotated[str | None, value("UNIT")] = None
    """days, hours, minutes or seconds, for files of single stars that do not state it"""
    clock: Annotated[str | None, value("CLOCK")] = None
    """BJD, BTJD, BKJD, HJD, JD or MJD, for files of single stars that do not state it"""


def with_stated(data: DataConfig, options: ReadingOptions) -> DataConfig:
    """Return the configuration with the cadence, units and clock that the options state; others stay unchanged.

    Raises:
        InputError: a unit or a clock is unknown.
    """
    checked_units(options.flux_unit, options.time_unit, options.clock)
    given = {name: getattr(options, name) for name in ("cadence_minutes", "flux_unit", "time_unit", "clock")}
    return replace(data, **{name: stated for name, stated in given.items() if stated is not None})


def positive_of(listed: str) -> tuple[str, ...]:
    """Return the dispositions in a comma-separated text such as ``PC,EB``."""
    return tuple(part.strip() for part in listed.split(",") if part.strip())


def start_of(given: str | None, config: RunConfig, folded: bool) -> str | None:
    """Return the name of the run whose weights a network starts from; None for random weights.

    Args:
        given: value of ``--init``: a run, ``none``, or None if the option was not given.
        config: configuration of the network.
        folded: true if the rows are folded events from a file; networks then start from random weights by default.
    """
    if given is not None:
        return None if given == "none" else given
    from exojax.runs.run import shipped_start

    return None if folded else shipped_start(config)


def learnt_from(rows: str) -> str:
    """Return the value of ``--rows`` for training or choosing a model.

    Raises:
        InputError: it is neither ``rest`` nor ``all``: the stars that are set aside must not affect any choice.
    """
    if rows not in ("rest", "all"):
        raise InputError(f"--rows {rows}: give rest or all; only exojax evaluate scores the stars that are set aside")
    return rows


def checked(population: SimulateConfig) -> SimulateConfig:
    """Return the population unchanged after checking its numbers.

    Raises:
        InputError: there are fewer than 20 stars, or the share of hosts is not between 0 and 1.
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
    """Return the settings of the data source from the options with the same names.

    Raises:
        InputError: the simulated population has a number out of range, or a unit or a clock is unknown.
    """
    stars = population_of(source, SimulateConfig(), n_stars=n_stars, host_fraction=host_fraction)
    population = checked(stars)
    made = DataConfig(source, labels=labels, positive=positive_of(positive), rows=rows, simulate=population)
    return with_stated(made, reading)


NARROWEST_WINDOW = 2.0
"""smallest width of the detrending window, in longest transit durations; a narrower window removes transits"""


def search_of(
    *,
    period_min: float,
    period_max: float | None,
    duration_min: float,
    duration_max: float,
    window: float | None,
    snr_min: float = SearchConfig.snr_min,
    max_candidates: int,
    ttv: float = SearchConfig.ttv,
) -> SearchConfig:
    """Return the settings of the search from the options with the same names; days.

    Raises:
        InputError: a number is not finite or not above 0, a range is empty, or the window is too narrow for the longest
            duration.
    """
    _check_range("period", period_min, period_max)
    _check_range("duration", duration_min, duration_max)
    if period_max is not None and 4 * duration_min > period_max:
        raise InputError(
            f"--duration-min {duration_min:g} --period-max {period_max:g}: a transit lasts at most a quarter of its "
            "period; give a shorter --duration-min or a longer --period-max"
        )
    narrowest = NARROWEST_WINDOW * duration_max
    if window is not None and not narrowest <= window < float("inf"):
        raise InputError(
            f"--window {window:g}: give {narrowest:g} days or more, which is twice --duration-max {duration_max:g}; a "
            "narrower window removes transits"
        )
    if max_candidates < 1:
        raise InputError(f"--max-candidates {max_candidates}: give 1 or more")
    if not 0 < snr_min < float("inf"):
        raise InputError(f"--snr-min {snr_min:g}: give a number above 0")
    if not 0 <= ttv < float("inf"):
        raise InputError(f"--ttv {ttv:g}: give a number of hours, 0 or more")
    if period_max is not None and ttv > 0 and TOLERANCES * ttv / 24 >= period_max:
        raise InputError(
            f"--ttv {ttv:g} --period-max {period_max:g}: transits are off time by less than a quarter of their period, "
            f"{24 * period_max / TOLERANCES:.4g} hours; give fewer hours or a longer --period-max"
        )
    return SearchConfig(
        period_min=period_min,
        period_max=period_max,
        duration_min=duration_min,
        duration_max=duration_max,
        window=window,
        snr_min=snr_min,
        max_candidates=max_candidates,
        ttv=ttv,
    )


def _check_range(name: str, low: float, high: float | None) -> None:
    for end, days in (("min", low), ("max", high)):
        if days is not None and not 0 < days < float("inf"):
            raise InputError(f"--{name}-{end} {days:g}: give a number of days above 0")
    if high is not None and not low < high:
        raise InputError(f"--{name}-min {low:g} --{name}-max {high:g}: the range is empty")
