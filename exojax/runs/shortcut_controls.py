"""Score a run again without planets, to see whether it recognises the campaign, the gaps or the noise instead."""

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
"""names of the controls"""
SERIES = frozenset({"flux", "flat", "spectrum"})
"""inputs that are computed from the cleaned series"""

Scored = tuple[str, np.ndarray | str]
"""name of a control, and the scores ``(n,)`` of the rows under it, or the reason why it does not apply to the model"""


def shortcut_controls(run: Run, curves: Data, group: np.ndarray) -> list[dict[str, Any]]:
    """Return how well a run ranks hosts first in data without planets.

    The three controls are the inverted cleaned series; the cleaned series without its dips; and cadence and coverage
    without any flux, scored by a logistic regression on the run's training rows.

    Args:
        run: the run.
        curves: n labelled rows.
        group: ``(n,)`` int, number of the star of each row.

    Returns:
        Rows of the report's table, from :func:`exojax.evaluation.controls.score`.
    """
    if isinstance(curves, FoldedEvents):
        reason = "folded events do not contain the light curve"
        return [controls.not_applicable(name, reason) for name in (INVERTED, MASKED, COVERAGE)]
    by_fold = bool(set(run.inputs) & set(FOLDED))
    found = [*(scored_again(run, curves) if by_fold else scored_series(run, curves)), scored_coverage(run, curves)]
    rows: list[dict[str, Any]] = []
    for name, scores in found:
        if isinstance(scores, str):
            rows.append(controls.not_applicable(name, scores))
        else:
            assert curves.label is not None  # the caller has checked
            rows += controls.score(name, curves.label, scores, groups=group, seed=run.config.seed, kind=curves.kind)
    return rows


def scored_again(run: Run, curves: LightCurves) -> Iterator[Scored]:
    """Yield the scores of a model that reads folded curves, for altered curves that are searched again."""
    for name, features in searched_again(run, curves).items():
        yield name, from_logits(run, run.scorer(features))


def searched_again(run: Run, curves: LightCurves) -> dict[str, dict[str, np.ndarray]]:
    """Return the model's inputs from inverted curves, and from curves without the best signal of each star."""
    settings = run.config.search, run.config.fold
    found = folded_events(curves, *settings)
    signal = (found["period"], found["t0"], found["duration"])
    inverted = folded_events(curves, *settings, alter=lambda even: replace(even, flux=-even.flux))
    masked = folded_events(curves, *settings, without=signal)
    named = {"inverted and searched again": inverted, "best signal masked, searched again": masked}
    made = {name: {key: x for key, x in views.items() if key in run.inputs} for name, views in named.items()}
    if plain := set(run.inputs) - set(FOLDED):
        for features, altered in zip(made.values(), (upside_down(curves), without_signal(curves, *signal))):
            features |= compute(plain, altered)
    return made


def upside_down(curves: LightCurves) -> LightCurves:
    """Return the light curves with the flux of each star mirrored at its median."""
    empty = ~np.any(curves.valid, axis=1, keepdims=True)
    middle = np.nanmedian(np.where(curves.valid | empty, curves.flux, np.nan), axis=1, keepdims=True)
    return replace(curves, flux=np.where(curves.valid, 2 * middle - curves.flux, 0).astype(np.float32))


def without_signal(curves: LightCurves, period: np.ndarray, t0: np.ndarray, duration: np.ndarray) -> LightCurves:
    """Return the light curves without the cadences within 0.75 durations of a mid-transit.

    Args:
        curves: n stars.
        period: ``(n,)`` float64, days; NaN for a single transit.
        t0: ``(n,)`` float64, days; NaN leaves the star unchanged.
        duration: ``(n,)`` float64, days.
    """
    valid = curves.valid & ~transit_mask(curves.time, period[:, None], t0[:, None], 1.5 * duration[:, None])
    return replace(curves, valid=valid, flux=np.where(valid, curves.flux, 0).astype(np.float32))


def scored_series(run: Run, curves: LightCurves) -> Iterator[Scored]:
    """Yield the scores of a model that reads whole series, for inverted series and for series without dips."""
    before = run.probability(compute(run.inputs, curves))
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        INVERTED: controls.invert,
        MASKED: lambda series: controls.mask_dips(series, curves.valid),
    }
    for name, change in changes.items():
        if not set(run.inputs) <= SERIES:
            yield name, "the inputs of this model are not series"
            continue
        after = run.probability(_altered(run.inputs, curves, change))
        unchanged = np.allclose(before, after, rtol=1e-4, atol=1e-7)
        yield name, "the change does not affect the model's inputs" if unchanged else after


def _altered(
    names: tuple[str, ...], curves: LightCurves, change: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the model's inputs after a change of the cleaned series."""
    series = {name: change(x) for name, x in compute(("flux", "flat"), curves).items()}
    if "spectrum" in names:
        series["spectrum"] = np.asarray(log_power(jnp.asarray(series["flux"])))
    return {name: series[name] for name in names}


def scored_coverage(run: Run, curves: LightCurves) -> Scored:
    """Return the scores of a logistic regression on cadence and coverage, fitted to the run's training rows."""
    if not run.data["cadence_days"]:
        return COVERAGE, "the run was trained on folded events, without light curves"
    train = load_arrays(run.folder / "coverage.npz")
    here = controls.coverage_features(curves.time, curves.valid, curves.cadence)
    return COVERAGE, controls.coverage_score(train["features"], train["label"], here)
