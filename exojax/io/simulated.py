"""Return the simulated population of ``synthetic``, from the user's cache after its first simulation."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from exojax.config import SIMULATED, SimulateConfig
from exojax.light_curves import LightCurves
from exojax.storage import cache
from exojax.storage.checksum import of_sources

if TYPE_CHECKING:
    from exojax.simulate.truth import Truth


def population_of(
    source: str,
    population: SimulateConfig,
    *,
    n_stars: int | None = None,
    host_fraction: float | None = None,
) -> SimulateConfig:
    """Return the settings of a simulated source.

    Args:
        source: ``synthetic``, ``synthetic-kaggle``, or another source, for which the settings have no effect.
        population: settings so far. If they belong to another population, the defaults of ``source`` replace those
            that were not changed.
        n_stars, host_fraction: values given by the user; None for no value.
    """
    if source in SIMULATED and population.population != source:
        own, plain = SIMULATED[source], SimulateConfig()
        # Keep the settings that differ from the defaults of their population.
        kept: dict[str, Any] = {
            name: getattr(population, name)
            for name in ("n_stars", "host_fraction", "n_cadences", "close_gaps", "seed")
            if getattr(population, name) != getattr(SIMULATED.get(population.population, plain), name)
        }
        population = replace(own, **kept)
    given: dict[str, Any] = {"n_stars": n_stars, "host_fraction": host_fraction}
    return replace(population, **{name: value for name, value in given.items() if value is not None})


def simulated(config: SimulateConfig) -> tuple[LightCurves, Truth]:
    """Return a simulated population and its truth, from the user's cache if it was simulated before."""
    # Imported here, because the simulator imports jaxoplanet and tinygp, which reading files does not need.
    from exojax.simulate.population import simulate
    from exojax.simulate.truth import Truth

    made = []

    def make() -> dict[str, np.ndarray]:
        curves, truth = simulate(config)
        made.append((curves, truth))
        return {
            "flux": curves.flux,
            "valid": np.packbits(curves.valid, axis=1),
            "time": curves.time[0],
            "cadence": np.asarray(curves.cadence),
            "about": np.array([curves.time_system, curves.source, curves.sha256, *curves.warnings]),
            **{f"truth_{field.name}": getattr(truth, field.name) for field in fields(truth)},
        }

    stored = cache.load_or_make(f"simulated {of_sources('simulate')} {sorted(asdict(config).items())}", make)
    if made:
        return made[0]
    truth = Truth(**{field.name: stored[f"truth_{field.name}"] for field in fields(Truth)})
    shape = stored["flux"].shape
    time_system, source, sha256, *warnings = map(str, stored["about"])
    curves = LightCurves(
        id=truth.id,
        time=np.broadcast_to(stored["time"], shape),
        flux=stored["flux"],
        valid=np.unpackbits(stored["valid"], axis=1, count=shape[1]).astype(bool),
        label=truth.label,
        kind=truth.kind,
        catalogued=False,
        absolute=True,
        cadence=float(stored["cadence"]),
        time_system=time_system,
        source=source,
        sha256=sha256,
        warnings=tuple(warnings),
    )
    return curves, truth
