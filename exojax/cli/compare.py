"""``compare``: cross-validate several models on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from exojax.cli import command
from exojax.cli.data_options import ReadingOptions, data_of, learnt_from, start_of
from exojax.cli.options import value
from exojax.cli.table import markdown_table, text_table
from exojax.config import RunConfig
from exojax.storage.json_files import write_json
from exojax.storage.lock import locked
from exojax.storage.plain_text import markdown, shared
from exojax.storage.write_file import write_atomically, write_csv

if TYPE_CHECKING:
    from exojax.runs.compare import ComparisonPlan

NOTE = "no official test remains"
"""note beside every figure when the rows of exoTest.csv are part of the folds"""


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Cross-validate models on the same folds of stars. After an interruption the same command continues.

    Calibration and threshold come from inner folds; every outer row is scored once. Test rows (exoTest.csv of a folder,
    the test stars of a run on a single file) are not used.
    """

    data: Annotated[str, value("SOURCE")] = "auto"
    """a source, as in train"""
    out: Annotated[Path | None, value("DIR")] = None
    """folder for compare.csv, .json, .md and .html; out/compare/<source> by default"""
    positive: Annotated[str, value("PC,EB")] = "PC"
    """dispositions that count as hosts, comma-separated, in a file with several dispositions"""
    labels: Annotated[str | None, value("CSV")] = None
    """CSV of id,label, for stars whose files have no label; stars without a label are left out"""
    models: Annotated[str, value("A,B,...")] = "svc,cnn-original,cnn"
    """names of the models, comma-separated; the others are compared with the first"""
    folds: Annotated[int, value("K")] = 5
    """number of outer folds"""
    repeats: Annotated[int, value("R")] = 1
    """number of repetitions, each with other folds"""
    inner: Annotated[int, value("K")] = 2
    """number of inner folds, which calibrate and set the threshold; each costs one more fit. 0: no calibration and no
    threshold, only the ranking of the stars is scored"""
    tune: Annotated[int, value("N")] = 0
    """number of settings of each model that are tried in the inner folds of every outer fold; 0 keeps the model's
    own"""
    join_test: bool = False
    """add the rows of exoTest.csv to the folds; every figure then notes that no official test remains"""
    init: Annotated[str | None, value("RUN|none")] = None
    """start the model of that run from its weights in every fold; the run must not have been trained on these rows. By
    default a model with shipped weights (transit) starts from them, except on folded events; none: random weights"""
    steps: Annotated[int | None, value("N")] = None
    """training steps of networks; by default the number of each model"""
    seed: Annotated[int, value("N")] = 0
    """seed of the folds, the weights and the batches"""
    rows: Annotated[str, value("rest|all")] = "all"
    """rest: leave out the stars that are set aside for a final score (a fifth, by catalogue number); all: use them"""
    n_stars: Annotated[int | None, value("N")] = None
    """number of simulated stars; by default 2000 for synthetic, 5657 for synthetic-kaggle"""
    host_fraction: Annotated[float | None, value("SHARE")] = None
    """share of simulated stars whose transits can be seen; by default 0.1 for synthetic"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("compare.py", Options, compare, argv)


def compare(options: Options) -> None:
    """Compare the models and write the tables."""
    command.use_wide_vectors()
    command.use_compilation_cache()
    from exojax.io.source import open_source
    from exojax.models import registry
    from exojax.runs import compare
    from exojax.runs.run import load

    models = tuple(options.models.split(","))
    for name in models:
        registry.get(name)
    if options.init not in (None, "none"):
        load(str(options.init))
    config = data_of(
        options.data,
        options,
        labels=options.labels,
        positive=options.positive,
        n_stars=options.n_stars,
        host_fraction=options.host_fraction,
        rows=learnt_from(options.rows),
    )
    source = open_source(config)
    command.say(source.description)
    out = options.out or Path("out") / "compare" / source.name
    starts = [start_of(options.init, RunConfig(model=name), source.folded) for name in models]
    plan = compare.ComparisonPlan(
        models=models,
        folds=options.folds,
        repeats=options.repeats,
        seed=options.seed,
        steps=options.steps,
        test_fraction=source.test_fraction,
        init=next((start for start in starts if start is not None), None),
        inner=options.inner,
        tune=options.tune,
        note=NOTE if options.join_test else "",
        rows=config.rows,
    )
    compare.check_plan(plan)
    with locked(out), command.progress() as show:

        def report(what: str, done: int, total: int) -> None:
            if ": searching" in what:
                show(what, done, total, unit="stars")
            else:
                show("fitting", done, total, {"now": what}, unit="folds")

        found = compare.compare(plan, source.joined() if options.join_test else source.rows(), out, report)
        show("writing the tables")
        _write(out, found, plan, source.description)
    command.say(text_table(found["rows"]))
    command.say("\n".join(found["can_show"]))
    command.say(f"report: {out / 'compare.html'}")


def _write(out: Path, found: dict[str, Any], plan: ComparisonPlan, source: str) -> None:
    """Write compare.csv, .json, .md and .html, pr.png and cost.png; ``source`` is the description of the source."""
    from exojax.report import comparison
    from exojax.report.page import write_report
    from exojax.report.style import png

    curves = found.pop("curves")
    found, source = shared(found), shared(source)
    rows = found["rows"]
    pr = png(comparison.precision_recall(curves, found["n_positive"] / found["n"], plan.note))
    cost = png(comparison.quality_and_cost(rows, plan.note))
    write_atomically(out / "pr.png", pr)
    write_atomically(out / "cost.png", cost)
    columns, lines = _flat(rows)
    write_csv(out / "compare.csv", columns, lines)
    write_json(out / "compare.json", {"source": source, **found})
    write_atomically(out / "compare.md", _markdown(found).encode())
    note = f"; {plan.note}" if plan.note else ""
    write_report(
        out / "compare.html",
        title=f"{', '.join(plan.models)} compared",
        metrics={},
        figures={f"Precision against recall, with 95 % bands{note}": pr, f"Quality and the time of a fit{note}": cost},
        config=found["plan"],
        warnings=found["warnings"],
        verdict=found["can_show"],
        comparison=rows,
        summary=f"{source}: {found['n']:,} stars, {found['n_positive']:,} of them planet hosts, each scored by "
        f"models that have not seen it ({plan.folds} folds, {plan.repeats} repeat(s)). Intervals are 95 %.",
        data={"data_sha256": found["data_sha256"]},
    )


def _markdown(found: dict[str, Any]) -> str:
    notes = "".join(f"- {markdown(line)}\n" for line in [*found["warnings"], *found["can_show"]])
    return f"{markdown_table(found['rows'])}\n{notes}"


def _flat(rows: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of the CSV; a figure with an interval takes three columns."""
    flat = []
    for row in rows:
        line: dict[str, Any] = {}
        for name, figure in row.items():
            key = name.replace(", ", "_").replace(" ", "_").replace("/", "_per_")
            if isinstance(figure, dict):
                line |= {key: figure["value"], f"{key}_low": figure["low"], f"{key}_high": figure["high"]}
            else:
                line[key] = figure
        flat.append(line)
    columns = list(dict.fromkeys(key for line in flat for key in line))
    return columns, [[line.get(column) for column in columns] for line in flat]
