"""Read an ``.npz`` of light curves with a time axis for each star; short rows are padded with NaN."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.io import cadence, identity, scale
from exojax.light_curves import LightCurves, nominal_cadence, shared_time
from exojax.storage import checksum, open_file

LARGEST_BOMB = 2**28
"""bytes: a file that unpacks to more than this and to more than a hundred times its size is not read"""
_TIME_SYSTEM = {"kepid": "BKJD", "epic_id": "BKJD", "tic_id": "BTJD", "id": "assumed"}
"""array of ids -> clock of its mission"""


def read(path: Path, *, cadence_minutes: float | None = None) -> LightCurves:
    """Read light curves stored as arrays, without unpickling anything.

    The file must hold ``flux (n_stars, n_cadences)`` and the stars' numbers ``kepid``, ``epic_id``, ``tic_id`` or
    ``id`` ``(n_stars,)``. It may hold ``time`` in days, ``(n_stars, n_cadences)`` or ``(n_cadences,)`` for all stars;
    ``flux_err`` of the shape of ``flux``; ``n_points (n_stars,)``, the number of cadences before the padding;
    ``label (n_stars,)``, 1 or 0; and ``koi_disp (n_stars,)``.

    Args:
        path: the file.
        cadence_minutes: minutes between samples of a file without ``time``; None assumes 29.4244, as in the Kaggle set,
            and adds a warning.

    Returns:
        Light curves with catalogued ids and ``kind`` from ``koi_disp``. Flux is scaled by :mod:`exojax.io.scale` to a
        median of 1; flux without an absolute scale stays unchanged, with a warning.

    Raises:
        InputError: the file has another layout or a wrong value; the message names the array and the row.
    """
    held = arrays(path)
    name = _id_name(held, path)
    ids = numbers(held[name], name, path)
    flux = held["flux"]
    n_points = held.get("n_points", np.full(len(flux), flux.shape[1]))
    inside = np.arange(flux.shape[1]) < n_points[:, None]
    _refuse(
        path,
        "n_points",
        ids,
        (n_points < 0) | (n_points > flux.shape[1]),
        "is not between 0 and the number of columns of flux",
    )
    if "time" in held:
        own = np.broadcast_to(held["time"].astype(np.float64), flux.shape)
        time, days, warnings = _own_time(own, inside, ids, path)
    else:
        days, warnings = cadence.stated(cadence_minutes)
        time = shared_time(flux.shape[0], flux.shape[1], days)
    valid = inside & np.isfinite(flux) & np.isfinite(time)
    scaled = scale.relative(flux.astype(np.float64), valid, unit="flux")
    label = held.get("label")
    if label is not None:
        _refuse(path, "label", ids, (label != 0) & (label != 1), "is neither 1 (planet host) nor 0 (other star)")
    return LightCurves(
        id=ids,
        time=time,
        flux=np.where(scaled.valid, scaled.flux, 0).astype(np.float32),
        valid=scaled.valid,
        label=None if label is None else label.astype(np.int8),
        kind=held["koi_disp"].astype(str) if "koi_disp" in held else None,
        catalogued=True,
        absolute=scaled.absolute,
        cadence=days,
        time_system=_TIME_SYSTEM[name] if "time" in held else "assumed",
        source=str(path),
        sha256=checksum.of_file(path),
        warnings=(*warnings, *scale.remarks(scaled)),
        flux_err=scale.errors(held["flux_err"], flux, scaled) if "flux_err" in held else None,
    )


def numbers(column: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Return catalogue numbers ``(n,)`` as normalised text, so that 5 and 5.0 are one star.

    Raises:
        InputError: a number is not whole; the message names the row.
    """
    if column.dtype.kind == "f":
        _refuse(path, name, column.astype(str), ~np.isfinite(column) | (column % 1 != 0), "is no catalogue number")
        column = column.astype(np.int64)
    return identity.spellings(column)


def holds_events(path: Path) -> bool:
    """Return whether a file holds folded events: an archive with an array ``global_view``."""
    try:
        with open_file.binary(path) as stream:
            archive = np.load(stream, allow_pickle=False)
            return isinstance(archive, np.lib.npyio.NpzFile) and "global_view" in archive.files
    except Exception:  # the reader will report a damaged file
        return False


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of numbers and text in an ``.npz``, after verifying their checksums and without unpickling.

    Raises:
        InputError: the file is missing or damaged, or holds objects.
    """
    key = ""
    found = {}
    open_file.stamp(path)
    try:
        with open_file.binary(path) as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array")
            _check_sizes(archive, path.stat().st_size)
            for key in archive.files:
                values = archive[key]
                # No reader uses dates, records or complex numbers.
                if values.dtype.kind in "fiubUS":
                    found[key] = values
    # A damaged archive, or an array of objects, raises exceptions of many kinds.
    except Exception as error:
        part = f"array '{key}'" if key else "the archive"
        reason = str(error).partition("\n")[0][:90]
        raise InputError(
            f"{path}: {part} cannot be read ({reason}): save plain numeric arrays with numpy.savez"
        ) from error
    return found


def _check_sizes(archive: np.lib.npyio.NpzFile, packed: int) -> None:
    """Check that the archive does not unpack to an extreme size, and that its arrays fit into their bytes.

    Raises:
        ValueError: a size is impossible or extreme.
    """
    whole, members = 0, archive.zip
    assert members is not None  # it is open
    for member in members.infolist():
        whole += member.file_size
        with members.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            read_header = (
                np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            )
            shape, _, dtype = read_header(stream)
        # With math.prod, because Python's integers do not overflow.
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"{member.filename} has shape {shape}, but {member.file_size} bytes")
    if whole > LARGEST_BOMB and whole > 100 * packed:
        raise ValueError(f"its {packed} bytes unpack to {whole}")


def _id_name(arrays: dict[str, np.ndarray], path: Path) -> str:
    """Check names, shapes and dtypes of the arrays; return the name of the array of ids.

    Raises:
        InputError: an array is missing, or has a wrong shape or dtype.
    """
    has = f"it has {', '.join(sorted(arrays))[:80]}"
    name = next((key for key in _TIME_SYSTEM if key in arrays), None)
    if name is None:
        raise InputError(f"{path}: no array names the stars: add one of {', '.join(_TIME_SYSTEM)} ({has})")
    if "flux" not in arrays:
        raise InputError(f"{path}: has no array 'flux': add it ({has})")
    shape = arrays["flux"].shape
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"{path}: 'flux' has shape {shape}: it must be (stars, cadences), and not empty")
    expected = dict.fromkeys((name, "n_points", "label", "koi_disp"), shape[:1]) | {
        "flux": shape,
        "time": shape[1:] if arrays.get("time", arrays["flux"]).ndim == 1 else shape,
        "flux_err": shape,
    }
    for key in expected.keys() & arrays.keys():
        if arrays[key].shape != expected[key]:
            raise InputError(f"{path}: '{key}' has shape {arrays[key].shape}: beside 'flux' it must be {expected[key]}")
        if key not in (name, "koi_disp") and arrays[key].dtype.kind not in "fiub":
            raise InputError(f"{path}: '{key}' has dtype {arrays[key].dtype}: it must be numeric")
    return name


def _refuse(path: Path, key: str, ids: np.ndarray, bad: np.ndarray, problem: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError(f"{path}: '{key}' of row {row} (star {ids[row]}) {problem}: correct or remove that row")


def _own_time(
    time: np.ndarray, inside: np.ndarray, ids: np.ndarray, path: Path
) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Return times with NaN as padding, the median cadence of the stars in days, and warnings.

    The warnings state that the cadences of the stars differ, or that stars have gaps.

    Raises:
        InputError: the times of a star do not increase, or no star has two cadences.
    """
    time = np.where(inside, time, np.nan)
    steps = np.diff(time, axis=1)
    _refuse(path, "time", ids, np.any(steps <= 0, axis=1), "does not increase")
    cadences = np.array([nominal_cadence(row) for row in time])
    cadences = cadences[np.isfinite(cadences)]
    if cadences.size == 0:
        raise InputError(f"{path}: 'time' has no star with two cadences: give the time of each cadence in days")
    days = float(np.median(cadences))
    warnings = []
    if cadences.max() > 1.01 * cadences.min():
        warnings.append(f"cadences differ between stars, from {cadences.min():.4g} to {cadences.max():.4g} days")
    jumps = int(np.sum(np.nanmax(steps, axis=1, initial=0) > 1.5 * days))
    if jumps:
        warnings.append(f"{jumps} stars have gaps in time: the search keeps them, models of whole series remove them")
    return time, days, tuple(warnings)
