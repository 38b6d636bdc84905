"""``compare``: several models on the same folds."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from exojax.cli import command
from exojax.cli.data_options import ReadingOptions, data_of, learnt_from, start_of
from exojax.cli.options import value
from exojax.config import RunConfig

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
    from exojax.cli.table import text_table
    from exojax.io.source import open_source
    from exojax.report import comparison
    from exojax.report.page import write_atomically, write_report
    from exojax.report.style import png
    from exojax.runs import compare
    from exojax.storage.json_files import write_json

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
    print(source.told, flush=True)
    out = options.out or Path("out") / "compare" / source.name
    models = tuple(options.models.split(","))
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
    read = source.joined if options.join_test else source.rows
    with command.progress() as show:
        found = compare.compare(
            plan,
            read(),
            out,
            lambda what, done, total: (
                show(what, done, total, unit="stars")
                if ": searching" in what
                else show("fitting", done, total, {"now": what}, unit="folds")
            ),
        )
        show("writing the tables")
    rows, curves = found["rows"], found.pop("curves")
    pr = png(comparison.precision_recall(curves, found["n_positive"] / found["n"], plan.note))
    cost = png(comparison.quality_and_cost(rows, plan.note))
    write_atomically(out / "pr.png", pr)
    write_atomically(out / "cost.png", cost)
    write_atomically(out / "compare.csv", _csv(rows).encode())
    write_json(out / "compare.json", {"source": source.told, **found})
    write_atomically(out / "compare.md", _markdown(found).encode())
    said = f"; {plan.note}" if plan.note else ""
    write_report(
        out / "compare.html",
        title=f"{', '.join(plan.models)} compared",
        metrics={},
        figures={f"Precision against recall, with 95 % bands{said}": pr, f"Quality and the time of a fit{said}": cost},
        config=found["plan"],
        warnings=[*found["warnings"], *found["can_show"]],
        comparison=rows,
        summary=f"{source.told}: {found['n']:,} stars, {found['n_positive']:,} of them planet hosts, each scored by "
        f"models that have not seen it ({plan.folds} folds, {plan.repeats} repeat(s)). Intervals are 95 %.",
        data={"data_sha256": found["data_sha256"]},
    )
    print(text_table(rows))
    print("\n".join(found["can_show"]))
    print(f"report: {out / 'compare.html'}")


def _markdown(found: dict[str, Any]) -> str:
    from exojax.cli.table import markdown_table

    told = [*found["warnings"], *found["can_show"]]
    return markdown_table(found["rows"]) + "\n" + "".join(f"- {line}\n" for line in told)


def _csv(rows: list[dict[str, Any]]) -> str:
    """Each figure with an interval becomes three columns."""
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
    text = io.StringIO()
    columns = list(dict.fromkeys(key for line in flat for key in line))
    writer = csv.DictWriter(text, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()
