"""Copies of training stars with a simulated planet that the search finds, where there are few known hosts.

A network that looks at folds learns from what a search made of a star. So the planet goes into the light curve as it
was measured, and the copy is cleaned, searched and folded as every star is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from exojax.config import RunConfig, TrainConfig
from exojax.folded_events import VIEWS, Data
from exojax.injection.planets import between, inject_planets
from exojax.injection.recovery import Injections, recover
from exojax.light_curves import LightCurves
from exojax.models.base import Model
from exojax.runs.fold_stars import folded_events
from exojax.runs.model_inputs import FOLDED
from exojax.simulate.random_streams import generator
from exojax.simulate.transits import MIN_SNR, MIN_TRANSITS
from exojax.storage.announce import ReportCount
from exojax.training.fit import Examples, FitSettings, fit_model
from exojax.training.scorer import Scorer

STRONGEST = 10 * MIN_SNR
"""SNR of the strongest planet that is planted; log-uniform from the least that can be seen"""
DEEPEST = 0.03
"""of the flux: no planet of a dwarf is deeper"""
_MORE = 1.6  # copies searched for each one wanted: some planets are not found


@dataclass(frozen=True, eq=False)
class InjectedCopies:
    """Copies of stars with a planet each, all positive.

    Attributes:
        star: ``(m,)`` int, the row that each is a copy of.
        features: :data:`exojax.folded_events.VIEWS` ``(m, K, bins, 3)`` and ``scalars (m, K, s)`` float32; of the K
            candidates only the planet is there.
    """

    star: np.ndarray
    features: dict[str, np.ndarray]


def injected_copies(
    curves: LightCurves, n: int, config: RunConfig, *, report: ReportCount | None = None
) -> InjectedCopies:
    """Return copies of stars without a known planet, each with a simulated one that the search finds first.

    Periods are log-uniform over what the search covers, sizes log-uniform in SNR from 7.1 to 71. A planet that the
    search does not find, or not as the star's best candidate, teaches nothing but noise and is left out.

    Args:
        curves: labelled; copies are of stars labelled 0.
        n: copies wanted; there may be fewer, and of a star there is one at most.
        config: ``seed`` draws planets and stars, ``search`` and ``fold`` are the run's.
        report: progress of the search.
    """
    assert curves.label is not None
    rng = generator(config.seed, "planted planets")
    quiet = np.flatnonzero(curves.label != 1)
    star = rng.permutation(quiet)[: round(_MORE * n)]
    if not len(star):
        return InjectedCopies(star, {})
    some, u = curves.take(star), rng.random((5, len(star)))
    time = np.where(some.valid, some.time, np.nan)
    longest = 0.5 * (np.nanmax(time, axis=1) - np.nanmin(time, axis=1))
    if config.search.period_max is not None:
        longest = np.minimum(longest, config.search.period_max)
    shortest = np.minimum(config.search.period_min, longest)
    made = inject_planets(some, between(shortest, longest, u[0]), between(MIN_SNR, STRONGEST, u[1]), "snr", u[2:])
    can_be = (made.n_transits >= MIN_TRANSITS) & (made.snr >= MIN_SNR)
    can_be &= (made.depth < DEEPEST) | (not curves.absolute)
    kept = np.flatnonzero(can_be)
    found = folded_events(made.curves.take(kept), config.search, config.fold, report=report)
    orbits = made.orbits
    period, t0, duration, span = (x[kept] for x in (orbits.period, orbits.t0, orbits.duration, made.span))
    truth = Injections(period, t0, duration, span, np.full(len(kept), curves.cadence))
    row = np.flatnonzero(np.isfinite(found["t0"]))
    period, t0, duration = (found[name][row] for name in ("period", "t0", "duration"))
    recovered = np.flatnonzero(recover(truth, row, period, t0, duration, np.ones(len(row))).exact > 0)[:n]
    features = {name: found[name][recovered] for name in (*VIEWS, "scalars")}
    for name, x in features.items():
        x[:, 1:] = np.nan if name == "scalars" else 0
    return InjectedCopies(star[kept[recovered]], features)


def copies_for(
    model: Model,
    training: TrainConfig,
    data: Data,
    label: np.ndarray,
    config: RunConfig,
    report: ReportCount | None = None,
) -> InjectedCopies | None:
    """Return the copies that a training asks for, or None where it asks for none or they cannot be made.

    Args:
        model: that is trained.
        training: ``injected_copies`` is the number of hosts below which there are copies.
        data: rows that may be trained on.
        label: ``(n,)`` int of them, 1 for hosts.
        config: as of :func:`injected_copies`.
        report: progress of the search.
    """
    wanted = training.injected_copies - int(np.sum(label == 1))
    looks_at_folds = model.kind == "network" and set(model.inputs) <= set(FOLDED)
    if wanted <= 0 or not looks_at_folds or not isinstance(data, LightCurves):
        return None
    return injected_copies(data, wanted, config, report=report)


def with_copies(examples: Examples, copies: InjectedCopies | None, chosen: np.ndarray) -> Examples:
    """Return some of the rows, and the copies of these and of no others: no copy of a star that is held out.

    Args:
        examples: all rows, with names.
        copies: ``star`` is a place among them.
        chosen: ``(k,)`` int, rows to train on.
    """
    some = examples.take(chosen)
    at = np.flatnonzero(np.isin(copies.star, chosen)) if copies is not None else np.zeros(0, int)
    if copies is None or not len(at):
        return some
    assert examples.name is not None
    assert some.name is not None
    star = copies.star[at]
    names = np.char.add(examples.name[star].astype(str), " with a simulated planet")
    return Examples(
        {name: np.concatenate([x, copies.features[name][at]]) for name, x in some.features.items()},
        np.concatenate([some.label, np.ones(len(at), some.label.dtype)]),
        np.concatenate([some.group, examples.group[star]]),
        np.concatenate([some.name, names]),
    )


def fit_with_copies(
    model: Model, examples: Examples, copies: InjectedCopies | None, chosen: np.ndarray, settings: FitSettings
) -> Scorer:
    """Fit a model on some of the rows and on their copies; arguments as of :func:`with_copies`."""
    some = with_copies(examples, copies, chosen)
    training = paced(settings.config, examples.label[chosen], len(some) - len(chosen))
    return fit_model(model, some, replace(settings, config=training))


def paced(training: TrainConfig, label: np.ndarray, n_copies: int) -> TrainConfig:
    """Return the training with its passes over the positives for ``n_copies`` copies beside rows of ``label (n,)``.

    The few hosts are passed over ``host_passes`` times, as without copies; these no more often than other rows.
    """
    hosts = int(np.sum(label == 1))
    if not n_copies or not training.host_passes:
        return training
    mean = (training.host_passes * hosts + training.passes * n_copies) / (hosts + n_copies)
    return replace(training, host_passes=mean)
