"""Read an ``.npz`` of folded events, as published with AstroNet-Triage and AstroNet-Vetting (Yu et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.folded_events import SCALARS, VIEWS, FoldedEvents
from exojax.io import npz
from exojax.storage import checksum

NEEDED = ("global_view", "local_view")
"""names of the arrays that every file has"""
IDS = ("tic_id", "kepid", "epic_id", "id")
"""possible names of the array of stars"""
_NUMBERS = ("Period", "Duration", "Epoc", "SN")
_JULIAN = 2_457_000.0
"""Julian date of the zero of BTJD, days"""
# Name of a scalar -> array of the file, whose numbers were shifted and scaled before they were stored.
_RAW = {
    "tess_depth": "Transit_Depth",
    "tess_mag": "Tmag",
    "tess_qingress": "Qingress",
    "tess_depth_change": "depth_change",
}


def read(path: Path, *, positive: Sequence[str] = ("PC",)) -> FoldedEvents:
    """Read folded events without unpickling anything.

    The file must hold ``global_view`` and ``local_view`` ``(n, bins)``, and the stars' numbers ``tic_id``, ``kepid``,
    ``epic_id`` or ``id`` ``(n,)``. It may hold other views of :data:`exojax.folded_events.VIEWS`, ``Disposition``
    ``(n,)`` str (or ``label``, 1 or 0), ``Period``, ``Duration`` and ``Epoc`` (days), ``SN``, ``Transit_Depth`` (ppm),
    ``Tmag``, ``Qingress`` and ``depth_change``.

    Views are scaled to a median of 0 and a lowest bin of -1; a view without a dip is 0. Negative values in
    ``Transit_Depth`` show that the file stores scaled numbers instead of ppm; it and ``Tmag`` are then read as scalars
    without a physical unit (``tess_depth`` and ``tess_mag``).

    Args:
        path: the file.
        positive: dispositions that count as planets.

    Returns:
        One candidate per row, in the order of the file; ``kind`` is the disposition.

    Raises:
        InputError: the file has another layout, or none of its dispositions is in ``positive``; the message names the
            array.
    """
    arrays = npz.arrays(path)
    if missing := [name for name in NEEDED if name not in arrays]:
        raise InputError(f"{path}: has no array '{missing[0]}': folded events need {' and '.join(NEEDED)}")
    name = next((key for key in IDS if key in arrays), None)
    if name is None:
        raise InputError(f"{path}: no array names the stars: add one of {', '.join(IDS)}")
    if arrays[name].ndim != 1:
        raise InputError(f"{path}: '{name}' has shape {arrays[name].shape}: it must have one number per row")
    n = len(arrays[name])
    views = {view: _view(arrays[view], view, n, path) for view in VIEWS if view in arrays}
    for key in (*_NUMBERS, "Disposition", "label", *_RAW.values()):
        if key in arrays and arrays[key].shape != (n,):
            raise InputError(f"{path}: '{key}' has shape {arrays[key].shape}: beside '{name}' it must be ({n},)")
    scalars, warnings = _scalars(arrays, n, path)
    label, kind = _label(arrays, positive, path)
    if kind is not None and (missing := sorted(set(positive) - set(kind.tolist()))):
        warnings = (*warnings, f"no event has the disposition {' or '.join(missing)}")
    return FoldedEvents(
        id=npz.numbers(arrays[name], name, path),
        views=views,
        scalars=scalars,
        label=label,
        kind=kind,
        source=str(path),
        sha256=checksum.of_file(path),
        warnings=warnings,
    )


def _view(stored: np.ndarray, name: str, n: int, path: Path) -> np.ndarray:
    """Return a view as ``(n, 1, bins, 3)`` float32: scaled value, scatter 0, and coverage 1 where the value is
    finite."""
    if stored.ndim != 2 or len(stored) != n or 0 in stored.shape:
        raise InputError(f"{path}: '{name}' has shape {stored.shape}: it must be ({n}, bins)")
    if stored.dtype.kind not in "fiu":
        raise InputError(f"{path}: '{name}' has dtype {stored.dtype}: it must be numeric")
    value = np.where(np.isfinite(stored), stored, np.nan).astype(np.float32)
    known = np.isfinite(value)
    rows = known.any(axis=1)
    level, lowest = np.zeros(n, np.float32), np.full(n, -1, np.float32)
    level[rows], lowest[rows] = np.nanmedian(value[rows], axis=1), np.nanmin(value[rows], axis=1)
    is_scaled = (np.abs(level) < 1e-3) & (np.abs(lowest + 1) < 1e-3)
    depth = np.where(level > lowest, level - lowest, 1)
    scaled = np.where(is_scaled[:, None], value, (value - level[:, None]) / depth[:, None])
    out = np.zeros((n, 1, stored.shape[1], 3), np.float32)
    out[:, 0, :, 0], out[:, 0, :, 2] = np.where(known, scaled, 0), known
    return out


def _scalars(arrays: Mapping[str, np.ndarray], n: int, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    scalars = dict.fromkeys(SCALARS, np.full(n, np.nan))
    given = {}
    for key in (*_NUMBERS, *_RAW.values()):
        if key in arrays:
            if arrays[key].dtype.kind not in "fiu":
                raise InputError(f"{path}: '{key}' has dtype {arrays[key].dtype}: it must be numeric")
            given[key] = np.where(np.isfinite(arrays[key]), arrays[key].astype(np.float64), np.nan)
    for key, slot in (("Period", "log_period"), ("Duration", "log_duration"), ("SN", "log_snr")):
        if key in given:
            scalars[slot] = _log(given[key])
    if "Epoc" in given:
        # As float32, a full Julian date would have errors of hours.
        scalars["epoch"] = given["Epoc"] - np.where(given["Epoc"] > _JULIAN, _JULIAN, 0.0)
    physical = "Transit_Depth" in given and not np.nanmin(given["Transit_Depth"], initial=0) < 0
    if physical:
        scalars["log_depth"] = _log(given["Transit_Depth"] * 1e-6)
        scalars["mag"] = given.get("Tmag", scalars["mag"])
    for slot, key in _RAW.items():
        if key in given and not (physical and slot in ("tess_depth", "tess_mag")):
            scalars[slot] = given[key]
    warnings = []
    if "Transit_Depth" in given and not physical:
        warnings.append("Transit_Depth has negative values; it and Tmag are read as numbers without a unit")
    absent = [key for key in ("Period", "Duration", "SN") if key not in given]
    if absent:
        warnings.append(f"the file has no {', '.join(absent)}; these numbers are unknown for every event")
    stacked = np.stack([scalars[name] for name in SCALARS], axis=-1)
    return stacked[:, None].astype(np.float32), tuple(warnings)


def _log(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, np.log10(np.where(values > 0, values, 1)), np.nan)


def _label(
    arrays: Mapping[str, np.ndarray], positive: Sequence[str], path: Path
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if "Disposition" in arrays:
        kind = np.char.strip(arrays["Disposition"].astype(str))
        if not np.isin(kind, list(positive)).any():
            raise InputError(
                f"{path}: no event has the disposition {' or '.join(positive)}; the file has "
                f"{', '.join(np.unique(kind).tolist())}: name those that count as planets with --positive"
            )
        return np.isin(kind, list(positive)).astype(np.int8), kind
    if "label" in arrays:
        label = arrays["label"]
        if not np.isin(label, (0, 1)).all():
            row = int(np.argmin(np.isin(label, (0, 1))))
            raise InputError(f"{path}: 'label' of row {row} is neither 1 nor 0: correct it")
        return label.astype(np.int8), None
    return None, None
