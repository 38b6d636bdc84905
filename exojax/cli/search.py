"""``search``: search light curves for transits."""

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
"""rows of a file that the search receives at once"""


@dataclass(frozen=True)
class Options(ReadingOptions):
    """Search light curves for transits; write candidates.csv, a vetting sheet for each of the best, and index.html.

    Files are mission FITS (Kepler, K2, TESS) or tables of one star; several files of one star are stitched. After an
    interruption the same command continues. Exit code 3 means that some stars were skipped; skipped.csv has the
    reasons.
    """

    out: Annotated[Path, value("DIR")]
    """folder for candidates.csv, skipped.csv, sheets/ and index.html"""
    files: Annotated[tyro.conf.Positional[tuple[str, ...]], value("FILE")] = ()
    """files, folders or globs"""
    data: Annotated[str | None, value("SOURCE")] = None
    """a source, as in train (an .npz, the Kaggle CSVs, a folder, a glob, synthetic), instead of files"""
    target: Annotated[str | None, value("NAME")] = None
    """name of a star to download, such as "Kepler-90" or "TIC 100100827", instead of files"""
    run: Annotated[str, value("NAME")] = "pretrained"
    """trained run that gives each candidate its probability of being a planet; by default the run that exojax ships,
    trained on simulated stars only; 'none' for no probabilities"""
    prior: Annotated[float | None, value("RATE")] = None
    """expected share of hosts among your stars, for the probabilities; by default the share among the training rows"""
    sheets: Annotated[int, value("N")] = 50
    """number of vetting sheets, for the candidates with the highest SNR"""
    pdf: bool = False
    """also write each sheet as a PDF, with a second page of single events if there are many"""
    labels: Annotated[Path | None, value("CSV")] = None
    """CSV of id,label; adds the column label"""
    stars: Annotated[Path | None, value("CSV")] = None
    """CSV of id,radius,mass,teff,mag; by default the values in the headers"""
    known: Annotated[Path | None, value("CSV")] = None
    """CSV of id,period,t0,duration of known planets; the column matches names them"""
    mask_known: bool = False
    """leave out the transits of the known planets before searching"""
    candidates: Annotated[Path | None, value("CSV")] = None
    """CSV of id,period,t0,duration (days): measure and vet these candidates instead of searching"""
    period_min: Annotated[float, value("DAYS")] = SearchConfig.period_min
    """shortest period"""
    period_max: Annotated[float | None, value("DAYS")] = None
    """longest period; by default half of the light curve, but at most 500"""
    duration_min: Annotated[float, value("DAYS")] = SearchConfig.duration_min
    """shortest transit"""
    duration_max: Annotated[float, value("DAYS")] = SearchConfig.duration_max
    """longest transit; a transit never lasts longer than a quarter of its period"""
    window: Annotated[float | None, value("DAYS")] = None
    """width of the running filter that removes the star's variability; by default the larger of 2 and four times
    --duration-max"""
    snr_min: Annotated[float, value("SNR")] = SearchConfig.snr_min
    """lowest red-noise SNR of a star's second and further candidates, and of single transits"""
    max_candidates: Annotated[int, value("N")] = SearchConfig.max_candidates
    """a star"""
    ttv: Annotated[float, value("HOURS")] = SearchConfig.ttv
    """hours by which transits may be off a linear ephemeris: also search for them with this tolerance, at periods of
    four times as long or longer"""
    n_stars: Annotated[int, value("N")] = SimulateConfig.n_stars
    """number of simulated stars"""
    seed: Annotated[int, value("N")] = 0
    """seed of the simulated stars; the search itself uses no random numbers"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("search.py", Options, search, argv)


def search(options: Options) -> int:
    """Search the stars and write the files; return 3 if stars were skipped, else 0."""
    config = _config(options)
    command.use_compilation_cache()
    from exojax.cli import search_outputs
    from exojax.io import catalogue
    from exojax.runs import survey

    # Read the tables first, so that a mistake in them is reported before the search.
    known = catalogue.known(options.known) if options.known else None
    labels, unsure = catalogue.labels(options.labels) if options.labels else (None, "")
    table = catalogue.stars(options.stars) if options.stars else None
    given = catalogue.ephemerides(options.candidates) if options.candidates else None
    scorer = None
    if options.run != "none":
        announce.phase(f"reading run {options.run}")
        # This imports JAX, which takes a second and which a search without probabilities does not need.
        from exojax.runs.candidate_scores import candidate_scorer

        scorer = candidate_scorer(options.run, options.prior)
    how = FoldConfig() if scorer is None else scorer.fold
    stated = "" if scorer is None else scorer.statement
    source = _source(options) if table is None else _source(options).with_properties(table)
    command.say(source.title)
    for note in (*source.notes, *filter(None, [unsure])):
        command.say(f"note: {note}")
    if stated:
        command.say(stated)
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
            source.stars,
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
        # The index lists all candidates of --candidates, even weak ones.
        threshold = None if given is not None else config.snr_min
        search_outputs.write_index(options.out, drawn, (source.title, stated), found, threshold, options.pdf)
    command.say(search_outputs.summary(first, found))
    tables = {"--labels": labels, "--stars": table, "--known": None if known is None else known.id.tolist()}
    tables["--candidates"] = None if given is None else given.id.tolist()
    for option, ids in tables.items():
        if ids is not None and set(ids).isdisjoint(found.stars):
            command.say(f"note: {option} {getattr(options, option[2:])}: none of its ids is among these stars")
    command.say(f"candidates: {options.out / 'candidates.csv'}\npage: {options.out / 'index.html'}")
    return 3 if found.skipped else 0


def _config(options: Options) -> SearchConfig:
    if sum((bool(options.files), options.data is not None, options.target is not None)) != 1:
        raise InputError("give files, --data SOURCE or --target NAME, and only one of them")
    if options.sheets < 0:
        raise InputError(f"--sheets {options.sheets}: give 0 or more")
    if options.prior is not None and options.run == "none":
        raise InputError("--prior sets probabilities, and --run none gives none; leave one of them out")
    if options.mask_known and options.known is None:
        raise InputError("--mask-known needs the planets to mask: give --known CSV")
    if options.mask_known and options.candidates is not None:
        raise InputError("--mask-known searches, --candidates does not: give one of them")
    if options.ttv and options.candidates is not None:
        raise InputError("--ttv searches, --candidates does not: give one of them")
    return search_of(
        period_min=options.period_min,
        period_max=options.period_max,
        duration_min=options.duration_min,
        duration_max=options.duration_max,
        window=options.window,
        snr_min=options.snr_min,
        max_candidates=options.max_candidates,
        ttv=options.ttv,
    )


@dataclass(frozen=True)
class _Source:
    """The stars to search.

    Attributes:
        stars: takes a set of finished ids; returns the other stars, always in the same order.
        only: takes a set of ids; returns these stars.
        key: text that differs between sources.
        title: description of the source, which the command prints first.
        n: number of stars.
        notes: one sentence for each fact about the source that changes the meaning of the results.
    """

    stars: Callable[[set[str]], Iterable[LightCurves | Skipped]]
    only: Callable[[set[str]], Iterable[LightCurves | Skipped]]
    key: str
    title: str
    n: int
    notes: tuple[str, ...] = ()

    def with_properties(self, table: Mapping[str, Mapping[str, float]]) -> _Source:
        """Return the source with stellar properties from a table: id to radius, mass, teff and mag."""

        def stars(done: set[str]) -> Iterable[LightCurves | Skipped]:
            return _with_properties(self.stars(done), table)

        def only(names: set[str]) -> Iterable[LightCurves | Skipped]:
            return _with_properties(self.only(names), table)

        return replace(self, stars=stars, only=only)


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
                raise InputError(f"{name}: a file of many stars; give it as --data {name}")
        return _files(folder.stars_in(options.files), stated)
    if (groups := star_files(options.data)) is not None:
        return _files(groups, stated, options.data)
    simulate = SimulateConfig(n_stars=options.n_stars, seed=options.seed)
    opened = open_source(with_stated(DataConfig(options.data, simulate=simulate), options), labelled=False)
    return _rows(opened.curves(), opened.description)


def _rows(curves: LightCurves, title: str) -> _Source:
    notes = curves.warnings
    ids, first, n = np.unique(curves.id, return_index=True, return_counts=True)
    if (n > 1).any():
        notes += (f"{np.sum(n > 1)} stars have several rows (the first: {ids[n > 1][0]}); each row is searched alone",)
        again = np.ones(len(curves), bool)
        again[first] = False
        name = [f"{i}:row{row}" if more else i for row, (i, more) in enumerate(zip(curves.id.tolist(), again))]
        curves = replace(curves, id=np.array(name))
    plain = replace(curves, warnings=())

    def rows(index: np.ndarray) -> Iterable[LightCurves | Skipped]:
        return (plain.take(index[at : at + _BLOCK]) for at in range(0, len(index), _BLOCK))

    def stars(done: set[str]) -> Iterable[LightCurves | Skipped]:
        return rows(np.flatnonzero(~np.isin(plain.id, list(done))))

    def only(names: set[str]) -> Iterable[LightCurves | Skipped]:
        return rows(np.flatnonzero(np.isin(plain.id, list(names))))

    return _Source(stars, only, curves.sha256, title, len(curves), notes)


def _files(groups: list[Group], stated: Stated, name: str = "") -> _Source:
    from exojax.io import folder
    from exojax.io.columns import NOTHING_STATED
    from exojax.io.source import files_text

    def stars(done: set[str]) -> Iterable[LightCurves | Skipped]:
        return folder.read_stars([group for group in groups if group[0] not in done], cores(), stated)

    def only(names: set[str]) -> Iterable[LightCurves | Skipped]:
        return folder.read_stars([group for group in groups if group[0] in names], cores(), stated)

    counts = files_text(groups)
    # As bytes, because a file name need not be UTF-8.
    names = sorted(os.fsencode(path.resolve()) for _, paths in groups for path in paths)
    key = f"{counts}, {hashlib.sha256(chr(10).encode().join(names)).hexdigest()[:12]}"
    if stated != NOTHING_STATED:
        key += f", {stated}"
    return _Source(stars, only, key, f"source: {name} ({counts})" if name else f"source: {counts}", len(groups))


def _with_properties(
    stars: Iterable[LightCurves | Skipped], table: Mapping[str, Mapping[str, float]]
) -> Iterable[LightCurves | Skipped]:
    from exojax.io import catalogue, folder

    for item in stars:
        yield item if isinstance(item, folder.Skipped) else catalogue.with_stars(item, table)


def _digest(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _check_any(found: RankedCandidates, out: Path) -> None:
    """Raise InputError if no star was searched."""
    if found.n_stars:
        return
    if not found.skipped:
        raise InputError("the source holds no star to search; check the files")
    first = found.skipped[0]
    more = f", and {len(found.skipped) - 1} more in {out / 'skipped.csv'}" if len(found.skipped) > 1 else ""
    raise InputError(f"{first.path}: {first.reason}{more}: no star could be searched")
