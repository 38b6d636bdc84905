"""Compare models on fresh simulated stars, after a training on 5,087 stars with 37 hosts.

    python examples/fresh_stars.py --out out/fresh

They are tested on 20,000 fresh simulated stars at the same rate. The figure is the share of hosts found while nine of
ten that are called are right, with its 95 % interval from a bootstrap of stars, and differences are paired. Model and
sky come from one simulator: this compares models, it says nothing about the real sky. Scores are kept: killed, it goes
on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

import exojax
from exojax.cli import command
from exojax.config import RunConfig, SimulateConfig
from exojax.evaluation import bootstrap as boot
from exojax.runs.run import Run
from exojax.simulate.population import simulate
from exojax.training.fit import load_arrays, save_arrays

AT_ONCE = 4000
"""fresh stars simulated at once; it bounds the memory"""


@dataclass(frozen=True)
class Options:
    """Train, score, compare; leaves runs, scores and fresh_stars.csv."""

    out: Path
    """folder"""
    models: tuple[str, ...] = ("svc", "cnn", "transit", "transit+pretrained")
    """names; +RUN starts from the weights of that run"""
    n_stars: int = 5087
    """to train on"""
    n_fresh: int = 20_000
    """to test on"""
    rate: float = 37 / 5087
    """share of stars with transits that can be seen"""
    seed: int = 0
    """seed of stars and weights; fresh stars are of a population of their own"""


def main(options: Options) -> None:
    """Run it."""
    rate = options.rate
    curves, _ = simulate(SimulateConfig(n_stars=options.n_stars, host_fraction=rate, seed=options.seed))
    runs: dict[str, Run] = {}
    for named in options.models:
        model, _, start = named.partition("+")
        config = RunConfig(model=model, seed=options.seed, init=start or None)
        runs[named] = exojax.fit(config, curves, options.out / named, test_fraction=0)
        print(f"{named} is trained", flush=True)
    del curves

    for first in range(0, options.n_fresh, AT_ONCE):
        kept = options.out / f"scores-{options.seed}-{first}.npz"
        if kept.exists() and set(load_arrays(kept)) >= set(runs):
            continue
        size = min(AT_ONCE, options.n_fresh - first)
        # A population of its own: none of its stars is another's, whatever the seeds.
        one = SimulateConfig(n_stars=size, host_fraction=rate, seed=options.seed + first, population="fresh")
        fresh, _ = simulate(one)
        assert fresh.label is not None
        scores = {named: exojax.predict(run, fresh) for named, run in runs.items()}
        save_arrays(kept, {"label": fresh.label, **scores})
        print(f"{first + size} fresh stars are scored", flush=True)

    parts = [load_arrays(options.out / f"scores-{options.seed}-{i}.npz") for i in range(0, options.n_fresh, AT_ONCE)]
    found = {name: np.concatenate([part[name] for part in parts]) for name in ("label", *runs)}
    lines = table(found["label"], {name: found[name] for name in runs}, options.seed)
    print("\n".join(lines))
    (options.out / "fresh_stars.csv").write_text("\n".join(lines) + "\n")


def cells(value: float, low: float, high: float) -> str:
    """Return three cells of CSV: a figure and its interval."""
    return f"{value:.3f},{low:.3f},{high:.3f}"


def table(label: np.ndarray, scores: dict[str, np.ndarray], seed: int) -> list[str]:
    """Return lines of CSV: recall at precision 0.9 and average precision, and the excess of the last model."""

    def both(weight: np.ndarray) -> np.ndarray:
        swept = [boot.sweep(label, score, weight) for score in scores.values()]
        return np.stack([[boot.recall_at_precision(s), boot.average_precision(s)] for s in swept]).transpose(2, 0, 1)

    at = both(np.ones((1, len(label)), np.int64))[0]
    samples = boot.bootstrap(both, label, np.arange(len(label)), seed=seed, n=2000)
    low, high = boot.percentiles(samples)
    least, most = boot.percentiles(samples[:, -1:] - samples)
    lines = ["model,recall_at_precision_0.9,low,high,average_precision,low,high,recall_of_last_minus_this,low,high"]
    for m, name in enumerate(scores):
        figures = [cells(at[m, k], low[m, k], high[m, k]) for k in (0, 1)]
        lines.append(",".join([name, *figures, cells(at[-1, 0] - at[m, 0], least[m, 0], most[m, 0])]))
    return lines


if __name__ == "__main__":
    command.use_wide_vectors()
    command.use_compilation_cache()
    main(tyro.cli(Options))
