"""A run scored on light curves it has not seen: probabilities, figures with intervals, shortcut controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from exojax.ephemeris import transit_mask
from exojax.errors import InputError
from exojax.evaluation import conformal, controls, leakage, metrics, split
from exojax.features.registry import compute
from exojax.features.spectrum import log_power
from exojax.folded_events import Data, FoldedEvents, searchable
from exojax.light_curves import LightCurves
from exojax.runs.fold_stars import folded_events
from exojax.runs.model_inputs import FOLDED, digests, inputs_of, usable
from exojax.runs.probabilities import disagreement
from exojax.runs.run import SCORES, Run, check_shapes, from_logits, judged, load, stating
from exojax.storage import announce
from exojax.storage.array_files import load_arrays
from exojax.training.scorer import Features

ALPHA = 0.1
"""share of the stars of a class whose prediction sets may miss it"""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one evaluation found.

    Attributes:
        curves: the rows scored, in the order of the input.
        probability: ``(n,)`` float64.
        group: ``(n,)`` int, the star of each row.
        counted: ``(n,)`` bool, rows that figures are made of: those that do not repeat an earlier one.
        metrics: as in ``metrics.json``, or None for rows without labels.
        controls: rows of the report's table of shortcut controls; empty without labels.
        warnings: what a reader has to know, with or without labels.
        disagreement: ``(n,)`` float64 of an ensemble's members, or None.
    """

    curves: Data
    probability: np.ndarray
    group: np.ndarray
    counted: np.ndarray
    metrics: dict[str, Any] | None
    controls: list[dict[str, Any]]
    warnings: tuple[str, ...]
    disagreement: np.ndarray | None = None


def evaluate(run: Run | str | Path, curves: Data, *, rate: float | None = None) -> Evaluation:
    """Score a run on light curves or folded events.

    Of the run's own source the stored test rows are scored, and of any other source every row.

    Args:
        run: from :func:`exojax.load`, or its name or path.
        curves: n rows; without labels there are probabilities but no figures.
        rate: share of hosts among the stars that probabilities are for; None is that of the training rows.

    Raises:
        InputError: the rate is not between 0 and 1, or labelled rows share a star or a row with those the run was
            trained on.
    """
    run = stating(run if isinstance(run, Run) else load(run), rate)
    own = curves.sha256 == run.data["sha256"] and bool(run.split["test_rows"])
    if own:
        curves = curves.take(np.asarray(run.split["test_rows"]))
    useful, digest = usable(curves), digests(curves)
    features = inputs_of(run.inputs, curves, run.config)
    check_shapes(run.config.model, features, curves.source, taught=run.data["inputs"])
    logits = np.where(useful, judged(run, features), np.nan)
    probability, differ = from_logits(run, logits), disagreement_of(run, features, useful)
    warnings = [*run.warnings, *curves.warnings]
    taught = run.data["cadence_days"]
    if taught and curves.cadence and abs(curves.cadence / taught - 1) > 0.01:
        warnings.append(
            f"the run was trained at a cadence of {run.data['cadence_days'] * 1440:.4g} minutes, "
            f"these rows have {curves.cadence * 1440:.4g}"
        )
    if run.calibration.rate is not None:
        warnings.append(
            f"probabilities are for stars of which a share of {run.calibration.rate:.4g} are hosts, as stated; the "
            f"training rows have {run.calibration.prior:.4g}. The Brier score and the reliability of labelled rows "
            "hold only where theirs is the stated share"
        )
    share = f"got the share of hosts, {run.calibration.share:.3g}, as their probability"
    if not useful.all():
        warnings.append(f"{np.sum(~useful)} empty or constant rows {share}")
    if lost := int(np.sum(useful & np.isnan(logits))):
        warnings.append(f"{lost} rows could not be searched and {share}")
    if curves.label is None:
        everything = np.ones(len(curves), bool)
        return Evaluation(
            curves, probability, np.arange(len(curves)), everything, None, [], tuple(dict.fromkeys(warnings)), differ
        )

    catalogued = curves.catalogued and run.data["catalogued"]
    seen_ids = np.array(run.split["seen"])
    seen_rows = np.array(run.split["digests"])
    # Empty rows look alike without being one star.
    told = np.where(useful, digest, "")
    leakage.check_unseen(seen_ids, seen_rows, curves.id, told, catalogued=catalogued, file=curves.source)
    repeated = leakage.duplicates(digest, useful)
    if repeated.any():
        warnings.append(f"{repeated.sum()} rows repeat an earlier one and do not count in the figures")
    group = np.arange(len(curves))
    distinct = np.where(useful, digest, np.char.add("empty ", group.astype(str)))
    group = split.merge_groups(curves.id if curves.catalogued else group.astype(str), distinct)

    counted = ~repeated
    if not counted.any():
        raise InputError(f"{curves.source}: no rows to score")
    rest = curves.take(counted)
    label = curves.label[counted]
    announce.phase(f"evaluating {run.config.model}: intervals by bootstrap")
    found = metrics.evaluate(
        label, probability[counted], run.calibration.threshold, groups=group[counted], seed=run.config.seed
    )
    found["conformal"] = _conformal(run, curves, logits, group, counted & useful & np.isfinite(logits))
    found["prior"] = run.calibration.share
    found["model"], found["data_sha256"] = run.config.model, curves.sha256
    found["warnings"] = list(dict.fromkeys([*warnings, *found["warnings"]]))
    announce.phase(f"evaluating {run.config.model}: shortcut controls")
    tested = shortcut_controls(run, rest, group[counted])
    return Evaluation(curves, probability, group, counted, found, tested, tuple(found["warnings"]), differ)


def disagreement_of(run: Run, features: Features, useful: np.ndarray | None = None) -> np.ndarray | None:
    """How far the members of an ensemble differ, ``(n,)`` float64 in units of the probability; None of a single model.

    Args:
        run: the run.
        features: its inputs, of n rows.
        useful: ``(n,)`` bool; the others get NaN, as does a row without a candidate.
    """
    if len(run.scorer.states) < 2:
        return None
    there = searchable(features)
    known = np.ones(len(next(iter(features.values()))), bool) if there is None else there
    known = known if useful is None else known & useful
    logits = run.scorer.members(features)
    return disagreement(run.config.model, run.calibration, np.where(known[None], logits, np.nan))


def _conformal(
    run: Run, curves: Data, logits: np.ndarray, group: np.ndarray, used: np.ndarray
) -> dict[str, Any] | None:
    """Prediction sets of the ``used`` rows' stars; None of a run from before its calibration scores were kept."""
    if not (run.folder / SCORES).exists():
        return None
    known = load_arrays(run.folder / SCORES)
    assert curves.label is not None  # the caller has checked
    kind = None if curves.kind is None else curves.kind[used]
    return conformal.report(
        conformal.by_star(known["logits"], known["label"], known["group"], known["kind"]),
        conformal.by_star(logits[used], curves.label[used], group[used], kind),
        alpha=ALPHA,
        seed=run.config.seed,
        protocol=run.calibration.protocol,
    )


def shortcut_controls(run: Run, curves: Data, group: np.ndarray) -> list[dict[str, Any]]:
    """How well hosts are ranked first when the planets are taken away.

    Three ways: the cleaned series upside down, the cleaned series without its dips, and no flux at all, only cadence
    and coverage, by a logistic regression on the run's training rows.

    Args:
        run: the run.
        curves: labelled rows.
        group: ``(n,)`` int, the star of each row.
    """
    label, seed = curves.label, run.config.seed
    assert label is not None  # the caller has checked
    rows: list[dict[str, Any]] = []

    def add(name: str, scores: np.ndarray) -> None:
        rows.extend(controls.score(name, label, scores, groups=group, seed=seed, kind=curves.kind))

    if isinstance(curves, FoldedEvents):
        why = "folded events come without the light curve"
        return [controls.not_applicable(n, why) for n in ("inverted", "dips masked", "cadence and coverage alone")]
    if set(run.inputs) & set(FOLDED):
        for name, features in _searched_again(run, curves).items():
            add(name, from_logits(run, judged(run, features)))
    else:
        _altered_series(run, curves, add, rows)
    name = "cadence and coverage alone"
    if not run.data["cadence_days"]:
        return [*rows, controls.not_applicable(name, "the run was trained on folded events, without light curves")]
    known = load_arrays(run.folder / "coverage.npz")
    here = controls.coverage_features(curves.time, curves.valid, curves.cadence)
    add(name, controls.coverage_score(known["features"], known["label"], here))
    return rows


def _searched_again(run: Run, curves: LightCurves) -> dict[str, dict[str, np.ndarray]]:
    """Inputs of a model that looks at folds: from the curves upside down, and without each star's best signal."""
    how = run.config.search, run.config.fold
    found = folded_events(curves, *how)
    signal = (found["period"], found["t0"], found["duration"])
    inverted = folded_events(curves, *how, alter=lambda even: replace(even, flux=-even.flux))
    masked = folded_events(curves, *how, without=signal)
    named = {"inverted and searched again": inverted, "best signal masked, searched again": masked}
    made = {name: {key: x for key, x in views.items() if key in run.inputs} for name, views in named.items()}
    if plain := set(run.inputs) - set(FOLDED):
        for features, altered in zip(made.values(), (_upside_down(curves), _without(curves, *signal))):
            features |= compute(plain, altered)
    return made


def _upside_down(curves: LightCurves) -> LightCurves:
    """Flux mirrored at each star's median."""
    empty = ~np.any(curves.valid, axis=1, keepdims=True)
    middle = np.nanmedian(np.where(curves.valid | empty, curves.flux, np.nan), axis=1, keepdims=True)
    return replace(curves, flux=np.where(curves.valid, 2 * middle - curves.flux, 0).astype(np.float32))


def _without(curves: LightCurves, period: np.ndarray, t0: np.ndarray, duration: np.ndarray) -> LightCurves:
    """What lies within 0.75 durations of a transit is no longer valid; a star without a signal stays as it is."""
    valid = curves.valid & ~transit_mask(curves.time, period[:, None], t0[:, None], 1.5 * duration[:, None])
    return replace(curves, valid=valid, flux=np.where(valid, curves.flux, 0).astype(np.float32))


def _altered_series(
    run: Run, curves: LightCurves, add: Callable[[str, np.ndarray], None], rows: list[dict[str, Any]]
) -> None:
    """The same for a model that looks at whole series."""
    before = run.probability(compute(run.inputs, curves))
    changes: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "inverted": controls.invert,
        "dips masked": lambda series: controls.mask_dips(series, curves.valid),
    }
    for name, change in changes.items():
        altered = _altered(run.inputs, curves, change)
        if altered is None:
            rows.append(controls.not_applicable(name, "this model's inputs are not a series"))
            continue
        after = run.probability(altered)
        if np.allclose(before, after, rtol=1e-4, atol=1e-7):
            rows.append(controls.not_applicable(name, "the model's input is blind to it"))
        else:
            add(name, after)


def _altered(
    names: tuple[str, ...], curves: LightCurves, change: Callable[[np.ndarray], np.ndarray]
) -> dict[str, np.ndarray] | None:
    """The model's inputs after a change of the cleaned series; None where an input is not made from it."""
    if not set(names) <= {"flux", "flat", "spectrum"}:
        return None
    series = {name: change(x) for name, x in compute(("flux", "flat"), curves).items()}
    if "spectrum" in names:
        series["spectrum"] = np.asarray(log_power(jnp.asarray(series["flux"])))
    return {name: series[name] for name in names}
