"""A trained model with all that is needed to use and to question it: weights, calibration, split, configuration."""

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
PRETRAINED = "pretrained"
"""name of the run that comes with exojax, wherever it is called from"""
SHIPPED = Path(str(files("exojax"))) / PRETRAINED
SCORES = "calibration_scores.npz"
"""in a run's folder: ``logits``, ``label``, ``group``, ``kind`` (empty where unknown) of the rows that calibrated it"""
FACTS = ("sha256", "inputs", "cadence_days", "catalogued")
PARTS = ("train", "validation", "test", "test_rows", "seen", "digests")


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run.

    Attributes:
        folder: its folder.
        config: everything that decided its weights but the data.
        data: facts of its data: ``sha256``, ``n``, ``n_positive``, ``inputs``, ``cadence``, ...
        split: ``train``, ``validation``, ``test``: ids; ``test_rows``: row numbers; ``seen`` and
            ``digests``: ids and fingerprints of the rows that the weights have seen, those of ``--init`` included.
        calibration: logits to probabilities.
        warnings: what a reader of its figures has to know.
        scorer: features to logits.
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
        """Names of the features its model takes."""
        return registry.get(self.config.model).inputs

    def probability(self, features: Features) -> np.ndarray:
        """Return ``(n,)`` float64 calibrated probability of a planet, from the model's features of n stars."""
        return apply(self.config.model, self.calibration, self.scorer(features))


def run_folder(run: str | Path) -> Path:
    """The folder of a run: a ``Path`` as it is; of a str its name under ``checkpoints/``, or a path with a separator.

    ``pretrained`` is the one that comes with exojax.

    Raises:
        InputError: the name is empty, or dots only.
    """
    if isinstance(run, Path):
        return run
    # A bare name never means a folder beside: ``--run docs`` must not train into the docs.
    name = str(run)
    if name == PRETRAINED:
        return SHIPPED
    if not name.strip("."):
        raise InputError(f"--run {name!r}: give a name, or a path such as ./k1")
    return Path(run) if os.sep in name else CHECKPOINTS / name


def load(run: str | Path) -> Run:
    """Return a finished run, by its name under ``checkpoints/`` or its path. Nothing in the folder is ever executed.

    Raises:
        InputError: there is no such run, it is not finished, or a file in it is damaged.
    """
    folder = run_folder(run)
    if not (folder / "config.json").exists():
        raise InputError(f"{folder}: no run is there; train one with --run {Path(run).name}")
    stored = read_checked(folder / "config.json")
    config = from_dict(RunConfig, stored.get("config", {}), str(folder / "config.json"))
    if not (folder / "calibration.json").exists():
        raise InputError(f"{folder}: the run is not finished; run the same train command again to go on")
    try:
        facts = stored["data"]
        members = registry.training(config).members
        scorer = load_model(registry.build(config), folder, facts["inputs"], members=members)
        found = read_checked(folder / "calibration.json")
        warnings = tuple(found.pop("warnings"))
        how = restored(found)
        for wanted, got in zip(how.steps or (), scorer.steps or ()):
            if wanted != got:
                warnings += (
                    f"the checkpoint of step {wanted} is damaged; the weights are those of step {got}, which are "
                    "not the ones that were calibrated",
                )
        split = read_checked(folder / "split.json")
        for needed, there in ((FACTS, facts), (PARTS, split)):
            if missing := [key for key in needed if key not in there]:
                raise KeyError(missing[0])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder}: config.json, calibration.json or split.json is incomplete ({error}); train again with --fresh"
        ) from None
    return Run(folder, config, facts, split, how, warnings, scorer)


def shipped_start(config: RunConfig) -> str | None:
    """Return the name of the shipped run whose weights the configured network can start from.

    None where there is none of its model, or its weights are of other shapes.
    """
    if not (SHIPPED / "config.json").is_file():
        return None
    facts = read_checked(SHIPPED / "config.json")
    spec = registry.build(config)
    if facts.get("config", {}).get("model") != config.model or not isinstance(spec, Network):
        return None
    try:
        run = load(PRETRAINED)
    except InputError as error:  # the model's file may have been changed since
        log.warning("the shipped weights are not started from: %s", error)
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
    """Return 16 hex digits of a run's settings, calibration and model's code: another training has others."""
    content = hashlib.sha256(fingerprint(registry.get(run.config.model)).encode())
    for name in ("config.json", "calibration.json", SCORES):
        if (run.folder / name).exists():
            content.update((run.folder / name).read_bytes())
    return content.hexdigest()[:16]


def stating(run: Run, rate: float | None) -> Run:
    """Return the run, its probabilities for stars of which a share ``rate`` are hosts; None leaves it as it is.

    Raises:
        InputError: the rate is not between 0 and 1.
    """
    return run if rate is None else replace(run, calibration=at_rate(run.calibration, rate))


def predict(run: Run | str | Path, data: Data) -> np.ndarray:
    """Return ``(n,)`` float64 probability that each row is of a planet host.

    A row without enough measurements, or that cannot be searched, gets the share of hosts among the training rows, or
    the rate that was stated.

    Args:
        run: from :func:`load`, or its name or path.
        data: n rows, light curves or folded events.

    Raises:
        InputError: the run cannot be loaded, or its network takes series of another length.
    """
    run = run if isinstance(run, Run) else load(run)
    return from_logits(run, logits_of(run, data))


def logits_of(run: Run, data: Data) -> np.ndarray:
    """``(n,)`` float64 logits before calibration; NaN for a row without enough measurements or without a candidate.

    Raises:
        InputError: the run's network takes series of another length, or other views.
    """
    features = checked_inputs(run, data)
    return np.where(usable(data), run.scorer(features), np.nan)


def checked_inputs(run: Run, data: Data) -> dict[str, np.ndarray]:
    """Return the inputs of the run's model; what it cannot take is refused before anything is searched.

    Raises:
        InputError: the run's model takes series of another length, or other views.
    """
    example = example_inputs(run.inputs, data, run.config)
    check_shapes(run.config.model, example, data.source, trained=run.data["inputs"])
    return inputs_of(run.inputs, data, run.config)


def from_logits(run: Run, logits: np.ndarray) -> np.ndarray:
    """Return ``(n,)`` float64 probabilities of :func:`logits_of`; the share of hosts where a logit is NaN."""
    return apply(run.config.model, run.calibration, logits)


def check_shapes(
    model: str,
    features: Features,
    source: str,
    *,
    trained: Mapping[str, list[int]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Refuse series that a model cannot take, before anything is written.

    Args:
        model: name in the registry.
        features: its inputs, each ``(n, ...)``.
        source: the file, for the message.
        trained: a star's shape of each input when it was trained; None before training.
        options: of the model, where it differs from its file.

    Raises:
        InputError: a network's layers would have nothing left of so short a series, or a classical model was trained
            on another length.
    """
    here = {name: list(x.shape[1:]) for name, x in features.items()}
    if here == trained:
        return
    for name in (name for name in FOLDED if name in here and name in (trained or {})):
        # The number of candidates, which comes first, is of no concern to the network.
        bins, before = here[name][1], (trained or here)[name][1]
        if bins != before:
            raise InputError(
                f"{source}: {name} has {bins} bins, the run was trained on {before}: fold both alike, or train on these"
            )
    spec = registry.build(RunConfig(model=model, options=dict(options or {})))
    told = ", ".join(f"{name} {shape}" for name, shape in here.items())
    if not isinstance(spec, Network):
        if trained is not None:
            was = ", ".join(f"{name} {shape}" for name, shape in trained.items())
            raise InputError(f"{source}: {model} was trained on {was}, here it is {told}; score the same layout")
        return
    example = {name: jax.ShapeDtypeStruct((1, *shape), np.float32) for name, shape in here.items()}
    try:
        made = jax.eval_shape(partial(spec.module.init, train=False), jax.random.key(0), example)
        enough = all(leaf.size for leaf in jax.tree.leaves(made))
    except ZeroDivisionError:  # a pooling window of no width
        enough = False
    if not enough:
        raise InputError(f"{source}: its series are too short for {model} ({told}); use longer ones or another model")


def facts_of(data: Data, inputs: dict[str, list[int]]) -> dict[str, Any]:
    """What ``config.json`` says of the data."""
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
    """Write ``config.json``, or compare with the one that is there.

    Raises:
        InputError: the run was started with another configuration or on other data; the differences are named.
    """
    wanted = json.loads(json.dumps({"config": asdict(config), "data": facts}))
    path = folder / "config.json"
    if not path.exists():
        write_checked(path, wanted)
        return
    before = read_checked(path)
    # A run from before there was a field has its default.
    if "config" in before:
        before["config"] = json.loads(json.dumps(asdict(from_dict(RunConfig, before["config"], str(path)))))
    # Runs of earlier releases do not tell their model's code.
    if "data" in before and "code" not in before["data"]:
        before["data"]["code"] = wanted["data"].get("code")
    # What is finished draws nothing any more.
    if (folder / "calibration.json").exists() and "data" in before:
        before["data"]["streams"] = wanted["data"].get("streams")
    # The same data may be named by another path.
    if before.get("data", {}).get("sha256") == facts["sha256"] and "data" in before.get("config", {}):
        before["config"]["data"]["source"] = wanted["config"]["data"]["source"]
    old, new = _flat(before), _flat(wanted)
    changed = [f"{key}: {old.get(key)} -> {new.get(key)}" for key in sorted(old | new) if old.get(key) != new.get(key)]
    if changed:
        raise InputError(
            f"{folder}: this run was started otherwise ({'; '.join(changed)}); "
            "give it another --run, or --fresh to set the old one aside and start again"
        )


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    return {k: v for name, part in value.items() for k, v in _flat(part, f"{prefix}.{name}".lstrip(".")).items()}
