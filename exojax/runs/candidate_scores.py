"""Score the candidates of a search with a trained run, and attribute the scores to their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

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
from exojax.vetting.all_tests import COLUMNS

Explain = Callable[[SearchedStar], list[Attribution]]
"""takes a searched star; returns the attribution of the score of each of its candidates"""
_POINTS = 256
"""steps of the integral of gradients: its error is up to 0.06 of the log-odds, with 64 steps up to 0.2"""
_WIDTH = 5
"""neighbouring bins of a view that share one attribution"""


@dataclass(frozen=True, eq=False)
class CandidateScorer:
    """The functions of a run that score the candidates of a search.

    Attributes:
        score_candidates: returns the probabilities of candidates; None for no probabilities.
        fold: bins of the views that the run reads.
        explain: returns the attribution of the score before calibration; None for a run that reads no folded curves.
        statement: a sentence on the share of hosts that the probabilities assume.
        identity: text that differs between runs of different training; empty without a run.
    """

    score_candidates: ScoreCandidates | None = None
    fold: FoldConfig = field(default_factory=FoldConfig)
    explain: Explain | None = None
    statement: str = ""
    identity: str = ""


def candidate_scorer(name: str, rate: float | None = None) -> CandidateScorer:
    """Return the functions of a run that score candidates.

    A run that reads whole series cuts or pads a star to the number of cadences of its training. A star with more
    cadences gets no probability, and a warning.

    Args:
        name: name or path of the run.
        rate: expected share of hosts among the stars; None for the share among the training rows.

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
        _Explainer(run) if by_fold else None,
        f"Probabilities come from run {run.folder.name}, for stars of which {share}.",
        identity_of(run),
    )


def _of_folds(run: Run) -> ScoreCandidates:
    """Return the scoring function of a run that reads folded curves: every candidate is scored by its own fold."""
    seen = set(run.split["seen"]) if run.data["catalogued"] else set()

    def score_candidates(
        stars: Sequence[SearchedStar], found: Candidates, inputs: Mapping[str, np.ndarray]
    ) -> CandidateScores:
        names = [str(star.curves.id[0]) for star in stars]
        remarks = [f"run {run.folder.name} was trained on this star" if name in seen else "" for name in names]
        if not len(found):
            return CandidateScores(np.zeros(0), remarks)
        features = _features(run, stars, found, inputs)
        return CandidateScores(from_logits(run, run.scorer(features)), remarks, disagreement_of(run, features))

    return score_candidates


def _features(
    run: Run, stars: Sequence[SearchedStar], found: Candidates, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the inputs of the run, one row per candidate."""
    features = {name: inputs[name][:, None] for name in run.inputs if name in FOLDED}
    if plain := set(run.inputs) - set(FOLDED):
        # Statistics of the whole series belong to the star; its candidates share them.
        per_star = [compute(plain, star.curves) for star in stars]
        features |= {name: np.concatenate([made[name] for made in per_star])[found.star] for name in plain}
    return features


@dataclass(frozen=True, eq=False)
class _Explainer:
    """A run that attributes the scores of a star's candidates to the bins of their views and to their numbers."""

    run: Run

    def __call__(self, star: SearchedStar) -> list[Attribution]:
        """Return the attribution of the score of each candidate of a star."""
        found, made = joined([star])
        features = _features(self.run, [star], found, made)
        return [
            self._candidate({name: x[k : k + 1] for name, x in features.items()}, made, k) for k in range(len(found))
        ]

    def _candidate(self, inputs: dict[str, np.ndarray], made: Mapping[str, np.ndarray], k: int) -> Attribution:
        moved = self._moved(inputs)
        numbers: dict[str, float] = {}
        for kind, names in (("scalars", SCALARS), ("vetting", COLUMNS)):
            if kind in inputs:
                numbers |= zip(names, withheld(self._score, inputs, kind)[0, 0].tolist(), strict=True)
        return Attribution(
            views={name: made[name][k] for name in VIEWS if name in moved},
            moved={name: moved[name][0, 0] for name in VIEWS if name in moved},
            numbers=numbers,
            score=float(self._score(inputs)[0]),
            flat=float(flat(self._score, inputs)[0]),
        )

    def _moved(self, inputs: Views) -> dict[str, np.ndarray]:
        """Return how much each bin moves the logit, by gradients for networks and by occlusion for trees."""
        if self.run.scorer.states:
            return integrated_gradients(self._mean_logit, inputs, steps=_POINTS, width=_WIDTH, options=quick_options())
        return integrated_occlusion(self._score, inputs, width=_WIDTH)

    @cached_property
    def _mean_logit(self) -> Callable[[Inputs], jax.Array]:
        """Mean logit of the members; one function object for all candidates, so that JAX compiles it once."""
        states = self.run.scorer.states

        def mean(inputs: Inputs) -> jax.Array:
            return jnp.stack([logits_by(state, inputs) for state in states]).mean(axis=0)

        return mean

    def _score(self, rows: dict[str, np.ndarray]) -> np.ndarray:
        """Return ``(n,)`` logits, in batches of the size for which the scorer is compiled already."""
        n = len(next(iter(rows.values())))
        parts = [slice(first, first + BATCHES[0]) for first in range(0, n, BATCHES[0])]
        return np.concatenate([self.run.scorer({name: x[part] for name, x in rows.items()}) for part in parts])


def _of_series(run: Run, name: str) -> ScoreCandidates:
    """Return the scoring function of a run that reads whole series: all candidates of a star have its probability."""
    width, seen = int(run.data["n_cadences"]), set(run.split["seen"]) if run.data["catalogued"] else set()
    minutes = run.data["cadence_days"] * 1440

    def score_candidates(
        stars: Sequence[SearchedStar], found: Candidates, inputs: Mapping[str, np.ndarray]
    ) -> CandidateScores:
        probability, differ = np.full((2, len(stars)), np.nan)
        remarks = []
        for number, star in enumerate(stars):
            curves, text = star.curves, []
            ends = int(np.flatnonzero(np.isfinite(curves.time[0]))[-1]) + 1
            if ends > width:
                text.append(f"no probability: the star has {ends} cadences, run {name} was trained on {width}")
            else:
                resized = _resized(curves, width)
                probability[number] = predict(run, resized)[0]
                spread = disagreement_of(run, inputs_of(run.inputs, resized, run.config), usable(resized))
                differ[number] = np.nan if spread is None else spread[0]
                if abs(curves.cadence / run.data["cadence_days"] - 1) > 0.01:
                    text.append(
                        f"run {name} was trained at a cadence of {minutes:.4g} minutes, this star has "
                        f"{curves.cadence * 1440:.4g}"
                    )
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
