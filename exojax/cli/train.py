"""``train``: fit the models, evaluate them, compare them, leave a report."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from exojax.cli import command
from exojax.cli.data_options import ReadingOptions, checked, learnt_from, positive_of, start_of, with_stated
from exojax.cli.options import value
from exojax.config import RunConfig, TrainConfig, from_dict
from exojax.errors import InputError
from exojax.io.simulated import population_of
from exojax.storage import announce
from exojax.storage.lock import NAME, locked, moved_aside

if TYPE_CHECKING:
    from exojax.folded_events import Data
    from exojax.io.source import Source
    from exojax.runs.run import Run

BARE = ("svc", "cnn", "transit")
"""what is trained when neither a model nor a run is named"""


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Train a model on light curves, evaluate it on stars it has not seen, and write a report.

    Without options: svc, cnn and transit on the Kaggle files in data/, or on simulated
    stars. Killed at any moment, the same command goes on where it was.
    """

    data: Annotated[str | None, value("SOURCE")] = None
    """auto, synthetic, synthetic-kaggle, a folder with exoTrain.csv and exoTest.csv, one such CSV, an .npz of light
    curves or of folded events, or a folder or glob of FITS files or tables of single stars"""
    labels: Annotated[str | None, value("CSV")] = None
    """id,label of the stars, where their files have none; stars without one are left out"""
    model: Annotated[str | None, value("NAME")] = None
    """name of a model (linear, svc, mlp, cnn, transit, ...)"""
    run: Annotated[str | None, value("NAME")] = None
    """name of the run under checkpoints/, or a path"""
    steps: Annotated[int | None, value("N")] = None
    """training steps of a network"""
    seed: Annotated[int | None, value("N")] = None
    """of the split, the weights and the batches"""
    fresh: bool = False
    """rename an old run of that name and start again"""
    config: Annotated[Path | None, value("FILE")] = None
    """a config.json to start from"""
    init: Annotated[str | None, value("RUN|none")] = None
    """start a network from the weights of this run; by default from the shipped ones where the model has any that fit
    (transit), but for folded events, which are learnt from scratch; none: from scratch"""
    positive: Annotated[str | None, value("PC,EB")] = None
    """dispositions that count as hosts, comma-separated, where a file has several"""
    rows: Annotated[str | None, value("rest|all")] = None
    """rest: leave out the stars that are set aside (a fifth, by their catalogue number) for one last score; all"""
    download: bool = False
    """fetch the Kaggle files into data/ first"""
    n_stars: Annotated[int | None, value("N")] = None
    """simulated stars in all; 2000 of synthetic, 5657 of synthetic-kaggle by default"""
    host_fraction: Annotated[float | None, value("SHARE")] = None
    """share of simulated stars whose transits can be seen; 0.1 of synthetic by default"""
    simulate_seed: Annotated[int | None, value("N")] = None
    """of the simulated stars; --seed does not touch them"""
    close_gaps: bool = False
    """close the gaps of the simulated campaign up"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("train.py", Options, train, argv)


def train(options: Options) -> None:
    """Train, evaluate and report every model that is named."""
    started = time.time()
    command.use_wide_vectors()
    command.use_compilation_cache()
    if options.download:
        from exojax.io import download

        announce.phase("downloading the Kaggle files")
        download.fetch(Path("data"))
    jobs = planned(options)
    with ExitStack() as locks:
        for job in jobs:
            locks.enter_context(locked(job.folder))
        page, table = trained(jobs, fresh=options.fresh)
    command.settle()
    command.say(table)
    command.say(f"report: {page}  ({time.time() - started:.0f} s in all)")


@dataclass(frozen=True)
class Job:
    """One model to be trained: on what, how, and where its run is kept."""

    config: RunConfig
    source: Source
    folder: Path


def planned(options: Options) -> list[Job]:
    """Return what is to be trained.

    Raises:
        InputError: an option, a file or a run that it names cannot be used.
    """
    from exojax.io.source import open_source
    from exojax.models import registry
    from exojax.runs.run import load, run_folder

    if options.init not in (None, "none"):
        load(str(options.init))
    named = options.run is not None or options.config is not None
    names = [options.model] if options.model is not None else [None] if named else list(BARE)
    if names == list(BARE) and open_source(configure(options, "transit").data).folded:
        names = ["transit"]
    jobs = []
    for name in names:
        config = configure(options, name)
        source = open_source(config.data)
        if options.init is not None or not names_start(options):
            # A handful of hosts cannot teach what a transit is; simulated ones can.
            config = replace(config, init=start_of(options.init, config, source.folded))
        if options.positive is not None and not source.folded:
            raise InputError("--positive: these sources have one label a star and no dispositions; leave it out")
        # What ``auto`` found is what the run is of, whatever lies in data/ later.
        config = replace(config, data=replace(config.data, source=source.path))
        registry.build(config)
        folder = run_folder(f"{source.name}-{config.model}" if options.run is None else options.run)
        jobs.append(Job(config, source, folder))
    return jobs


def trained(jobs: Sequence[Job], *, fresh: bool) -> tuple[Path, str]:
    """Train and evaluate one model after the other; return the last one's report, and the table of all.

    Raises:
        InputError: the data cannot be used, or a folder holds another run.
    """
    import jax

    from exojax import evaluate
    from exojax.cli.outputs import write
    from exojax.cli.table import comparison_rows, text_table
    from exojax.runs.fit import check_data, prepare_rows, split_rows

    source = jobs[0].source
    command.say(source.told)
    curves = source.rows()
    for job in jobs:
        usable = prepare_rows(job.config, curves)
        check_data(job.config, split_rows(curves, usable, job.config.seed, source.test_fraction))
    done = []
    for job in jobs:
        if fresh:
            set_aside(job.folder)
        command.say(f"training {job.config.model} -> {job.folder}")
        done.append(_fitted(job, curves))
        # The programs of one model are of no use to the next, and hold some hundred megabytes.
        jax.clear_caches()
    # Only now, with weights, calibration and threshold final, is a test row looked at.
    test = source.official_test() if source.official_test else curves
    if source.whole_sha256:
        test = replace(test, sha256=source.whole_sha256())
    found = []
    for run in done:
        announce.phase(f"evaluating {run.config.model}")
        found.append(evaluate(run, test))
    rows = comparison_rows(done, found)
    for run, evaluation in zip(done, found):
        announce.phase(f"writing the report of {run.config.model}")
        page = write(run, evaluation, run.folder, comparison=rows if len(rows) > 1 else [])
        source.write_truth(run.folder)
    return page, text_table(rows)


def _fitted(job: Job, curves: Data) -> Run:
    from exojax import fit
    from exojax.models import registry

    training = registry.training(job.config)
    clock = Clock(training.batch_size)

    with command.progress() as show:

        def report(phase: str, record: dict[str, Any]) -> None:
            searching = phase.startswith("searching")
            facts = {} if searching else clock.facts(record)
            total = record.get("of", training.steps)
            show(phase, record["step"], total, facts, unit="stars" if searching else "steps")

        show(f"preparing {job.config.model}")
        return fit(job.config, curves, job.folder, test_fraction=job.source.test_fraction, report=report)


def configure(options: Options, model: str | None) -> RunConfig:
    """Return the configuration: of the options given, over the run's own or the file's, over the defaults.

    Raises:
        InputError: a file is damaged, or the model is unknown.
    """
    from exojax.models import registry
    from exojax.storage.json_files import read_checked, read_json

    stored = configured(options)
    found: dict[str, Any] = {}
    if stored is not None:
        try:
            # A run's own file has a checksum; one that a person may have written need not.
            found = read_json(stored) if options.config is not None else read_checked(stored)
            found = found.get("config", found)
            from_dict(RunConfig, found, str(stored))
        except InputError as error:
            # Setting a damaged run aside must not need the file that is damaged.
            if not options.fresh or options.config is not None:
                raise
            command.say(f"note: {error}; starting from the defaults")
            found = {}
    before = found.get("model", model)
    name = model or before or "cnn"
    registry.get(name)
    own = asdict(registry.training(RunConfig(model=name)))
    # What the file leaves open is the model's own; what it says was meant for its own model.
    found = found | {"model": name, "train": own | ((found.get("train") or {}) if before == name else {})}
    if before != name:
        found["options"] = {}
    base = from_dict(RunConfig, found, str(stored))
    data = with_stated(_override(base.data, source=options.data, labels=options.labels), options)
    if options.rows is not None:
        data = replace(data, rows=learnt_from(options.rows))
    if options.positive is not None:
        data = replace(data, positive=positive_of(options.positive))
    simulate = population_of(data.source, data.simulate, n_stars=options.n_stars, host_fraction=options.host_fraction)
    simulate = _override(simulate, seed=options.simulate_seed)
    if options.close_gaps:
        simulate = replace(simulate, close_gaps=True)
    base = with_steps(replace(base, data=replace(data, simulate=checked(simulate))), options.steps)
    return _override(base, seed=options.seed)


def configured(options: Options) -> Path | None:
    """Return the config.json that the options start from: the one that is named, or that of a run that is there."""
    from exojax.runs.run import run_folder

    if options.config is not None or options.run is None:
        return options.config
    stored = run_folder(options.run) / "config.json"
    return stored if stored.exists() else None


def names_start(options: Options) -> bool:
    """Return whether the config.json that the options start from says which weights a network starts from, or none."""
    from exojax.storage.json_files import read_json

    stored = configured(options)
    try:
        found = {} if stored is None else read_json(stored)
    except InputError:  # damaged, and set aside
        return False
    return "init" in found.get("config", found)


def with_steps(config: RunConfig, steps: int | None) -> RunConfig:
    """Return the configuration with so many training steps; None leaves them.

    Raises:
        InputError: less than one.
    """
    if steps is None:
        return config
    if steps < 1:
        raise InputError(f"--steps {steps}: give 1 or more")
    return replace(config, train=replace(config.train or TrainConfig(), steps=steps, passes=0.0, host_passes=0.0))


def set_aside(folder: Path) -> None:
    """Rename an old run, whose lock is held, to the first free ``<run>.old-N``; it is never deleted.

    Raises:
        InputError: the folder is no run's.
    """
    if set(os.listdir(folder)) <= {NAME}:
        return
    if not (folder / "config.json").exists():
        raise InputError(f"--fresh: {folder} holds no config.json, so it is no run; rename it yourself or give a --run")
    number = 1
    while (target := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    moved_aside(folder, target)
    command.say(f"{folder} is now {target}")


class Clock:
    """Stars a second for the progress bar."""

    def __init__(self, batch_size: int) -> None:
        self._batch = batch_size
        self._last: tuple[int, float] | None = None
        self._facts: dict[str, Any] = {}

    def facts(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return what stands beside the bar: the last loss, validation AP and stars/s."""
        now = (record["step"], time.monotonic())
        if self._last is None or now[0] < self._last[0]:
            self._last = now
        elif now[1] - self._last[1] > 1:
            rate = (now[0] - self._last[0]) * self._batch / (now[1] - self._last[1])
            self._facts["stars/s"], self._last = round(rate), now
        for key, short in (("loss", "loss"), ("val_average_precision", "val AP")):
            if key in record:
                self._facts[short] = float(record[key])
        return self._facts


def _override(config: Any, **given: Any) -> Any:
    return replace(config, **{name: value for name, value in given.items() if value is not None})
