"""Measure how many labels a network needs: average precision against the number of labelled stars in training.

    python examples/learning_curve.py --data kepler_hosts_vs_fp.npz --out out/curve

Every star is scored by a network that has not seen it (folds by star). Each network is trained from scratch and from
the weights that come with exojax, which have seen simulated stars only; 0 labels are these weights as they come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from exojax.cli import command
from exojax.cli.data_options import positive_of
from exojax.config import DataConfig, RunConfig
from exojax.evaluation import repeated, split
from exojax.models import registry
from exojax.simulate.random_streams import generator
from exojax.training.fit import Examples, FitSettings, fit_model, steps_for
from exojax.training.scorer import at_prior

FROM_SCRATCH = 150
"""steps at least, for a network that starts from scratch; from given weights it takes its usual few passes"""


@dataclass(frozen=True)
class Options:
    """Draw the curve; prints a table and leaves learning_curve.csv and .png."""

    data: str
    """as for train.py"""
    out: Path
    """folder for the figures"""
    positive: str = "PC"
    """dispositions that count as hosts, comma-separated"""
    sizes: tuple[int, ...] = (10, 42, 100, 500)
    """numbers of labelled rows, half of them hosts where there are enough; all of a fold's come last"""
    folds: int = 5
    """each star is scored in one of them"""
    members: int = 1
    """networks whose mean log-odds count"""
    seed: int = 0
    """seed of folds, choice of rows, weights and batches"""


def chosen(rows: np.ndarray, label: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Choose ``n`` of ``rows``, half of them hosts as far as both classes suffice."""
    hosts, others = rng.permutation(rows[label[rows] == 1]), rng.permutation(rows[label[rows] == 0])
    n_hosts = min(max(n // 2, n - len(others)), len(hosts))
    return np.sort(np.concatenate([hosts[:n_hosts], others[: n - n_hosts]]))


def curve(options: Options) -> tuple[list[dict[str, Any]], float]:
    """Return the rows of the table (labels, start, average precision with its interval), and the share of hosts."""
    from exojax.io.source import open_source
    from exojax.runs.model_inputs import inputs_of
    from exojax.runs.rows import usable_rows
    from exojax.runs.run import load

    model, start = registry.get("transit"), load("pretrained")
    data = open_source(DataConfig(options.data, positive=positive_of(options.positive))).rows()
    rows = usable_rows(data)
    x = inputs_of(model.inputs, data.take(rows.index), RunConfig())
    examples = Examples(x, rows.label, rows.group)
    fold = split.folds(rows.group, rows.label, k=options.folds, seed=options.seed)
    config = replace(registry.training(RunConfig(model="transit")), members=options.members)

    scores: dict[tuple[int, str], np.ndarray] = {(0, "simulation"): start.scorer(x)}
    for number in range(options.folds):
        known, unseen = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        for n in (*(size for size in options.sizes if size < len(known)), len(known)):
            at = chosen(known, rows.label, n, generator(options.seed, "learning curve", number, n))
            for name in ("scratch", "simulation"):
                steps = steps_for(config, rows.label[at])
                steps = steps if name == "simulation" else max(steps, FROM_SCRATCH)
                scorer = fit_model(
                    model,
                    examples.take(at),
                    FitSettings(
                        replace(config, steps=steps, passes=0.0, host_passes=0.0),
                        cadence=data.cadence,
                        seed=options.seed,
                        init=start.scorer.states[0] if name == "simulation" else None,
                    ),
                )
                size = n if n in options.sizes else -1  # folds differ by a star or two
                rank = _ranks(scorer(examples.take(unseen).features))
                scores.setdefault((size, name), np.zeros(len(examples)))[unseen] = rank
                print(f"fold {number + 1} of {options.folds}, {n} labels, from {name}", flush=True)
    whole = len(rows.label) - len(rows.label) // options.folds
    how: dict[str, Any] = {"groups": rows.group, "seed": options.seed}
    table = [
        {"labels": whole if size < 0 else size, "start": name}
        | (repeated.mean_average_precision(rows.label, found, **how) or {})
        for (size, name), found in scores.items()
    ]
    return table, float(rows.label.mean())


def _ranks(logits: np.ndarray) -> np.ndarray:
    """Return the share of the fold's scores below each, so that folds can be pooled."""
    logits = at_prior(registry.get("transit"), logits, 0.5)
    return np.argsort(np.argsort(logits)) / len(logits)


def draw(table: list[dict[str, Any]], base_rate: float) -> bytes:
    """Return the curve as a PNG."""
    from exojax.report.style import GREY, HOST, OTHER, png, single, styled

    @styled
    def figure() -> Any:
        made, axes = single()
        for name, colour, shift in (("scratch", OTHER, 0.97), ("simulation", HOST, 1.03)):
            found = sorted((r for r in table if r["start"] == name and r["labels"]), key=lambda r: r["labels"])
            at, value = np.array([shift * r["labels"] for r in found]), np.array([r["value"] for r in found])
            reach = [value - [r["low"] for r in found], [r["high"] for r in found] - value]
            axes.errorbar(at, value, reach, color=colour, marker="o", capsize=3, label=f"from {name}")
        none = next(r for r in table if not r["labels"])
        axes.axhline(none["value"], color=HOST, linestyle="--", linewidth=1.2, label="simulation alone, no label")
        axes.axhspan(none["low"], none["high"], color=HOST, alpha=0.08, linewidth=0)
        axes.axhline(base_rate, color=GREY, linestyle=":", linewidth=1.2, label="chance")
        axes.set(xscale="log", xlabel="labelled stars in training", ylabel="average precision")
        ticks = sorted({r["labels"] for r in table if r["labels"]})
        axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
        axes.minorticks_off()
        axes.legend(loc="lower right")
        return made

    return png(figure())


def main(options: Options) -> None:
    """Compute, print, draw."""
    from exojax.report.page import write_atomically

    table, base_rate = curve(options)
    lines = ["labels,start,average_precision,low,high"]
    lines += [f"{r['labels']},{r['start']},{r['value']:.4f},{r['low']:.4f},{r['high']:.4f}" for r in table]
    print("\n".join(lines))
    options.out.mkdir(parents=True, exist_ok=True)
    write_atomically(options.out / "learning_curve.csv", ("\n".join(lines) + "\n").encode())
    write_atomically(options.out / "learning_curve.png", draw(table, base_rate))


if __name__ == "__main__":
    command.use_wide_vectors()
    command.use_compilation_cache()
    main(tyro.cli(Options))
