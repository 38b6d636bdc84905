"""Time the training and scoring of ``cnn-original``, ours and the same network in PyTorch, on the same cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from exojax.models.cnn_original import MODEL
from exojax.training.loop import run_steps
from exojax.training.sampler import balanced_batches
from exojax.training.state import create_state
from exojax.training.step import logits, train_step

N_STARS, N_CADENCES, BATCH, EPOCHS = 5087, 3197, 32, 50
ABSENT = "not measured"
_STEPS = 30

Times = dict[str, tuple[float, float]]
"""``train`` and ``score`` -> median wall and CPU milliseconds."""


def measure(repeats: int = 5, seed: int = 0) -> list[dict[str, Any]]:
    """Return rows for ``benchmark.json``: one step, and the logits of one batch, of 32 stars of 3,197 cadences.

    Every reading has a process of its own, ours and theirs in turn, on all cores and then on one; each is the median
    of 30 steps after 5, the figures are medians over ``repeats``. PyTorch's step is forward, backward and Adam. Ours
    also shifts the series, clips the gradient and averages the weights, none of which is taken off. ``seed`` makes
    the flux and the weights.
    """
    peer = torch_version()
    rows = []
    for cores in sorted({available_cores(), 1}, reverse=True):
        found: dict[str, list[Times]] = {"ours": [], "theirs": []}
        for _ in range(repeats):
            for who in ("ours", "theirs") if peer else ("ours",):
                command = [sys.executable, "-m", __name__, who, str(cores), str(seed)]
                answer = subprocess.run(command, check=True, capture_output=True, text=True)
                found[who].append(json.loads(answer.stdout.splitlines()[-1]))
        for task in ("train", "score"):
            for place, clock in enumerate(("wall", "CPU")):
                ours = median(times[task][place] for times in found["ours"])
                theirs = median(times[task][place] for times in found["theirs"]) if peer else None
                rows.append(
                    {
                        "task": f"{task}, {clock} time, {cores} core{'s' * (cores > 1)}",
                        "peer": f"PyTorch {peer}" if peer else "PyTorch",
                        "ours": ours,
                        "theirs": ABSENT if theirs is None else theirs,
                        "unit": "ms",
                        "ratio": ABSENT if theirs is None else theirs / ours,
                    }
                )
    gpu = jax.default_backend() == "gpu"
    ours_gpu = seconds_of_epochs(N_STARS, N_CADENCES, EPOCHS, seed) if gpu else ABSENT
    task = f"train, {EPOCHS} epochs of {N_STARS} stars on a GPU"
    return [*rows, {"task": task, "peer": "none", "ours": ours_gpu, "theirs": ABSENT, "unit": "s", "ratio": ABSENT}]


def torch_version() -> str | None:
    """Return the installed version of PyTorch, or None."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return None


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def seconds_of_epochs(n_stars: int, n_cadences: int, epochs: int, seed: int = 0) -> float:
    """Return the wall seconds of ``epochs`` epochs after compilation; data stay on the device, an epoch is one scan."""
    flux = np.random.default_rng(seed).normal(size=(n_stars, n_cadences)).astype(np.float32)
    label = (np.arange(n_stars) < max(1, n_stars * 37 // 5087)).astype(np.int64)
    batches = balanced_batches({"flux": jnp.asarray(flux)}, label, BATCH)
    state = create_state(
        MODEL.module, {"flux": jnp.asarray(flux[:1])}, MODEL.train, seed=seed, augment=MODEL.augment(0.02, 0.0)
    )
    steps = -(-n_stars // BATCH)
    state = jax.block_until_ready(run_steps(state, batches, steps=steps))
    start = time.perf_counter()
    for _ in range(epochs):
        state = run_steps(state, batches, steps=steps)
    jax.block_until_ready(state)
    return time.perf_counter() - start


def torch_network(n_cadences: int) -> Any:
    """Build ``cnn-original`` in PyTorch: ``(n, 1, n_cadences)`` -> ``(n, 1)`` logits."""
    from torch import nn

    layers: list[nn.Module] = []
    channels, length = 1, n_cadences
    for features, kernel in ((8, 5), (16, 3), (32, 3), (64, 3)):
        convolution = nn.Conv1d(channels, features, kernel, padding="same")
        layers += [convolution, nn.ReLU(), nn.MaxPool1d(4), nn.BatchNorm1d(features)]
        channels, length = features, length // 4
    head = [nn.Linear(length * channels, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), *head)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the median wall and CPU milliseconds of 30 calls after 5."""
    for _ in range(5):
        work()
    walls, cpus = [], []
    for _ in range(_STEPS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(1e3 * (time.perf_counter() - wall))
        cpus.append(1e3 * (time.process_time() - cpu))
    return median(walls), median(cpus)


def _batch(seed: int) -> tuple[np.ndarray, np.ndarray]:
    flux = np.random.default_rng(seed).normal(size=(BATCH, N_CADENCES)).astype(np.float32)
    return flux, (np.arange(BATCH) % 2).astype(np.float32)


def time_ours(seed: int = 0) -> Times:
    """Time the compiled step and forward pass that training and scoring use."""
    flux, label = _batch(seed)
    inputs = {"flux": jnp.asarray(flux)}
    batch = {"inputs": inputs, "label": jnp.asarray(label)}
    state = create_state(MODEL.module, inputs, MODEL.train, seed=seed, augment=MODEL.augment(0.02, 0.0))
    step, score = jax.jit(train_step, donate_argnums=0), jax.jit(logits)

    def train() -> None:
        nonlocal state
        state = jax.block_until_ready(step(state, batch)[0])

    return {"train": timed(train), "score": timed(lambda: jax.block_until_ready(score(state, inputs)))}


def time_theirs(cores: int, seed: int = 0) -> Times:
    """Time the same in PyTorch, with as many threads as cores."""
    import torch

    torch.set_num_threads(cores)
    torch.manual_seed(seed)
    flux, label = (torch.from_numpy(x)[:, None] for x in _batch(seed))
    network = torch_network(N_CADENCES)
    optimiser = torch.optim.Adam(network.parameters(), MODEL.train.learning_rate)
    loss = torch.nn.BCEWithLogitsLoss()

    def train() -> None:
        optimiser.zero_grad()
        loss(network(flux), label).backward()
        optimiser.step()

    trained = timed(train)
    network.eval()
    with torch.inference_mode():
        return {"train": trained, "score": timed(lambda: network(flux))}


def pin(cores: int) -> None:
    """Limit this process to so many cores, and JAX to the CPU, before any library starts its threads."""
    if cores < available_cores() and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])
    # Where there is a GPU, this is still a comparison of processors.
    jax.config.update("jax_platforms", "cpu")


def _main(who: str, cores: int, seed: int) -> None:
    pin(cores)
    print(json.dumps(time_ours(seed) if who == "ours" else time_theirs(cores, seed)))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
