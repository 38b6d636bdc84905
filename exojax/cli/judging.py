"""The probability that a trained run gives the stars of a search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exojax.features.registry import compute
from exojax.folding import of_batch
from exojax.hunt import Trace
from exojax.inputs import FOLDED
from exojax.lightcurve import Candidates, LightCurves
from exojax.runs import Run, from_logits, judged, load, predict, stating
from exojax.searching import Judge


def judge_of(name: str, rate: float | None = None) -> tuple[Judge, str]:
    """What ``search`` asks for probabilities, and a sentence on what these are for.

    A star is judged at the number of cadences of the run's training, so that neither the longest star beside it nor its
    padding changes its probability; a longer one gets none, and is told.

    Args:
        name: of the run, or its path.
        rate: share of hosts among the stars that probabilities are for; None is that of the training rows.

    Raises:
        InputError: there is no such run, it is damaged, or the rate is not between 0 and 1.
    """
    run = stating(load(name), rate)
    origin = "as among its training rows" if rate is None else "as stated"
    share = f"a share of {run.calibration.share:.4g} are hosts, {origin}"
    judge = _of_folds(run) if set(run.inputs) & set(FOLDED) else _of_series(run, name)
    return judge, f"Probabilities are those of run {run.folder.name} for stars of which {share}."


def _of_folds(run: Run) -> Judge:
    """Each candidate by its own fold: a star's probability is the highest of its candidates'."""
    seen = set(run.split["seen"]) if run.data["catalogued"] else set()

    def judge(curves: LightCurves, found: Candidates, trace: Trace) -> tuple[np.ndarray, list[str]]:
        made = of_batch(curves, found, trace, run.config.fold)
        features = {name: made[name][:, None] for name in run.inputs if name in FOLDED}
        # Statistics of the whole series are the star's, the same for each of its candidates.
        plain = set(run.inputs) - set(FOLDED)
        whole = compute(plain, curves) if plain else {}
        logits = judged(run, features | {name: x[found.star] for name, x in whole.items()})
        told = [f"run {run.folder.name} was trained on this star" if s in seen else "" for s in curves.id.tolist()]
        return from_logits(run, logits), told

    return judge


def _of_series(run: Run, name: str) -> Judge:
    width, seen = int(run.data["n_cadences"]), set(run.split["seen"]) if run.data["catalogued"] else set()
    minutes = run.data["cadence_days"] * 1440

    def judge(curves: LightCurves, found: Candidates, trace: Trace) -> tuple[np.ndarray, list[str]]:
        ends = np.where(np.isfinite(curves.time), np.arange(1, curves.time.shape[1] + 1), 0).max(axis=1, initial=0)
        fits = ends <= width
        probability = np.full(len(curves), np.nan)
        if fits.any():
            probability[fits] = predict(run, _resized(curves.take(fits), width))
        told = []
        for star, fit, end in zip(curves.id.tolist(), fits.tolist(), ends.tolist()):
            text = []
            if not fit:
                text.append(f"no probability: {end} cadences, run {name} was trained on {width}")
            elif abs(curves.cadence / run.data["cadence_days"] - 1) > 0.01:
                text.append(f"run {name} was trained at {minutes:.4g} minutes, this is {curves.cadence * 1440:.4g}")
            if curves.catalogued and star in seen:
                text.append(f"run {name} was trained on this star")
            told.append("; ".join(text))
        return probability[found.star], told

    return judge


def _resized(curves: LightCurves, width: int) -> LightCurves:
    """Padded or cut to ``width`` cadences."""
    more = ((0, 0), (0, max(width - curves.time.shape[1], 0)))
    return replace(
        curves,
        time=np.pad(curves.time[:, :width], more, constant_values=np.nan),
        flux=np.pad(curves.flux[:, :width], more),
        valid=np.pad(curves.valid[:, :width], more),
        centroid=None,
    )
