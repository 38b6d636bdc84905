"""A run scored on light curves it has not seen: probabilities, figures with intervals, shortcut controls."""

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
"""share of the stars of a class whose prediction sets may miss it"""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A run's probabilities and figures on some rows.

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
        InputError: the rate is not between 0 and 1, labelled rows share a star or a row with those the run was trained
            on, or the rows are not of the layout that its model takes.
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
        warnings.append(f"{repeats.sum()} rows repeat an earlier one and do not count in the figures")
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
    """Refuse labelled rows that the run was trained on, before anything is computed.

    Raises:
        InputError: a star or a row is among the run's training rows, there are no rows, or a file of the run that the
            figures need is damaged.
    """
    if not len(curves):
        raise InputError(f"{curves.source}: no rows to score")
    leakage.check_unseen(
        np.array(run.split["seen"]),
        np.array(run.split["digests"]),
        curves.id,
        np.where(useful, digest, ""),  # empty rows look alike without being one star
        catalogued=curves.catalogued and run.data["catalogued"],
        file=curves.source,
    )
    if isinstance(curves, LightCurves) and run.data["cadence_days"]:
        load_arrays(run.folder / "coverage.npz")


def _warnings(run: Run, curves: Data, useful: np.ndarray, logits: np.ndarray) -> list[str]:
    """Return what a reader of the probabilities has to know."""
    warnings = []
    cadence = run.data["cadence_days"]
    if cadence and curves.cadence and abs(curves.cadence / cadence - 1) > 0.01:
        warnings.append(
            f"the run was trained at a cadence of {cadence * 1440:.4g} minutes, "
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
    return warnings


def _stars(curves: Data, useful: np.ndarray, digest: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` int, the star of each row; empty rows look alike without being one star."""
    rows = np.arange(len(curves)).astype(str)
    distinct = np.where(useful, digest, np.char.add("empty ", rows))
    return split.merge_groups(curves.id if curves.catalogued else rows, distinct)


def disagreement_of(run: Run, features: Features, useful: np.ndarray | None = None) -> np.ndarray | None:
    """Return how far an ensemble's members differ, ``(n,)`` float64 in units of the probability; None of one model.

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
    """Return the prediction sets of the ``used`` rows' stars; None where no calibration scores were kept."""
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
