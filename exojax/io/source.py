"""Open the SOURCE of a command: a file, a folder, a glob or a simulated population."""

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
"""values of ``--rows``"""
_MOST_WARNINGS = 5
"""largest number of warnings of single stars that are reported; further ones are counted"""


@dataclass(frozen=True)
class Source:
    """A source of light curves or folded events; its functions read the data when they are called.

    Attributes:
        name: short name for run folders: ``synthetic``, ``synthetic-kaggle``, ``kaggle`` or the file's stem.
        description: origin of the rows, as the first line that a command prints.
        path: the path that the user gave, or the name of a simulated population.
        rows: reads the rows to train on; for a single file all its rows.
        official_test: reads the test file of the source; None if it has none. Only an evaluation may call it.
        test_fraction: share of the stars that are test stars if there is no test file.
        whole_sha256: returns the fingerprint of a folder with both files; None for a single file.
        write_truth: writes the truth about simulated stars into a folder, after ``rows`` was called; does nothing for
            other sources.
        folded: true if the rows are folded events.
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
        """Return the training rows followed by the rows of the test file; no official test remains.

        Raises:
            InputError: there is no test file, or its series have another length.
        """
        if self.official_test is None or self.whole_sha256 is None:
            raise InputError(f"--join-test: {self.path} has no test file of its own; leave --join-test out")
        train, test = self.curves(), self.official_test()
        if train.flux.shape[1] != test.flux.shape[1]:
            lengths = f"{train.flux.shape[1]} and {test.flux.shape[1]}"
            raise InputError(
                f"--join-test: the two files of {self.path} have series of {lengths} cadences; give files of one length"
            )
        assert train.label is not None  # a comparison reads no file without labels
        assert test.label is not None
        return replace(
            train,
            id=np.concatenate([train.id, test.id]),
            time=np.broadcast_to(train.time[:1], (len(train) + len(test), train.time.shape[1])),
            flux=np.concatenate([train.flux, test.flux]),
            valid=np.concatenate([train.valid, test.valid]),
            label=np.concatenate([train.label, test.label]),
            source=self.path,
            sha256=self.whole_sha256(),
            warnings=tuple(dict.fromkeys([*train.warnings, *test.warnings])),
        )

    def curves(self) -> LightCurves:
        """Return the rows of a source of light curves.

        Raises:
            InputError: the rows are folded events.
        """
        rows = self.rows()
        if isinstance(rows, FoldedEvents):
            raise InputError(f"{self.path}: holds folded events; give a source of light curves")
        return rows


def open_source(config: DataConfig, *, labelled: bool = True) -> Source:
    """Return the source that ``config.source`` names, without reading its data.

    Args:
        config: settings of the source.
        labelled: true makes reading a CSV without ``LABEL`` an error.

    Raises:
        InputError: there is no such source, or an option does not fit it.
    """
    if config.rows not in ROWS:
        raise InputError(f"--rows {config.rows}: give one of {', '.join(ROWS)}")
    source = _labelled(config, labelled)
    if config.rows == "all":
        return source
    if source.official_test is not None:
        raise InputError(f"--rows {config.rows}: {source.path} has a test file of its own; leave --rows out")
    return replace(source, rows=lambda: part_of(source.rows(), config.rows))


def part_of(data: Data, rows: str) -> Data:
    """Return the rows of the stars that are set aside (``rows`` is ``set-aside``), or the other rows (``rest``).

    Raises:
        InputError: the rows have no catalogue numbers, or no row remains.
    """
    if not data.catalogued:
        raise InputError(
            f"--rows {rows}: {data.source} has no catalogue numbers, so that no star is set aside; leave --rows out"
        )
    kept = set_aside.chosen(data.id, rows)
    if not kept.any():
        raise InputError(f"--rows {rows}: no row of the {len(data)} rows of {data.source} remains; leave --rows out")
    if rows == "rest":
        warning = f"{np.sum(~kept)} of {len(data)} rows are of stars that are set aside and were left out (--rows rest)"
    else:
        warning = f"only the {kept.sum()} of {len(data)} rows of stars that are set aside were used (--rows set-aside)"
    digest = checksum.of_folder({"rows": data.sha256, "part": rows})
    return replace(data.take(kept), sha256=digest, warnings=(*data.warnings, warning))


def _labelled(config: DataConfig, labelled: bool) -> Source:
    if config.labels is None:
        return _open(config, labelled)
    (labels, unsure), file = catalogue.labels(Path(config.labels)), config.labels
    source = _open(config, labelled=False)
    if source.folded:
        raise InputError(
            f"--labels {file}: {config.source} holds folded events with their own dispositions; leave --labels out"
        )
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
        raise InputError(
            f"--data {name}: no such file or folder; check the path, or give 'synthetic', which needs none"
        )
    raise InputError(f"--data {name}: expected a folder, *.fits, a table (.csv, .txt, .dat, .tbl, ...) or an .npz")


def star_files(name: str) -> list[folder.Group] | None:
    """Return the stars and their files if ``name`` is a folder, a glob or a file of single stars, else None.

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
            files = f"{' and '.join(download.FILES)}, or *.fits or *.csv files of single stars"
            raise InputError(f"{path}: holds no light curves: give a folder with {files}") from None
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
    # For an empty or a binary file, the reader of many stars has the better message.
    return bool(head.strip()) and b"\0" not in head and table.holds_one_star(path)


def files_text(groups: list[folder.Group]) -> str:
    """Return the numbers of stars and files as text: ``3 stars in 5 files``."""
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
    """Read all stars into one ``LightCurves``.

    Raises:
        InputError: no star can be read, or their cadences, clocks or flux scales differ.
    """
    kinds: dict[tuple, list[LightCurves]] = {}
    skipped: list[folder.Skipped] = []
    for star in folder.read_stars(groups, workers=cores(), stated=stated):
        n_read = sum(map(len, kinds.values())) + len(skipped)
        announce.phase(f"reading {name}", min(n_read, len(groups)), len(groups), unit="stars")
        if isinstance(star, folder.Skipped):
            skipped.append(star)
        else:
            kinds.setdefault(stitch.kind_of(star), []).append(star)
    if not kinds:
        raise InputError(f"{skipped[0].path}: {skipped[0].reason}")
    if len(kinds) > 1:
        texts = [
            f"{len(stars)} of {stars[0].cadence * 1440:.3g} minutes, {stars[0].time_system}"
            + ("" if stars[0].absolute else ", without an absolute scale")
            for stars in kinds.values()
        ]
        raise InputError(f"{name}: the stars are of several kinds ({'; '.join(texts)}): give stars of one kind")
    curves = stitch.pack(next(iter(kinds.values())))
    warnings = list(curves.warnings[:_MOST_WARNINGS])
    if more := len(curves.warnings) - len(warnings):
        warnings.append(f"{more} more warnings of single stars")
    if skipped:
        first = f"{skipped[0].path.name}: {skipped[0].reason}"
        warnings.append(f"{len(skipped)} file{'s' * (len(skipped) != 1)} skipped (the first: {first})")
    return replace(curves, source=name, warnings=tuple(warnings))


def with_labels(curves: LightCurves, labels: Mapping[str, int], file: str, unsure: str = "") -> LightCurves:
    """Return the labelled stars of light curves; warnings count the other stars.

    Args:
        curves: light curves without labels.
        labels: star id to 1 or 0.
        file: the file of the labels.
        unsure: one more warning, on the stars that ``file`` names without a label; may be empty.

    Raises:
        InputError: the light curves have their own labels, or none of their stars is in ``labels``.
    """
    if curves.label is not None:
        raise InputError(f"--labels {file}: {curves.source} has labels of its own: leave --labels out")
    known = np.isin(curves.id, list(labels))
    if not known.any():
        ids = f"such as {next(iter(labels), 'none')} there and {curves.id[0]} here"
        raise InputError(
            f"--labels {file}: labels none of the {len(curves)} stars of {curves.source} ({ids}): check the column id"
        )
    warnings = [*curves.warnings, *filter(None, [unsure])]
    if not known.all():
        warnings.append(
            f"{np.sum(~known)} stars without a label in {file} were dropped (the first: {curves.id[~known][0]})"
        )
    if missing := list(labels.keys() - set(curves.id.tolist())):
        warnings.append(f"{file} labels {len(missing)} stars without a light curve (the first: {min(missing)})")
    labelled = curves.take(known)
    label = np.array([labels[name] for name in labelled.id.tolist()], np.int8)
    # The rows and labels differ from those of the source, and therefore the fingerprint too.
    digests = {"rows": curves.sha256, "labels": checksum.of_file(Path(file))}
    return replace(labelled, label=label, warnings=tuple(warnings), sha256=checksum.of_folder(digests))


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
            raise InputError(f"{path}: holds no {file.name}; put {' and '.join(download.FILES)} into the folder")

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

    def write_truth_to(out: Path) -> None:
        from exojax.simulate.truth import write_truth

        write_truth(made[0], out / "truth.csv")

    name = config.population
    description = "source: synthetic stars" + (" in the sizes of the Kaggle set" if name == "synthetic-kaggle" else "")
    return Source(name, description, name, rows, None, SIMULATED_TEST_FRACTION[name], write_truth=write_truth_to)
