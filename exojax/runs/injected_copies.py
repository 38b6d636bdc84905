"""Training stars once more, with a simulated planet that the search finds: what few known hosts cannot teach.

A network that looks at folds learns from what a search made of a star. So the planet goes into the light curve as it
was measured, and the copy is cleaned, searched and folded as every star is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from exojax.config import RunConfig, TrainConfig
from exojax.folded_events import VIEWS, Data
from exojax.injection.planets import between, inject_planets
from exojax.injection.recovery import Injections, recover
from exojax.light_curves import LightCurves
from exojax.models.base import Model, Network
from exojax.runs.fold_stars import Report, folded_events
from exojax.runs.model_inputs import FOLDED
from exojax.simulate.random_streams import generator
from exojax.simulate.transits import MIN_SNR, MIN_TRANSITS

STRONGEST = 10 * MIN_SNR
"""SNR of the strongest planet that is planted; log-uniform from the least that can be seen"""
DEEPEST = 0.03
"""of the flux: no planet of a dwarf is deeper"""
_MORE = 1.6  # copies searched for each one wanted: some planets are not found


@dataclass(frozen=True, eq=False)
class Twins:
    """Copies of stars with a planet each, all positive.

    Attributes:
        star: ``(m,)`` int, the row that each is a copy of.
        features: :data:`exojax.folded_events.VIEWS` ``(m, K, bins, 3)`` and ``scalars (m, K, s)`` float32; of the K
            candidates only the planet is there.
    """

    star: np.ndarray
    features: dict[str, np.ndarray]


def twins(curves: LightCurves, n: int, config: RunConfig, *, report: Report | None = None) -> Twins:
    """Copies of stars without a known planet, with one that the search finds first.

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
        return Twins(star, {})
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
    return Twins(star[kept[recovered]], features)


def twins_for(
    model: Model,
    training: TrainConfig,
    data: Data,
    label: np.ndarray,
    config: RunConfig,
    report: Report | None = None,
) -> Twins | None:
    """The copies that this training wants of these rows; None where it wants none, or they cannot be made.

    Args:
        model: that is trained.
        training: ``twins`` is the number of hosts below which there are copies.
        data: rows that may be trained on.
        label: ``(n,)`` int of them, 1 for hosts.
        config: as of :func:`twins`.
        report: progress of the search.
    """
    wanted = training.twins - int(np.sum(label == 1))
    looks_at_folds = isinstance(model, Network) and set(model.inputs) <= set(FOLDED)
    if wanted <= 0 or not looks_at_folds or not isinstance(data, LightCurves):
        return None
    return twins(data, wanted, config, report=report)


class Taught(NamedTuple):
    """Rows to train on: inputs ``(n, ...)``, ``(n,)`` label, star and name of each."""

    features: dict[str, np.ndarray]
    label: np.ndarray
    group: np.ndarray
    name: np.ndarray


def beside(rows: Taught, planted: Twins | None, chosen: np.ndarray) -> Taught:
    """Some of the rows, and the copies of these and of no others: a star that is held out has no twin in training.

    Args:
        rows: all rows.
        planted: ``star`` is a place among them.
        chosen: ``(k,)`` int, rows to train on.
    """
    features = {name: x[chosen] for name, x in rows.features.items()}
    some = Taught(features, rows.label[chosen], rows.group[chosen], rows.name[chosen])
    at = np.flatnonzero(np.isin(planted.star, chosen)) if planted is not None else np.zeros(0, int)
    if planted is None or not len(at):
        return some
    star = planted.star[at]
    return Taught(
        {name: np.concatenate([x, planted.features[name][at]]) for name, x in features.items()},
        np.concatenate([some.label, np.ones(len(at), some.label.dtype)]),
        np.concatenate([some.group, rows.group[star]]),
        np.concatenate([some.name, np.char.add(rows.name[star].astype(str), " with a simulated planet")]),
    )


def paced(training: TrainConfig, label: np.ndarray, n_twins: int) -> TrainConfig:
    """The training with its passes over the positives for ``n_twins`` copies beside rows of ``label (n,)``.

    The few hosts are passed over ``host_passes`` times, as without copies; these no more often than other rows.
    """
    hosts = int(np.sum(label == 1))
    if not n_twins or not training.host_passes:
        return training
    mean = (training.host_passes * hosts + training.passes * n_twins) / (hosts + n_twins)
    return replace(training, host_passes=mean)
