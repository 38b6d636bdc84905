"""``train``: train models, evaluate them and write a report."""

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
"""names of the models that are trained without --model, --run and --config"""


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Train a model on light curves, evaluate it on stars it has not seen, and write a report.

    Without options: train svc, cnn and transit on the Kaggle files in data/, or else on simulated stars. After an
    interruption the same command continues.
    """

    data: Annotated[str | None, value("SOURCE")] = None
    """auto, synthetic, synthetic-kaggle, a folder with exoTrain.csv and exoTest.csv, one such CSV, an .npz of light
    curves or of folded events, or a folder or glob of FITS files or tables of single stars"""
    labels: Annotated[str | None, value("CSV")] = None
    """CSV of id,label, for stars whose files have no label; stars without a label are left out"""
    model: Annotated[str | None, value("NAME")] = None
    """name of a model (linear, svc, mlp, cnn, transit, ...)"""
    run: Annotated[str | None, value("NAME")] = None
    """name of the run under checkpoints/, or a path"""
    steps: Annotated[int | None, value("N")] = None
    """training steps of a network; by default the number of the model"""
    seed: Annotated[int | None, value("N")] = None
    """seed of the split, the weights and the batches"""
    fresh: bool = False
    """rename an old run of that name and start again"""
    config: Annotated[Path | None, value("FILE")] = None
    """a config.json with settings; options on the command line override them"""
    init: Annotated[str | None, value("RUN|none")] = None
    """start a network from the weights of this run. By default a model with shipped weights of the right shapes
    (transit) starts from them, except on folded events; none: random weights"""
    positive: Annotated[str | None, value("PC,EB")] = None
    """dispositions that count as hosts, comma-separated, in a file with several dispositions"""
    rows: Annotated[str | None, value("rest|all")] = None
    """rest: leave out the stars that are set aside for a final score (a fifth, by catalogue number); all: use them"""
    download: bool = False
    """first download the Kaggle files into data/"""
    n_stars: Annotated[int | None, value("N")] = None
    """number of simulated stars; by default 2000 for synthetic, 5657 for synthetic-kaggle"""
    host_fraction: Annotated[float | None, value("SHARE")] = None
    """share of simulated stars whose transits can be seen; by default 0.1 for synthetic"""
    simulate_seed: Annotated[int | None, value("N")] = None
    """seed of the simulated stars; --seed does not change them"""
    close_gaps: bool = False
    """remove the gaps of the simulated campaign"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("train.py", Options, train, argv)


def train(options: Options) -> None:
    """Train and evaluate every chosen model and write its report."""
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
    """One model to train, its data source, and the folder of its run."""

    config: RunConfig
    source: Source
    folder: Path


def planned(options: Options) -> list[Job]:
    """Return the models to train, in order.

    Raises:
        InputError: an option is wrong, or a file or run that an option names cannot be used.
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
            # A few hosts are too few to learn the shape of a transit, which the shipped weights contain.
            config = replace(config, init=start_of(options.init, config, source.folded))
        if options.positive is not None and not source.folded:
            raise InputError("--positive: this source has one label per star and no dispositions; leave the option out")
        # The run stores the source that ``auto`` found, because data/ may change later.
        config = replace(config, data=replace(config.data, source=source.path))
        registry.build(config)
        folder = run_folder(f"{source.name}-{config.model}" if options.run is None else options.run)
        jobs.append(Job(config, source, folder))
    return jobs


def trained(jobs: Sequence[Job], *, fresh: bool) -> tuple[Path, str]:
    """Train and evaluate the models one after another.

    Args:
        jobs: one or more models; their source is the same.
        fresh: rename the folders of old runs first.

    Returns:
        The path of the last report, and the table of all models as text.

    Raises:
        InputError: the data cannot be used, or a folder holds another run.
    """
    import jax

    from exojax import evaluate
    from exojax.cli.outputs import write
    from exojax.cli.table import comparison_rows, text_table
    from exojax.runs.fit import check_data, prepare_rows, split_rows

    source = jobs[0].source
    command.say(source.description)
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
        # The next model cannot use the compiled functions of this one, which take some hundred megabytes.
        jax.clear_caches()
    # The test rows are read only here, after weights, calibration and threshold are final.
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
    """Return the settings of a run. Options override the config.json of the file or the run, which overrides defaults.

    Args:
        options: the command line.
        model: name of the model; None takes the one in config.json, or ``cnn``.

    Raises:
        InputError: a file is damaged, or the model is unknown.
    """
    from exojax.models import registry
    from exojax.storage.json_files import read_checked, read_json

    stored = configured(options)
    found: dict[str, Any] = {}
    if stored is not None:
        try:
            # The file of a run has a checksum; a file of --config may be written by hand.
            found = read_json(stored) if options.config is not None else read_checked(stored)
            found = found.get("config", found)
            from_dict(RunConfig, found, str(stored))
        except InputError as error:
            # --fresh must also work for a run whose config.json is damaged.
            if not options.fresh or options.config is not None:
                raise
            command.say(f"note: {error}; the default settings are used")
            found = {}
    before = found.get("model", model)
    name = model or before or "cnn"
    registry.get(name)
    own = asdict(registry.training(RunConfig(model=name)))
    # The file's settings of training hold for its own model only. Missing ones are the defaults of the model.
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
    """Return the path of the config.json to start from: that of ``--config``, or that of an existing run, or None."""
    from exojax.runs.run import run_folder

    if options.config is not None or options.run is None:
        return options.config
    stored = run_folder(options.run) / "config.json"
    return stored if stored.exists() else None


def names_start(options: Options) -> bool:
    """Return whether the config.json to start from has the field ``init``, even if its value is null."""
    from exojax.storage.json_files import read_json

    stored = configured(options)
    try:
        found = {} if stored is None else read_json(stored)
    except InputError:  # damaged, and set aside
        return False
    return "init" in found.get("config", found)


def with_steps(config: RunConfig, steps: int | None) -> RunConfig:
    """Return the configuration with ``steps`` training steps and without other limits; None changes nothing.

    Raises:
        InputError: ``steps`` is below 1.
    """
    if steps is None:
        return config
    if steps < 1:
        raise InputError(f"--steps {steps}: give 1 or more")
    return replace(config, train=replace(config.train or TrainConfig(), steps=steps, passes=0.0, host_passes=0.0))


def set_aside(folder: Path) -> None:
    """Rename the folder of an old run to the first free ``<run>.old-N``; the caller holds its lock.

    Raises:
        InputError: the folder holds files but no config.json.
    """
    if set(os.listdir(folder)) <= {NAME}:
        return
    if not (folder / "config.json").exists():
        raise InputError(
            f"--fresh: {folder} has no config.json, so that it is no run; rename it yourself or give another --run"
        )
    number = 1
    while (target := folder.with_name(f"{folder.name}.old-{number}")).exists():
        number += 1
    moved_aside(folder, target)
    command.say(f"the old run {folder} was renamed to {target}")


class Clock:
    """Measure the stars per second for the progress bar."""

    def __init__(self, batch_size: int) -> None:
        self._batch = batch_size
        self._last: tuple[int, float] | None = None
        self._facts: dict[str, Any] = {}

    def facts(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the facts beside the bar: the last loss, average precision on the validation rows, and stars/s."""
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
