"""A training small enough to be killed a dozen times in one test: tiny series, a tiny network, everything random on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from exojax.config import TrainConfig
from exojax.models import augment as change
from exojax.models.base import Network
from exojax.models.layers import Conv, max_pool
from exojax.storage.stop_signal import Interrupted
from exojax.training.checkpoint import arrays, open_checkpoints
from exojax.training.fit import Examples, FitSettings, fit_model
from exojax.training.scorer import Scorer
from exojax.training.state import TrainState, create_state

CADENCES = 64
CACHE = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
NAMES = np.array([f"star{i}" for i in range(48)])


class TinyNetwork(nn.Module):
    """All that makes a resume hard: running statistics, dropout, a key."""

    @nn.compact
    def __call__(self, inputs, *, train):
        x = max_pool(nn.relu(Conv(4, 3)(inputs["flux"][..., None])), 4)
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
        x = nn.Dropout(0.2, deterministic=not train)(x.reshape(len(x), -1))
        return nn.Dense(1)(x)[:, 0]


@lru_cache
def augment(cadence, injected):
    def apply(key, inputs, labels):
        keys = jax.random.split(key)
        flux = change.inject(keys[0], inputs["flux"], labels, cadence=cadence, share=injected)
        return {"flux": change.shift(keys[1], flux)}

    return apply


MODEL = Network(inputs=("flux",), module=TinyNetwork(), augment=augment)
CONFIG = TrainConfig(steps=60, batch_size=8, evaluate_every=5, average_decay=0.9, inject=5.0)
# Without a relation between flux and label the validation score wanders, and patience runs out before the steps do.
STOPPING = TrainConfig(steps=400, batch_size=8, evaluate_every=5, average_decay=0.9, patience=4)


def made_up() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.standard_normal((48, CADENCES)).astype(np.float32), (np.arange(48) < 16).astype(np.int64)


def small_fit(
    folder: Path | None,
    *,
    stopping: bool = False,
    report: Any = None,
    settings: Any = None,
    flux: np.ndarray | None = None,
    **changes: Any,
) -> Scorer:
    series, labels = made_up()
    flux = series if flux is None else flux
    rows = slice(0, 48, 2) if stopping else slice(None)
    examples = Examples({"flux": flux}, labels, np.arange(48), NAMES)
    how = FitSettings(
        replace(STOPPING if stopping else CONFIG, **(settings or {})),
        cadence=0.02,
        seed=3,
        folder=folder,
        validation=examples.take(slice(1, 48, 2)) if stopping else None,
        report=report,
    )
    return fit_model(MODEL, examples.take(rows), replace(how, **changes))


def template(stopping: bool = False) -> TrainState:
    flux, _ = made_up()
    return create_state(MODEL.module, {"flux": flux[:1]}, STOPPING if stopping else CONFIG, seed=0)


def leaves(tree: Any) -> dict[str, np.ndarray]:
    return {jax.tree_util.keystr(path): np.asarray(x) for path, x in jax.tree_util.tree_leaves_with_path(tree)}


def newest(folder: Path, *, stopping: bool = False) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return every array of the newest checkpoint, and the loop's own facts."""
    with open_checkpoints(folder / "checkpoints") as saver:
        state, meta = saver.restore(template(stopping))
    return leaves(arrays(state)), meta


def differing(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """Return the names of the arrays that are not the same bit for bit."""
    assert one.keys() == other.keys()
    return [name for name in one if one[name].tobytes() != other[name].tobytes()]


def _child(folder: Path, stopping: bool, settings: dict[str, Any], pipe: Connection) -> None:
    for name, value in settings.items():
        jax.config.update(name, value)
    try:
        small_fit(folder, stopping=stopping, report=lambda record: pipe.send(record["step"]))
    except Interrupted as stopped:
        os._exit(stopped.exit_code)
    pipe.send("end")
    os._exit(0)


def run_apart(
    folder: Path,
    *,
    stopping: bool = False,
    at_step: int | None = None,
    delay: float = 0.0,
    signum: int = signal.SIGKILL,
) -> int:
    """Run the training in a process of its own, sent a signal ``delay`` seconds after ``at_step`` further steps.

    Returns:
        The process's exit code; negative: the signal that killed it.
    """
    # The server imports everything once and starts no device; its children are cheap to start and to kill.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["exojax.training.fit"])
    settings = {name: getattr(jax.config, name) for name in CACHE}
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(folder, stopping, settings, there))
    process.start()
    there.close()
    taken, limit = -1, time.monotonic() + 120
    try:
        while here.poll(max(0.0, limit - time.monotonic())) and here.recv() != "end":
            taken += 1
            if taken == at_step:
                time.sleep(delay)
                with suppress(ProcessLookupError):  # it may have ended by itself meanwhile
                    os.kill(process.pid, signum)
    except EOFError:
        pass
    process.join(30)
    assert process.exitcode is not None, "the training hangs"
    return process.exitcode
