"""Gradient-boosted trees (XGBoost: Chen & Guestrin 2016) on numbers that a person can read.

The scalars of a star's best candidate and the figures of its views (:mod:`exojax.models.candidate`), and statistics of
the whole series (:data:`exojax.features.series_columns.SERIES`); what a source does not have is missing, which a tree
can take. Kept as XGBoost's own JSON among plain arrays, never as a pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from exojax.errors import InputError
from exojax.features.series_columns import FAMILIES, SERIES
from exojax.folded_events import has_candidate
from exojax.models import candidate
from exojax.models.base import Choice, Classical, Suggest
from exojax.models.importance import permuted
from exojax.models.measures import FIGURES
from exojax.vetting.all_tests import COLUMNS as VETTING

FOLDS, REPEATS = 3, 3
MOST_ROUNDS, PATIENCE, FEW_ROUNDS = 400, 30, 60
"""trees at most; without a better log loss before a fold stops; where there are too few hosts to choose by"""
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "tree_method": "hist",
    "subsample": 0.8,
    "reg_lambda": 2.0,
    "verbosity": 0,
    # The same bits on any machine, and many threads wait for each other where others work too.
    "nthread": 1,
}
NAMES = (*candidate.NAMES, *SERIES, *VETTING)
BATCH = 512
"""candidates measured at a time"""


def groups_of(names: list[str]) -> dict[str, list[int]]:
    """Columns that tell the same, by what they tell: the figures of one view, quantiles, dips, ...; others alone.

    Args:
        names: of the columns, some of ``NAMES``.

    Returns:
        Name of the group -> its columns.
    """
    homes = {f"{view}_{name}": f"{view} view" for view in candidate.VIEWS for name in FIGURES}
    homes |= {name: f"series: {family}" for family, columns in FAMILIES.items() for name in columns}
    homes |= dict.fromkeys(VETTING, "vetting tests")
    found: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        home = "crowding" if name.startswith("crowd") else homes.get(name, name)
        found.setdefault(home, []).append(number)
    return found


def fit(
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    groups: np.ndarray,
    seed: int,
    *,
    learning_rate: float = 0.1,
    max_depth: int = 4,
    min_child_weight: float = 2.0,
    columns_a_tree: float = 0.4,
) -> dict[str, np.ndarray]:
    """Choose the number of trees by early stopping in star-grouped folds of the training rows, then grow on all.

    The same folds give the permutation importances, on the rows that each fold held out.

    Args:
        features: views, scalars and vetting numbers of K candidates a row, of which the first counts, and ``series``.
        labels: ``(n,)`` int, 1 for hosts.
        groups: ``(n,)`` the star of each row.
        seed: of folds, samples and shuffles.
        learning_rate, max_depth, min_child_weight: XGBoost's own.
        columns_a_tree: share of the columns that each tree may take.

    Returns:
        ``booster`` uint8, the text of XGBoost's JSON; ``columns`` str, names of those that it takes, and ``dropped`` of
        those that say nothing; ``epochs`` and ``periods`` as in :mod:`exojax.models.candidate`, where known; ``rounds``
        int; ``importance_name`` str, ``importance`` and ``importance_error`` float64, loss of average precision when
        shuffled, its mean and standard error over folds; empty where there were too few hosts.
    """

    from sklearn.model_selection import StratifiedGroupKFold

    settings = {"learning_rate": learning_rate, "max_depth": max_depth, "min_child_weight": min_child_weight}
    settings |= {"colsample_bytree": columns_a_tree, "seed": seed}
    figures = _figures(features)
    kept = _telling(_with_crowding(figures, features, candidate.moments_of(features["scalars"][:, :1])))
    if not kept.any():
        raise InputError("boosting: every feature is constant or missing in the training rows; use other data")
    names = [name for name, keep in zip(NAMES, kept) if keep]
    rounds = FEW_ROUNDS
    lost: dict[str, list[float]] = {}
    if min(len(np.unique(groups[labels == kind])) for kind in (0, 1)) >= FOLDS:
        together, best = groups_of(names), []
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        for number, (train, test) in enumerate(folds.split(labels, labels, groups)):
            # What is counted among training rows is counted among this fold's.
            moments = candidate.moments_of(features["scalars"][train, :1])
            x = _with_crowding(figures, features, moments)[:, kept]
            tree = _grow(x[train], labels[train], MOST_ROUNDS, settings, (x[test], labels[test]))
            best.append(tree.best_iteration + 1)
            score = lambda z, tree=tree: _margin(tree, z, tree.best_iteration + 1)  # noqa: E731
            found = permuted(score, x[test], labels[test], together, repeats=REPEATS, seed=seed, fold=number)
            for name, values in found.items():
                lost.setdefault(name, []).append(values.mean())
        rounds = max(1, round(float(np.mean(best))))
    moments = candidate.moments_of(features["scalars"][:, :1])
    tree = _grow(_with_crowding(figures, features, moments)[:, kept], labels, rounds, settings, None)
    return moments | {
        "booster": np.frombuffer(bytes(tree.save_raw(raw_format="json")), np.uint8),
        "columns": np.array(names),
        "dropped": np.array([name for name, keep in zip(NAMES, kept) if not keep], np.str_),
        "rounds": np.asarray(rounds),
        "importance_name": np.array(list(lost), np.str_),
        "importance": np.array([np.mean(values) for values in lost.values()]),
        "importance_error": np.array([np.std(values, ddof=1) / FOLDS**0.5 for values in lost.values()]),
    }


def logits(arrays: Mapping[str, np.ndarray], features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return ``(n,)`` float64 log-odds of a host, at the training rows' share.

    Args:
        arrays: from :func:`fit`.
        features: as there.

    Raises:
        InputError: the stored trees are damaged.
    """
    moments = {name: arrays[name] for name in ("epochs", "periods") if name in arrays}
    kept = np.isin(NAMES, arrays["columns"])
    x = _with_crowding(_figures(features), features, moments)[:, kept]
    return _margin(_restored(arrays), x, 0)


def remarks(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Which columns say nothing of the training rows; a group of which none does by its own name."""
    dropped = set(arrays["dropped"].tolist())
    if not dropped:
        return ()
    told = []
    for group, columns in groups_of(list(NAMES)).items():
        names = [NAMES[number] for number in columns]
        lost = [name for name in names if name in dropped]
        told += [f"{group} ({len(names)} columns)"] if len(lost) == len(names) > 1 else lost
    return (f"constant or missing throughout the training rows, and left out: {', '.join(told)}",)


def _telling(x: np.ndarray) -> np.ndarray:
    """Return ``(d,)`` bool: columns of ``x (n, d)`` with two known values or more."""
    low = np.where(np.isnan(x), np.inf, x).min(axis=0, initial=np.inf)
    high = np.where(np.isnan(x), -np.inf, x).max(axis=0, initial=-np.inf)
    return np.asarray(low < high)


def _figures(features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return ``(n, len(NAMES))`` float32 of the first candidates, with no crowding known; NaN where unknown."""
    n, parts = len(features["scalars"]), []
    moments = {name: np.linspace(0.0, 1.0, candidate.MOMENTS).astype(np.float32) for name in ("epochs", "periods")}
    views = {name: x[:, 0] for name, x in features.items() if name not in ("series", "vetting")}
    for start in range(0, n, BATCH):
        batch = {name: x[start : start + BATCH] for name, x in views.items()}
        pad = BATCH - len(batch["scalars"])
        padded = {name: np.pad(x, [(0, pad)] + [(0, 0)] * (x.ndim - 1)) for name, x in batch.items()}
        parts.append(np.asarray(_columns(padded, moments))[: BATCH - pad])
    found = np.concatenate(parts) if parts else np.zeros((0, candidate.COLUMNS), np.float32)
    candidates = has_candidate(features["global_view"][:, :1])
    found = np.where(candidates[:, None], found, np.nan)
    found = np.concatenate([found, features["series"], features["vetting"][:, 0]], axis=1)
    return np.where(np.isfinite(found), found, np.nan).astype(np.float32)


_columns = jax.jit(candidate.columns_of)


def _with_crowding(
    figures: np.ndarray, features: Mapping[str, np.ndarray], moments: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the same with how many events of the training rows are alike; unknown where no epochs are."""
    out, scalars = figures.copy(), features["scalars"][:, 0]
    slots = [number for number, name in enumerate(NAMES) if name.startswith("crowd")]
    if not moments:
        out[:, slots] = np.nan
        return out
    period, epoch = (jnp.asarray(scalars[:, candidate.SCALARS.index(name)]) for name in ("log_period", "epoch"))
    alike = candidate.alike_of(period, epoch, {name: jnp.asarray(x) for name, x in moments.items()})
    out[:, slots] = np.stack([np.asarray(x) for x in alike], axis=-1)
    return out


def _grow(
    x: np.ndarray,
    labels: np.ndarray,
    rounds: int,
    chosen: Mapping[str, Any],
    stop: tuple[np.ndarray, np.ndarray] | None,
) -> Any:
    import xgboost

    # XGBoost warns of a label without its class; the share of hosts is where the trees start from.
    settings = SETTINGS | dict(chosen) | {"base_score": float(np.clip(labels.mean(), 1e-6, 1 - 1e-6))}
    watched = [] if stop is None else [(xgboost.DMatrix(*stop, nthread=1), "held")]
    early = None if stop is None else PATIENCE
    return xgboost.train(
        settings,
        xgboost.DMatrix(x, labels, nthread=1),
        rounds,
        evals=watched,
        early_stopping_rounds=early,
        verbose_eval=False,
    )


def _margin(tree: Any, x: np.ndarray, rounds: int) -> np.ndarray:
    """Return log-odds by the first ``rounds`` trees, by all of them for 0."""
    return np.asarray(tree.inplace_predict(x, iteration_range=(0, rounds), predict_type="margin"), np.float64)


def _restored(arrays: Mapping[str, np.ndarray]) -> Any:
    import xgboost

    try:
        return xgboost.Booster({"nthread": 1}, model_file=bytearray(arrays["booster"].tobytes()))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise InputError(
            f"the stored trees are damaged ({str(error).splitlines()[0]}); train again with --fresh"
        ) from None


def space(suggest: Suggest) -> Choice:
    """How fast, how deep and how varied the trees are; how many follows from the folds."""
    return Choice(
        options={
            "learning_rate": suggest.suggest_float("learning_rate", 0.02, 0.3, log=True),
            "max_depth": suggest.suggest_int("max_depth", 2, 8),
            "min_child_weight": suggest.suggest_float("min_child_weight", 0.5, 20.0, log=True),
            "columns_a_tree": suggest.suggest_float("columns_a_tree", 0.1, 1.0),
        }
    )


MODEL = Classical(
    inputs=(*candidate.WHOLE, *candidate.NEAR, "scalars", "vetting", "series"),
    fit=fit,
    logits=logits,
    space=space,
    remarks=remarks,
    needs=("xgboost", 'pip install "xgboost-cpu>=3.0"'),
)
