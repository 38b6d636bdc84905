"""A sweep written as a loop: no framework, one function that fits arrays, star-grouped folds of the training rows."""

from __future__ import annotations

from itertools import product

import numpy as np
from sklearn.metrics import average_precision_score

from exojax.config import RunConfig, SimulateConfig, TrainConfig
from exojax.evaluation import split
from exojax.features.registry import compute
from exojax.models import registry
from exojax.simulate.population import simulate
from exojax.training.fit import Examples, FitSettings, fit_model

SETTINGS = FitSettings(TrainConfig(), cadence=0.02, seed=0)


def score(config: RunConfig, rows: Examples) -> float:
    """Return the mean average precision over three folds, each scored by a model fitted on the other two."""
    model, fold, scores = registry.build(config), split.folds(rows.group, rows.label, k=3, seed=0), []
    for out in (fold == number for number in range(3)):
        scorer = fit_model(model, rows.take(~out), SETTINGS)
        scores.append(average_precision_score(rows.label[out], scorer(rows.take(out).features)))
    return float(np.mean(scores))


def main(n_stars: int = 400) -> dict[tuple[float, float], float]:
    """Return the score of each point; print the best point's on stars that the sweep has not seen."""
    curves, _ = simulate(SimulateConfig(n_stars=n_stars, host_fraction=0.3, n_cadences=800))
    label, star = curves.label.astype(int), np.arange(n_stars)
    outer = split.holdout(star, label, fraction=0.25, seed=0)
    rows = Examples(compute(("spectrum", "flux"), curves), label, star)  # row by row: nothing is fitted here
    inner = rows.take(~outer)
    config = lambda c, gamma: RunConfig(model="svc", options={"input": "spectrum", "c": c, "gamma": gamma})  # noqa: E731
    found = {}
    for point in product((0.3, 3.0, 30.0), (0.3, 1.0, 3.0)):
        found[point] = score(config(*point), inner)
        print(f"c {point[0]:4} gamma {point[1]:3}: {found[point]:.3f}")
    best = registry.build(config(*max(found, key=found.get)))
    scorer = fit_model(best, inner, SETTINGS)
    unseen = average_precision_score(label[outer], scorer(rows.take(outer).features))
    print(f"best: {max(found.values()):.3f} in the folds that chose it, {unseen:.3f} on stars that did not")
    return found


if __name__ == "__main__":
    main()
