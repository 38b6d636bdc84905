"""Evaluate a run on light curves it has not seen: probabilities, metrics with intervals, shortcut controls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exojax.errors import InputError
from exojax.evaluation import conformal, leakage, metrics, split
from exojax.folded_events import Data, searchable
from exojax.light_curves import LightCurves
from exojax.runs.model_inputs import digests, usable
from exojax.runs.probabilities import disagreement
from exojax.runs.run import SCORES, Run, checked_inputs, from_logits, load, stating
from exojax.runs.shortcut_controls import shortcut_controls
from exojax.storage import announce
from exojax.storage.array_files import load_arrays
from exojax.training.scorer import Features

ALPHA = 0.1
"""share of the stars of a class whose conformal prediction sets may leave out this class"""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Probabilities and metrics of a run on n rows.

    Attributes:
        curves: the scored rows, in the order of the input.
        probability: ``(n,)`` float64, probability of a planet host.
        group: ``(n,)`` int, number of the star of each row.
        counted: ``(n,)`` bool, true for the rows that enter the metrics, which do not repeat an earlier row.
        metrics: content of ``metrics.json``; None for rows without labels.
        controls: rows of the report's table of shortcut controls; empty without labels.
        warnings: one sentence for each fact that changes the meaning of the results.
        disagreement: ``(n,)`` float64, standard deviation of the members' probabilities; None for a single model.
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
    """Evaluate a run on light curves or folded events.

    On the run's own source, the stored test rows are scored; on any other source, every row.

    Args:
        run: from :func:`exojax.load`, or its name or path.
        curves: n rows; without labels there are probabilities but no metrics.
        rate: expected share of hosts among the stars; None for the share among the training rows.

    Raises:
        InputError: the rate is not between 0 and 1, a labelled row repeats a star or a row that the run was trained on,
            or the rows do not have the layout of the training rows.
    """
    run = stating(run if isinstance(run, Run) else load(run), rate)
    if curves.sha256 == run.data["sha256"] and run.split["test_rows"]:
        curves = curves.take(np.asarray(run.split["test_rows"]))
    useful, digest = usable(curves), digests(curves)
    if curves.label is not None:
        check_labelled(run, curves, useful, digest)
    features = checked_inputs(run, curves)
    logits = np.where(useful, run.scorer(features), np.nan)
    probability, differ = from_logits(run, logits), disagreement_of(run, features, useful)
    warnings = [*run.warnings, *curves.warnings, *_warnings(run, curves, useful, logits)]
    if curves.label is None:
        rows = np.arange(len(curves))
        texts = tuple(dict.fromkeys(warnings))
        return Evaluation(curves, probability, rows, np.ones(len(curves), bool), None, [], texts, differ)

    repeats = leakage.duplicates(digest, useful)
    if repeats.any():
        warnings.append(f"{repeats.sum()} rows repeat an earlier row and do not count in the metrics")
    group, counted = _stars(curves, useful, digest), ~repeats
    announce.phase(f"evaluating {run.config.model}: intervals by bootstrap")
    found = metrics.evaluate(
        curves.label[counted],
        probability[counted],
        run.calibration.threshold,
        groups=group[counted],
        seed=run.config.seed,
    )
    found["conformal"] = _conformal(run, curves, logits, group, counted & useful & np.isfinite(logits))
    found["prior"] = run.calibration.share
    found["model"], found["data_sha256"] = run.config.model, curves.sha256
    found["warnings"] = list(dict.fromkeys([*warnings, *found["warnings"]]))
    announce.phase(f"evaluating {run.config.model}: shortcut controls")
    tested = shortcut_controls(run, curves.take(counted), group[counted])
    return Evaluation(curves, probability, group, counted, found, tested, tuple(found["warnings"]), differ)


def check_labelled(run: Run, curves: Data, useful: np.ndarray, digest: np.ndarray) -> None:
    """Check, before any computation, that the run was not trained on the labelled rows.

    Raises:
        InputError: a star or a row is among the run's training rows, there are no rows, or a file of the run that the
            metrics need is damaged.
    """
    if not len(curves):
        raise InputError(f"{curves.source}: has no rows to score; give another source")
    leakage.check_unseen(
        np.array(run.split["seen"]),
        np.array(run.split["digests"]),
        curves.id,
        np.where(useful, digest, ""),  # two empty rows are equal, but need not be one star
        catalogued=curves.catalogued and run.data["catalogued"],
        file=curves.source,
    )
    if isinstance(curves, LightCurves) and run.data["cadence_days"]:
        load_arrays(run.folder / "coverage.npz")


def _warnings(run: Run, curves: Data, useful: np.ndarray, logits: np.ndarray) -> list[str]:
    """Return one sentence for each fact that changes the meaning of the probabilities."""
    warnings = []
    cadence = run.data["cadence_days"]
    if cadence and curves.cadence and abs(curves.cadence / cadence - 1) > 0.01:
        warnings.append(
            f"the run was trained at a cadence of {cadence * 1440:.4g} minutes, "
            f"these rows have {curves.cadence * 1440:.4g}"
        )
    if run.calibration.rate is not None:
        warnings.append(
            f"the probabilities assume that a share of {run.calibration.rate:.4g} of the stars are hosts, as stated; "
            f"among the training rows it is {run.calibration.prior:.4g}. The Brier score and the reliability are valid "
            "only if the labelled rows have the stated share"
        )
    share = f"got the share of hosts, {run.calibration.share:.3g}, as their probability"
    if not useful.all():
        warnings.append(f"{np.sum(~useful)} empty or constant rows {share}")
    if lost := int(np.sum(useful & np.isnan(logits))):
        warnings.append(f"{lost} rows could not be searched and {share}")
    return warnings


def _stars(curves: Data, useful: np.ndarray, digest: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` int, the number of the star of each row; every empty row counts as a star of its own."""
    rows = np.arange(len(curves)).astype(str)
    distinct = np.where(useful, digest, np.char.add("empty ", rows))
    return split.merge_groups(curves.id if curves.catalogued else rows, distinct)


def disagreement_of(run: Run, features: Features, useful: np.ndarray | None = None) -> np.ndarray | None:
    """Return ``(n,)`` float64, standard deviation of the members' probabilities; None for a run with one member.

    Args:
        run: the run.
        features: inputs of its model for n rows.
        useful: ``(n,)`` bool, rows to score; the other rows, and rows without a candidate, get NaN. None for all rows.
    """
    if len(run.scorer.states) < 2:
        return None
    with_candidate = searchable(features)
    known = np.ones(len(next(iter(features.values()))), bool) if with_candidate is None else with_candidate
    known = known if useful is None else known & useful
    logits = run.scorer.members(features)
    return disagreement(run.config.model, run.calibration, np.where(known[None], logits, np.nan))


def _conformal(
    run: Run, curves: Data, logits: np.ndarray, group: np.ndarray, used: np.ndarray
) -> dict[str, Any] | None:
    """Return the conformal prediction sets of the stars of the ``used`` rows; None without stored calibration
    scores."""
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
