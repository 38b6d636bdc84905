"""``SOURCE`` on the command line: what it names, and when each part of it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from exojax.config import SIMULATED, SIMULATED_TEST_FRACTION, TEST_FRACTION, DataConfig, SimulateConfig
from exojax.errors import InputError
from exojax.folded_events import FoldedEvents
from exojax.io import catalogue, download, events, folder, kaggle, npz, set_aside, stitch, table
from exojax.io.columns import Stated, checked
from exojax.io.simulated import population_of, simulated
from exojax.light_curves import LightCurves
from exojax.storage import announce, checksum, open_file
from exojax.storage.cores import cores

if TYPE_CHECKING:
    from exojax.folded_events import Data
    from exojax.simulate.truth import Truth

CSV_ENDINGS = (".csv", ".csv.gz", ".csv.zip", ".zip")
FITS_ENDINGS = (".fits", ".fits.gz", ".fit", ".fit.gz")
ROWS = ("all", "rest", "set-aside")
_TOLD = 5
"""warnings of single stars that stand for all"""


@dataclass(frozen=True)
class Source:
    """Where light curves come from. Nothing is read before it is called.

    Attributes:
        name: short, for run folders: ``synthetic``, ``synthetic-kaggle``, ``kaggle`` or the file's stem.
        description: text on where the rows come from, which a command prints first.
        path: what the user named, or ``synthetic``.
        rows: reads the rows to learn from (for a file on its own: all its rows).
        official_test: reads the source's own test file, where it has one. Only an evaluation may call it.
        test_fraction: share of stars kept for the test where there is no such file.
        whole_sha256: fingerprint of a folder with both its files; None for a file on its own.
        write_truth: leaves what is known of simulated stars, once they are read, in a folder; else does nothing.
        folded: its rows are ready-made folded events, and there are no light curves.
    """

    name: str
    description: str
    path: str
    rows: Callable[[], Data]
    official_test: Callable[[], LightCurves] | None
    test_fraction: float
    whole_sha256: Callable[[], str] | None = None
    write_truth: Callable[[Path], None] = lambda out: None
    folded: bool = False

    def joined(self) -> LightCurves:
        """The rows to learn from and those of the source's own test file in one: no official test remains.

        Raises:
            InputError: there is no such file, or its series are of another length.
        """
        if self.official_test is None or self.whole_sha256 is None:
            raise InputError(f"--join-test: {self.path} has no test file of its own; leave it out")
        one, other = self.curves(), self.official_test()
        if one.flux.shape[1] != other.flux.shape[1]:
            lengths = f"{one.flux.shape[1]} and {other.flux.shape[1]}"
            raise InputError(f"--join-test: the two files of {self.path} have series of {lengths} cadences")
        assert one.label is not None  # a comparison reads no file without labels
        assert other.label is not None
        return replace(
            one,
            id=np.concatenate([one.id, other.id]),
            time=np.broadcast_to(one.time[:1], (len(one) + len(other), one.time.shape[1])),
            flux=np.concatenate([one.flux, other.flux]),
            valid=np.concatenate([one.valid, other.valid]),
            label=np.concatenate([one.label, other.label]),
            source=self.path,
            sha256=self.whole_sha256(),
            warnings=tuple(dict.fromkeys([*one.warnings, *other.warnings])),
        )

    def curves(self) -> LightCurves:
        """The rows, where they are light curves.

        Raises:
            InputError: they are folded events.
        """
        rows = self.rows()
        if isinstance(rows, FoldedEvents):
            raise InputError(f"{self.path}: holds folded events; this needs light curves")
        return rows


def open_source(config: DataConfig, *, labelled: bool = True) -> Source:
    """What ``config.source`` names.

    Args:
        config: source, labels, cadence and simulation.
        labelled: refuse a CSV without ``LABEL``.

    Raises:
        InputError: it names nothing that can be read.
    """
    if config.rows not in ROWS:
        raise InputError(f"--rows {config.rows}: give one of {', '.join(ROWS)}")
    source = _labelled(config, labelled)
    if config.rows == "all":
        return source
    if source.official_test is not None:
        raise InputError(f"--rows {config.rows}: {source.path} has a test file of its own; leave it out")
    return replace(source, rows=lambda: part_of(source.rows(), config.rows))


def part_of(data: Data, rows: str) -> Data:
    """The stars that are set aside (``rows`` is ``set-aside``), or the others (``rest``).

    Raises:
        InputError: the rows have no catalogue numbers, or none are left.
    """
    if not data.catalogued:
        raise InputError(f"--rows {rows}: {data.source} has no catalogue numbers, by which stars are set aside")
    kept = set_aside.chosen(data.id, rows)
    if not kept.any():
        raise InputError(f"--rows {rows}: none of the {len(data)} rows of {data.source} is left; leave it out")
    if rows == "rest":
        told = f"{np.sum(~kept)} of {len(data)} rows are of stars that are set aside, and were left out (--rows rest)"
    else:
        told = f"{kept.sum()} of {len(data)} rows: those of the stars that are set aside (--rows set-aside)"
    digest = checksum.of_folder({"rows": data.sha256, "part": rows})
    return replace(data.take(kept), sha256=digest, warnings=(*data.warnings, told))


def _labelled(config: DataConfig, labelled: bool) -> Source:
    if config.labels is None:
        return _open(config, labelled)
    (labels, unsure), file = catalogue.labels(Path(config.labels)), config.labels
    source = _open(config, labelled=False)
    if source.folded:
        raise InputError(f"--labels {file}: {config.source} holds folded events with dispositions of their own")
    test = source.official_test
    return replace(
        source,
        rows=lambda: with_labels(source.curves(), labels, file, unsure),
        official_test=None if test is None else lambda: with_labels(test(), labels, file, unsure),
    )


def _open(config: DataConfig, labelled: bool) -> Source:
    name = config.source
    if name == "auto":
        here = Path("data")
        found = all((here / file).is_file() for file in download.FILES)
        if found:
            return replace(
                _folder(here, config, labelled), name="kaggle", description=f"source: the Kaggle files in {here}/"
            )
        description = f"source: synthetic stars ({' and '.join(download.FILES)} are not in {here}/)"
        return replace(_synthetic(population_of("synthetic", config.simulate)), description=description)
    if name in SIMULATED:
        return _synthetic(population_of(name, config.simulate))
    path = Path(name)
    if (groups := star_files(name)) is not None:
        return _stars(name, groups, checked(config.flux_unit, config.time_unit, config.clock))
    if path.is_dir():
        return _folder(path, config, labelled)
    if path.name.endswith(".npz") and npz.holds_events(path):
        return replace(_file(path, lambda: events.read(path, positive=config.positive)), folded=True)
    if path.name.endswith(".npz"):
        return _file(path, lambda: npz.read(path, cadence_minutes=config.cadence_minutes))
    if path.name.endswith(CSV_ENDINGS):
        minutes = config.cadence_minutes
        return _file(path, lambda: kaggle.read(path, cadence_minutes=minutes, require_label=labelled))
    if not path.exists():
        raise InputError(f"--data {name}: no such file or folder; 'synthetic' needs none")
    raise InputError(f"--data {name}: expected a folder, *.fits, a table (.csv, .txt, .dat, .tbl, ...) or an .npz")


def star_files(name: str) -> list[folder.Group] | None:
    """Stars and their files, where ``name`` is a folder, a glob, or one file of single stars; None for other sources.

    Raises:
        InputError: a glob matches nothing, or a folder holds no light curves.
    """
    path = Path(name)
    announce.phase(f"looking through {name}")
    if path.is_dir():
        if any((path / file).exists() for file in download.FILES):
            return None
        try:
            return folder.stars_in([path])
        except InputError:
            wanted = f"{' and '.join(download.FILES)}, or *.fits or *.csv files of single stars"
            raise InputError(f"{path}: holds no light curves: it needs {wanted}") from None
    if path.exists():
        return folder.stars_in([path]) if _is_of_one_star(path) else None
    return folder.stars_in([name]) if any(mark in name for mark in "*?[") else None


def _is_of_one_star(path: Path) -> bool:
    if path.name.lower().endswith(FITS_ENDINGS):
        return True
    if not path.name.endswith(CSV_ENDINGS):
        return folder.TABLE.match(path.name) is not None
    with open_file.text(path) as stream:
        head = stream.read(4096)
    # What is empty or no text, the reader of tables of many stars can tell better.
    return bool(head.strip()) and b"\0" not in head and table.holds_one_star(path)


def files_text(groups: list[folder.Group]) -> str:
    """``3 stars in 5 files``."""
    n_files = sum(len(paths) for _, paths in groups)
    return f"{len(groups):,} star{'s' * (len(groups) != 1)} in {n_files:,} file{'s' * (n_files != 1)}"


def _stars(name: str, groups: list[folder.Group], stated: Stated) -> Source:
    stem = next((part for part in reversed(Path(name).parts) if not set("*?[") & set(part)), "stars").split(".")[0]
    return Source(
        name=stem or Path(name).resolve().name,
        description=f"source: {name} ({files_text(groups)})",
        path=name,
        rows=lambda: _packed(name, groups, stated),
        official_test=None,
        test_fraction=TEST_FRACTION,
    )


def _packed(name: str, groups: list[folder.Group], stated: Stated) -> LightCurves:
    """All stars in one ``LightCurves``, which they can only be where they are of one kind."""
    kinds: dict[tuple, list[LightCurves]] = {}
    skipped: list[folder.Skipped] = []
    for one in folder.read_stars(groups, workers=cores(), stated=stated):
        n_read = sum(map(len, kinds.values())) + len(skipped)
        announce.phase(f"reading {name}", min(n_read, len(groups)), len(groups), unit="stars")
        if isinstance(one, folder.Skipped):
            skipped.append(one)
        else:
            kinds.setdefault(stitch.kind_of(one), []).append(one)
    if not kinds:
        raise InputError(f"{skipped[0].path}: {skipped[0].reason}")
    if len(kinds) > 1:
        each = [
            f"{len(of)} of {of[0].cadence * 1440:.3g} minutes, {of[0].time_system}"
            + ("" if of[0].absolute else ", without an absolute scale")
            for of in kinds.values()
        ]
        raise InputError(f"{name}: its stars are of several kinds ({'; '.join(each)}): give one kind at a time")
    curves = stitch.pack(next(iter(kinds.values())))
    told = list(curves.warnings[:_TOLD])
    if more := len(curves.warnings) - len(told):
        told.append(f"{more} more warnings of single stars")
    if skipped:
        first = f"{skipped[0].path.name}: {skipped[0].reason}"
        told.append(f"{len(skipped)} file{'s' * (len(skipped) != 1)} skipped (the first: {first})")
    return replace(curves, source=name, warnings=tuple(told))


def with_labels(curves: LightCurves, labels: Mapping[str, int], file: str, unsure: str = "") -> LightCurves:
    """The stars that ``labels`` (star id to 1 or 0, read from ``file``) knows, labelled; a warning tells the rest.

    ``unsure`` is one more warning, on the stars that ``file`` names without a label.

    Raises:
        InputError: the light curves have labels of their own, or none of their stars is in ``labels``.
    """
    if curves.label is not None:
        raise InputError(f"--labels {file}: {curves.source} has labels of its own: leave --labels out")
    known = np.isin(curves.id, list(labels))
    if not known.any():
        ids = f"such as {next(iter(labels), 'none')} there and {curves.id[0]} here"
        raise InputError(f"--labels {file}: labels none of the {len(curves)} stars of {curves.source} ({ids})")
    told = [*curves.warnings, *filter(None, [unsure])]
    if not known.all():
        told.append(
            f"{np.sum(~known)} stars without a label in {file} were dropped (the first: {curves.id[~known][0]})"
        )
    if strangers := list(labels.keys() - set(curves.id.tolist())):
        told.append(f"{file} labels {len(strangers)} stars that are not there (the first: {min(strangers)})")
    left = curves.take(known)
    label = np.array([labels[name] for name in left.id.tolist()], np.int8)
    # The rows are others than those of the source as it stands, and so is their fingerprint.
    digests = {"rows": curves.sha256, "labels": checksum.of_file(Path(file))}
    return replace(left, label=label, warnings=tuple(told), sha256=checksum.of_folder(digests))


def _file(path: Path, read: Callable[[], Data]) -> Source:
    stem = path.name.split(".")[0]

    def announced() -> Data:
        announce.phase(f"reading {path}")
        return read()

    return Source(stem, f"source: {path}", str(path), announced, None, TEST_FRACTION)


def _folder(path: Path, config: DataConfig, labelled: bool) -> Source:
    train, test = (path / file for file in download.FILES)
    for file in (train, test):
        if not file.is_file():
            raise InputError(f"{path}: holds no {file.name}; it needs {' and '.join(download.FILES)}")

    def read(file: Path) -> LightCurves:
        announce.phase(f"reading {file}")
        return kaggle.read(file, cadence_minutes=config.cadence_minutes, require_label=labelled)

    return Source(
        name=path.resolve().name,
        description=f"source: {path} ({' and '.join(download.FILES)})",
        path=str(path),
        rows=lambda: read(train),
        official_test=lambda: read(test),
        test_fraction=0.0,
        whole_sha256=lambda: checksum.of_folder({f.name: checksum.of_file(f) for f in (train, test)}),
    )


def _synthetic(config: SimulateConfig) -> Source:
    made: list[Truth] = []

    def rows() -> LightCurves:
        announce.phase(f"simulating {config.n_stars:,} stars, or reading them from the cache")
        curves, truth = simulated(config)
        made[:] = [truth]
        return curves

    def leave_truth(out: Path) -> None:
        from exojax.simulate.truth import write_truth

        write_truth(made[0], out / "truth.csv")

    name = config.population
    description = "source: synthetic stars" + (" in the sizes of the Kaggle set" if name == "synthetic-kaggle" else "")
    return Source(name, description, name, rows, None, SIMULATED_TEST_FRACTION[name], write_truth=leave_truth)
