"""``compare``: several models on the same folds."""

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


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Cross-validate models on the same star-grouped folds; a killed comparison goes on where it was.

    Calibration and threshold come from inner folds; outer rows are scored once. Rows kept for testing (a folder's
    exoTest.csv, the test stars of a run on a single file) are not touched.
    """

    data: Annotated[str, value("SOURCE")] = "auto"
    """as for train"""
    out: Annotated[Path | None, value("DIR")] = None
    """folder for compare.csv, .json, .md and .html; out/compare/<source> by default"""
    positive: Annotated[str, value("PC,EB")] = "PC"
    """dispositions that count as hosts, comma-separated, where a file has several"""
    labels: Annotated[str | None, value("CSV")] = None
    """id,label of the stars, where their files have none; stars without one are left out"""
    models: Annotated[str, value("A,B,...")] = "svc,cnn-original,cnn"
    """comma-separated names; differences are taken against the first"""
    folds: Annotated[int, value("K")] = 5
    """outer folds"""
    repeats: Annotated[int, value("R")] = 1
    """times the stars are dealt anew"""
    inner: Annotated[int, value("K")] = 2
    """inner folds that calibrate and set the threshold, each a fit more; 0 judges the order of the stars alone"""
    tune: Annotated[int, value("N")] = 0
    """points of each model's space that are tried in the inner folds, in every outer fold anew; 0 for its own"""
    join_test: bool = False
    """add the rows of exoTest.csv; no official test remains, and every figure says so"""
    init: Annotated[str | None, value("RUN|none")] = None
    """start that run's model from its weights in every fold; refused where it has seen the rows; by default the shipped
    ones of a model that has any (transit), but for folded events, which are learnt from scratch; none: from scratch"""
    steps: Annotated[int | None, value("N")] = None
    """training steps of networks; each one's own by default"""
    seed: Annotated[int, value("N")] = 0
    """of folds, weights and batches"""
    rows: Annotated[str, value("rest|all")] = "all"
    """rest: leave out the stars that are set aside (a fifth, by their catalogue number) for one last score; all"""
    n_stars: Annotated[int | None, value("N")] = None
    """simulated stars in all; 2000 of synthetic, 5657 of synthetic-kaggle by default"""
    host_fraction: Annotated[float | None, value("SHARE")] = None
    """share of simulated stars whose transits can be seen; 0.1 of synthetic by default"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("compare.py", Options, compare, argv)


def compare(options: Options) -> None:
    """Compare and write the tables."""
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
    command.say(source.told)
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
        _write(out, found, plan, source.told)
    command.say(text_table(found["rows"]))
    command.say("\n".join(found["can_show"]))
    command.say(f"report: {out / 'compare.html'}")


def _write(out: Path, found: dict[str, Any], plan: ComparisonPlan, source: str) -> None:
    """Write compare.csv, .json, .md and .html, pr.png and cost.png; ``source`` is what the first line printed says."""
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
    """Return columns and rows of the CSV, where each figure with an interval takes three columns."""
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
