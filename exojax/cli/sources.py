"""``SOURCE`` on the command line: what it names, and when each part of it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from exojax.config import TEST_FRACTION, DataConfig, SimulateConfig
from exojax.errors import InputError
from exojax.io import cache, download, fingerprint, kaggle, npz
from exojax.lightcurve import LightCurves

if TYPE_CHECKING:
    from exojax.simulate.truth import Truth

CSV_ENDINGS = (".csv", ".csv.gz", ".csv.zip", ".zip")


@dataclass(frozen=True)
class Source:
    """Where light curves come from. Nothing is read before it is called.

    Attributes:
        name: short, for run folders: ``synthetic``, ``kaggle`` or the file's stem.
        told: the first line a command prints.
        path: what the user named, or ``synthetic``.
        rows: reads the rows to learn from (for a file on its own: all its rows).
        official_test: reads the source's own test file, where it has one. Only an evaluation may call it.
        test_fraction: share of stars kept for the test where there is no such file.
        whole_sha256: fingerprint of a folder with both its files; None for a file on its own.
        write_truth: leaves what is known of simulated stars, once they are read, in a folder; else does nothing.
    """

    name: str
    told: str
    path: str
    rows: Callable[[], LightCurves]
    official_test: Callable[[], LightCurves] | None
    test_fraction: float
    whole_sha256: Callable[[], str] | None = None
    write_truth: Callable[[Path], None] = lambda folder: None


def open_source(config: DataConfig, *, labelled: bool = True) -> Source:
    """What ``config.source`` names.

    Args:
        config: source, cadence and simulation.
        labelled: refuse a CSV without ``LABEL``.

    Raises:
        InputError: it names nothing that can be read.
    """
    name = config.source
    if name == "auto":
        here = Path("data")
        found = all((here / file).is_file() for file in download.FILES)
        if found:
            return replace(_folder(here, config, labelled), name="kaggle", told=f"source: the Kaggle files in {here}/")
        told = f"source: synthetic stars ({' and '.join(download.FILES)} are not in {here}/)"
        return replace(_synthetic(config.simulate), told=told)
    if name == "synthetic":
        return _synthetic(config.simulate)
    path = Path(name)
    if path.is_dir():
        return _folder(path, config, labelled)
    if path.name.endswith(".npz"):
        return _file(path, lambda: npz.read(path, cadence_minutes=config.cadence_minutes))
    if path.name.endswith(CSV_ENDINGS):
        minutes = config.cadence_minutes
        return _file(path, lambda: kaggle.read(path, cadence_minutes=minutes, require_label=labelled))
    if not path.exists():
        raise InputError(f"--data {name}: no such file or folder; 'synthetic' needs none")
    raise InputError(f"--data {name}: expected a folder with {' and '.join(download.FILES)}, a .csv or an .npz")


def _file(path: Path, read: Callable[[], LightCurves]) -> Source:
    stem = path.name.split(".")[0]
    return Source(stem, f"source: {path}", str(path), read, None, TEST_FRACTION)


def _folder(path: Path, config: DataConfig, labelled: bool) -> Source:
    train, test = (path / file for file in download.FILES)
    for file in (train, test):
        if not file.is_file():
            raise InputError(f"{path}: holds no {file.name}; it needs {' and '.join(download.FILES)}")
    minutes = config.cadence_minutes
    return Source(
        name=path.resolve().name,
        told=f"source: {path} ({' and '.join(download.FILES)})",
        path=str(path),
        rows=lambda: kaggle.read(train, cadence_minutes=minutes, require_label=labelled),
        official_test=lambda: kaggle.read(test, cadence_minutes=minutes, require_label=labelled),
        test_fraction=0.0,
        whole_sha256=lambda: fingerprint.of_folder({f.name: fingerprint.of_file(f) for f in (train, test)}),
    )


def _synthetic(config: SimulateConfig) -> Source:
    made: list[Truth] = []

    def rows() -> LightCurves:
        curves, truth = simulated(config)
        made[:] = [truth]
        return curves

    def leave_truth(folder: Path) -> None:
        from exojax.simulate.truth import write_truth

        write_truth(made[0], folder / "truth.csv")

    # The Kaggle set's share: 570 of 5,657 stars are its test file.
    return Source("synthetic", "source: synthetic stars", "synthetic", rows, None, 570 / 5657, write_truth=leave_truth)


def simulated(config: SimulateConfig) -> tuple[LightCurves, Truth]:
    """The simulated population, made once for each configuration and then kept in the user's cache."""
    # The simulator brings jaxoplanet and tinygp, which a reader of files need not wait for.
    from exojax.simulate.population import SIMULATOR_VERSION, simulate
    from exojax.simulate.truth import Truth

    made = []

    def make() -> dict[str, np.ndarray]:
        curves, truth = simulate(config)
        made.append((curves, truth))
        return {
            "flux": curves.flux,
            "valid": np.packbits(curves.valid, axis=1),
            "time": curves.time[0],
            "cadence": np.asarray(curves.cadence),
            "about": np.array([curves.time_system, curves.source, curves.sha256, *curves.warnings]),
            **{f"truth_{field.name}": getattr(truth, field.name) for field in fields(truth)},
        }

    stored = cache.load_or_make(f"simulated {SIMULATOR_VERSION} {sorted(asdict(config).items())}", make)
    if made:
        return made[0]
    truth = Truth(**{field.name: stored[f"truth_{field.name}"] for field in fields(Truth)})
    shape = stored["flux"].shape
    time_system, source, sha256, *warnings = map(str, stored["about"])
    curves = LightCurves(
        id=truth.id,
        time=np.broadcast_to(stored["time"], shape),
        flux=stored["flux"],
        valid=np.unpackbits(stored["valid"], axis=1, count=shape[1]).astype(bool),
        label=truth.label,
        kind=truth.kind,
        catalogued=False,
        absolute=True,
        cadence=float(stored["cadence"]),
        time_system=time_system,
        source=source,
        sha256=sha256,
        warnings=tuple(warnings),
    )
    return curves, truth
