"""The vetting page: the table of a search's candidates beside their sheets, and the marks that a vetter gives.

The page is one folder: ``index.html``, ``rows/0001.js`` and so on, and the sheets. The rows are script files because a
browser lets a page that was opened from a disk read nothing else. The page's own program (``assets/candidates.js``)
makes the table of them, sorts, filters and keeps the marks; the page forbids everything that it does not hold itself,
except the files that its program reads and the pictures beside it. The program puts data into the page as text only.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from html import escape
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from exojax.report.page import CSS
from exojax.storage.write_file import write_atomically

PART = 5000
"""rows of one script file"""
THUMBNAIL = (0.052, 0.47, 0.235, 0.598)
"""left, top, right and bottom of the folded transit on a sheet, as shares of the page: what the table shows of it"""
ASPECT = 0.5**0.5
"""height of a sheet over its width"""


class Column(NamedTuple):
    """A column of ``candidates.csv`` on the page.

    Attributes:
        heading: of the table, and the name of the value beside the sheet.
        digits: decimals; None for text.
        meaning: shown where the pointer rests.
        table: a column of the table; the others stand beside the sheet only.
        detail: stands beside the sheet.
        up: sorts upwards at the first press, though it is a number.
    """

    heading: str
    digits: int | None
    meaning: str
    table: bool = False
    detail: bool = True
    up: bool = False


COLUMNS: dict[str, Column] = {
    "id": Column("star", None, "catalogue number, or file and row", table=True),
    "rank": Column("rank", 0, "1 for its star's best candidate", table=True, up=True),
    "period_days": Column("period, d", 4, "for a single transit the shortest that is possible", table=True, up=True),
    "depth_ppm": Column("depth, ppm", 0, "empty where the flux has no absolute scale", table=True),
    "snr_red": Column("SNR", 1, "against the scatter on the scale of the transit", table=True),
    "probability": Column("probability", 3, "of a planet, where a model judged it", table=True),
    "flags": Column("flags", None, "what speaks against it: reasons to look, no verdicts", table=True),
    "t0_days": Column("t0, d", 4, "middle of the first transit, in the time system of the row", up=True),
    "time_system": Column("time system", None, "of t0"),
    "duration_hours": Column("duration, h", 2, "first to last contact"),
    "n_transits": Column("transits", 0, "with any measurement in them"),
    "snr": Column("white SNR", 1, "against white noise"),
    "sde": Column("SDE", 1, "how far the peak stands out of the periodogram"),
    "odd_even_sigma": Column("odd–even, σ", 1, "difference of the depths of odd and even transits"),
    "secondary_sigma": Column("secondary, σ", 1, "of the deepest other dip of the fold"),
    "centroid_sigma": Column("centroid, σ", 1, "shift of the centroid in transit"),
    "vet_planet_radius": Column("radius, Earth's", 2, "of the planet, from the depth and the star's radius"),
    "sectors": Column("sectors", None, "sectors, quarters or campaigns of the light curve"),
    "ttv_sigma": Column("off time, σ", 1, "significance of the transits' deviations from a linear ephemeris"),
    "next_transit_days": Column("next transit, d", 4, "the first after the light curve's end"),
    "aliases": Column("other periods, d", None, "harmonics, the best first"),
    "matches": Column("matches", None, "known planets, and other stars' candidates, of this ephemeris"),
    "warnings": Column("warnings", None, "of the star's files"),
    "period_min_days": Column("shortest period, d", 4, "of a single transit", detail=False),
    "single": Column("single", 0, "one event only", detail=False),
    "period_error_days": Column("error of the period, d", 7, "one sigma", detail=False),
    "t0_error_days": Column("error of t0, d", 5, "one sigma", detail=False),
    "depth_error_ppm": Column("error of the depth, ppm", 0, "one sigma", detail=False),
}
_RANGES = ("probability", "period_days", "depth_ppm", "snr_red")
_KEYS = {
    "j or ↓": "next candidate",
    "k or ↑": "previous candidate",
    "p": "planet",
    "f": "false positive",
    "u": "unsure",
    "n": "write a note",
    "z": "undo",
    "o": "open the sheet",
    "/": "find a star",
    "Esc": "leave a field; back to the list",
}


def write_index(
    out: Path,
    table: Iterable[Mapping[str, Any]],
    sheets: Mapping[tuple[str, int], str],
    title: str,
    summary: Sequence[str] = (),
    *,
    fingerprint: str = "",
    threshold: float | None = None,
    pdf: bool = False,
) -> None:
    """Write the vetting page of a search: ``index.html`` in one step, and ``rows/*.js`` beside it.

    Args:
        out: the HTML file.
        table: the rows of ``candidates.csv`` in the order shown first, which is that of the SNR: column name to number,
            text or None; NaN and the empty text are an unknown. It is gone through twice, and never held as a whole.
            Only the columns of ``COLUMNS`` are shown that hold anything. ``single`` is bool, 0/1, or "True"/"False".
        sheets: ``(id, rank)`` to the path of the sheet's PNG, relative to the page.
        title: heading of the page.
        summary: sentences under it.
        fingerprint: of the search: the browser keeps the marks under it.
        threshold: SNR below which candidates are hidden until the reader wants them; None hides none.
        pdf: a PDF of the same name lies beside each PNG.
    """
    total, weak, known = 0, 0, {"id", "rank"}
    for row in table:
        total += 1
        weak += threshold is not None and not _strength(row) >= threshold
        known |= {name for name in COLUMNS if name not in known and _known(row.get(name))}
    names = [name for name in COLUMNS if name in known]
    n_files = _write_rows(out.parent / "rows", table, names, sheets)
    about = {
        "total": total,
        "files": n_files,
        "fingerprint": fingerprint,
        "threshold": threshold if weak else None,
        "sorted": "snr_red" if "snr_red" in known else "snr",
        "pictures": bool(sheets),
        "pdf": pdf,
        "thumbnail": THUMBNAIL,
        "aspect": ASPECT,
        "columns": [{"name": name, **COLUMNS[name]._asdict()} for name in names],
    }
    assets = files("exojax.report") / "assets"
    css, script = (assets.joinpath(f"candidates.{kind}").read_text("utf-8") for kind in ("css", "js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # What the page's own program reads may run, and nothing that stands in the page as markup.
    policy = (
        "default-src 'none';img-src 'self' file: data:;style-src 'unsafe-inline';"
        f"script-src 'sha256-{digest}' 'strict-dynamic'"
    )
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(title)}</title><style>{CSS}{css}</style></head>
<body>
<main>
<div class="lead"><h1>{escape(title)}</h1>
{"".join(f"<p>{escape(text)}</p>" for text in summary)}</div>
<noscript><p class="warn">The table needs this page's program: allow scripts, or read
<a href="candidates.csv">candidates.csv</a>.</p></noscript>
<div id="app" hidden>
{_tools(names, weak if threshold is not None else 0, threshold)}
<p class="soft" id="count" role="status">{total:,} candidates</p>
<div class="both">
<div class="list" tabindex="0" role="region" aria-label="Candidates"><table>
<thead><tr>{_heads(names, bool(sheets))}</tr></thead>
<tbody></tbody></table>
<button id="more" hidden>Show more</button>
</div>
{_PANE}
</div>
<div class="finish tools"><span id="tally" role="status"></span>
<button id="undo" disabled>Undo <kbd>z</kbd></button>
<button id="export" disabled>Export marks.csv</button>
<button id="exofop" disabled>Export planets in ExoFOP's columns</button>
<span class="warn" id="kept" hidden>This browser keeps no marks: export them before you close the page.</span></div>
<div class="after"><details><summary>Keys</summary><ul class="keys">
{"".join(f"<li><kbd>{escape(key)}</kbd> {escape(text)}</li>" for key, text in _KEYS.items())}</ul></details>
<p class="soft">The same rows, with every column: <a href="candidates.csv">candidates.csv</a>. The marks stay in this
browser until they are exported; train.py --labels marks.csv learns from them.</p></div>
</div>
</main>
<script type="application/json" id="about">{_embedded(about)}</script>
<script>{script}</script>
</body></html>
"""
    write_atomically(out, page.encode())


_PANE = """<section class="pane" aria-labelledby="who">
<button id="back">Back to the list</button>
<h2 id="who">No candidate chosen</h2>
<div id="acts" hidden>
<div class="row">
<button id="before" title="k">Previous</button><button id="after" title="j">Next</button>
<button data-mark="planet" aria-pressed="false">Planet <kbd>p</kbd></button>
<button data-mark="false positive" aria-pressed="false">False positive <kbd>f</kbd></button>
<button data-mark="unsure" aria-pressed="false">Unsure <kbd>u</kbd></button>
</div>
<div class="row"><label class="note">Note <input id="note" autocomplete="off"></label>
<label><input type="checkbox" id="onward" checked> go on after a mark</label></div>
</div>
<div class="row" id="links"></div>
<div id="sheet"></div>
<dl id="facts"></dl>
</section>"""


def _tools(names: Sequence[str], weak: int, threshold: float | None) -> str:
    ranges = "".join(_range(name) for name in _RANGES if name in names or (name == "snr_red" and "snr" in names))
    sector = '<label>Sector <select id="sector"><option value="">any</option></select></label>'
    check = f'<label class="check"><input type="checkbox" id="weak"> show the {weak:,} below SNR {threshold}</label>'
    orders = [("mark", "mark"), *((name, COLUMNS[name].heading) for name in names if COLUMNS[name].table)]
    options = "".join(f'<option value="{name}">{escape(heading)}</option>' for name, heading in orders)
    return f"""<details id="filters"><summary>Filters</summary><div class="tools" role="search">
<label>Find a star <input type="search" id="text" autocomplete="off"></label>
{ranges}
<label>Flags <select id="flag"><option value="">any</option><option value="none">none</option></select></label>
{sector if "sectors" in names else ""}
<label>Mark <select id="marked"><option value="">any</option><option value="none">not marked</option>
<option>planet</option><option>false positive</option><option>unsure</option>
<option value="note">with a note</option></select></label>
<label id="order">Sort by <select id="by">{options}</select></label>
<label class="check"><input type="checkbox" id="singles"> hide single transits</label>
<label class="check"><input type="checkbox" id="matches"> hide matches</label>
{check if weak else ""}
<button id="all" hidden>Load all</button>
</div></details>"""


def _range(name: str) -> str:
    heading = escape("SNR" if name == "snr_red" else COLUMNS[name].heading)
    step = ' step="any" inputmode="decimal" type="number"'
    return (
        f'<fieldset data-range="{name}"><legend>{heading}</legend>'
        f'<input{step} aria-label="{heading}, least"> to <input{step} aria-label="{heading}, most"></fieldset>'
    )


def _heads(names: Sequence[str], pictures: bool) -> str:
    cells = ['<th scope="col" data-name="mark"><button title="planet, false positive or unsure">mark</button></th>']
    for name in names:
        column = COLUMNS[name]
        if not column.table:
            continue
        css = "" if column.digits is None else ' class="r"'
        cells.append(
            f'<th scope="col" data-name="{name}"{css}><button title="{escape(column.meaning)}">'
            f"{escape(column.heading)}</button></th>"
        )
        if name == "id" and pictures:
            cells.append('<th scope="col"><span class="plain">fold</span></th>')
    return "".join(cells)


def _write_rows(
    folder: Path, table: Iterable[Mapping[str, Any]], names: Sequence[str], sheets: Mapping[tuple[str, int], str]
) -> int:
    """Write a file for every ``PART`` rows, and remove those of an earlier page; returns the last number."""
    number, rows = 0, iter(table)
    for number, part in enumerate(iter(lambda: list(_lines(islice(rows, PART), names, sheets)), []), 1):
        write_atomically(folder / f"{number:04}.js", f"addRows([{','.join(part)}]);\n".encode())
    with suppress(OSError):  # no such folder, or one with files of somebody else
        for old in folder.iterdir():
            if re.fullmatch(r"\d{4,}\.js", old.name) and int(old.stem) > number:
                old.unlink()
        folder.rmdir()
    return number


def _lines(
    rows: Iterable[Mapping[str, Any]], names: Sequence[str], sheets: Mapping[tuple[str, int], str]
) -> Iterator[str]:
    """Yield JSON of ``[one value a column, path of the sheet]``, a row; null and 0 where unknown."""
    for row in rows:
        path = sheets.get((str(row.get("id", "")), int(_number(row.get("rank"), 0))))
        values = [_value(name, row.get(name)) for name in names]
        yield json.dumps([values, quote(path) if path else 0], ensure_ascii=False, separators=(",", ":"))


def _value(name: str, value: Any) -> Any:
    if name == "single":
        return int(str(value) in ("True", "true", "1"))
    if COLUMNS[name].digits is None:
        return str(value) if _known(value) else None
    number = _number(value)
    if not math.isfinite(number):
        return None
    short = float(f"{number:.10g}")  # ephemerides have no more digits
    return int(short) if short.is_integer() else short


def _embedded(value: Any) -> str:
    """Return JSON that may stand between the tags of a script: no character of it can end it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")


def _strength(row: Mapping[str, Any]) -> float:
    """Return the SNR by which candidates are ranked and hidden."""
    return _number(row.get("snr_red", row.get("snr")))


def _known(value: Any) -> bool:
    return value is not None and str(value).strip().lower() not in ("", "nan")


def _number(value: Any, otherwise: float = math.nan) -> float:
    """Return the number, or ``otherwise`` for None, an empty text and whatever is no finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return otherwise
    return number if math.isfinite(number) else otherwise
