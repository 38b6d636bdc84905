"""What options that several commands have ask for, as configuration."""

from __future__ import annotations

from exojax.config import DataConfig, SimulateConfig
from exojax.errors import InputError


def positive_of(told: str) -> tuple[str, ...]:
    """The dispositions in ``PC,EB``."""
    return tuple(part.strip() for part in told.split(",") if part.strip())


def checked(population: SimulateConfig) -> SimulateConfig:
    """The same population, where it can be.

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
    *,
    cadence_minutes: float | None,
    labels: str | None,
    positive: str,
    n_stars: int,
    host_fraction: float,
) -> DataConfig:
    """What to read, from the options of these names.

    Raises:
        InputError: the simulated population cannot be.
    """
    population = checked(SimulateConfig(n_stars=n_stars, host_fraction=host_fraction))
    return DataConfig(source, cadence_minutes, labels, positive_of(positive), population)
