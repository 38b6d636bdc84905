"""How long a candidate takes to be folded and judged, beside the same network in PyTorch on the same core."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from exojax.cli.bench_peers import ABSENT, row
from exojax.cli.bench_torch import transit
from exojax.cli.bench_train import pin, timed, torch_version
from exojax.config import FoldConfig
from exojax.runs import PRETRAINED, load
from exojax.shown import Detection, shown
from exojax.training.step import logits
from exojax.training.weights import weights_of

N, N_CADENCES, CADENCE = 64, 3584, 29.4244 / 1440
"""candidates at once, as in a search's batch, and their light curves"""


def measure(rounds: int = 5, seed: int = 0) -> list[dict[str, Any]]:
    """Rows for ``benchmark.json``: milliseconds a candidate, on one core, with the shipped weights.

    Every reading has a process of its own, ours and theirs in turn; each is the median of 30 batches of 64 candidates
    after 5, the figures are medians over ``rounds``. PyTorch computes the same network from the same folds.
    """
    peer = torch_version()
    found: dict[str, list[dict[str, float]]] = {"ours": [], "theirs": []}
    for _ in range(rounds):
        for who in ("ours", "theirs") if peer else ("ours",):
            command = [sys.executable, "-m", __name__, who, str(seed)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            found[who].append(json.loads(answer.stdout.splitlines()[-1]))
    ours = {task: median(times[task] for times in found["ours"]) for task in found["ours"][0]}
    theirs = median(times["network"] for times in found["theirs"]) if peer else ABSENT
    name, unit = f"PyTorch {peer}" if peer else "PyTorch", "ms a candidate"
    return [
        row("score, fold, CPU time, 1 core", "none", ours["fold"], ABSENT, unit),
        row("score, network, CPU time, 1 core", name, ours["network"], theirs, unit),
        row("score, fold and network, CPU time, 1 core", "none", ours["both"], ABSENT, unit),
    ]


def candidates(seed: int = 0) -> tuple[Any, ...]:
    """Arguments of :func:`exojax.shown.shown`: light curves with a transit each, and what a search tells of it."""
    rng = np.random.default_rng(seed)
    period, t0 = rng.uniform(50, 1500, N), rng.uniform(0, 50, N)
    late = np.arange(N_CADENCES)[None] - t0[:, None]
    late -= np.rint(late / period[:, None]) * period[:, None]
    flux = rng.normal(0, 3e-4, (N, N_CADENCES)) - 1e-3 * (np.abs(late) < 4)
    told = {name: rng.uniform(1, 10, N) for name in Detection._fields}
    told |= {"period": period, "t0": t0, "duration": np.full(N, 8.0), "depth": np.full(N, 1e-3)}
    told["secondary_phase"] = rng.uniform(0.2, 0.8, N)
    column = lambda x: jnp.asarray(x, jnp.float32)  # noqa: E731
    found = Detection(**{name: column(x) for name, x in told.items()})
    one = jnp.ones(N)
    return column(flux), jnp.ones((N, N_CADENCES)), 3e-4 * one, found, one, 12 * one, jnp.float32(CADENCE)


def time_ours(seed: int = 0) -> dict[str, float]:
    """CPU milliseconds a candidate of the fold, of the network, and of both as one program."""
    run, given, how = load(PRETRAINED), candidates(seed), FoldConfig()
    state = run.scorer.states[0]
    fold = partial(shown, absolute=True, global_bins=how.global_bins, local_bins=how.local_bins)

    def inputs(*arguments: Any) -> dict[str, jax.Array]:
        made = fold(*arguments)
        return {name: made[name][:, None] for name in run.inputs}

    network, both = jax.jit(logits), jax.jit(lambda state, *arguments: logits(state, inputs(*arguments)))
    folded = inputs(*given)
    work: dict[str, Callable[[], object]] = {
        "fold": lambda: fold(*given),
        "network": lambda: network(state, folded),
        "both": lambda: both(state, *given),
    }
    return {task: timed(lambda do=do: jax.block_until_ready(do()))[1] / N for task, do in work.items()}  # type: ignore[misc]


def time_theirs(seed: int = 0) -> dict[str, float]:
    """Of the network in PyTorch, from the same folds."""
    import torch

    torch.set_num_threads(1)
    run, given, how = load(PRETRAINED), candidates(seed), FoldConfig()
    made = shown(*given, absolute=True, global_bins=how.global_bins, local_bins=how.local_bins)
    folded = {name: torch.from_numpy(np.array(made[name])) for name in run.inputs}
    network = transit(weights_of(run.scorer.states[0]))
    with torch.inference_mode():
        return {"network": timed(lambda: network(folded))[1] / N}


def _main(who: str, seed: int) -> None:
    pin(1)
    print(json.dumps(time_ours(seed) if who == "ours" else time_theirs(seed)))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
