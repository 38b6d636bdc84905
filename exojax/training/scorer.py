"""Score stars with a fitted model: inputs to log-odds."""

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
"""name of an input -> ``(n, ...)`` float32"""

BATCHES = (8, 64)
"""numbers of rows that are scored at once; each is compiled once"""
FEW = 512
"""largest number of rows for the smaller batch, which is equally fast on a CPU; a search then compiles only one size"""


@dataclass(frozen=True, eq=False)
class Scorer:
    """A fitted model. A call with the inputs of n stars returns ``(n,)`` float64 logits before calibration.

    Attributes:
        inputs: names of the inputs that the model reads.
        states: the trained networks, whose log-odds are averaged; empty for other models.
        classical: the classical model; None for other models.
        arrays: the fitted arrays of a classical model, or the weights of the parts of a stack.
        parts: name to fitted model, for a stack; empty for other models.
    """

    inputs: tuple[str, ...]
    states: tuple[TrainState, ...] = ()
    classical: Classical | None = None
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    parts: Mapping[str, Scorer] = field(default_factory=dict)

    def __call__(self, features: Features) -> np.ndarray:
        """Return ``(n,)`` float64 logits; NaN for a row without a candidate, if the model reads folded curves.

        Raises:
            InputError: the network was trained on series of another length.
        """
        return self.members(features).mean(axis=0)

    def members(self, features: Features) -> np.ndarray:
        """Return ``(members, n)`` float64 logits of each network, or ``(1, n)`` for other models; NaN as in a call."""
        inputs = {name: features[name] for name in self.inputs}
        if self.states:
            logits = np.stack([_network(state, inputs) for state in self.states])
        elif self.parts:
            of_parts = np.stack([part(features) for part in self.parts.values()])
            logits = (self.arrays["weight"] @ of_parts + self.arrays["bias"])[None]
        else:
            assert self.classical is not None
            logits = np.asarray(self.classical.logits(self.arrays, inputs), np.float64)[None]
        with_candidate = searchable(inputs)
        return logits if with_candidate is None else np.where(with_candidate, logits, np.nan)

    @property
    def steps(self) -> list[int] | None:
        """Training step of the weights of each network, also of those in a stack; None without networks.

        They reveal that an earlier checkpoint was loaded because a later one is damaged.
        """
        own = [int(state.step) for state in self.states]
        return own + [step for part in self.parts.values() for step in part.steps or ()] or None

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences of a classical model, or of the parts of a stack, about the fit."""
        own = self.classical.remarks(self.arrays) if self.classical is not None else ()
        return (*own, *(text for part in self.parts.values() for text in part.remarks))


def at_prior(model: Model, logits: np.ndarray, prior: float) -> np.ndarray:
    """Return ``logits (n,)`` with the logit of the share of hosts in place of NaN (stars that cannot be searched).

    Args:
        model: the model; with ``model.balanced`` (trained on as many hosts as other stars) this logit is 0.
        logits: ``(n,)`` float, before calibration.
        prior: share of hosts among the training rows.
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
                f"the network was not trained on series of {shape[0]} cadences; give data of the shape of the training "
                "data, or train on these data"
            ) from None
    return np.concatenate(scores).astype(np.float64) if scores else np.zeros(0)


@lru_cache
def _forward(batch: int) -> Callable[..., jax.Array]:
    """Return the compiled scoring function for ``batch`` rows; it takes a module's ``apply``, weights and inputs.

    It does not take the whole state, because the optimiser differs between runs and would compile it again.
    """
    # A small batch runs only a few times, so that a short compilation matters more than speed.
    return jax.jit(scored, static_argnums=0, compiler_options=quick_options() if batch == BATCHES[0] else {})
