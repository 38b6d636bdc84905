"""Damaged inputs for every reader, each from a seed and a number alone, and what a reader may do with them."""

from __future__ import annotations

import gzip
import io
import re
import signal
import zipfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from products import FITS, FLUX, GAIA, TIME
from text_products import TEXT

from exojax.errors import InputError
from exojax.folded_events import FoldedEvents
from exojax.io import catalogue, events, folder, kaggle, npz
from exojax.io.stitch import stitch
from exojax.light_curves import LightCurves
from exojax.storage import cache

SLOW = 20
"""CPU seconds after which a reader hangs; those of the wall depend on what else the machine does"""
_TOKENS = (
    *(
        "nan",
        "inf",
        "-inf",
        "1e999",
        "-1e-999",
        "--",
        "",
        "null",
        "9" * 5000,
        "1" + "0" * 400,
        "0x10",
        "1_0",
        "٣",
        "\0",
    ),
    *("=cmd|' /C calc'!A0", "1,5", "1;5", '"', "'", "\x1b[31m", "<b>", "-99", "99.999", "1D5", "1d400", "True", "ünï"),
    *("1e308", "-1e308", "5e-324", "2457000.5", "-0", "+", ".", "e5", "1.2.3", "12:30:00", "2019-01-01", "\ufeff"),
)
_NAMES = (
    *(
        "time",
        "flux",
        "TIME",
        "BJD",
        "BKJD",
        "flux_err",
        "e_flux",
        "mag",
        "quality",
        "raw_flux",
        "bkg",
        "filter",
        "id",
        "",
    ),
    *(
        "JD - 2450000",
        "time [hours]",
        "flux (ppm)",
        "flux [%]",
        "t",
        "f",
        "kepid",
        "MJD",
        "period",
        "Epoch (BJD)",
        "x" * 300,
    ),
)
_UNITS = (
    "d",
    "s",
    "hours",
    "ppm",
    "ppt",
    "%",
    "mag",
    "e-/s",
    "BJD - 2457000, days",
    "yr",
    "",
    "BTJD",
    "x" * 60,
    "ms",
    "mmag",
)
_CARDS = (
    *(
        "2147483648",
        "-1",
        "0",
        "1",
        "999999999999",
        "T",
        "'x'",
        "1.5",
        "'9999999D'",
        "'1PE(99999999)'",
        "'1QD(5)'",
        "'A'",
    ),
    *(
        "'300A'",
        "'D'",
        "'0D'",
        "'2D'",
        "'J'",
        "'X'",
        "NaN",
        "'(0,0)'",
        "'(99999,99999)'",
        "'TDB'",
        "9" * 60,
        "-2147483648",
    ),
    *("2457000", "'2457000'", "1E400", "", "= =", "'unclosed", "'C'", "'M'", "'L'", "'K'", "32767", "-9999", "'5B'"),
)


class HangError(BaseException):
    """A reader took longer than ``SLOW`` seconds. No ``Exception``: a reader must not catch it."""


@dataclass
class Tally:
    """Count what readers did: refusals and readings by kind of input, and what must not happen."""

    read: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Base:
    """A sound input: its name, its bytes, and the reader."""

    name: str
    file: str
    content: bytes
    reader: str


def bases(home: Path) -> list[Base]:
    """Return sound inputs of every kind, made in ``home``."""
    made = []
    for name, (make, _) in (FITS | TEXT).items():
        path = make(home)
        made.append(Base(name, path.name, path.read_bytes(), "star"))
        path.unlink()
    small = next(base for base in made if base.name == "TESS DV")
    made.append(Base("gzipped FITS", f"{small.file}.gz", gzip.compress(small.content), "star"))
    rows = "\n".join(f"{1 + k % 2}," + ",".join(f"{one:.5g}" for one in 100 * FLUX[k : k + 40]) for k in range(20))
    table = ("LABEL," + ",".join(f"FLUX.{k + 1}" for k in range(40)) + "\n" + rows).encode()
    made.append(Base("Kaggle", "exoTrain.csv", table, "kaggle"))
    made.append(Base("Kaggle, gzipped", "exoTrain.csv.gz", gzip.compress(table), "kaggle"))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("exoTrain.csv", table)
    made.append(Base("Kaggle, zipped", "exoTrain.csv.zip", zipped.getvalue(), "kaggle"))
    made.append(Base("npz", "stars.npz", _npz(_stars()), "npz"))
    made.append(Base("events", "events.npz", _npz(_events()), "npz"))
    for name, content in _TABLES.items():
        made.append(Base(name, f"{name}.csv", content.encode(), name))
    return made


_TABLES = {
    "labels": "id,label\n" + "".join(f"TIC {k},{k % 2}\n" for k in range(1, 30)),
    "stars": "TIC ID,Stellar Radius (R_Sun),teff,tmag\n"
    + "".join(f"{k},{0.5 + k / 50},5000,11.2\n" for k in range(1, 30)),
    "known": "TIC ID,TOI,Period (days),Epoch (BJD),Duration (hours)\n"
    + "".join(f"{k},{k}.01,{1.5 + k},2458{300 + k}.5,2.5\n" for k in range(1, 30)),
    "candidates": "kepid,period,t0,duration\n" + "".join(f"{k},{1.5 + k},{130 + k},0.1\n" for k in range(1, 30)),
}


def _stars() -> dict[str, np.ndarray]:
    flux = np.stack([FLUX[:60], 1 + FLUX[60:120] / 9, FLUX[120:180] * 900])
    time = np.tile(TIME[:60], (3, 1))
    return {
        "kepid": np.arange(3) + 5,
        "flux": flux,
        "time": time,
        "n_points": np.array([60, 50, 60]),
        "label": np.array([0, 1, 0]),
    }


def _events() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    n = 6
    held: dict[str, np.ndarray] = {"tic_id": np.arange(n), "Period": np.full(n, 2.0), "Duration": np.full(n, 0.1)}
    held |= {
        "global_view": rng.normal(size=(n, 201)),
        "local_view": rng.normal(size=(n, 61)),
        "Epoc": np.full(n, 1400.0),
    }
    return held | {
        "SN": np.full(n, 9.0),
        "Disposition": np.array(["PC", "EB", "J"] * 2),
        "Transit_Depth": np.full(n, 900.0),
    }


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def damaged(base: Base, rng: np.random.Generator) -> bytes:
    """Return the content of ``base``, damaged in one to three ways."""
    ways: list[Callable[[bytes, np.random.Generator], bytes]] = [_flip, _cut, _repeat, _insert, _zero, _swap]
    raw, packed = base.content, base.content[:2] == b"\x1f\x8b"
    if packed and rng.random() < 0.7:
        raw = gzip.decompress(raw)
    if raw.startswith(b"SIMPLE"):
        ways += [_card, _card, _card, _type, _unit, _swap_types, _value] * 2
    elif raw[:2] == b"PK":
        ways += [_array] * 12 if base.reader == "npz" else []
    elif raw[:2] != b"\x1f\x8b":
        ways += [_cell, _cell, _name, _line_ends, _mark, _swap_lines, _drop_header, _encoding] * 2
    for _ in range(rng.integers(1, 4)):
        way = ways[rng.integers(len(ways))]
        if len(raw) < 4 or (way in (_card, _type, _unit, _swap_types, _value) and len(raw) < 2880):
            break
        raw = way(raw, rng)
    return gzip.compress(raw) if packed and raw[:2] != b"\x1f\x8b" else raw


def _place(raw: bytes, rng: np.random.Generator) -> int:
    return int(rng.integers(len(raw)))


def _flip(raw: bytes, rng: np.random.Generator) -> bytes:
    made = bytearray(raw)
    for _ in range(rng.integers(1, 20)):
        made[_place(raw, rng)] ^= 1 << int(rng.integers(8))
    return bytes(made)


def _cut(raw: bytes, rng: np.random.Generator) -> bytes:
    return raw[: _place(raw, rng)] if rng.random() < 0.7 else raw[_place(raw, rng) :]


def _repeat(raw: bytes, rng: np.random.Generator) -> bytes:
    low, high = sorted((_place(raw, rng), _place(raw, rng)))
    return raw[:high] + raw[low:high][:5000] + raw[high:]


def _insert(raw: bytes, rng: np.random.Generator) -> bytes:
    at = _place(raw, rng)
    return raw[:at] + rng.bytes(int(rng.integers(1, 100))) + raw[at:]


def _zero(raw: bytes, rng: np.random.Generator) -> bytes:
    at, size = _place(raw, rng), int(rng.integers(1, 4000))
    fill = (b"\0", b" ", b"\xff", b"9")[rng.integers(4)]
    return raw[:at] + fill * len(raw[at : at + size]) + raw[at + size :]


def _swap(raw: bytes, rng: np.random.Generator) -> bytes:
    low, high = sorted((_place(raw, rng), _place(raw, rng)))
    size = min(int(rng.integers(1, 200)), high - low)
    made = bytearray(raw)
    made[low : low + size], made[high : high + size] = raw[high : high + size], raw[low : low + size]
    return bytes(made)


def _cards(raw: bytes, form: bytes) -> list[int]:
    return [at for at in range(0, min(len(raw), 2880 * 12), 80) if re.match(form, raw[at : at + 80])]


def _set(raw: bytes, at: int, value: str) -> bytes:
    card = (raw[at : at + 10] + value.rjust(20).encode("latin-1", "replace")).ljust(80)[:80]
    return raw[:at] + card + raw[at + 80 :]


def _one(places: Sequence[int], rng: np.random.Generator) -> int | None:
    return places[rng.integers(len(places))] if len(places) else None


def _card(raw: bytes, rng: np.random.Generator) -> bytes:
    at = _one(_cards(raw, rb"[A-Z0-9_-]{2,8} *="), rng)
    return raw if at is None else _set(raw, at, _CARDS[rng.integers(len(_CARDS))])


def _type(raw: bytes, rng: np.random.Generator) -> bytes:
    at = _one(_cards(raw, rb"TTYPE\d+ *="), rng)
    return raw if at is None else _set(raw, at, repr(_NAMES[rng.integers(len(_NAMES))][:60]))


def _unit(raw: bytes, rng: np.random.Generator) -> bytes:
    at = _one(_cards(raw, rb"TUNIT\d+ *=") or _cards(raw, rb"TIMEUNIT *="), rng)
    return raw if at is None else _set(raw, at, repr(_UNITS[rng.integers(len(_UNITS))][:60]))


def _swap_types(raw: bytes, rng: np.random.Generator) -> bytes:
    places = _cards(raw, rb"T(TYPE|FORM|UNIT)\d+ *=")
    one, other = _one(places, rng), _one(places, rng)
    if one is None or other is None:
        return raw
    made = bytearray(raw)
    made[one + 10 : one + 80], made[other + 10 : other + 80] = raw[other + 10 : other + 80], raw[one + 10 : one + 80]
    return bytes(made)


def _value(raw: bytes, rng: np.random.Generator) -> bytes:
    """Put a special float somewhere into the data."""
    special = np.array([np.nan, np.inf, -np.inf, 0, -9999, 1e300, 99.999], ">f8")[rng.integers(7)].tobytes()
    at = 2880 * 2 + 8 * int(rng.integers(max(1, (len(raw) - 5760) // 8)))
    return raw[:at] + special + raw[at + 8 :]


def _lines(raw: bytes) -> list[bytes]:
    return raw.splitlines(keepends=True)


def _cell(raw: bytes, rng: np.random.Generator) -> bytes:
    lines = _lines(raw)
    token = _TOKENS[rng.integers(len(_TOKENS))].encode()
    for _ in range(int(rng.choice([1, 1, 3, len(lines)]))):
        k = int(rng.integers(len(lines)))
        cells = re.split(rb"([,;\t|]|\s+)", lines[k])
        j = 2 * int(rng.integers((len(cells) + 1) // 2))
        cells[j] = token
        lines[k] = b"".join(cells)
    return b"".join(lines)


def _name(raw: bytes, rng: np.random.Generator) -> bytes:
    lines = _lines(raw)
    heads = [k for k, line in enumerate(lines[:20]) if re.search(rb"[A-Za-z]{2}", line)]
    k = _one(heads, rng)
    if k is None:
        return raw
    cells = re.split(rb"([,;\t|])", lines[k])
    j = 2 * int(rng.integers((len(cells) + 1) // 2))
    cells[j] = (_NAMES + _UNITS)[rng.integers(len(_NAMES) + len(_UNITS))].encode()
    lines[k] = b"".join(cells)
    return b"".join(lines)


def _line_ends(raw: bytes, rng: np.random.Generator) -> bytes:
    return raw.replace(b"\n", (b"\r", b"\r\n", b"\n\n", b"", b"\x0b", b"\n\r", b" \n", b",\n")[rng.integers(8)])


def _mark(raw: bytes, rng: np.random.Generator) -> bytes:
    marks = (b",", b";", b"\t", b"|", b" ", b", ", b".")
    return raw.replace(marks[rng.integers(7)], marks[rng.integers(7)])


def _swap_lines(raw: bytes, rng: np.random.Generator) -> bytes:
    lines = _lines(raw)
    for _ in range(int(rng.integers(1, 30))):
        a, b = rng.integers(len(lines), size=2)
        lines[a], lines[b] = lines[b], lines[a]
    return b"".join(lines)


def _drop_header(raw: bytes, rng: np.random.Generator) -> bytes:
    return b"".join(_lines(raw)[int(rng.integers(1, 8)) :])


def _encoding(raw: bytes, rng: np.random.Generator) -> bytes:
    way = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp037")[rng.integers(6)]
    return raw.decode("utf-8", "replace").encode(way, "replace")


def _array(raw: bytes, rng: np.random.Generator) -> bytes:
    try:
        with np.load(io.BytesIO(raw)) as archive:
            held = {key: archive[key] for key in archive.files}
    except Exception:  # it was damaged before
        return raw
    key = list(held)[rng.integers(len(held))]
    values = np.atleast_1d(held[key])
    changes: list[Callable[[], Any]] = [
        lambda: values.astype(str).astype("U8"),
        lambda: values.astype(complex) if values.dtype.kind in "fiu" else values,
        lambda: values[:-1],
        lambda: values.T,
        lambda: values[..., None],
        lambda: np.zeros(0),
        lambda: np.float64(3),
        lambda: np.full(values.shape, [np.nan, np.inf, -1, 0, 1e300, 9e18][rng.integers(6)]),
        lambda: values[::-1],
        lambda: np.full(values.shape, GAIA),
        lambda: np.zeros(values.shape, [("a", "f8"), ("b", "i4")]),
        lambda: np.where(rng.random(values.shape) < 0.1, np.nan, values) if values.dtype.kind in "fiu" else values,
        lambda: values.astype("datetime64[s]") if values.dtype.kind in "iu" else values,
        lambda: values.astype(bool) if values.dtype.kind in "fiu" else values,
        lambda: values.astype("f2") if values.dtype.kind in "fiu" else values,
    ]
    made = dict(held)
    if rng.random() < 0.15:
        del made[key]
    elif rng.random() < 0.1:
        made[("flux_err", "time", "id", "label", "global_view", "koi_disp", "\x1b[0m")[rng.integers(7)]] = values
    else:
        with np.errstate(all="ignore"):
            made[key] = changes[rng.integers(len(changes))]()
    return _npz(made)


def _no_cache(key: str, make: Callable[[], Any], **_: object) -> Any:
    return make()


def read(base: Base, path: Path) -> None:
    """Read the file as what it was before the damage, and look at what came of it."""
    if base.reader == "star":
        # One file as a command reads it: grouped by its star, then read.
        ((name, paths),) = folder.stars_in([path])
        _check(stitch([folder.read_file(paths[0])], name))
    elif base.reader == "npz":
        _check(events.read(path) if npz.holds_events(path) else npz.read(path))
    elif base.reader == "kaggle":
        _check(kaggle.read(path))
    elif base.reader == "known":
        catalogue.known(path).on_clock("BTJD")
    elif base.reader == "candidates":
        catalogue.ephemerides(path)
    else:
        {"labels": catalogue.labels, "stars": catalogue.stars}[base.reader](path)


def _check(found: LightCurves | FoldedEvents) -> None:
    """Refuse what no reader may return."""
    if isinstance(found, FoldedEvents):
        for name, view in found.views.items():
            assert np.isfinite(view[..., 0]).all(), name
        return
    assert np.isfinite(found.time[found.valid]).all(), "time"
    assert np.isfinite(found.flux[found.valid]).all(), "flux"
    assert found.cadence > 0, f"cadence {found.cadence}"
    if found.flux_err is not None:
        assert (found.flux_err[np.isfinite(found.flux_err)] > 0).all(), "error"


@contextmanager
def watched() -> Any:
    def hang(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGPROF, hang)
    signal.setitimer(signal.ITIMER_PROF, SLOW)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def run(sound: Sequence[Base], home: Path, seed: int, numbers: Sequence[int], tally: Tally) -> None:
    """Read the damaged inputs of these numbers; failures are noted with the number that makes them again."""
    stored = cache.load_or_make
    cache.load_or_make = _no_cache  # type: ignore[assignment]
    try:
        for number in numbers:
            rng = np.random.default_rng([seed, number])
            base = sound[rng.integers(len(sound))]
            path = home / base.file
            path.write_bytes(damaged(base, rng))
            try:
                with watched(), np.errstate(all="ignore"):
                    read(base, path)
                tally.read += 1
            except InputError as error:
                tally.refused += 1
                if "\n" in str(error) or len(str(error)) > 1000:
                    tally.failures.append(f"{seed}/{number} {base.name}: a message of several lines or 1,000 signs")
            except (Exception, HangError) as error:
                tally.failures.append(f"{seed}/{number} {base.name}: {type(error).__name__}: {str(error)[:200]}")
            path.unlink(missing_ok=True)
    finally:
        cache.load_or_make = stored
