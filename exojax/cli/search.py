"""``search``: which stars show transits, and where."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from exojax.cli import command
from exojax.config import DataConfig, SearchConfig, SimulateConfig
from exojax.errors import InputError

if TYPE_CHECKING:
    from exojax.io.folder import Group, Skipped
    from exojax.lightcurve import LightCurves
    from exojax.searching import Judge

PARALLEL = 8
"""threads at most; each holds two batches"""
_FLAG = "--xla_cpu_prefer_vector_width=512"


@dataclass(frozen=True)
class Options:
    """Search light curves for transits: candidates.csv, one-page sheets of the best, and index.html.

    Files are mission FITS (Kepler, K2, TESS) or tables of one star; several of one star are stitched. A killed search
    goes on where it was. Exit code 3 says that some stars were skipped; skipped.csv says which and why.
    """

    out: Annotated[Path, command.value("DIR")]
    """folder for candidates.csv, skipped.csv, sheets/ and index.html"""
    files: tyro.conf.Positional[tuple[str, ...]] = ()
    """files, folders or globs"""
    data: Annotated[str | None, command.value("SOURCE")] = None
    """a source as for train.py, instead of files"""
    target: Annotated[str | None, command.value("NAME")] = None
    """a star to download, such as "Kepler-90" or "TIC 100100827", instead of files"""
    run: Annotated[str | None, command.value("NAME")] = None
    """a trained run that gives each star a probability"""
    sheets: Annotated[int, command.value("N")] = 50
    """vetting sheets, of the candidates with the highest SNR"""
    labels: Annotated[Path | None, command.value("CSV")] = None
    """id,label: adds a column"""
    stars: Annotated[Path | None, command.value("CSV")] = None
    """id,radius,mass,teff,mag of the stars; else what the headers say"""
    known: Annotated[Path | None, command.value("CSV")] = None
    """id,period,t0,duration of known planets, named in the column of matches"""
    mask_known: bool = False
    """search without the known planets' transits"""
    period_min: Annotated[float, command.value("DAYS")] = SearchConfig.period_min
    """shortest period"""
    period_max: Annotated[float | None, command.value("DAYS")] = None
    """longest period; half of the light curve by default, 500 at most"""
    snr_min: Annotated[float, command.value("SNR")] = SearchConfig.snr_min
    """of a star's second and further candidates, and of single transits"""
    max_candidates: Annotated[int, command.value("N")] = SearchConfig.max_candidates
    """a star"""
    cadence_minutes: Annotated[float | None, command.value("MINUTES")] = None
    """minutes between samples of rows without a time axis"""
    n_stars: Annotated[int, command.value("N")] = SimulateConfig.n_stars
    """simulated stars in all"""
    seed: Annotated[int, command.value("N")] = 0
    """of simulated stars; the search itself draws nothing"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("search.py", Options, search, argv)


def search(options: Options) -> int:
    """Search and write; 3 where stars were skipped."""
    if sum((bool(options.files), options.data is not None, options.target is not None)) != 1:
        raise InputError("give files, --data SOURCE or --target NAME, and one of them only")
    config = _config(options)
    # Read by XLA when JAX starts: wide vectors make the search half as long again as fast where there are any.
    if "xla_cpu_prefer_vector_width" not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_FLAG}".strip()
    command.use_compilation_cache()
    from exojax import searching
    from exojax.cli import search_outputs
    from exojax.io import catalogue

    stars, source, told, total = _source(options)
    print(told, flush=True)
    known = catalogue.known(options.known) if options.known else None
    labels = catalogue.labels(options.labels) if options.labels else None
    if options.stars:
        table, plain = catalogue.stars(options.stars), stars
        about = lambda one: catalogue.with_stars(one, table) if hasattr(one, "flux") else one  # noqa: E731
        stars = lambda done: map(about, plain(done))  # noqa: E731
    workers = min(os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1, PARALLEL)
    options.out.mkdir(parents=True, exist_ok=True)
    with command.progress() as show:
        found = searching.search(
            stars,
            config,
            options.out,
            source=source,
            known=known,
            mask_known=options.mask_known,
            judge=_judge(options.run),
            workers=workers,
            report=lambda done, bad, speed: show("stars", done, total, {"stars/s": speed, "skipped": bad}),
        )
        rows = search_outputs.rows(found, labels)
        search_outputs.write_tables(options.out, rows, found.skipped)
        best = found.candidates.take(np.arange(min(options.sheets, len(found.candidates))))
        chosen = set(best.id.tolist())
        others = lambda done: stars({name for name in found.candidates.id.tolist() if name not in chosen})  # noqa: E731
        again = searching.traces(others(set()), config, known if options.mask_known else None) if chosen else iter(())
        drawn = search_outputs.write_sheets(
            options.out, found, best, again, lambda done: show("sheets", done, len(best), {})
        )
    search_outputs.write_index(options.out, rows, drawn, told, found)
    print(search_outputs.summary(rows, found))
    print(f"candidates: {options.out / 'candidates.csv'}\npage: {options.out / 'index.html'}")
    return 3 if found.skipped else 0


def _config(options: Options) -> SearchConfig:
    longest = options.period_max
    if not options.period_min > 0 or (longest is not None and longest <= options.period_min):
        raise InputError(f"--period-min {options.period_min} --period-max {longest}: the range is empty")
    if options.max_candidates < 1 or options.sheets < 0:
        raise InputError("--max-candidates must be 1 or more and --sheets 0 or more")
    return SearchConfig(
        period_min=options.period_min,
        period_max=longest,
        snr_min=options.snr_min,
        max_candidates=options.max_candidates,
    )


def _source(
    options: Options,
) -> tuple[Callable[[set[str]], Iterable[LightCurves | Skipped]], str, str, int]:
    """What gives stars that are not done yet, a name that tells it from other sources, a first line, and a number."""
    from exojax.cli.sources import open_source
    from exojax.io import cache, folder, target

    files: Sequence[str | Path] = options.files
    if options.target is not None:
        files = target.fetch(options.target, cache.directory() / "targets")
    if options.data is not None:
        simulate = SimulateConfig(n_stars=options.n_stars, seed=options.seed)
        opened = open_source(DataConfig(options.data, options.cadence_minutes, simulate=simulate), labelled=False)
        curves = opened.rows()

        def rows(done: set[str]) -> Iterable[LightCurves | Skipped]:
            left = ~np.isin(curves.id, list(done))
            return (curves.take(part) for part in np.array_split(np.flatnonzero(left), max(left.sum() // 512, 1)))

        return rows, curves.sha256, opened.told, len(curves)
    groups = folder.stars_in(files)

    def read(done: set[str]) -> Iterable[LightCurves | Skipped]:
        left: list[Group] = [group for group in groups if group[0] not in done]
        return folder.read_stars(left, workers=os.cpu_count() or 1)

    what = f"source: {len(groups)} star{'s' * (len(groups) != 1)} in {sum(len(paths) for _, paths in groups)} files"
    if options.target is not None:
        what = f"source: {options.target}, {what.removeprefix('source: ')}"
    names = sorted(str(path) for _, paths in groups for path in paths)
    return read, hashlib.sha256("\n".join(names).encode()).hexdigest(), what, len(groups)


def _judge(run: str | None) -> Judge | None:
    if run is None:
        return None
    from exojax.runs import load, predict

    trained = load(run)
    return lambda curves: predict(trained, curves)
