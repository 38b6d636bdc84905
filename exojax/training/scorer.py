"""A fitted model: features of stars in, log-odds out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import jax
import numpy as np
from flax.errors import ScopeParamShapeError
from scipy.special import logit

from exojax.errors import InputError
from exojax.folded_events import searchable
from exojax.models.base import Classical, Model
from exojax.training.compile_options import quick_options
from exojax.training.state import TrainState
from exojax.training.step import scored

Features = Mapping[str, np.ndarray]
"""Feature name -> ``(n, ...)`` float32."""

BATCHES = (8, 64)
"""rows scored at a time: each size is compiled once"""
FEW = 512
"""rows up to which the smaller size is taken: as fast on a CPU, and whatever a search scores needs one program"""


@dataclass(frozen=True, eq=False)
class Scorer:
    """A fitted model, called with features of n stars: ``(n,)`` float64 logits, before calibration.

    Attributes:
        inputs: the features that it looks at; others may be given.
        states: of a network, its members, whose mean log-odds count.
        classical: of a classical model, itself.
        arrays: what a classical model is kept as; of a stack the weights of its parts.
        parts: of a stack, its fitted models by name.
    """

    inputs: tuple[str, ...]
    states: tuple[TrainState, ...] = ()
    classical: Classical | None = None
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    parts: Mapping[str, Scorer] = field(default_factory=dict)

    def __call__(self, features: Features) -> np.ndarray:
        """Return ``(n,)`` float64 logits; NaN for a row without a candidate, where the model looks at candidates.

        Raises:
            InputError: a network was trained on series of another length.
        """
        return self.members(features).mean(axis=0)

    def members(self, features: Features) -> np.ndarray:
        """Return ``(members, n)`` float64 logits of each network; of other models one row. NaN as in a call."""
        seen = {name: features[name] for name in self.inputs}
        if self.states:
            found = np.stack([_network(state, seen) for state in self.states])
        elif self.parts:
            each = np.stack([part(features) for part in self.parts.values()])
            found = (self.arrays["weight"] @ each + self.arrays["bias"])[None]
        else:
            assert self.classical is not None
            found = np.asarray(self.classical.logits(self.arrays, seen), np.float64)[None]
        there = searchable(seen)
        return found if there is None else np.where(there, found, np.nan)

    @property
    def steps(self) -> list[int] | None:
        """The training step of each network's weights, those in a stack too; None where there is none.

        By these a run that is read back tells that a damaged checkpoint was replaced by an earlier one.
        """
        own = [int(state.step) for state in self.states]
        return own + [step for part in self.parts.values() for step in part.steps or ()] or None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a classical model, or a part of a stack, has to tell of its fit."""
        own = self.classical.remarks(self.arrays) if self.classical is not None else ()
        return (*own, *(text for part in self.parts.values() for text in part.remarks))


def at_prior(model: Model, logits: np.ndarray, prior: float) -> np.ndarray:
    """Return ``logits (n,)`` with those of the share of hosts in place of NaN: stars that cannot be searched.

    Args:
        model: the logit of an even chance is 0 of one that is trained on balanced batches.
        logits: ``(n,)`` float, before calibration.
        prior: share of hosts among the rows that another model was fitted on.
    """
    return np.where(np.isnan(logits), 0.0 if model.balanced else logit(prior), logits)


def _network(state: TrainState, features: Features) -> np.ndarray:
    n = len(next(iter(features.values())))
    batch = BATCHES[0] if n <= FEW else BATCHES[-1]
    scores = []
    for start in range(0, n, batch):
        part = {name: x[start : start + batch] for name, x in features.items()}
        missing = batch - len(next(iter(part.values())))
        padded = {name: np.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)) for name, x in part.items()}
        try:
            found = _forward(batch)(state.apply_fn, state.average, padded)
            scores.append(np.asarray(found)[: len(next(iter(part.values())))])
        except ScopeParamShapeError:
            shape = next(iter(features.values())).shape[1:]
            raise InputError(
                f"the network was trained on series of another length than {shape[0]} cadences; "
                "score data of the same layout, or train on these"
            ) from None
    return np.concatenate(scores).astype(np.float64) if scores else np.zeros(0)


@lru_cache
def _forward(batch: int) -> Callable[..., jax.Array]:
    """Return the compiled function of a module's ``apply``, its averaged weights and ``batch`` rows of inputs.

    It does not take the whole state, whose optimiser differs from run to run and would compile it again.
    """
    # Few rows are scored once or twice: compiling would take longer than anything else.
    return jax.jit(scored, static_argnums=0, compiler_options=quick_options() if batch == BATCHES[0] else {})
