"""``search``: which stars show transits, and where."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from exojax.cli import command
from exojax.cli.data_options import ReadingOptions, search_of, with_stated
from exojax.cli.options import value
from exojax.config import DataConfig, FoldConfig, SearchConfig, SimulateConfig
from exojax.errors import InputError
from exojax.storage import announce
from exojax.storage.cores import cores, workers

if TYPE_CHECKING:
    from exojax.io.columns import Stated
    from exojax.io.folder import Group, Skipped
    from exojax.light_curves import LightCurves
    from exojax.runs.ranked_candidates import RankedCandidates

_BLOCK = 512
"""rows of a file that are handed to the search at once"""


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Search light curves for transits: candidates.csv, one-page sheets of the best, and index.html.

    Files are mission FITS (Kepler, K2, TESS) or tables of one star; several of one star are stitched. The same command
    again goes on where a killed search was. Exit code 3 says that some stars were skipped: skipped.csv says why.
    """

    out: Annotated[Path, value("DIR")]
    """folder for candidates.csv, skipped.csv, sheets/ and index.html"""
    files: Annotated[tyro.conf.Positional[tuple[str, ...]], value("FILE")] = ()
    """files, folders or globs"""
    data: Annotated[str | None, value("SOURCE")] = None
    """a source as for train (an .npz, the Kaggle CSVs, a folder, a glob, synthetic), instead of files"""
    target: Annotated[str | None, value("NAME")] = None
    """a star to download, such as "Kepler-90" or "TIC 100100827", instead of files"""
    run: Annotated[str, value("NAME")] = "pretrained"
    """the trained run that gives each candidate a probability of being a planet: the one that comes with exojax, taught
    by simulated stars alone; 'none' for no probabilities"""
    prior: Annotated[float | None, value("RATE")] = None
    """share of hosts among the stars that probabilities are for; that of the run's training rows by default"""
    sheets: Annotated[int, value("N")] = 50
    """vetting sheets, of the candidates with the highest SNR"""
    pdf: bool = False
    """also write each sheet as a PDF, with a second page of single events where there are many"""
    labels: Annotated[Path | None, value("CSV")] = None
    """id,label: adds a column"""
    stars: Annotated[Path | None, value("CSV")] = None
    """id,radius,mass,teff,mag of the stars; else what the headers say"""
    known: Annotated[Path | None, value("CSV")] = None
    """id,period,t0,duration of known planets, named in the column of matches"""
    mask_known: bool = False
    """search without the known planets' transits"""
    candidates: Annotated[Path | None, value("CSV")] = None
    """id,period,t0,duration (days): measure and judge these candidates instead of searching"""
    period_min: Annotated[float, value("DAYS")] = SearchConfig.period_min
    """shortest period"""
    period_max: Annotated[float | None, value("DAYS")] = None
    """longest period; half of the light curve by default, 500 at most"""
    duration_min: Annotated[float, value("DAYS")] = SearchConfig.duration_min
    """shortest transit"""
    duration_max: Annotated[float, value("DAYS")] = SearchConfig.duration_max
    """longest transit; never more than a quarter of the period"""
    window: Annotated[float | None, value("DAYS")] = None
    """width of the running filter that takes the star's own variability off; 2, or four times --duration-max where that
    is more, by default"""
    snr_min: Annotated[float, value("SNR")] = SearchConfig.snr_min
    """of a star's second and further candidates, and of single transits"""
    max_candidates: Annotated[int, value("N")] = SearchConfig.max_candidates
    """a star"""
    n_stars: Annotated[int, value("N")] = SimulateConfig.n_stars
    """simulated stars in all"""
    seed: Annotated[int, value("N")] = 0
    """of simulated stars; the search itself draws nothing"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("search.py", Options, search, argv)


def search(options: Options) -> int:
    """Search and write; 3 where stars were skipped."""
    config = _config(options)
    command.use_compilation_cache()
    from exojax.cli import search_outputs
    from exojax.io import catalogue
    from exojax.runs import survey

    # What is wrong with any of these is told before the first star is read.
    known = catalogue.known(options.known) if options.known else None
    labels, unsure = catalogue.labels(options.labels) if options.labels else (None, "")
    table = catalogue.stars(options.stars) if options.stars else None
    given = catalogue.ephemerides(options.candidates) if options.candidates else None
    scorer = None
    if options.run != "none":
        announce.phase(f"reading run {options.run}")
        # With it comes JAX, which a search alone need not wait for.
        from exojax.runs.candidate_scores import candidate_scorer

        scorer = candidate_scorer(options.run, options.prior)
    how = FoldConfig() if scorer is None else scorer.fold
    stated = "" if scorer is None else scorer.told
    source = _source(options)
    command.say(source.title)
    for note in (*source.notes, *filter(None, [unsure])):
        command.say(f"note: {note}")
    if stated:
        command.say(stated)
    stars = source.stars
    if table is not None:
        stars = lambda done: _about(source.stars(done), table)  # noqa: E731
    settings = {
        "source": source.key,
        "stars": _digest(options.stars),
        "masked": _digest(options.known if options.mask_known else None),
        "candidates": _digest(options.candidates),
        "run": options.run,
        "trained": None if scorer is None else scorer.identity,
        "prior": options.prior,
    }
    with command.progress() as show:
        show("searching", 0, source.n, unit="stars")
        found = survey.search(
            stars,
            config,
            options.out,
            settings=settings,
            known=known,
            mask_known=options.mask_known,
            given=given,
            score_candidates=None if scorer is None else scorer.score_candidates,
            how=how,
            workers=workers(),
            report=lambda done, bad: show(
                "searching", min(done + bad, source.n), source.n, {"skipped": bad}, unit="stars"
            ),
        )
        first = search_outputs.write_tables(options.out, found, labels)
        _check_any(found, options.out)
        best = [found.row(k) for k in range(min(options.sheets, len(found)))]
        masked = known if options.mask_known else None
        if best:
            show("searching the best again, for their sheets")
        chosen = source.only({row["id"] for row in best})
        if table is not None:
            chosen = _about(chosen, table)
        again = survey.again(chosen, config, masked, how, given) if best else iter(())
        drawn = search_outputs.write_sheets(
            options.out,
            found,
            best,
            again,
            None if scorer is None else scorer.explain,
            source.notes,
            lambda done: show("drawing sheets", done, len(best), unit="sheets"),
            options.pdf,
        )
        # Given candidates are all wanted, however weak.
        threshold = None if given is not None else config.snr_min
        search_outputs.write_index(options.out, drawn, (source.title, stated), found, threshold, options.pdf)
    command.say(search_outputs.summary(first, found))
    tables = {"--labels": labels, "--stars": table, "--known": None if known is None else known.id.tolist()}
    tables["--candidates"] = None if given is None else given.id.tolist()
    for option, ids in tables.items():
        if ids is not None and set(ids).isdisjoint(found.stars):
            command.say(f"note: {option} {getattr(options, option[2:])} names none of these stars")
    command.say(f"candidates: {options.out / 'candidates.csv'}\npage: {options.out / 'index.html'}")
    return 3 if found.skipped else 0


def _config(options: Options) -> SearchConfig:
    if sum((bool(options.files), options.data is not None, options.target is not None)) != 1:
        raise InputError("give files, --data SOURCE or --target NAME, and one of them only")
    if options.sheets < 0:
        raise InputError(f"--sheets {options.sheets}: give 0 or more")
    if options.prior is not None and options.run == "none":
        raise InputError("--prior needs a --run that gives probabilities")
    if options.mask_known and options.known is None:
        raise InputError("--mask-known needs --known CSV")
    if options.mask_known and options.candidates is not None:
        raise InputError("--mask-known searches, --candidates does not: give one of them")
    return search_of(
        period_min=options.period_min,
        period_max=options.period_max,
        duration_min=options.duration_min,
        duration_max=options.duration_max,
        window=options.window,
        snr_min=options.snr_min,
        max_candidates=options.max_candidates,
    )


@dataclass(frozen=True)
class _Source:
    """The stars that are searched.

    Attributes:
        stars: gives the stars whose ids are not done, always in the same order.
        only: gives the stars of these ids.
        key: tells it from other sources.
        title: the first line printed.
        n: stars.
        notes: what a reader of any star's figures has to know.
    """

    stars: Callable[[set[str]], Iterable[LightCurves | Skipped]]
    only: Callable[[set[str]], Iterable[LightCurves | Skipped]]
    key: str
    title: str
    n: int
    notes: tuple[str, ...] = ()


def _source(options: Options) -> _Source:
    from exojax.io import folder, target
    from exojax.io.columns import checked
    from exojax.io.source import open_source, star_files
    from exojax.storage import cache

    stated = checked(options.flux_unit, options.time_unit, options.clock)
    if options.target is not None:
        files = target.fetch(options.target, cache.directory() / "targets")
        return _files(folder.stars_in(files), stated, options.target)
    if options.data is None:
        if len(options.files) == 1 and Path(options.files[0]).is_file() and not star_files(options.files[0]):
            name = options.files[0]
            if name.endswith((".npz", ".csv", ".csv.gz", ".zip")):
                raise InputError(f"{name}: holds many stars; give it as --data {name}")
        return _files(folder.stars_in(options.files), stated)
    if (groups := star_files(options.data)) is not None:
        return _files(groups, stated, options.data)
    simulate = SimulateConfig(n_stars=options.n_stars, seed=options.seed)
    opened = open_source(with_stated(DataConfig(options.data, simulate=simulate), options), labelled=False)
    return _rows(opened.curves(), opened.told)


def _rows(curves: LightCurves, title: str) -> _Source:
    notes = curves.warnings
    ids, first, n = np.unique(curves.id, return_index=True, return_counts=True)
    if (n > 1).any():
        notes += (f"{np.sum(n > 1)} stars have several rows (the first: {ids[n > 1][0]}), searched one by one",)
        again = np.ones(len(curves), bool)
        again[first] = False
        name = [f"{i}:row{row}" if more else i for row, (i, more) in enumerate(zip(curves.id.tolist(), again))]
        curves = replace(curves, id=np.array(name))
    plain = replace(curves, warnings=())

    def rows(wanted: np.ndarray) -> Iterable[LightCurves | Skipped]:
        return (plain.take(wanted[at : at + _BLOCK]) for at in range(0, len(wanted), _BLOCK))

    def stars(done: set[str]) -> Iterable[LightCurves | Skipped]:
        return rows(np.flatnonzero(~np.isin(plain.id, list(done))))

    def only(names: set[str]) -> Iterable[LightCurves | Skipped]:
        return rows(np.flatnonzero(np.isin(plain.id, list(names))))

    return _Source(stars, only, curves.sha256, title, len(curves), notes)


def _files(groups: list[Group], stated: Stated, name: str = "") -> _Source:
    from exojax.io import folder
    from exojax.io.columns import NOTHING_STATED
    from exojax.io.source import files_told

    def stars(done: set[str]) -> Iterable[LightCurves | Skipped]:
        return folder.read_stars([group for group in groups if group[0] not in done], cores(), stated)

    def only(names: set[str]) -> Iterable[LightCurves | Skipped]:
        return folder.read_stars([group for group in groups if group[0] in names], cores(), stated)

    counts = files_told(groups)
    # A name that is not UTF-8 has its bytes.
    names = sorted(os.fsencode(path.resolve()) for _, paths in groups for path in paths)
    key = f"{counts}, {hashlib.sha256(chr(10).encode().join(names)).hexdigest()[:12]}"
    if stated != NOTHING_STATED:
        key += f", {stated}"
    return _Source(stars, only, key, f"source: {name} ({counts})" if name else f"source: {counts}", len(groups))


def _about(
    stars: Iterable[LightCurves | Skipped], table: Mapping[str, Mapping[str, float]]
) -> Iterable[LightCurves | Skipped]:
    from exojax.io import catalogue, folder

    for one in stars:
        yield one if isinstance(one, folder.Skipped) else catalogue.with_stars(one, table)


def _digest(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _check_any(found: RankedCandidates, out: Path) -> None:
    """Refuse to call a search of nothing done."""
    if found.n_stars:
        return
    if not found.skipped:
        raise InputError("there is no star to search")
    first = found.skipped[0]
    more = f", and {len(found.skipped) - 1} more in {out / 'skipped.csv'}" if len(found.skipped) > 1 else ""
    raise InputError(f"{first.path}: {first.reason}{more}: no star could be searched")
