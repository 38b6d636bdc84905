"""Make light curves from objects in a notebook: arrays, tables of pandas and Astropy, objects of Lightkurve."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from exojax.config import DataConfig
from exojax.errors import InputError
from exojax.folded_events import FoldedEvents
from exojax.io import header, scale
from exojax.io.columns import Column, Stated, Table, checked, measured
from exojax.light_curves import LightCurves, nominal_cadence

_IDS = ("id", "kepid", "tic_id", "epic_id", "ticid")


def read(
    source: Any,
    *,
    labels: str | Path | None = None,
    cadence_minutes: float | None = None,
    flux_unit: str | None = None,
    time_unit: str | None = None,
    clock: str | None = None,
) -> LightCurves | FoldedEvents:
    """Return the light curves, or the folded events, of a source.

    >>> curves = exojax.read("my_fits_folder")                                     # doctest: +SKIP
    >>> curves = exojax.read(pandas.DataFrame({"time": time, "flux": flux}))       # doctest: +SKIP

    Args:
        source: a file, folder or glob, ``auto``, ``synthetic`` or ``synthetic-kaggle``, as in ``train.py --data``; a
            table of pandas or Astropy with columns of time and flux (named as in :mod:`exojax.io.columns`) and, for
            several stars, ``id``; a light curve or a collection of Lightkurve.
        labels: path of a CSV with columns ``id`` and ``label``, for a file or folder.
        cadence_minutes: minutes between samples of rows without a time axis.
        flux_unit: ``relative``, ``ppm``, ``ppt``, ``percent``, ``counts``, ``magnitudes`` or ``mmag``, for files that
            do not state it.
        time_unit: ``days``, ``hours``, ``minutes`` or ``seconds``, for files that do not state it.
        clock: ``BJD``, ``BTJD``, ``BKJD``, ``HJD``, ``JD`` or ``MJD``, for files that do not state it.

    Raises:
        InputError: the source cannot be read; the message gives the reason.
    """
    if isinstance(source, str | Path):
        from exojax.io.source import open_source

        config = DataConfig(
            str(source),
            cadence_minutes,
            None if labels is None else str(labels),
            flux_unit=flux_unit,
            time_unit=time_unit,
            clock=clock,
        )
        return open_source(config, labelled=False).rows()
    stated = checked(flux_unit, time_unit, clock)
    tables = source if isinstance(source, Sequence) or type(source).__name__.endswith("Collection") else [source]
    stars = [star for table in tables for star in _stars(table, stated)]
    if not stars:
        raise InputError("read: the source holds no star; give a table or light curve with at least one")
    ids = [star.id or str(k) for k, star in enumerate(stars)]
    known = [star.label for star in stars if star.label is not None]
    errors = [np.full(len(star.flux), np.nan) if star.error is None else star.error for star in stars]
    made = light_curves_of(
        [star.time for star in stars],
        [star.flux for star in stars],
        None if all(star.error is None for star in stars) else errors,
        id=ids,
        label=known if len(known) == len(stars) else None,
    )
    clocks = {star.clock for star in stars}
    named = clocks.pop() if len(clocks) == 1 else "file"
    notes = tuple(dict.fromkeys(text for star in stars for text in star.notes))
    return replace(made, time_system="own clock" if named == "file" else named, warnings=(*made.warnings, *notes))


def light_curves_of(time: Any, flux: Any, flux_err: Any = None, *, id: Any = None, label: Any = None) -> LightCurves:
    """Return light curves from arrays or lists; see :meth:`exojax.LightCurves.of`."""
    fluxes = _rows(flux, "flux")
    times = _rows(time, "time")
    if len(times) == 1 and len(fluxes) > 1:
        times = times * len(fluxes)
    errors = [None] * len(fluxes) if flux_err is None else list(_rows(flux_err, "flux_err"))
    if not len(times) == len(fluxes) == len(errors):
        raise InputError(
            f"time has {len(times)} rows, flux {len(fluxes)} and flux_err {len(errors)}: give one time axis for all "
            "stars, or one row per star"
        )
    n, width = len(fluxes), max((len(row) for row in fluxes), default=0)
    if not width:
        raise InputError("flux is empty: give at least one value")
    sorted_time, sorted_flux = np.full((n, width), np.nan), np.full((n, width), np.nan)
    sigma = None if flux_err is None else np.full((n, width), np.nan)
    for star, (moments, values, error) in enumerate(zip(times, fluxes, errors)):
        if len(moments) != len(values) or (error is not None and len(error) != len(values)):
            raise InputError(
                f"row {star}: time has {len(moments)} values, flux {len(values)}"
                + ("" if error is None else f" and flux_err {len(error)}")
                + ": give the same number of each"
            )
        kept = np.isfinite(moments)
        order = np.flatnonzero(kept)[np.argsort(moments[kept], kind="stable")]
        sorted_time[star, : len(order)], sorted_flux[star, : len(order)] = moments[order], values[order]
        if error is not None and sigma is not None:
            sigma[star, : len(order)] = error[order]
    valid = np.isfinite(sorted_flux)
    if not valid.any():
        raise InputError("no sample has both a finite time and a finite flux: check the arrays")
    scaled = scale.relative(sorted_flux, valid, unit="flux")
    names = np.arange(n).astype(np.str_) if id is None else np.atleast_1d(np.asarray(id)).astype(np.str_)
    classes = None if label is None else np.atleast_1d(np.asarray(label))
    for name, column in (("id", names), ("label", classes)):
        if column is not None and column.shape != (n,):
            raise InputError(f"{name} has shape {column.shape}: give {n} values, one for each star")
    if classes is not None and not np.isin(classes, (0, 1)).all():
        wrong = int(np.argmin(np.isin(classes, (0, 1))))
        raise InputError(f"label of row {wrong} is {classes[wrong]}: give 1 for planet hosts and 0 for other stars")
    cadences = np.array([nominal_cadence(row) for row in sorted_time])
    if np.isnan(cadences).all():
        raise InputError("time: no star has two different times: give the time of each sample in days")
    content = hashlib.sha256(sorted_time.tobytes() + sorted_flux.tobytes())
    return LightCurves(
        id=names,
        time=sorted_time,
        flux=np.where(scaled.valid, scaled.flux, 0).astype(np.float32),
        valid=scaled.valid,
        label=None if classes is None else classes.astype(np.int8),
        kind=None,
        catalogued=False,
        absolute=scaled.absolute,
        cadence=float(np.nanmedian(cadences)),
        time_system="own clock",
        source="arrays",
        sha256=content.hexdigest(),
        warnings=scale.remarks(scaled),
        flux_err=None if sigma is None else scale.errors(sigma, sorted_flux, scaled),
    )


def to_lightkurve(curves: LightCurves) -> list[Any]:
    """Return one ``lightkurve.LightCurve`` per star, with its valid cadences; time is in days without a format.

    Raises:
        InputError: lightkurve is not installed.
    """
    try:
        import lightkurve
    except ImportError as error:
        raise InputError('lightkurve is not installed: pip install "lightkurve>=2.5"') from error
    made = []
    for star in range(len(curves)):
        valid = curves.valid[star]
        meta = {"LABEL": str(curves.id[star]), "TIME_SYSTEM": curves.time_system}
        made.append(lightkurve.LightCurve(time=curves.time[star][valid], flux=curves.flux[star][valid], meta=meta))
    return made


def _rows(values: Any, name: str) -> list[np.ndarray]:
    """Return ``(c,)`` float64 for each star, from one or two dimensions or from a list of rows of any lengths."""
    if isinstance(values, Sequence) and len(values) and np.ndim(values[0]) == 1:
        return [_plain(row, name) for row in values]
    whole = _plain(values, name)
    if whole.ndim not in (1, 2):
        raise InputError(f"{name} has {whole.ndim} dimensions: give an array of one or two")
    return list(np.atleast_2d(whole))


def _plain(values: Any, name: str) -> np.ndarray:
    """Return values as float64 without unit or time format; NaN where masked."""
    bare = getattr(values, "value", values)
    try:
        if np.ma.isMaskedArray(bare):
            return np.ma.filled(np.ma.asarray(bare).astype(np.float64), np.nan)
        return np.asarray(bare, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} holds values that are no numbers: give numbers, and NaN for missing ones") from None


@dataclass(frozen=True, eq=False)
class _Star:
    """One star of a table: id, time in days on ``clock``, flux in any unit, its error, label and notes."""

    id: str
    time: np.ndarray
    flux: np.ndarray
    error: np.ndarray | None
    label: Any
    clock: str
    notes: tuple[str, ...]


def _stars(table: Any, stated: Stated) -> Iterator[_Star]:
    """Yield every star of a table."""
    names = next((list(getattr(table, name)) for name in ("colnames", "columns") if hasattr(table, name)), None)
    if names is None:
        names = list(table) if isinstance(table, Mapping) else []
    meta = getattr(table, "meta", None)
    keywords = {str(key).upper(): value for key, value in meta.items()} if isinstance(meta, Mapping) else {}
    key_of = {str(name).lower(): name for name in names}
    id_name = next((key_of[name] for name in _IDS if name in key_of), None)
    label_name = key_of.get("label")
    # In an object of Lightkurve, the column flux is the flux that its user chose.
    lightkurve = hasattr(table, "flux") and hasattr(table, "time") and {"time", "flux"} <= key_of.keys()
    used = [name for name in names if not lightkurve or str(name) in ("time", "flux", "flux_err", "quality")]
    ids = None if id_name is None else np.asarray(table[id_name]).astype(np.str_)
    fallback = str(keywords.get("TARGETID") or keywords.get("LABEL") or "")
    for star in [fallback] if ids is None else dict.fromkeys(ids.tolist()):
        rows = slice(None) if ids is None else ids == star
        columns = [_column(table, name, rows) for name in used if name not in (id_name, label_name)]
        try:
            found = measured(Table(Path("read"), columns, keywords), header.mission(keywords), "", stated)
        except InputError as error:
            if columns:
                raise
            kind = type(table).__name__
            raise InputError(f"read: a {kind} has no columns: give a table with columns time and flux") from error
        flux = np.where(found.good, found.flux, np.nan).astype(np.float64)
        sigma = found.error
        if found.unit == "magnitudes":
            flux = 10 ** (-0.4 * (flux - np.nanmedian(flux)))
            sigma = None if sigma is None else sigma * (0.4 * np.log(10))
        label = None if label_name is None else np.asarray(table[label_name])[rows][0]
        yield _Star(star, found.time, flux, sigma, label, found.clock, found.notes)


def _column(table: Any, name: Any, rows: Any) -> Column:
    values = table[name]
    unit = getattr(values, "unit", None)
    form = getattr(values, "format", None) if hasattr(values, "jd1") else None
    if form == "jd" and getattr(values, "scale", "") == "tdb":
        form = "BJD"
    title = f"{name} [{form}]" if isinstance(form, str) else str(name)

    def read_values() -> np.ndarray:
        bare = getattr(values, "value", values)
        found = bare if np.ma.isMaskedArray(bare) else np.asarray(bare)
        if found.dtype.kind == "O":
            try:
                found = _plain(bare, str(name))
            except InputError:
                found = np.asarray([str(one) for one in found.tolist()])
        return found[rows]

    return Column(title, "" if unit is None else str(unit), read_values)
