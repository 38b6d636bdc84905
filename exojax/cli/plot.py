"""``plot``: draw the figures of a run again, from its own source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from exojax.cli import command
from exojax.cli.options import value
from exojax.errors import InputError
from exojax.storage import announce


@dataclass(frozen=True)
class Options:
    """Draw the loss, PR, ROC, calibration and confusion figures of a run, for the test rows of its own source."""

    run: Annotated[str, value("NAME")]
    """name of the run under checkpoints/, or a path"""
    out: Annotated[Path | None, value("DIR")] = None
    """folder for the PNGs; <run>/plots by default"""
    seed: Annotated[int | None, value("N")] = None
    """seed of the bootstrap; by default the seed of the run"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("plot.py", Options, plot, argv)


def plot(options: Options) -> None:
    """Score the test rows of the run and draw the figures."""
    command.use_compilation_cache()
    from dataclasses import replace

    import exojax
    from exojax.cli.outputs import drawn_stars, plots
    from exojax.io.source import open_source
    from exojax.storage.write_file import write_atomically

    announce.phase(f"reading run {options.run}")
    run = exojax.load(options.run)
    if options.seed is not None:
        run = replace(run, config=replace(run.config, seed=options.seed))
    source = open_source(run.config.data)
    curves = source.rows()
    if curves.sha256 != run.data["sha256"]:
        raise InputError(
            f"{source.path}: the data differ from those that {run.folder.name} was trained on; "
            "use exojax evaluate --data instead"
        )
    announce.phase(f"evaluating {run.config.model}")
    found = exojax.evaluate(run, source.official_test() if source.official_test else curves)
    announce.phase("drawing")
    out = options.out or run.folder / "plots"
    for name, image in (*plots(run, found).values(), *drawn_stars(run, found).values()):
        write_atomically(out / f"{name}.png", image)
        command.say(str(out / f"{name}.png"))
