"""Gradient-boosted trees (XGBoost: Chen & Guestrin 2016) on readable numbers.

The inputs are the scalars of a star's best candidate and the measures of its views (:mod:`exojax.models.candidate`),
and statistics of the whole series (:data:`exojax.features.series_columns.SERIES`). Trees can handle numbers that a
source does not have. The model is stored as XGBoost's own JSON in an array, without a pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
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
"""largest number of trees; trees without a better log loss before a fold stops; number of trees for few hosts"""
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic",
    "eval_metric": "logloss",
    "tree_method": "hist",
    "subsample": 0.8,
    "reg_lambda": 2.0,
    "verbosity": 0,
    # One thread gives the same bits on any machine; many threads are slow on a shared machine.
    "nthread": 1,
}
NAMES = (*candidate.NAMES, *SERIES, *VETTING)
BATCH = 512
"""number of candidates that are measured at once"""


def groups_of(names: list[str]) -> dict[str, list[int]]:
    """Group related columns, such as the measures of one view or the quantiles; other columns form groups of one.

    Args:
        names: names of columns, from ``NAMES``.

    Returns:
        Name of each group -> numbers of its columns.
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
    """Choose the number of trees by early stopping in folds of the training stars, then fit the trees to all rows.

    The same folds give the permutation importances, on the rows that each fold holds out.

    Args:
        features: views, scalars and vetting numbers of K candidates per row, of which the first is used; ``series``.
        labels: ``(n,)`` int, 1 for hosts.
        groups: ``(n,)``, number or name of the star of each row.
        seed: seed of folds, samples and shuffles.
        learning_rate, max_depth, min_child_weight: parameters of XGBoost.
        columns_a_tree: share of the columns that each tree can use.

    Returns:
        Arrays by name: ``booster`` uint8, the text of XGBoost's JSON; ``columns`` str, names of the columns in use;
        ``dropped`` str, names of constant or unknown columns; ``epochs`` and ``periods`` as in
        :mod:`exojax.models.candidate`, if known; ``rounds`` int, number of trees; ``importance_name`` str; and
        ``importance`` and ``importance_error`` float64, mean and standard error over folds of the loss of average
        precision when the group is shuffled, empty with too few hosts.

    Raises:
        InputError: every column is constant or unknown.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    settings = {"learning_rate": learning_rate, "max_depth": max_depth, "min_child_weight": min_child_weight}
    settings |= {"colsample_bytree": columns_a_tree, "seed": seed}
    figures = _figures(features)
    kept = _varying(_with_crowding(figures, features, candidate.moments_of(features["scalars"][:, :1])))
    if not kept.any():
        raise InputError("boosting: every feature is constant or missing in the training rows; use other data")
    names = [name for name, keep in zip(NAMES, kept) if keep]
    n_trees = FEW_ROUNDS
    lost: dict[str, list[float]] = {}
    if min(len(np.unique(groups[labels == kind])) for kind in (0, 1)) >= FOLDS:
        together, best = groups_of(names), []
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        for number, (train, test) in enumerate(folds.split(labels, labels, groups)):
            # The crowding of events is counted among the training rows of this fold only.
            moments = candidate.moments_of(features["scalars"][train, :1])
            x = _with_crowding(figures, features, moments)[:, kept]
            tree = _grow(x[train], labels[train], MOST_ROUNDS, settings, (x[test], labels[test]))
            best.append(tree.best_iteration + 1)
            score = partial(_margin, tree, n_trees=tree.best_iteration + 1)
            found = permuted(score, x[test], labels[test], together, repeats=REPEATS, seed=seed, fold=number)
            for name, values in found.items():
                lost.setdefault(name, []).append(values.mean())
        n_trees = max(1, round(float(np.mean(best))))
    moments = candidate.moments_of(features["scalars"][:, :1])
    tree = _grow(_with_crowding(figures, features, moments)[:, kept], labels, n_trees, settings, None)
    return moments | {
        "booster": np.frombuffer(bytes(tree.save_raw(raw_format="json")), np.uint8),
        "columns": np.array(names),
        "dropped": np.array([name for name, keep in zip(NAMES, kept) if not keep], np.str_),
        "rounds": np.asarray(n_trees),
        "importance_name": np.array(list(lost), np.str_),
        "importance": np.array([np.mean(values) for values in lost.values()]),
        "importance_error": np.array([np.std(values, ddof=1) / FOLDS**0.5 for values in lost.values()]),
    }


def logits(arrays: Mapping[str, np.ndarray], features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return ``(n,)`` float64 log-odds of a host, for the share of hosts among the training rows.

    Args:
        arrays: from :func:`fit`.
        features: as in :func:`fit`.

    Raises:
        InputError: the stored trees are damaged.
    """
    moments = {name: arrays[name] for name in ("epochs", "periods") if name in arrays}
    kept = np.isin(NAMES, arrays["columns"])
    x = _with_crowding(_figures(features), features, moments)[:, kept]
    return _margin(_restored(arrays), x, 0)


def remarks(arrays: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Return a sentence with the columns that are constant or unknown; a whole group is named by its own name."""
    dropped = set(arrays["dropped"].tolist())
    if not dropped:
        return ()
    texts: list[str] = []
    for group, columns in groups_of(list(NAMES)).items():
        names = [NAMES[number] for number in columns]
        lost = [name for name in names if name in dropped]
        texts += [f"{group} ({len(names)} columns)"] if len(lost) == len(names) > 1 else lost
    return (f"constant or missing throughout the training rows, and left out: {', '.join(texts)}",)


def _varying(x: np.ndarray) -> np.ndarray:
    """Return ``(d,)`` bool, true for columns of ``x (n, d)`` with at least two different known values."""
    low = np.where(np.isnan(x), np.inf, x).min(axis=0, initial=np.inf)
    high = np.where(np.isnan(x), -np.inf, x).max(axis=0, initial=-np.inf)
    return np.asarray(low < high)


def _figures(features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return ``(n, len(NAMES))`` float32, the columns of the first candidates before crowding; NaN where unknown."""
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
    """Return ``figures`` with the columns of crowding, see ``candidate.alike_of``; NaN if no epochs are known."""
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
    n_trees: int,
    chosen: Mapping[str, Any],
    stop: tuple[np.ndarray, np.ndarray] | None,
) -> Any:
    import xgboost

    # The trees start from the share of hosts, which XGBoost could not estimate from labels of one class.
    settings = SETTINGS | dict(chosen) | {"base_score": float(np.clip(labels.mean(), 1e-6, 1 - 1e-6))}
    watched = [] if stop is None else [(xgboost.DMatrix(*stop, nthread=1), "held")]
    early = None if stop is None else PATIENCE
    return xgboost.train(
        settings,
        xgboost.DMatrix(x, labels, nthread=1),
        n_trees,
        evals=watched,
        early_stopping_rounds=early,
        verbose_eval=False,
    )


def _margin(tree: Any, x: np.ndarray, n_trees: int) -> np.ndarray:
    """Return log-odds from the first ``n_trees`` trees; 0 uses all trees."""
    return np.asarray(tree.inplace_predict(x, iteration_range=(0, n_trees), predict_type="margin"), np.float64)


def _restored(arrays: Mapping[str, np.ndarray]) -> Any:
    import xgboost

    try:
        return xgboost.Booster({"nthread": 1}, model_file=bytearray(arrays["booster"].tobytes()))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise InputError(
            f"the stored trees are damaged ({str(error).splitlines()[0]}); train again with --fresh"
        ) from None


def space(suggest: Suggest) -> Choice:
    """Return the learning rate, the depth and the variety of the trees; the folds determine their number."""
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
