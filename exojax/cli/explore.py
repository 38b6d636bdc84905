"""``explore``: describe a data set with figures and statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from exojax.cli import command
from exojax.cli.data_options import ReadingOptions, with_stated
from exojax.cli.options import value
from exojax.config import DataConfig
from exojax.storage import announce


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Write figures and summary.json of a data set: examples, distributions, missing data, duplicates, balance."""

    out: Annotated[Path, value("DIR")]
    """folder for the files"""
    data: Annotated[str, value("SOURCE")] = "auto"
    """a source, as in train"""
    labels: Annotated[str | None, value("CSV")] = None
    """CSV of id,label, for stars whose files have no label; stars without a label are left out"""
    seed: Annotated[int, value("N")] = 0
    """seed of the example stars and the bootstrap"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("explore.py", Options, explore, argv)


def explore(options: Options) -> None:
    """Read the light curves, draw the figures and write the summary."""
    from exojax.io.source import open_source
    from exojax.report.explore import explore as draw

    config = with_stated(DataConfig(options.data, labels=options.labels), options)
    source = open_source(config, labelled=False)
    command.say(source.description)
    curves = source.curves()
    extra = source.official_test() if source.official_test else None
    announce.phase("drawing and counting")
    summary = draw(curves, options.out, extra, seed=options.seed)
    command.settle()
    command.say(f"{len(curves):,} stars; {options.out / 'summary.json'}\npage: {options.out / 'explore.html'}")
    for text in summary.get("warnings", []):
        command.say(f"note: {text}")
