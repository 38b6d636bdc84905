"""The simulated population behind ``synthetic``, made once and kept in the user's cache."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

import numpy as np

from exojax.config import SimulateConfig
from exojax.io import cache
from exojax.lightcurve import LightCurves

if TYPE_CHECKING:
    from exojax.simulate.truth import Truth


def simulated(config: SimulateConfig) -> tuple[LightCurves, Truth]:
    """The simulated population, made once for each configuration and then kept in the user's cache."""
    # The simulator brings jaxoplanet and tinygp, which a reader of files need not wait for.
    from exojax.simulate.population import SIMULATOR_VERSION, simulate
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

    stored = cache.load_or_make(f"simulated {SIMULATOR_VERSION} {sorted(asdict(config).items())}", make)
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
