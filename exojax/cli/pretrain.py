"""``pretrain``: train the weights that exojax ships, on simulated stars only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from exojax.cli import command
from exojax.cli.options import value
from exojax.errors import InputError
from exojax.storage.lock import locked

MOST_SHARE = 100
"""times the stars of each mission"""
PER_MISSION = {"coarse": 3072, "tess": 1536, "k2": 1536, "kepler": 768}
"""mission -> number of simulated stars"""


@dataclass(frozen=True)
class Options:
    """Train ``transit`` on simulated stars of every mission, searched and folded as real ones; write its weights.

    After an interruption the same command continues: the cache holds the search, and the training resumes.
    """

    out: Annotated[Path, value("DIR")] = Path("exojax/pretrained")
    """folder for the weights: config.json, calibration.json, split.json, calibration_scores.npz, weights.npz"""
    run: Annotated[str, value("NAME")] = "taught"
    """name or path of the run, which holds the checkpoints and the report"""
    share: Annotated[float, value("SHARE")] = 1.0
    """share of each mission's stars to use; a small share makes a quick trial"""
    steps: Annotated[int | None, value("N")] = None
    """training steps; by default the number of the model"""
    seed: Annotated[int, value("N")] = 11
    """seed of the stars, the weights and the batches"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("pretrain.py", Options, pretrain, argv)


def pretrain(options: Options) -> None:
    """Simulate and search stars, train and evaluate the network, and write its weights."""
    command.use_wide_vectors()
    command.use_compilation_cache()
    from exojax import evaluate, fit
    from exojax.cli.outputs import write
    from exojax.cli.table import comparison_rows, text_table
    from exojax.config import RunConfig
    from exojax.models import registry
    from exojax.runs.pretrain import pretraining_events, ship
    from exojax.runs.run import run_folder

    if not 0 < options.share <= MOST_SHARE:
        raise InputError(f"--share {options.share:g}: give a number above 0, {MOST_SHARE} at most")
    config = RunConfig(model="transit", seed=options.seed)
    training = registry.training(config)
    if options.steps is not None:
        training = replace(training, steps=options.steps)
    config = replace(config, train=training, data=replace(config.data, source="simulated populations"))
    # Try both folders now: minutes of work must not end at a folder that cannot be written.
    with locked(run_folder(options.run)), locked(options.out), command.progress() as show:
        sizes = {mission: max(round(options.share * n), 128) for mission, n in PER_MISSION.items()}
        show("simulating stars")
        events = pretraining_events(sizes, config, lambda what, done, n: show(what, done, n, unit="stars"))
        run = fit(
            config,
            events,
            run_folder(options.run),
            report=lambda phase, record: show(phase, record["step"], record.get("of", training.steps), unit="steps"),
        )
        show("evaluating")
        found = evaluate(run, events)
        show("writing the report")
        page = write(run, found, run.folder, comparison=[])
        ship(run, options.out)
    command.say(text_table(comparison_rows([run], [found])))
    command.say(f"report: {page}\nweights: {options.out}")
