"""Segments of one star -> one light curve; light curves of several stars -> one padded batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from exojax.errors import InputError
from exojax.io import clocks, identity
from exojax.io.segment import MIN_POINTS, Segment, binned
from exojax.light_curves import LightCurves, Stars
from exojax.storage import checksum

_LEAST_PART = 0.1
"""a segment of which less than this lies outside the others is left out whole"""
_SAME_CADENCE = 1.5
_A_MINUTE = 61 / 86400
_STAR = tuple(field.name for field in fields(Stars))


def stitch(segments: Sequence[Segment], name: str | None = None) -> LightCurves:
    """Join one star's segments in order of time; each is on a scale of its own median already.

    Where two overlap, one is kept: the pipeline's corrected flux before any other, a cadence above a minute before
    a shorter one of the same photons, then the shorter cadence. If what is kept still has several cadences, all is
    averaged to the longest: without errors in the file, points of one length are points of one weight.

    Args:
        segments: one or more, in any order.
        name: the star's id; that of the first segment where None.

    Returns:
        Light curves of one star: ``time``, ``flux`` and ``valid`` ``(1, n)``, never padded.

    Raises:
        InputError: the segments are of different stars, a clock is unknown beside a known clock, or too few
            measurements remain.
    """
    first = segments[0]
    for other in segments[1:]:
        if first.named and other.named and other.id != first.id:
            raise InputError(f"{other.path}: is of star {other.id}, not {first.id}: rename the file by its star")
    several = len(segments) > 1
    notes = [f"{one.path.name}: {text}" if several else text for one in segments for text in one.warnings]
    if name is not None and first.named and identity.spelling(name) != first.id:
        notes.append(f"{first.path.name}: its header names star {first.id}, its name {name}: the name is kept")
    if not any(one.valid.any() for one in segments):
        raise InputError(f"{first.path}: has no measurement: leave the file out")
    parts, remarks = _alike(_without_overlaps(_on_one_clock(segments, notes), notes), notes)
    parts = sorted(parts, key=lambda one: one.time[0])
    time = np.concatenate([one.time for one in parts])
    order = np.argsort(time, kind="stable")
    time = time[order]
    centroids = None
    if any(one.centroid is not None for one in parts):
        each = [
            np.full((len(one.time), 2), np.nan, np.float32) if one.centroid is None else one.centroid for one in parts
        ]
        centroids = np.concatenate(each)[order][None]
    valid = np.concatenate([one.valid for one in parts])[order]
    if valid.sum() < MIN_POINTS:
        raise InputError(f"has {valid.sum()} measurements where its files do not overlap: a search needs {MIN_POINTS}")
    gap, baseline = np.diff(time[valid]).max(), np.ptp(time[valid])
    if gap > baseline / 2:
        notes.append(f"a gap of {gap:.4g} days is longer than half of the {baseline:.4g} days from first to last")
    errors = None
    if any(one.error is not None for one in parts):
        unknown = [np.full(len(one.time), np.nan, np.float32) if one.error is None else one.error for one in parts]
        errors = np.concatenate(unknown)[order][None]
    digests = {identity.printable(str(one.path)): one.sha256 for one in segments}
    return LightCurves(
        id=np.array([name if name is not None else first.id]),
        time=time[None],
        flux=np.concatenate([one.flux for one in parts])[order][None].astype(np.float32),
        valid=valid[None],
        label=None,
        kind=None,
        catalogued=any(one.named for one in segments),
        absolute=parts[0].absolute,
        cadence=float(np.median([one.cadence for one in parts])),
        time_system=parts[0].time_system,
        source=identity.printable(", ".join(str(one.path) for one in segments)),
        sha256=checksum.of_folder(digests) if several else first.sha256,
        warnings=tuple(identity.printable(text) for text in (*notes, *remarks)),
        centroid=centroids,
        stars=Stars(**{key: np.array([_known(segments, key)]) for key in _STAR}),
        flux_err=errors,
        pieces=tuple(one.piece for one in parts if one.piece is not None),
    )


def pack(curves: Sequence[LightCurves]) -> LightCurves:
    """Return several light curves as one, padded to the longest: NaN in ``time`` and ``centroid``, ``valid`` false.

    What cannot differ within one ``LightCurves`` must not differ here: ``kind_of`` tells which go together.

    Args:
        curves: one or more, each of one star or more.

    Raises:
        ValueError: there are none, or their ``kind_of`` differ.
    """
    if len({kind_of(one)[1:] for one in curves}) != 1:
        raise ValueError("pack light curves of one scale, clock and label state; kind_of tells them apart")
    first = curves[0]
    width = max(one.flux.shape[1] for one in curves)

    def padded(arrays: Sequence[np.ndarray], fill: float) -> np.ndarray:
        grow = [((0, 0), (0, width - one.shape[1]), *[(0, 0)] * (one.ndim - 2)) for one in arrays]
        return np.concatenate([np.pad(one, by, constant_values=fill) for one, by in zip(arrays, grow, strict=True)])

    def no_error(one: LightCurves) -> np.ndarray:
        return np.full(one.flux.shape, np.nan, np.float32) if one.flux_err is None else one.flux_err

    def blank(one: LightCurves) -> np.ndarray:
        return np.full((*one.flux.shape, 2), np.nan, np.float32) if one.centroid is None else one.centroid

    known = [one.stars for one in curves if one.stars is not None]
    digests = {f"{row:09d}": one.sha256 for row, one in enumerate(curves)}
    return replace(
        first,
        id=np.concatenate([one.id for one in curves]),
        time=padded([one.time for one in curves], np.nan),
        flux=padded([one.flux for one in curves], 0),
        valid=padded([one.valid for one in curves], False),
        label=None if first.label is None else np.concatenate([one.label for one in curves if one.label is not None]),
        kind=None if first.kind is None else np.concatenate([one.kind for one in curves if one.kind is not None]),
        catalogued=all(one.catalogued for one in curves),
        cadence=float(np.median([one.cadence for one in curves])),
        source=first.source if len(curves) == 1 else f"{len(curves)} light curves from {first.source} on",
        sha256=first.sha256 if len(curves) == 1 else checksum.of_folder(digests),
        warnings=tuple(f"{one.id[0]}: {text}" for one in curves for text in one.warnings),
        centroid=padded([blank(one) for one in curves], np.nan)
        if any(one.centroid is not None for one in curves)
        else None,
        stars=Stars(**{key: np.concatenate([getattr(one, key) for one in known]) for key in _STAR})
        if len(known) == len(curves)
        else None,
        flux_err=padded([no_error(one) for one in curves], np.nan)
        if any(one.flux_err is not None for one in curves)
        else None,
        pieces=first.pieces if len(curves) == 1 else (),
    )


def kind_of(curves: LightCurves) -> tuple[float, bool, str, bool, bool]:
    """Return what light curves share that are searched in one batch; the first is the cadence, days to 2 %."""
    nominal = float(np.round(2 ** (np.round(np.log2(curves.cadence) * 32) / 32), 7))
    return nominal, curves.absolute, curves.time_system, curves.label is None, curves.kind is None


def _without_overlaps(segments: Sequence[Segment], notes: list[str]) -> list[Segment]:
    kept: list[Segment] = []
    for one in sorted(
        segments, key=lambda one: (not one.preferred, one.cadence < _A_MINUTE, one.cadence, one.path.name)
    ):
        free = np.ones(len(one.time), bool)
        for other in kept:
            inside = (one.time >= other.time[0] - other.cadence / 2) & (one.time <= other.time[-1] + other.cadence / 2)
            if (free & inside).any():
                notes.append(f"{one.path.name} overlaps {other.path.name} in time: the latter is kept there")
            free &= ~inside
        if free.mean() < _LEAST_PART:
            continue
        if not free.all():
            centroid = None if one.centroid is None else one.centroid[free]
            error = None if one.error is None else one.error[free]
            one = replace(one, time=one.time[free], flux=one.flux[free], valid=one.valid[free], error=error)
            one = replace(one, centroid=centroid)
        # What is measured may all lie where another file is kept.
        if one.valid.any():
            kept.append(one)
    return kept


def _on_one_clock(segments: Sequence[Segment], notes: list[str]) -> list[Segment]:
    """Return the segments on the clock of the first; unknown clocks are not mixed with others.

    Raises:
        InputError: one of two clocks is not known.
    """
    first = segments[0]
    made = []
    for one in segments:
        if one.time_system == first.time_system:
            made.append(one)
            continue
        if not {one.time_system, first.time_system} <= clocks.ZERO.keys():
            two = f"{first.time_system} and {one.time_system}"
            raise InputError(
                f"{one.path}: its clock differs from {first.path.name}'s ({two}): state it with --clock, or "
                "search them apart"
            )
        notes.append(f"{one.path.name}: times are brought from {one.time_system} to {first.time_system}")
        if not {one.time_system, first.time_system} <= set(clocks.BARYCENTRIC):
            notes.append(
                f"{one.path.name}: not barycentric, or not from the same place: times differ by up to 8 minutes"
            )
        time = clocks.convert(one.time, one.time_system, first.time_system)
        made.append(replace(one, time=time, time_system=first.time_system))
    return made


def _alike(parts: list[Segment], notes: list[str]) -> tuple[list[Segment], list[str]]:
    """Return the parts on one scale and of one cadence."""
    remarks = []
    if any(one.absolute for one in parts) and not all(one.absolute for one in parts):
        dropped = ", ".join(one.path.name for one in parts if not one.absolute)
        remarks.append(f"left out for want of an absolute scale: {dropped}")
        parts = [one for one in parts if one.absolute]
    longest, shortest = max(one.cadence for one in parts), min(one.cadence for one in parts)
    if longest > _SAME_CADENCE * shortest:
        text = f"mixed cadences: from {shortest * 1440:.3g} to {longest * 1440:.3g} minutes, binned to the longest"
        remarks.append(text)
        parts = [binned(one, longest) if longest > _SAME_CADENCE * one.cadence else one for one in parts]
    return parts, remarks


def _known(segments: Sequence[Segment], key: str) -> float:
    return next((value for one in segments if np.isfinite(value := one.about.get(key, np.nan))), np.nan)
