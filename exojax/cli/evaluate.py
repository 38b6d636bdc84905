"""``evaluate``: score light curves with a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from exojax.cli import command
from exojax.cli.data_options import ReadingOptions, with_stated
from exojax.cli.options import value
from exojax.storage import announce
from exojax.storage.lock import locked


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Score light curves with a finished run; write metrics.json, predictions.csv, report.html and PNGs.

    On the run's own source, its test rows are scored; in a folder, exoTest.csv; in any other file, every row. A file
    with labelled stars that the run was trained on is refused, and the message names a star.
    """

    run: Annotated[str, value("NAME")]
    """name of the run under checkpoints/, or a path"""
    data: Annotated[str, value("SOURCE")]
    """a source, as in train; without labels there are probabilities but no metrics"""
    labels: Annotated[str | None, value("CSV")] = None
    """CSV of id,label, for stars whose files have no label; for the run's own source, by default the CSV of the run"""
    rows: Annotated[str | None, value("rest|set-aside|all")] = None
    """set-aside: score only the stars that --rows rest left out of the training. By default the rows of the run for its
    own source, and all rows for any other"""
    out: Annotated[Path | None, value("DIR")] = None
    """folder for the files; <run>/evaluation-<data> by default"""
    prior: Annotated[float | None, value("RATE")] = None
    """expected share of hosts among your stars, for the probabilities; by default the share among the training rows"""
    seed: Annotated[int | None, value("N")] = None
    """seed of the bootstrap; by default the seed of the run"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("evaluate.py", Options, evaluate, argv)


def evaluate(options: Options) -> None:
    """Score the rows and write the files."""
    command.use_wide_vectors()
    command.use_compilation_cache()
    import exojax
    from exojax.cli.outputs import write
    from exojax.cli.table import comparison_rows, text_table
    from exojax.io.source import open_source
    from exojax.runs.run import stating

    announce.phase(f"reading run {options.run}")
    run = stating(exojax.load(options.run), options.prior)
    own = options.data == run.config.data.source
    labels = options.labels or (run.config.data.labels if own else None)
    rows = options.rows or (run.config.data.rows if own else "all")
    # Units and cadence that the options do not state are those of the run's own data.
    config = with_stated(replace(run.config.data, source=options.data, labels=labels, rows=rows), options)
    if options.seed is not None:
        run = replace(run, config=replace(run.config, seed=options.seed))
    source = open_source(config, labelled=False)
    part = f"-{rows}" if options.rows not in (None, "all") else ""
    out = options.out or run.folder / f"evaluation-{source.name}{part}"
    command.say(source.description)
    with locked(out):
        curves = source.official_test() if source.official_test else source.rows()
        if source.whole_sha256:
            curves = replace(curves, sha256=source.whole_sha256())
        announce.phase(f"evaluating {run.config.model}")
        found = exojax.evaluate(run, curves)
        announce.phase("writing the report")
        page = write(run, found, out, comparison=[])
    command.settle()
    if found.metrics is None:
        command.say(f"{len(curves)} unlabelled rows scored: {out / 'predictions.csv'}")
    else:
        command.say(text_table(comparison_rows([run], [found])))
    command.say(f"report: {page}")
