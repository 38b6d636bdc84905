"""Load, check and use a trained run: its weights, calibration, split and configuration."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import jax
import numpy as np

from exojax.config import RunConfig, from_dict
from exojax.errors import InputError
from exojax.folded_events import Data, FoldedEvents
from exojax.models import registry
from exojax.models.base import Network
from exojax.models.code import fingerprint
from exojax.runs.model_inputs import FOLDED, example_inputs, inputs_of, usable
from exojax.runs.probabilities import Calibration, apply, at_rate, restored
from exojax.storage.json_files import read_checked, write_checked
from exojax.training.fit import load_model
from exojax.training.scorer import Features, Scorer

log = logging.getLogger("exojax")

CHECKPOINTS = Path("checkpoints")
"""folder of all runs, below the working directory"""
PRETRAINED = "pretrained"
"""name of the run that exojax ships"""
SHIPPED = Path(str(files("exojax"))) / PRETRAINED
"""folder of that run, inside the package"""
SCORES = "calibration_scores.npz"
"""file with ``logits``, ``label``, ``group`` and ``kind`` (empty where unknown) of the rows that calibrated a run"""
FACTS = ("sha256", "inputs", "cadence_days", "catalogued")
"""required keys of ``data`` in config.json"""
PARTS = ("train", "validation", "test", "test_rows", "seen", "digests")
"""required keys of split.json"""


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Attributes:
        folder: folder of its files.
        config: its settings.
        data: facts about its data: ``sha256``, ``n``, ``n_positive``, ``inputs``, ``cadence_days``, ...
        split: ``train``, ``validation`` and ``test``: ids; ``test_rows``: row numbers; ``seen`` and ``digests``: ids
            and fingerprints of the rows that the weights have seen, including those of the run of ``--init``.
        calibration: conversion of logits to probabilities.
        warnings: one sentence for each fact that changes the meaning of its results.
        scorer: the model with its weights, which converts inputs to logits.
    """

    folder: Path
    config: RunConfig
    data: dict[str, Any]
    split: dict[str, Any] = field(repr=False)
    calibration: Calibration
    warnings: tuple[str, ...]
    scorer: Scorer = field(repr=False)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs of its model."""
        return registry.get(self.config.model).inputs

    def probability(self, features: Features) -> np.ndarray:
        """Return ``(n,)`` float64, calibrated probability of a planet, from the model's inputs of n stars."""
        return apply(self.config.model, self.calibration, self.scorer(features))


def run_folder(run: str | Path) -> Path:
    """Return the folder of a run.

    Args:
        run: a ``Path``, which is returned unchanged; a text with a path separator, which is a path; ``pretrained`` for
            the run that exojax ships; or another text, which is a name under ``checkpoints/``.

    Raises:
        InputError: the name is empty, or consists of dots.
    """
    if isinstance(run, Path):
        return run
    # A name without a separator never means a folder in the working directory: ``--run docs`` must not write to docs/.
    name = str(run)
    if name == PRETRAINED:
        return SHIPPED
    if not name.strip("."):
        raise InputError(f"--run {name!r}: give a name, or a path such as ./k1")
    return Path(run) if os.sep in name else CHECKPOINTS / name


def load(run: str | Path) -> Run:
    """Load a finished run, without executing any code of its folder.

    Args:
        run: its name under ``checkpoints/``, its path, or ``pretrained``.

    Raises:
        InputError: there is no such run, it is not finished, or a file in it is damaged.
    """
    folder = run_folder(run)
    if not (folder / "config.json").exists():
        raise InputError(f"{folder}: there is no run; train one with --run {Path(run).name}")
    stored = read_checked(folder / "config.json")
    config = from_dict(RunConfig, stored.get("config", {}), str(folder / "config.json"))
    if not (folder / "calibration.json").exists():
        raise InputError(f"{folder}: the run is not finished; run the same train command again to continue it")
    try:
        facts = stored["data"]
        members = registry.training(config).members
        scorer = load_model(registry.build(config), folder, facts["inputs"], members=members)
        found = read_checked(folder / "calibration.json")
        warnings = tuple(found.pop("warnings"))
        how = restored(found)
        for calibrated, loaded in zip(how.steps or (), scorer.steps or ()):
            if calibrated != loaded:
                warnings += (
                    f"the checkpoint of step {calibrated} is damaged; the weights are those of step {loaded}, for "
                    "which the calibration was not made",
                )
        split = read_checked(folder / "split.json")
        for needed, stored_keys in ((FACTS, facts), (PARTS, split)):
            if missing := [key for key in needed if key not in stored_keys]:
                raise KeyError(missing[0])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder}: config.json, calibration.json or split.json is incomplete ({error}); train again with --fresh"
        ) from None
    return Run(folder, config, facts, split, how, warnings, scorer)


def shipped_start(config: RunConfig) -> str | None:
    """Return the name of the shipped run if the configured network can start from its weights, else None.

    The network must have the same model and weights of the same shapes.
    """
    if not (SHIPPED / "config.json").is_file():
        return None
    facts = read_checked(SHIPPED / "config.json")
    spec = registry.build(config)
    if facts.get("config", {}).get("model") != config.model or not isinstance(spec, Network):
        return None
    try:
        run = load(PRETRAINED)
    except InputError as error:  # the code of the model may have changed since
        log.warning("the shipped weights cannot be loaded, so that the network starts from random weights: %s", error)
        return None
    example = {
        name: jax.ShapeDtypeStruct((1, *shape), np.float32)
        for name, shape in run.data["inputs"].items()
        if name in spec.inputs
    }
    made = jax.eval_shape(partial(spec.module.init, train=False), jax.random.key(0), example)
    fits = jax.tree.map(np.shape, made["params"]) == jax.tree.map(np.shape, run.scorer.states[0].params)
    return PRETRAINED if fits else None


def identity_of(run: Run) -> str:
    """Return 16 hex digits, a fingerprint of a run's settings, calibration and model code."""
    content = hashlib.sha256(fingerprint(registry.get(run.config.model)).encode())
    for name in ("config.json", "calibration.json", SCORES):
        if (run.folder / name).exists():
            content.update((run.folder / name).read_bytes())
    return content.hexdigest()[:16]


def stating(run: Run, rate: float | None) -> Run:
    """Return the run with probabilities for a share ``rate`` of hosts among the stars; None changes nothing.

    Raises:
        InputError: the rate is not between 0 and 1.
    """
    return run if rate is None else replace(run, calibration=at_rate(run.calibration, rate))


def predict(run: Run | str | Path, data: Data) -> np.ndarray:
    """Return ``(n,)`` float64, the probability that each row is a planet host.

    A row that is empty or constant, or that cannot be searched, gets the share of hosts that the probabilities assume:
    the share among the training rows, or the stated rate.

    Args:
        run: from :func:`load`, or its name or path.
        data: n rows, light curves or folded events.

    Raises:
        InputError: the run cannot be loaded, or its model needs series of another length.
    """
    run = run if isinstance(run, Run) else load(run)
    return from_logits(run, logits_of(run, data))


def logits_of(run: Run, data: Data) -> np.ndarray:
    """Return ``(n,)`` float64 logits before calibration; NaN for an empty or constant row, or one without a candidate.

    Raises:
        InputError: the model of the run needs series of another length, or other views.
    """
    features = checked_inputs(run, data)
    return np.where(usable(data), run.scorer(features), np.nan)


def checked_inputs(run: Run, data: Data) -> dict[str, np.ndarray]:
    """Return the inputs of the run's model, after checking their shapes without a search.

    Raises:
        InputError: the model of the run needs series of another length, or other views.
    """
    example = example_inputs(run.inputs, data, run.config)
    check_shapes(run.config.model, example, data.source, trained=run.data["inputs"])
    return inputs_of(run.inputs, data, run.config)


def from_logits(run: Run, logits: np.ndarray) -> np.ndarray:
    """Convert the logits of :func:`logits_of` to ``(n,)`` float64 probabilities; NaN to the share of hosts."""
    return apply(run.config.model, run.calibration, logits)


def check_shapes(
    model: str,
    features: Features,
    source: str,
    *,
    trained: Mapping[str, list[int]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Check that a model can use inputs of these shapes.

    Args:
        model: name of the model.
        features: its inputs, each ``(n, ...)``.
        source: the file, for the message.
        trained: shape of each input of one star in training; None before training.
        options: changes to the model, as in :class:`exojax.config.RunConfig`.

    Raises:
        InputError: the series are too short for the layers of a network, a classical model was trained on series of
            another length, or the views have other bins than in training.
    """
    here = {name: list(x.shape[1:]) for name, x in features.items()}
    if here == trained:
        return
    for name in (name for name in FOLDED if name in here and name in (trained or {})):
        # Only the bins matter: a network can use any number of candidates, which is the first axis.
        bins, before = here[name][1], (trained or here)[name][1]
        if bins != before:
            raise InputError(
                f"{source}: {name} has {bins} bins, and the run was trained on {before}; fold with the same number of "
                "bins, or train on these data"
            )
    spec = registry.build(RunConfig(model=model, options=dict(options or {})))
    shapes = ", ".join(f"{name} {shape}" for name, shape in here.items())
    if not isinstance(spec, Network):
        if trained is not None:
            before_shapes = ", ".join(f"{name} {shape}" for name, shape in trained.items())
            raise InputError(
                f"{source}: {model} was trained on {before_shapes}, but these data have {shapes}; give data of the "
                "shape of the training data"
            )
        return
    example = {name: jax.ShapeDtypeStruct((1, *shape), np.float32) for name, shape in here.items()}
    try:
        made = jax.eval_shape(partial(spec.module.init, train=False), jax.random.key(0), example)
        enough = all(leaf.size for leaf in jax.tree.leaves(made))
    except ZeroDivisionError:  # a pooling window of width 0
        enough = False
    if not enough:
        raise InputError(f"{source}: the series are too short for {model} ({shapes}); use longer ones or another model")


def facts_of(data: Data, inputs: dict[str, list[int]]) -> dict[str, Any]:
    """Return the facts about the data for ``config.json``; ``inputs`` is each input's shape for one star."""
    return {
        "sha256": data.sha256,
        "n": len(data),
        "n_positive": None if data.label is None else int(data.label.sum()),
        "n_cadences": 0 if isinstance(data, FoldedEvents) else data.flux.shape[1],
        "cadence_days": data.cadence,
        "time_system": "folded" if isinstance(data, FoldedEvents) else data.time_system,
        "absolute": not isinstance(data, FoldedEvents) and data.absolute,
        "catalogued": data.catalogued,
        "inputs": inputs,
    }


def write_config(folder: Path, config: RunConfig, facts: dict[str, Any]) -> None:
    """Write ``config.json``, or compare with an existing one.

    Raises:
        InputError: the run has other settings or other data; the message names the differences.
    """
    content = json.loads(json.dumps({"config": asdict(config), "data": facts}))
    path = folder / "config.json"
    if not path.exists():
        write_checked(path, content)
        return
    before = read_checked(path)
    # Fields that are newer than the run have their defaults.
    if "config" in before:
        before["config"] = json.loads(json.dumps(asdict(from_dict(RunConfig, before["config"], str(path)))))
    # Runs of earlier releases do not store a fingerprint of their model's code.
    if "data" in before and "code" not in before["data"]:
        before["data"]["code"] = content["data"].get("code")
    # A finished run draws no random numbers any more.
    if (folder / "calibration.json").exists() and "data" in before:
        before["data"]["streams"] = content["data"].get("streams")
    # The same data may have another path now.
    if before.get("data", {}).get("sha256") == facts["sha256"] and "data" in before.get("config", {}):
        before["config"]["data"]["source"] = content["config"]["data"]["source"]
    old, new = _flat(before), _flat(content)
    changed = [f"{key}: {old.get(key)} -> {new.get(key)}" for key in sorted(old | new) if old.get(key) != new.get(key)]
    if changed:
        raise InputError(
            f"{folder}: this run was started with other settings or data ({'; '.join(changed)}); "
            "give another --run, or --fresh to rename the old run and start again"
        )


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {k: v for name, part in value.items() for k, v in _flat(part, f"{prefix}.{name}".lstrip(".")).items()}
