"""The probability that a trained run gives the stars of a search, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np

from exojax.candidates import Candidates
from exojax.config import FoldConfig
from exojax.evaluation.attribution import Attribution, Views, flat, integrated_gradients, integrated_occlusion, withheld
from exojax.features.registry import compute
from exojax.folded_events import SCALARS, VIEWS
from exojax.light_curves import LightCurves
from exojax.models.base import Inputs
from exojax.runs.evaluate import disagreement_of
from exojax.runs.fold_stars import SearchedStar, joined
from exojax.runs.model_inputs import FOLDED, inputs_of, usable
from exojax.runs.run import Run, from_logits, identity_of, load, predict, stating
from exojax.runs.survey import CandidateScores, ScoreCandidates
from exojax.training.compile_options import quick_options
from exojax.training.scorer import BATCHES
from exojax.training.step import logits as logits_by

Explain = Callable[[SearchedStar], list[Attribution]]
"""One star after its search -> why each of its candidates has its score."""
_POINTS = 256  # on the way from no signal: with 64 the sum misses up to 0.2 of the score's log-odds, with these 0.06
_WIDTH = 5  # bins that are told together


@dataclass(frozen=True, eq=False)
class CandidateScorer:
    """How a run judges what a search finds.

    Attributes:
        score_candidates: what ``search`` asks for probabilities; None for none.
        fold: bins of the views that the run sees.
        explain: gives reasons, of the score before any calibration; None of a run that does not look at folds.
        told: a sentence on what the probabilities are for.
        identity: differs for a run that was trained otherwise; empty for none.
    """

    score_candidates: ScoreCandidates | None = None
    fold: FoldConfig = field(default_factory=FoldConfig)
    explain: Explain | None = None
    told: str = ""
    identity: str = ""


def candidate_scorer(name: str, rate: float | None = None) -> CandidateScorer:
    """How the run of this name judges.

    A run on whole series judges a star at the number of cadences of its training; a longer one gets no probability,
    and a warning.

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
    return CandidateScorer(
        _of_folds(run) if by_fold else _of_series(run, name),
        run.config.fold,
        _reasons_of(run) if by_fold else None,
        f"Probabilities are those of run {run.folder.name} for stars of which {share}.",
        identity_of(run),
    )


def _of_folds(run: Run) -> ScoreCandidates:
    """Each candidate by its own fold: a star's probability is the highest of its candidates'."""
    seen = set(run.split["seen"]) if run.data["catalogued"] else set()

    def score_candidates(
        stars: Sequence[SearchedStar], found: Candidates, inputs: Mapping[str, np.ndarray]
    ) -> CandidateScores:
        names = [str(one.curves.id[0]) for one in stars]
        remarks = [f"run {run.folder.name} was trained on this star" if s in seen else "" for s in names]
        if not len(found):
            return CandidateScores(np.zeros(0), remarks)
        features = _features(run, stars, found, inputs)
        return CandidateScores(from_logits(run, run.scorer(features)), remarks, disagreement_of(run, features))

    return score_candidates


def _features(
    run: Run, stars: Sequence[SearchedStar], found: Candidates, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the run's inputs of each candidate as a row of its own."""
    features = {name: inputs[name][:, None] for name in run.inputs if name in FOLDED}
    if plain := set(run.inputs) - set(FOLDED):
        # Statistics of the whole series are the star's, the same for each of its candidates.
        each = [compute(plain, one.curves) for one in stars]
        features |= {name: np.concatenate([made[name] for made in each])[found.star] for name in plain}
    return features


def _reasons_of(run: Run) -> Explain:
    states = run.scorer.states

    # One function object for all candidates: what is compiled for it is kept.
    def mean(inputs: Inputs) -> jax.Array:
        return jnp.stack([logits_by(state, inputs) for state in states]).mean(axis=0)

    def score(rows: dict[str, np.ndarray]) -> np.ndarray:
        n = len(next(iter(rows.values())))
        # A few at a time, by the program that is compiled already.
        parts = [slice(first, first + BATCHES[0]) for first in range(0, n, BATCHES[0])]
        return np.concatenate([run.scorer({name: x[p] for name, x in rows.items()}) for p in parts])

    def moved_by(inputs: Views) -> dict[str, np.ndarray]:
        if states:
            return integrated_gradients(mean, inputs, steps=_POINTS, width=_WIDTH, options=quick_options())
        # Trees have no gradients.
        return integrated_occlusion(score, inputs, width=_WIDTH)

    def explain(star: SearchedStar) -> list[Attribution]:
        found, made = joined([star])
        features = _features(run, [star], found, made)
        told = []
        for k in range(len(found)):
            inputs = {name: x[k : k + 1] for name, x in features.items()}
            moved = moved_by(inputs)
            numbers = withheld(score, inputs, "scalars")[0, 0] if "scalars" in inputs else np.zeros(0)
            told.append(
                Attribution(
                    views={name: made[name][k] for name in VIEWS if name in moved},
                    moved={name: moved[name][0, 0] for name in VIEWS if name in moved},
                    numbers=dict(zip(SCALARS, numbers.tolist())),
                    score=float(score(inputs)[0]),
                    flat=float(flat(score, inputs)[0]),
                )
            )
        return told

    return explain


def _of_series(run: Run, name: str) -> ScoreCandidates:
    width, seen = int(run.data["n_cadences"]), set(run.split["seen"]) if run.data["catalogued"] else set()
    minutes = run.data["cadence_days"] * 1440

    def score_candidates(
        stars: Sequence[SearchedStar], found: Candidates, inputs: Mapping[str, np.ndarray]
    ) -> CandidateScores:
        probability, differ = np.full((2, len(stars)), np.nan)
        remarks = []
        for number, one in enumerate(stars):
            curves, text = one.curves, []
            ends = int(np.flatnonzero(np.isfinite(curves.time[0]))[-1]) + 1
            if ends > width:
                text.append(f"no probability: {ends} cadences, run {name} was trained on {width}")
            else:
                resized = _resized(curves, width)
                probability[number] = predict(run, resized)[0]
                spread = disagreement_of(run, inputs_of(run.inputs, resized, run.config), usable(resized))
                differ[number] = np.nan if spread is None else spread[0]
                if abs(curves.cadence / run.data["cadence_days"] - 1) > 0.01:
                    text.append(f"run {name} was trained at {minutes:.4g} minutes, this is {curves.cadence * 1440:.4g}")
            if curves.catalogued and str(curves.id[0]) in seen:
                text.append(f"run {name} was trained on this star")
            remarks.append("; ".join(text))
        return CandidateScores(probability[found.star], remarks, differ[found.star])

    return score_candidates


def _resized(curves: LightCurves, width: int) -> LightCurves:
    """Return the light curves padded or cut to ``width`` cadences."""
    more = ((0, 0), (0, max(width - curves.time.shape[1], 0)))
    return replace(
        curves,
        time=np.pad(curves.time[:, :width], more, constant_values=np.nan),
        flux=np.pad(curves.flux[:, :width], more),
        valid=np.pad(curves.valid[:, :width], more),
        centroid=None,
    )
