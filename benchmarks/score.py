"""Time the fold and the score of a candidate, ours and the same network in PyTorch, on the same core."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, fields
from statistics import median
from typing import Any

import jax
import numpy as np

from benchmarks.peers import ABSENT, row
from benchmarks.torch import transit
from benchmarks.train import pin, timed, torch_version
from exojax.candidates import Candidates
from exojax.config import FoldConfig
from exojax.features.candidate_inputs import candidate_inputs, star_moments
from exojax.light_curves import EvenCurves
from exojax.runs.run import PRETRAINED, load
from exojax.training.step import logits
from exojax.training.weights import weights_of

N, N_CADENCES, CADENCE = 64, 3584, 29.4244 / 1440
"""candidates at once, as in a search's batch, and their light curves"""


def measure(repeats: int = 5, seed: int = 0) -> list[dict[str, Any]]:
    """Return rows for ``benchmark.json``: milliseconds a candidate, on one core, with the shipped weights.

    Every reading has a process of its own, ours and theirs in turn; each is the median of 30 batches of 64 candidates
    after 5, the figures are medians over ``repeats``. PyTorch computes the same network from the same folds.
    """
    peer = torch_version()
    found: dict[str, list[dict[str, float]]] = {"ours": [], "theirs": []}
    for _ in range(repeats):
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


def candidates(seed: int = 0) -> tuple[Candidates, list[EvenCurves]]:
    """Return candidates with the columns of a search, and a flat curve with a transit for each."""
    rng = np.random.default_rng(seed)
    period, t0 = rng.uniform(50, 1500, N), rng.uniform(0, 50, N)
    late = np.arange(N_CADENCES)[None] - t0[:, None]
    late -= np.rint(late / period[:, None]) * period[:, None]
    flux = (rng.normal(0, 3e-4, (N, N_CADENCES)) - 1e-3 * (np.abs(late) < 4)).astype(np.float32)
    kinds = dict.fromkeys(("id", "aliases", "matches"), "") | {"single": False, "rank": 1, "n_transits": 3}
    row = {field.name: kinds.get(field.name, 5.0) for field in fields(Candidates)}
    times = {"period": period, "t0": t0, "duration": np.full(N, 8.0)}
    rows = [row | {"star": k} | {name: x[k] * CADENCE for name, x in times.items()} for k in range(N)]
    rows = [one | {"depth": 1e-3, "secondary_phase": 0.5, "period_min": np.nan} for one in rows]
    ones, scatter = np.ones((1, N_CADENCES), np.float32), np.full(1, 3e-4, np.float32)
    curves = [EvenCurves(np.zeros(1), flux[k : k + 1], ones, scatter, CADENCE) for k in range(N)]
    return Candidates.of_rows(rows), curves


def folded(found: Candidates, curves: list[EvenCurves]) -> dict[str, np.ndarray]:
    """Return the views and scalars of the candidates."""
    how = asdict(FoldConfig())
    sums = [star_moments(found.take(np.array([k])), curve, **how)[0] for k, curve in enumerate(curves)]
    return candidate_inputs(found, sums, np.full(N, 3e-4), None, absolute=True)


def time_ours(seed: int = 0) -> dict[str, float]:
    """Return the CPU milliseconds a candidate of the fold, of the network, and of both."""
    run, given = load(PRETRAINED), candidates(seed)
    state, network = run.scorer.states[0], jax.jit(logits)
    made = folded(*given)
    inputs = {name: made[name][:, None] for name in run.inputs}

    def both() -> jax.Array:
        new = folded(*given)
        return network(state, {name: new[name][:, None] for name in run.inputs})

    work: dict[str, Callable[[], Any]] = {
        "fold": lambda: folded(*given),
        "network": lambda: network(state, inputs),
        "both": both,
    }
    return {task: timed(lambda do=do: jax.block_until_ready(do()))[1] / N for task, do in work.items()}  # type: ignore[misc]


def time_theirs(seed: int = 0) -> dict[str, float]:
    """Return those of the network in PyTorch, from the same folds."""
    import torch

    torch.set_num_threads(1)
    run, made = load(PRETRAINED), folded(*candidates(seed))
    inputs = {name: torch.from_numpy(np.array(made[name])) for name in run.inputs}
    network = transit(weights_of(run.scorer.states[0]))
    with torch.inference_mode():
        return {"network": timed(lambda: network(inputs))[1] / N}


def _main(who: str, seed: int) -> None:
    pin(1)
    print(json.dumps(time_ours(seed) if who == "ours" else time_theirs(seed)))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
