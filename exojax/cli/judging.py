"""The probability that a trained run gives the stars of a search, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from exojax.compiled import judged_by, suits
from exojax.features.registry import compute
from exojax.folded import SCALARS, VIEWS
from exojax.folding import of_batch
from exojax.hunt import Program, Trace, unjudged
from exojax.inputs import FOLDED, inputs_of, usable
from exojax.lightcurve import Candidates, LightCurves
from exojax.models.interface import Inputs
from exojax.reasons import Reasons, Score, Views, flat, integrated_gradients, integrated_occlusion, withheld
from exojax.runs import Run, from_logits, judged, load, predict, stating
from exojax.scoring import disagreement_of
from exojax.searching import Judge, Judged
from exojax.training.scorer import Features
from exojax.training.step import logits as logits_by

Explain = Callable[[LightCurves, Candidates, Trace], list[Reasons]]
"""Stars, candidates and what the search saw, as for a ``Judge`` -> why each candidate has its score."""
_POINTS = 256  # on the way from no signal: with 64 the sum misses up to 0.2 of the score's log-odds, with these 0.06
_WIDTH = 5  # bins that are told together


@dataclass(frozen=True, eq=False)
class Judging:
    """How a run judges what a search finds.

    Attributes:
        judge: what ``search`` asks for probabilities; None for none.
        program: what is compiled: a network that looks at folds is a part of it, any other judge comes after it.
        explain: gives reasons, of the score before any calibration; None of a run that does not look at folds.
        told: a sentence on what the probabilities are for.
    """

    judge: Judge | None = None
    program: Program = unjudged
    explain: Explain | None = None
    told: str = ""


def judging_of(name: str, rate: float | None = None) -> Judging:
    """How the run of this name judges.

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
    by_fold = bool(set(run.inputs) & set(FOLDED))
    return Judging(
        _of_folds(run) if by_fold else _of_series(run, name),
        judged_by(run) if suits(run) else unjudged,
        _reasons_of(run) if by_fold else None,
        f"Probabilities are those of run {run.folder.name} for stars of which {share}.",
    )


def _of_folds(run: Run) -> Judge:
    """Each candidate by its own fold: a star's probability is the highest of its candidates'."""
    seen = set(run.split["seen"]) if run.data["catalogued"] else set()

    def judge(curves: LightCurves, found: Candidates, trace: Trace) -> Judged:
        told = [f"run {run.folder.name} was trained on this star" if s in seen else "" for s in curves.id.tolist()]
        if suits(run):
            return Judged(found.probability, told, trace.disagreement)
        made = of_batch(curves, found, trace, run.config.fold)
        features = _features(run, curves, found, made)
        return Judged(from_logits(run, judged(run, features)), told, disagreement_of(run, features))

    return judge


def _features(run: Run, curves: LightCurves, found: Candidates, made: Mapping[str, np.ndarray]) -> Features:
    """The run's inputs of each candidate as a row of its own."""
    features = {name: made[name][:, None] for name in run.inputs if name in FOLDED}
    # Statistics of the whole series are the star's, the same for each of its candidates.
    plain = set(run.inputs) - set(FOLDED)
    whole = compute(plain, curves) if plain else {}
    return features | {name: x[found.star] for name, x in whole.items()}


def _reasons_of(run: Run) -> Explain:
    states = run.scorer.states

    # One function object for all candidates: what is compiled for it is kept.
    @jax.jit
    def mean(inputs: Inputs) -> jax.Array:
        return jnp.stack([logits_by(state, inputs) for state in states]).mean(axis=0)

    def scored(inputs: Inputs) -> jax.Array:
        return jnp.asarray(run.scorer({name: np.asarray(x) for name, x in inputs.items()}))

    score: Score = mean if states else scored

    def moved_by(inputs: Views) -> dict[str, np.ndarray]:
        if states:
            return integrated_gradients(score, inputs, steps=_POINTS, width=_WIDTH)
        # Trees have no gradients.
        return integrated_occlusion(score, inputs, width=_WIDTH)

    def explain(curves: LightCurves, found: Candidates, trace: Trace) -> list[Reasons]:
        made = of_batch(curves, found, trace, run.config.fold)
        features = _features(run, curves, found, made)
        told = []
        for k in range(len(found)):
            inputs = {name: x[k : k + 1] for name, x in features.items()}
            moved = moved_by(inputs)
            numbers = withheld(score, inputs, "scalars")[0, 0] if "scalars" in inputs else np.zeros(0)
            told.append(
                Reasons(
                    views={name: made[name][k] for name in VIEWS if name in moved},
                    moved={name: moved[name][0, 0] for name in VIEWS if name in moved},
                    numbers=dict(zip(SCALARS, numbers.tolist())),
                    score=float(score({name: jnp.asarray(x) for name, x in inputs.items()})[0]),
                    flat=float(flat(score, inputs)[0]),
                )
            )
        return told

    return explain


def _of_series(run: Run, name: str) -> Judge:
    width, seen = int(run.data["n_cadences"]), set(run.split["seen"]) if run.data["catalogued"] else set()
    minutes = run.data["cadence_days"] * 1440

    def judge(curves: LightCurves, found: Candidates, trace: Trace) -> Judged:
        ends = np.where(np.isfinite(curves.time), np.arange(1, curves.time.shape[1] + 1), 0).max(axis=1, initial=0)
        fits = ends <= width
        probability, differ = np.full((2, len(curves)), np.nan)
        if fits.any():
            resized = _resized(curves.take(fits), width)
            probability[fits] = predict(run, resized)
            spread = disagreement_of(run, inputs_of(run.inputs, resized, run.config), usable(resized))
            differ[fits] = np.nan if spread is None else spread
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
        return Judged(probability[found.star], told, differ[found.star])

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
