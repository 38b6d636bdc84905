"""``tune``: a model's hyper-parameters, chosen on training rows, judged on rows that no choice has seen."""

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
    """Choose a model's hyper-parameters by Optuna, in star-grouped folds of the training rows.

    The best are written as a config.json for train.py. They are judged on outer rows that no trial has seen; test rows
    are not touched. A killed tuning goes on where it was, and machines that are given the same command and storage work
    on one study.
    """

    model: Annotated[str, value("NAME")]
    """name of the model; its file says what may be chosen"""
    data: Annotated[str, value("SOURCE")] = "auto"
    """as for train"""
    trials: Annotated[int, value("N")] = 30
    """finished trials wanted, earlier ones of the same study included"""
    storage: Annotated[str | None, value("URL")] = None
    """database of the study, such as postgresql+psycopg://user@host/name; study.db in the folder by default"""
    workers: Annotated[int, value("N")] = 1
    """processes on this machine"""
    folds: Annotated[int, value("K")] = 3
    """inner folds that score a trial"""
    out: Annotated[Path | None, value("DIR")] = None
    """folder for config.json, tune.json, trials.csv and plots; out/tune/<source>-<model> by default"""
    positive: Annotated[str, value("PC,EB")] = "PC"
    """dispositions that count as hosts, comma-separated, where a file has several"""
    labels: Annotated[str | None, value("CSV")] = None
    """id,label of the stars, where their files have none; stars without one are left out"""
    steps: Annotated[int | None, value("N")] = None
    """training steps of a network; its own by default"""
    seed: Annotated[int, value("N")] = 0
    """of the split, the folds, the points tried and the weights"""
    rows: Annotated[str, value("rest|all")] = "all"
    """rest: leave out the stars that are set aside (a fifth, by their catalogue number) for one last score; all"""
    n_stars: Annotated[int | None, value("N")] = None
    """simulated stars in all; 2000 of synthetic, 5657 of synthetic-kaggle by default"""
    host_fraction: Annotated[float | None, value("SHARE")] = None
    """share of simulated stars whose transits can be seen; 0.1 of synthetic by default"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("tune.py", Options, tune, argv, alone=False)


def tune(options: Options) -> None:
    """Tune, write what was found, and say how far to believe it."""
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
    # Machines that share a study may share its folder.
    with locked(out) if options.storage is None else nullcontext():
        tune.check_plan(plan)
        command.say(source.told)
        with command.progress() as show:
            found = tune.tune(plan, source.rows(), out, lambda what, done, total: show(what, done, total))
        announce.phase("writing the results")
        summary = write(found, out, asdict(found.config), source.told)
    command.say(summary)
