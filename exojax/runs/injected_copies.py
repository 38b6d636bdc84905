"""Make copies of training stars with an injected planet that the search detects, for data with few known hosts.

A network that reads folded curves is trained on the result of a search. Therefore the planet is injected into the raw
light curve, and the copy is cleaned, searched and folded like every star.
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
"""highest SNR of an injected planet; the distribution is log-uniform from ``MIN_SNR``"""
DEEPEST = 0.03
"""largest transit depth, as a fraction of the flux; planets of dwarf stars are not deeper"""
_MORE = 1.6
"""copies to search per copy to return, because the search does not detect every planet"""


@dataclass(frozen=True, eq=False)
class InjectedCopies:
    """Copies of stars with one injected planet each; all are labelled as hosts.

    Attributes:
        star: ``(m,)`` int, row of the original star.
        features: :data:`exojax.folded_events.VIEWS` ``(m, K, bins, 3)``, ``scalars`` and ``vetting (m, K, s)``,
            float32. The first of the K candidates is the planet; the others are empty.
    """

    star: np.ndarray
    features: dict[str, np.ndarray]


def injected_copies(
    curves: LightCurves, n: int, config: RunConfig, *, report: ReportCount | None = None
) -> InjectedCopies:
    """Return copies of stars without a known planet, each with a planet that is the best candidate of the search.

    Periods are log-uniform over the range of the search, sizes log-uniform in SNR from 7.1 to 71. A copy whose best
    candidate is not the planet is left out, because its views would show noise.

    Args:
        curves: labelled light curves; stars labelled 0 are copied.
        n: largest number of copies; each star is copied at most once.
        config: settings of the run: ``seed`` of the planets and the stars, ``search`` and ``fold``.
        report: receives the progress of the search.
    """
    assert curves.label is not None
    rng = generator(config.seed, "planted planets")
    quiet = np.flatnonzero(curves.label != 1)
    star = rng.permutation(quiet)[: round(_MORE * n)]
    if not len(star):
        return InjectedCopies(star, {})
    originals, u = curves.take(star), rng.random((5, len(star)))
    time = np.where(originals.valid, originals.time, np.nan)
    longest = 0.5 * (np.nanmax(time, axis=1) - np.nanmin(time, axis=1))
    if config.search.period_max is not None:
        longest = np.minimum(longest, config.search.period_max)
    shortest = np.minimum(config.search.period_min, longest)
    made = inject_planets(originals, between(shortest, longest, u[0]), between(MIN_SNR, STRONGEST, u[1]), "snr", u[2:])
    is_plausible = (made.n_transits >= MIN_TRANSITS) & (made.snr >= MIN_SNR)
    is_plausible &= (made.depth < DEEPEST) | (not curves.absolute)
    kept = np.flatnonzero(is_plausible)
    found = folded_events(made.curves.take(kept), config.search, config.fold, report=report)
    orbits = made.orbits
    period, t0, duration, span = (x[kept] for x in (orbits.period, orbits.t0, orbits.duration, made.span))
    truth = Injections(period, t0, duration, span, np.full(len(kept), curves.cadence))
    row = np.flatnonzero(np.isfinite(found["t0"]))
    period, t0, duration = (found[name][row] for name in ("period", "t0", "duration"))
    recovered = np.flatnonzero(recover(truth, row, period, t0, duration, np.ones(len(row))).exact > 0)[:n]
    features = {name: found[name][recovered] for name in FOLDED}
    for name, x in features.items():
        x[:, 1:] = 0 if name in VIEWS else np.nan
    return InjectedCopies(star[kept[recovered]], features)


def copies_for(
    model: Model,
    training: TrainConfig,
    data: Data,
    label: np.ndarray,
    config: RunConfig,
    report: ReportCount | None = None,
) -> InjectedCopies | None:
    """Return the copies for a training; None if it has enough hosts, or if its model or data allow no copies.

    Copies need light curves, and a network whose inputs are all folded.

    Args:
        model: the model to train.
        training: ``injected_copies`` is the number of hosts that the copies fill up.
        data: n training rows.
        label: ``(n,)`` int, 1 for hosts.
        config: as in :func:`injected_copies`.
        report: receives the progress of the search.
    """
    missing = training.injected_copies - int(np.sum(label == 1))
    reads_folds = model.kind == "network" and set(model.inputs) <= set(FOLDED)
    if missing <= 0 or not reads_folds or not isinstance(data, LightCurves):
        return None
    return injected_copies(data, missing, config, report=report)


def with_copies(examples: Examples, copies: InjectedCopies | None, chosen: np.ndarray) -> Examples:
    """Return the chosen rows followed by their copies; a copy of a star outside ``chosen`` is left out.

    Args:
        examples: all rows, with names.
        copies: copies of them; ``star`` is an index into ``examples``. None for no copies.
        chosen: ``(k,)`` int, rows to train on.
    """
    originals = examples.take(chosen)
    at = np.flatnonzero(np.isin(copies.star, chosen)) if copies is not None else np.zeros(0, int)
    if copies is None or not len(at):
        return originals
    assert examples.name is not None
    assert originals.name is not None
    star = copies.star[at]
    names = np.char.add(examples.name[star].astype(str), " with a simulated planet")
    return Examples(
        {name: np.concatenate([x, copies.features[name][at]]) for name, x in originals.features.items()},
        np.concatenate([originals.label, np.ones(len(at), originals.label.dtype)]),
        np.concatenate([originals.group, examples.group[star]]),
        np.concatenate([originals.name, names]),
    )


def fit_with_copies(
    model: Model, examples: Examples, copies: InjectedCopies | None, chosen: np.ndarray, settings: FitSettings
) -> Scorer:
    """Fit a model to the chosen rows and their copies; arguments as in :func:`with_copies`."""
    rows = with_copies(examples, copies, chosen)
    training = paced(settings.config, examples.label[chosen], len(rows) - len(chosen))
    return fit_model(model, rows, replace(settings, config=training))


def paced(training: TrainConfig, label: np.ndarray, n_copies: int) -> TrainConfig:
    """Return the training settings with ``host_passes`` adjusted to copies among the positives.

    The network passes over real hosts ``host_passes`` times, as without copies, and over copies ``passes`` times, as
    over other rows; the returned ``host_passes`` is the mean over real hosts and copies.

    Args:
        training: settings of the training.
        label: ``(n,)`` int, 1 for hosts, of the rows without copies.
        n_copies: number of copies.
    """
    hosts = int(np.sum(label == 1))
    if not n_copies or not training.host_passes:
        return training
    mean = (training.host_passes * hosts + training.passes * n_copies) / (hosts + n_copies)
    return replace(training, host_passes=mean)
