"""Make light curves of what people hold in a notebook: arrays, tables of pandas and Astropy, Lightkurve's objects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import DataConfig
from exojax.errors import InputError
from exojax.folded_events import FoldedEvents
from exojax.io import scale
from exojax.light_curves import LightCurves, nominal_cadence

_TIMES, _FLUXES = ("time", "bjd", "bkjd", "btjd", "jd"), ("flux", "pdcsap_flux", "sap_flux", "kspsap_flux")
_ERRORS, _IDS = ("flux_err", "flux_error", "pdcsap_flux_err", "error"), ("id", "kepid", "tic_id", "epic_id", "ticid")
_LABELS = ("label",)


def read(
    source: Any, *, labels: str | Path | None = None, cadence_minutes: float | None = None
) -> LightCurves | FoldedEvents:
    """Return the light curves (or ready-made folded events) that a source names or holds.

    >>> curves = exojax.read("my_fits_folder")                                     # doctest: +SKIP
    >>> curves = exojax.read(pandas.DataFrame({"time": time, "flux": flux}))       # doctest: +SKIP

    Args:
        source: a file, folder or glob, ``auto``, ``synthetic`` or ``synthetic-kaggle``, as of ``train.py --data``; a
            table of pandas or Astropy with columns ``time`` and ``flux`` and, where it holds several stars, ``id``; a
            light curve or a collection of Lightkurve.
        labels: a CSV with columns ``id`` and ``label``, for a file or folder.
        cadence_minutes: minutes between samples of rows without a time axis.

    Raises:
        InputError: the source cannot be read; the message says what is missing.
    """
    if isinstance(source, str | Path):
        from exojax.io.source import open_source

        config = DataConfig(str(source), cadence_minutes, None if labels is None else str(labels))
        return open_source(config, labelled=False).rows()
    several = source if isinstance(source, Sequence) or type(source).__name__.endswith("Collection") else [source]
    stars = [star for one in several for star in _stars(one)]
    if not stars:
        raise InputError("read: the source holds no star")
    ids = [name if name else str(k) for k, (name, _, _, _, _) in enumerate(stars)]
    known = [label for *_, label in stars if label is not None]
    errors = [error for *_, error, _ in stars]
    return light_curves_of(
        [time for _, time, _, _, _ in stars],
        [flux for _, _, flux, _, _ in stars],
        None if any(error is None for error in errors) else errors,
        id=ids,
        label=known if len(known) == len(stars) else None,
    )


def light_curves_of(time: Any, flux: Any, flux_err: Any = None, *, id: Any = None, label: Any = None) -> LightCurves:
    """Return light curves of arrays or lists; see :meth:`exojax.LightCurves.of`."""
    fluxes = _rows(flux, "flux")
    times = _rows(time, "time")
    if len(times) == 1 and len(fluxes) > 1:
        times = times * len(fluxes)
    errors = [None] * len(fluxes) if flux_err is None else list(_rows(flux_err, "flux_err"))
    if not len(times) == len(fluxes) == len(errors):
        raise InputError(f"time has {len(times)} rows, flux {len(fluxes)}: give one time axis, or one of each star")
    n, width = len(fluxes), max((len(row) for row in fluxes), default=0)
    if not width:
        raise InputError("flux is empty")
    when, what = np.full((n, width), np.nan), np.full((n, width), np.nan)
    for star, (moments, values, error) in enumerate(zip(times, fluxes, errors)):
        if len(moments) != len(values) or (error is not None and len(error) != len(values)):
            raise InputError(f"row {star}: time has {len(moments)} values and flux {len(values)}: give as many of each")
        kept = np.isfinite(moments)
        order = np.flatnonzero(kept)[np.argsort(moments[kept], kind="stable")]
        when[star, : len(order)], what[star, : len(order)] = moments[order], values[order]
        if error is not None:
            what[star, : len(order)][~(np.isfinite(error[order]) & (error[order] > 0))] = np.nan
    valid = np.isfinite(what)
    if not valid.any():
        raise InputError("no flux has both a time and a value")
    scaled = scale.relative(what, valid)
    names = np.arange(n).astype(np.str_) if id is None else np.atleast_1d(np.asarray(id)).astype(np.str_)
    classes = None if label is None else np.atleast_1d(np.asarray(label))
    for name, column in (("id", names), ("label", classes)):
        if column is not None and column.shape != (n,):
            raise InputError(f"{name} has shape {column.shape}: give {n}, one of each star")
    if classes is not None and not np.isin(classes, (0, 1)).all():
        raise InputError("label must be 1 (planet host) or 0 (the rest)")
    each = np.array([nominal_cadence(row) for row in when])
    if np.isnan(each).all():
        raise InputError("time: no star has two different times")
    content = hashlib.sha256(when.tobytes() + what.tobytes())
    return LightCurves(
        id=names,
        time=when,
        flux=np.where(scaled.valid, scaled.flux, 0).astype(np.float32),
        valid=scaled.valid,
        label=None if classes is None else classes.astype(np.int8),
        kind=None,
        catalogued=False,
        absolute=scaled.absolute,
        cadence=float(np.nanmedian(each)),
        time_system="own clock",
        source="arrays",
        sha256=content.hexdigest(),
        warnings=scale.remarks(scaled),
    )


def to_lightkurve(curves: LightCurves) -> list[Any]:
    """Return one ``lightkurve.LightCurve`` a star, measured cadences only; time is a plain number of days.

    Raises:
        InputError: lightkurve is not installed.
    """
    try:
        import lightkurve
    except ImportError as error:
        raise InputError('lightkurve is not installed: pip install "lightkurve>=2.5"') from error
    made = []
    for star in range(len(curves)):
        seen = curves.valid[star]
        about = {"LABEL": str(curves.id[star]), "TIME_SYSTEM": curves.time_system}
        made.append(lightkurve.LightCurve(time=curves.time[star][seen], flux=curves.flux[star][seen], meta=about))
    return made


def _rows(values: Any, name: str) -> list[np.ndarray]:
    """Return ``(c,)`` float64 of each star: of one or two dimensions, or a list of rows that differ in length."""
    if isinstance(values, Sequence) and len(values) and np.ndim(values[0]) == 1:
        return [_plain(row, name) for row in values]
    whole = _plain(values, name)
    if whole.ndim not in (1, 2):
        raise InputError(f"{name} has {whole.ndim} dimensions: give one or two")
    return list(np.atleast_2d(whole))


def _plain(values: Any, name: str) -> np.ndarray:
    """Return float64, NaN where masked; the unit of a quantity and the format of a ``Time`` are taken off."""
    bare = getattr(values, "value", values)
    try:
        if np.ma.isMaskedArray(bare):
            return np.ma.filled(np.ma.asarray(bare).astype(np.float64), np.nan)
        return np.asarray(bare, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} holds what is no number") from None


def _stars(table: Any) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray | None, Any]]:
    """Yield id, time, flux, error and label of every star of a table."""
    names = next((list(getattr(table, one)) for one in ("colnames", "columns") if hasattr(table, one)), None)
    if names is None:
        names = list(table) if isinstance(table, Mapping) else []
    column = {str(name).lower(): name for name in names}
    found: dict[str, Any] = {}
    for key, known in (("time", _TIMES), ("flux", _FLUXES), ("error", _ERRORS), ("id", _IDS), ("label", _LABELS)):
        name = next((column[one] for one in known if one in column), None)
        found[key] = None if name is None else table[name]
    if found["time"] is None or found["flux"] is None:
        has = ", ".join(map(str, names))[:80] or type(table).__name__
        raise InputError(f"read: a table needs columns time and flux; it has {has}")
    time, flux = _plain(found["time"], "time"), _plain(found["flux"], "flux")
    error = None if found["error"] is None else _plain(found["error"], "flux_err")
    meta = getattr(table, "meta", None)
    about: Mapping[str, Any] = meta if isinstance(meta, Mapping) else {}
    if found["id"] is None:
        yield str(about.get("TARGETID") or about.get("LABEL") or ""), time, flux, error, None
        return
    ids = np.asarray(found["id"]).astype(np.str_)
    for one in dict.fromkeys(ids.tolist()):
        mine = ids == one
        label = None if found["label"] is None else np.asarray(found["label"])[mine][0]
        yield one, time[mine], flux[mine], None if error is None else error[mine], label
