"""``tune``: choose the hyper-parameters of a model on training rows, and score them on rows that no trial has seen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from exojax.cli import command
from exojax.cli.data_options import ReadingOptions, data_of, learnt_from
from exojax.cli.options import value
from exojax.config import DataConfig, RunConfig
from exojax.storage import announce
from exojax.storage.lock import locked


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Choose the hyper-parameters of a model with Optuna, in folds of the training stars.

    The best settings are written as a config.json for train.py, and scored on outer rows that no trial has seen. Test
    rows are not used. After an interruption the same command continues. Several machines with the same command and
    storage work on one study.
    """

    model: Annotated[str, value("NAME")]
    """name of the model; its file defines the settings to choose from"""
    data: Annotated[str, value("SOURCE")] = "auto"
    """a source, as in train"""
    trials: Annotated[int, value("N")] = 30
    """number of finished trials, including earlier trials of the same study"""
    storage: Annotated[str | None, value("URL")] = None
    """database of the study, such as postgresql+psycopg://user@host/name; by default study.db in the folder"""
    workers: Annotated[int, value("N")] = 1
    """number of processes on this machine"""
    folds: Annotated[int, value("K")] = 3
    """number of inner folds that score a trial"""
    out: Annotated[Path | None, value("DIR")] = None
    """folder for config.json, tune.json, trials.csv and plots; out/tune/<source>-<model> by default"""
    positive: Annotated[str, value("PC,EB")] = "PC"
    """dispositions that count as hosts, comma-separated, in a file with several dispositions"""
    labels: Annotated[str | None, value("CSV")] = None
    """CSV of id,label, for stars whose files have no label; stars without a label are left out"""
    steps: Annotated[int | None, value("N")] = None
    """training steps of a network; by default the number of the model"""
    seed: Annotated[int, value("N")] = 0
    """seed of the split, the folds, the trials and the weights"""
    rows: Annotated[str, value("rest|all")] = "all"
    """rest: leave out the stars that are set aside for a final score (a fifth, by catalogue number); all: use them"""
    n_stars: Annotated[int | None, value("N")] = None
    """number of simulated stars; by default 2000 for synthetic, 5657 for synthetic-kaggle"""
    host_fraction: Annotated[float | None, value("SHARE")] = None
    """share of simulated stars whose transits can be seen; by default 0.1 for synthetic"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("tune.py", Options, tune, argv, alone=False)


def tune(options: Options) -> None:
    """Tune the model, write the best settings, and print their scores."""
    command.use_wide_vectors()
    command.use_compilation_cache()
    from exojax.cli.train import with_steps
    from exojax.cli.tune_outputs import write
    from exojax.io.source import open_source
    from exojax.models import registry
    from exojax.runs import tune

    data = data_of(
        options.data,
        options,
        labels=options.labels,
        positive=options.positive,
        n_stars=options.n_stars,
        host_fraction=options.host_fraction,
        rows=learnt_from(options.rows),
    )
    source = open_source(data)
    config = RunConfig(model=options.model, seed=options.seed, data=DataConfig(**vars(data) | {"source": source.path}))
    config = with_steps(RunConfig(**vars(config) | {"train": registry.training(config)}), options.steps)
    out = options.out or Path("out") / "tune" / f"{source.name}-{options.model}"
    plan = tune.TuningPlan(
        config,
        options.trials,
        options.folds,
        options.workers,
        options.storage or f"sqlite:///{out / 'study.db'}",
        source.test_fraction,
    )
    # Machines that share a study may also share the folder, so that it is not locked then.
    with locked(out) if options.storage is None else nullcontext():
        tune.check_plan(plan)
        command.say(source.description)
        with command.progress() as show:
            found = tune.tune(plan, source.rows(), out, lambda what, done, total: show(what, done, total))
        announce.phase("writing the results")
        summary = write(found, out, asdict(found.config), source.description)
    command.say(summary)
