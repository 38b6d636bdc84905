"""An ``.npz`` of ready-made folded events, as published with AstroNet-Triage and -Vetting (Yu et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from exojax.errors import InputError
from exojax.folded_events import SCALARS, VIEWS, FoldedEvents
from exojax.io import npz
from exojax.storage import checksum

NEEDED = ("global_view", "local_view")
IDS = ("tic_id", "kepid", "epic_id", "id")
_NUMBERS = ("Period", "Duration", "Epoc", "SN")
_JULIAN = 2_457_000.0
# Numbers of the file in a unit that is none: shifted and scaled before they were stored.
_RAW = {
    "tess_depth": "Transit_Depth",
    "tess_mag": "Tmag",
    "tess_qingress": "Qingress",
    "tess_depth_change": "depth_change",
}


def read(path: Path, *, positive: Sequence[str] = ("PC",)) -> FoldedEvents:
    """Read folded events; nothing in the file is ever unpickled.

    The file holds ``global_view`` and ``local_view`` ``(n, bins)``, the stars' numbers ``tic_id``, ``kepid``,
    ``epic_id`` or ``id`` ``(n,)``, and where known any other view of :data:`exojax.folded_events.VIEWS`,
    ``Disposition`` ``(n,)`` str (or ``label`` 1 or 0), ``Period``, ``Duration`` and ``Epoc`` (days), ``SN``,
    ``Transit_Depth`` (ppm), ``Tmag``, ``Qingress``, ``depth_change``.

    The views' own scaling is kept where a view's median is 0 and its lowest bin -1, and brought there otherwise; one
    without any dip is 0. A ``Transit_Depth`` that is negative somewhere, and the magnitudes beside it, are no physical
    numbers: they go into slots of their own.

    Args:
        path: the file.
        positive: dispositions that count as planets.

    Returns:
        One candidate a row, in the order of the file; ``kind`` is the disposition.

    Raises:
        InputError: not such a file, or none of its dispositions is in ``positive``; the message names the array.
    """
    arrays = npz.arrays(path)
    if missing := [name for name in NEEDED if name not in arrays]:
        raise InputError(f"{path}: there is no array '{missing[0]}': folded events need {' and '.join(NEEDED)}")
    name = next((key for key in IDS if key in arrays), None)
    if name is None:
        raise InputError(f"{path}: no array names the stars: add one of {', '.join(IDS)}")
    if arrays[name].ndim != 1:
        raise InputError(f"{path}: '{name}' has shape {arrays[name].shape}: it must have one number a row")
    n = len(arrays[name])
    views = {view: _view(arrays[view], view, n, path) for view in VIEWS if view in arrays}
    for key in (*_NUMBERS, "Disposition", "label", *_RAW.values()):
        if key in arrays and arrays[key].shape != (n,):
            raise InputError(f"{path}: '{key}' has shape {arrays[key].shape}: beside '{name}' it must be ({n},)")
    scalars, told = _scalars(arrays, n, path)
    label, kind = _label(arrays, positive, path)
    if kind is not None and (strangers := sorted(set(positive) - set(kind.tolist()))):
        told = (*told, f"no event is disposed {' or '.join(strangers)}")
    return FoldedEvents(
        id=npz.numbers(arrays[name], name, path),
        views=views,
        scalars=scalars,
        label=label,
        kind=kind,
        source=str(path),
        sha256=checksum.of_file(path),
        warnings=told,
    )


def _view(stored: np.ndarray, name: str, n: int, path: Path) -> np.ndarray:
    """``(n, 1, bins, 3)`` float32: value, no scatter, covered wherever it is a number."""
    if stored.ndim != 2 or len(stored) != n or 0 in stored.shape:
        raise InputError(f"{path}: '{name}' has shape {stored.shape}: it must be ({n}, bins)")
    if stored.dtype.kind not in "fiu":
        raise InputError(f"{path}: '{name}' has dtype {stored.dtype}: it must be numeric")
    value = np.where(np.isfinite(stored), stored, np.nan).astype(np.float32)
    seen = np.isfinite(value)
    some = seen.any(axis=1)
    level, lowest = np.zeros(n, np.float32), np.full(n, -1, np.float32)
    level[some], lowest[some] = np.nanmedian(value[some], axis=1), np.nanmin(value[some], axis=1)
    ready = (np.abs(level) < 1e-3) & (np.abs(lowest + 1) < 1e-3)
    depth = np.where(level > lowest, level - lowest, 1)
    scaled = np.where(ready[:, None], value, (value - level[:, None]) / depth[:, None])
    out = np.zeros((n, 1, stored.shape[1], 3), np.float32)
    out[:, 0, :, 0], out[:, 0, :, 2] = np.where(seen, scaled, 0), seen
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
        # A full Julian date would lose hours as float32.
        scalars["epoch"] = given["Epoc"] - np.where(given["Epoc"] > _JULIAN, _JULIAN, 0.0)
    physical = "Transit_Depth" in given and not np.nanmin(given["Transit_Depth"], initial=0) < 0
    if physical:
        scalars["log_depth"] = _log(given["Transit_Depth"] * 1e-6)
        scalars["mag"] = given.get("Tmag", scalars["mag"])
    for slot, key in _RAW.items():
        if key in given and not (physical and slot in ("tess_depth", "tess_mag")):
            scalars[slot] = given[key]
    told = []
    if "Transit_Depth" in given and not physical:
        told.append("Transit_Depth has negative values: taken as numbers without a unit, and Tmag beside it")
    absent = [key for key in ("Period", "Duration", "SN") if key not in given]
    if absent:
        told.append(f"without {', '.join(absent)}: taken as unknown for every event")
    stacked = np.stack([scalars[name] for name in SCALARS], axis=-1)
    return stacked[:, None].astype(np.float32), tuple(told)


def _log(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, np.log10(np.where(values > 0, values, 1)), np.nan)


def _label(
    arrays: Mapping[str, np.ndarray], positive: Sequence[str], path: Path
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if "Disposition" in arrays:
        kind = np.char.strip(arrays["Disposition"].astype(str))
        if not np.isin(kind, list(positive)).any():
            raise InputError(
                f"{path}: no event is disposed {' or '.join(positive)}; it has {', '.join(np.unique(kind).tolist())}: "
                "name those that count as planets with --positive"
            )
        return np.isin(kind, list(positive)).astype(np.int8), kind
    if "label" in arrays:
        label = arrays["label"]
        if not np.isin(label, (0, 1)).all():
            raise InputError(f"{path}: 'label' of row {int(np.argmin(np.isin(label, (0, 1))))} is neither 1 nor 0")
        return label.astype(np.int8), None
    return None, None
