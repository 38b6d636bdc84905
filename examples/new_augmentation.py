"""An augmentation of your own: a pure function of a key, the batch's inputs and its labels."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.metrics import average_precision_score

from exojax.config import SimulateConfig, TrainConfig
from exojax.evaluation import split
from exojax.features.registry import compute
from exojax.models import registry
from exojax.models.augment import shift
from exojax.models.base import Inputs
from exojax.simulate.population import simulate
from exojax.training.fit import Examples, FitSettings, fit_model
from exojax.training.recipe import Recipe


def gaps(key: jax.Array, inputs: Inputs, labels: jax.Array) -> Inputs:
    """Shift each series around, and remove a tenth of it in one piece, as when a spacecraft points elsewhere."""
    shift_key, place_key = jax.random.split(key)
    flux = shift(shift_key, inputs["flux"])  # (b, c)
    start = jax.random.uniform(place_key, (len(flux), 1))
    place = jnp.linspace(0.0, 1.0, flux.shape[1])[None]
    return {"flux": jnp.where((place >= start) & (place < start + 0.1), 0.0, flux)}


def main(n_stars: int = 400, steps: int = 200) -> float:
    """Return the average precision of the original network, trained with gaps, on stars that it has not seen."""
    curves, _ = simulate(SimulateConfig(n_stars=n_stars, host_fraction=0.3, n_cadences=800))
    star, label, flux = np.arange(n_stars), curves.label.astype(int), compute(("flux",), curves)["flux"]
    held, rows = split.holdout(star, label, fraction=0.25, seed=0), Examples({"flux": flux}, label, star)
    scorer = fit_model(
        registry.get("cnn-original"),
        rows.take(~held),
        FitSettings(
            TrainConfig(steps=steps, batch_size=32, learning_rate=1e-3),
            cadence=curves.cadence,
            seed=0,
            recipe=Recipe(augment=gaps),
        ),
    )
    found = float(average_precision_score(label[held], scorer(rows.take(held).features)))
    print(f"average precision {found:.3f}")
    return found


if __name__ == "__main__":
    main()
