"""A run scored again with the planets taken away: does it find planets, or the campaign, the gaps and the noise?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from exojax.ephemeris import transit_mask
from exojax.evaluation import controls
from exojax.features.registry import compute
from exojax.features.spectrum import log_power
from exojax.folded_events import Data, FoldedEvents
from exojax.light_curves import LightCurves
from exojax.runs.fold_stars import folded_events
from exojax.runs.model_inputs import FOLDED
from exojax.runs.run import Run, from_logits
from exojax.storage.array_files import load_arrays

INVERTED, MASKED, COVERAGE = "inverted", "dips masked", "cadence and coverage alone"
SERIES = frozenset({"flux", "flat", "spectrum"})
"""inputs that are made of the cleaned series"""

Scored = tuple[str, np.ndarray | str]
"""A control's name, and the score ``(n,)`` of every row under it or the reason why it cannot test the model."""


def shortcut_controls(run: Run, curves: Data, group: np.ndarray) -> list[dict[str, Any]]:
    """Return how well hosts are ranked first when the planets are taken away.

    Three ways: the cleaned series upside down, the cleaned series without its dips, and no flux at all, only cadence
    and coverage, by a logistic regression on the run's training rows.

    Args:
        run: the run.
        curves: labelled rows.
        group: ``(n,)`` int, the star of each row.

    Returns:
        The rows of the report's table, as :func:`exojax.evaluation.controls.score` makes them.
    """
    if isinstance(curves, FoldedEvents):
        reason = "folded events come without the light curve"
        return [controls.not_applicable(name, reason) for name in (INVERTED, MASKED, COVERAGE)]
    by_fold = bool(set(run.inputs) & set(FOLDED))
    found = [*(scored_again(run, curves) if by_fold else scored_series(run, curves)), scored_coverage(run, curves)]
    rows: list[dict[str, Any]] = []
    for name, scores in found:
        if isinstance(scores, str):
            rows.append(controls.not_applicable(name, scores))
        else:
            assert curves.label is not None  # the caller has checked
            how: dict[str, Any] = {"groups": group, "seed": run.config.seed, "kind": curves.kind}
            rows += controls.score(name, curves.label, scores, **how)
    return rows


def scored_again(run: Run, curves: LightCurves) -> Iterator[Scored]:
    """Yield the scores of a model that looks at folds, on curves that were altered and searched again."""
    for name, features in searched_again(run, curves).items():
        yield name, from_logits(run, run.scorer(features))


def searched_again(run: Run, curves: LightCurves) -> dict[str, dict[str, np.ndarray]]:
    """Return the model's inputs from the curves upside down, and without each star's best signal."""
    how = run.config.search, run.config.fold
    found = folded_events(curves, *how)
    signal = (found["period"], found["t0"], found["duration"])
    inverted = folded_events(curves, *how, alter=lambda even: replace(even, flux=-even.flux))
    masked = folded_events(curves, *how, without=signal)
    named = {"inverted and searched again": inverted, "best signal masked, searched again": masked}
    made = {name: {key: x for key, x in views.items() if key in run.inputs} for name, views in named.items()}
    if plain := set(run.inputs) - set(FOLDED):
        for features, altered in zip(made.values(), (upside_down(curves), without_signal(curves, *signal))):
            features |= compute(plain, altered)
    return made


def upside_down(curves: LightCurves) -> LightCurves:
    """Return the light curves with the flux mirrored at each star's median."""
    empty = ~np.any(curves.valid, axis=1, keepdims=True)
    middle = np.nanmedian(np.where(curves.valid | empty, curves.flux, np.nan), axis=1, keepdims=True)
    return replace(curves, flux=np.where(curves.valid, 2 * middle - curves.flux, 0).astype(np.float32))


def without_signal(curves: LightCurves, period: np.ndarray, t0: np.ndarray, duration: np.ndarray) -> LightCurves:
    """Return the light curves without the cadences within 0.75 durations of a transit.

    Args:
        curves: n stars.
        period: ``(n,)`` float64, days; NaN for a single transit.
        t0: ``(n,)`` float64, days; a star whose ``t0`` is NaN stays as it is.
        duration: ``(n,)`` float64, days.
    """
    valid = curves.valid & ~transit_mask(curves.time, period[:, None], t0[:, None], 1.5 * duration[:, None])
    return replace(curves, valid=valid, flux=np.where(valid, curves.flux, 0).astype(np.float32))


def scored_series(run: Run, curves: LightCurves) -> Iterator[Scored]:
    """Yield the scores of a model that looks at whole series, upside down and without their dips."""
    before = run.probability(compute(run.inputs, curves))
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        INVERTED: controls.invert,
        MASKED: lambda series: controls.mask_dips(series, curves.valid),
    }
    for name, change in changes.items():
        if not set(run.inputs) <= SERIES:
            yield name, "this model's inputs are not a series"
            continue
        after = run.probability(_altered(run.inputs, curves, change))
        blind = np.allclose(before, after, rtol=1e-4, atol=1e-7)
        yield name, "the model's input is blind to it" if blind else after


def _altered(
    names: tuple[str, ...], curves: LightCurves, change: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the model's inputs after a change of the cleaned series."""
    series = {name: change(x) for name, x in compute(("flux", "flat"), curves).items()}
    if "spectrum" in names:
        series["spectrum"] = np.asarray(log_power(jnp.asarray(series["flux"])))
    return {name: series[name] for name in names}


def scored_coverage(run: Run, curves: LightCurves) -> Scored:
    """Return the score of cadence and coverage alone, by a logistic regression on the run's training rows."""
    if not run.data["cadence_days"]:
        return COVERAGE, "the run was trained on folded events, without light curves"
    train = load_arrays(run.folder / "coverage.npz")
    here = controls.coverage_features(curves.time, curves.valid, curves.cadence)
    return COVERAGE, controls.coverage_score(train["features"], train["label"], here)
