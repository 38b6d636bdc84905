"""The page that lists every candidate, sorted and filtered in the reader's browser.

The best rows are plain HTML, so that the page can be read without its script, which only reorders and hides them. The
others are data in files beside it, ``rows/0002.js`` and so on, which the script reads when they are needed: whoever
opens the page waits for the best alone. They are script files because a browser lets a page that was opened from a
disk read nothing else. The page forbids everything that it does not hold itself, but for what its own script asks for
and the pictures of the sheets beside it.
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
from pathlib import Path
from typing import Any
from urllib.parse import quote

from exojax.report.page import CSS, write_atomically

FIRST = 1000
"""rows that the page holds itself; each file beside it has as many"""

# Column of candidates.csv -> heading, decimals (None is text), what it means.
COLUMNS: dict[str, tuple[str, int | None, str]] = {
    "id": ("star", None, "catalogue number, or file and row"),
    "rank": ("rank", 0, "1 for its star's best candidate"),
    "period_days": ("period, d", 4, "for a single transit the shortest that is possible"),
    "t0_days": ("t0, d", 3, "middle of the first transit, in the row's time system"),
    "time_system": ("system", None, "of t0"),
    "duration_hours": ("duration, h", 2, "first to last contact"),
    "depth_ppm": ("depth, ppm", 0, "empty where the flux has no absolute scale"),
    "snr_red": ("SNR", 1, "against the scatter on the scale of the transit"),
    "snr": ("white SNR", 1, "against white noise"),
    "sde": ("SDE", 1, "how far the peak stands out of the periodogram"),
    "probability": ("probability", 3, "of a planet, where a model judged it"),
    "n_transits": ("transits", 0, "with any measurement in them"),
    "odd_even_sigma": ("odd–even, σ", 1, "difference of the depths of odd and even transits"),
    "secondary_sigma": ("secondary, σ", 1, "of the deepest other dip of the fold"),
    "centroid_sigma": ("centroid, σ", 1, "shift of the centroid in transit"),
    "matches": ("matches", None, "what else has this ephemeris"),
    "flags": ("flags", None, "what speaks against it: reasons to look, no verdicts"),
}

_CSS = """
body{max-width:96rem}.tools{display:flex;flex-wrap:wrap;gap:.6rem 1.2rem;align-items:end;margin:1rem 0 .6rem}
.tools label{display:flex;flex-direction:column;font-size:.85rem;color:var(--soft)}
.tools label.check{flex-direction:row;gap:.4rem;align-items:center;color:var(--ink);padding:.45rem 0}
input{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--soft);border-radius:6px;
padding:.35rem .5rem}input[type=search]{width:14rem}input[type=number]{width:6.5rem}
input[type=checkbox]{width:1.15rem;height:1.15rem}
.list{max-height:82vh;border:1px solid var(--line);border-radius:6px;overflow:auto}
.list table{width:100%;border-collapse:separate;border-spacing:0}
.list{font-size:.92rem}.list th,.list td{padding:.25rem .5rem;white-space:nowrap;vertical-align:middle}
.list thead th{position:sticky;top:0;z-index:2;background:var(--paper);padding:0}
.list tbody th{position:sticky;left:0;z-index:1;background:var(--paper);font-weight:600;color:var(--ink)}
.list thead th:first-child{left:0;z-index:3}
.list thead .plain{padding:.4rem .5rem;display:inline-block}
.list td.r,.list thead th.r{text-align:right}.list td.w,.list tbody th{white-space:normal;overflow-wrap:break-word}
.list td.w{min-width:7rem;max-width:16rem}.list tbody th{min-width:6rem;max-width:12rem}
button{font:inherit;font-weight:600;color:var(--soft);background:none;border:0;padding:.4rem .5rem;cursor:pointer;
white-space:nowrap}
th[aria-sort] button{color:var(--ink)}th[aria-sort=ascending] button::after{content:" ▲"}
th[aria-sort=descending] button::after{content:" ▼"}
.list .crop{display:block;width:122px;height:78px;overflow:hidden;background:#fff;border-radius:6px}
.list .crop img{width:430px;max-width:none;height:auto;margin-top:-226px;border-radius:0}
.list tr[data-single] .crop img{margin-left:-104px}
a{color:inherit}:focus-visible{outline:3px solid #0072b2;outline-offset:-2px}
@media(prefers-color-scheme:dark){:focus-visible{outline-color:#56b4e9}}
.more{border:1px solid var(--soft);border-radius:6px;margin:.7rem 0;color:var(--ink)}[hidden]{display:none!important}
@media(max-width:40rem){.tools label:not(.check),.tools input[type=search]{width:100%}.list tbody th{max-width:8rem}
}
@media print{.tools,.more{display:none}.list{max-height:none;border:0;overflow:visible}}
"""

_SCRIPT = r"""
'use strict';
const $=s=>document.querySelector(s),body=$('tbody'),heads=[...document.querySelectorAll('thead button')];
const total=+$('table').dataset.total,files=+$('table').dataset.files;
const kinds=[...document.querySelectorAll('thead th')].map(h=>({
 text:h.dataset.digits===undefined,digits:+h.dataset.digits,lower:'lower' in h.dataset}));
const PAGE=300;let most=PAGE,order=null,next=2,loading=false,failed='';
const rows=[...body.rows].map(row=>({row,text:row.textContent.toLowerCase(),
 values:[...row.cells].map(c=>c.dataset.v===undefined?c.textContent.trim():c.dataset.v===''?NaN:+c.dataset.v),
 snr:+row.dataset.snr,single:'single' in row.dataset,match:'match' in row.dataset}));

// Each file calls this with its rows; their elements are made when they are shown.
globalThis.addRows=(number,list)=>{
 for(const [values,snr,single,match,sheet] of list)rows.push({row:null,text:null,sheet,
  values:values.map((v,i)=>v!==null?v:kinds[i].text?'':NaN),snr:snr===null?NaN:snr,single:!!single,match:!!match});};
function shown(r,i){
 const v=r.values[i],kind=kinds[i];
 if(kind.text)return String(v).replaceAll(';','; ');
 return isNaN(v)?'–':(kind.lower&&r.single?'≥ ':'')+v.toFixed(kind.digits).replace('-','−');}
function textOf(r){
 if(r.text===null)r.text=r.values.map((v,i)=>shown(r,i)).join(' ').toLowerCase();
 return r.text;}
function picture(r){
 const link=document.createElement('a'),image=document.createElement('img');
 link.className='crop';link.href=image.src=r.sheet;link.append(image);
 Object.assign(image,{loading:'lazy',width:1753,height:1240,alt:'sheet of '+r.values[0]});
 return link;}
function elementOf(r){
 if(r.row!==null)return r.row;
 r.row=document.createElement('tr');
 if(r.single)r.row.dataset.single='';
 r.values.forEach((v,i)=>{
  const cell=document.createElement(i===0?'th':'td');
  if(i===0)cell.scope='row';
  if(i===1){if(r.sheet)cell.append(picture(r));}
  else{cell.textContent=shown(r,i);if(i>1)cell.className=kinds[i].text?'w':'r';}
  r.row.append(cell);});
 return r.row;}

function show(){
 const words=$('#text').value.toLowerCase().split(/\s+/).filter(Boolean),least=$('#snr').value;
 const kept=rows.filter(r=>words.every(w=>textOf(r).includes(w))&&(least===''||r.snr>=+least)
  &&!(r.single&&$('#singles').checked)&&!(r.match&&$('#matches').checked));
 body.replaceChildren(...kept.slice(0,most).map(elementOf));
 const rest=total-rows.length;
 $('#count').textContent=kept.length+' of '+(rest?'the best ':'')+rows.length+' candidates'+
  (kept.length>most?'; the first '+most+' are shown':'')+
  (rest?'; '+rest+' more '+(failed||(loading?'are being loaded':'can be loaded')):'');
 $('#more').hidden=kept.length<=most;
 $('#all').hidden=!rest||loading;}
function arrange(){
 if(order!==null){
  const {column,number,turn}=order,compare=new Intl.Collator(undefined,{numeric:true}).compare;
  rows.sort((a,b)=>{const x=a.values[column],y=b.values[column];
   if(!number)return turn*compare(x,y);
   return isNaN(x)?(isNaN(y)?0:1):isNaN(y)?-1:turn*(x-y);});}
 show();}
function sort(button){
 const head=button.parentElement,column=head.cellIndex,number=head.classList.contains('r');
 const now=head.getAttribute('aria-sort'),down=now?now==='ascending':number&&!('up' in head.dataset);
 for(const b of heads)b.parentElement.removeAttribute('aria-sort');
 head.setAttribute('aria-sort',down?'descending':'ascending');
 order={column,number,turn:down?-1:1};most=PAGE;
 load();arrange();}

const read=number=>new Promise((done,fail)=>{
 const script=document.createElement('script');
 script.src='rows/'+String(number).padStart(4,'0')+'.js';
 script.onload=done;script.onerror=()=>fail(script.src);
 document.head.append(script);});
// Whoever sorts or filters wants it of all candidates.
async function load(){
 if(loading||next>files)return;
 loading=true;failed='';
 try{for(;next<=files;next++){await read(next);if(next%20===0)show();}}
 catch(name){failed='are missing, as '+name+' cannot be read';}
 loading=false;arrange();}

for(const b of heads)b.addEventListener('click',()=>sort(b));
for(const i of document.querySelectorAll('.tools input'))i.addEventListener('input',()=>{most=PAGE;load();show();});
$('#more').addEventListener('click',()=>{most*=4;show();});
$('#all').addEventListener('click',()=>{load();show();});
$('.tools').hidden=false;show();
"""


def write_index(
    out: Path,
    table: Iterable[Mapping[str, Any]],
    sheets: Mapping[tuple[str, int], str],
    title: str,
    summary: Sequence[str] = (),
) -> None:
    """Write ``index.html`` of a search, in one step, and ``rows/*.js`` beside it where it has more than ``FIRST`` rows.

    Args:
        out: the HTML file.
        table: the rows of ``candidates.csv`` in the order shown first: column name to number, text or None; NaN and the
            empty text are an unknown. It is gone through twice, and never held as a whole. Only the columns of
            ``COLUMNS`` are shown that hold anything. ``single`` (bool, 0/1, or "True"/"False") and ``matches`` decide
            what the filters hide; a single transit shows ``period_min_days`` as its period, and ``>=``.
        sheets: ``(id, rank)`` to the path of the sheet's PNG, relative to the page.
        title: heading of the page.
        summary: sentences under it.
    """
    total, systems, known = 0, set(), {"id"}
    for row in table:
        total += 1
        systems.add(str(row.get("time_system") or ""))
        known |= {name for name in COLUMNS if name not in known and _known(row.get(name))}
    one_system = next(iter(systems)) if len(systems) == 1 else ""
    names = [name for name in COLUMNS if name in known and not (one_system and name == "time_system")]
    head = "".join(_head(name, one_system) for name in names)
    parts = _parts(table)
    lines = "\n".join(_line(row, names, sheets) for row in next(parts, []))
    files = _write_rows(out.parent / "rows", parts, names, sheets)
    rest = ""
    if files:
        rest = f'<p class="soft">The best {FIRST:,} of {total:,} candidates; the others are in rows/ beside this page.'
        rest += "</p>\n"
    script = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    # What the page's own script asks for may run, and nothing that stands in the page as markup.
    policy = (
        "default-src 'none';img-src 'self' file: data:;style-src 'unsafe-inline';"
        f"script-src 'sha256-{script}' 'strict-dynamic'"
    )
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(title)}</title><style>{CSS}{_CSS}</style></head>
<body>
<h1>{escape(title)}</h1>
{"".join(f"<p>{escape(text)}</p>" for text in summary)}
<div class="tools" role="search" hidden>
<label>Star, match, any text <input type="search" id="text" autocomplete="off"></label>
<label>SNR at least <input type="number" id="snr" min="0" step="0.1" inputmode="decimal"></label>
<label class="check"><input type="checkbox" id="singles"> hide single transits</label>
<label class="check"><input type="checkbox" id="matches"> hide matches</label>
<button class="more" id="all" hidden>Load all {total:,}</button>
</div>
<p class="soft" id="count" role="status">{total:,} candidates</p>
<div class="list" tabindex="0" role="region" aria-label="Candidates"><table data-total="{total}" data-files="{files}">
<thead><tr>{head}</tr></thead>
<tbody>
{lines}
</tbody></table></div>
<button class="more" id="more" hidden>Show more</button>
{rest}<p class="soft">The same rows, with every column: <a href="candidates.csv">candidates.csv</a>.
Depth, SNR and period are the search's own; a vetting sheet opens at a click on its picture.</p>
<script>{_SCRIPT}</script>
</body></html>
"""
    write_atomically(out, page.encode())


def _parts(table: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The rows, ``FIRST`` at a time."""
    part: list[Mapping[str, Any]] = []
    for row in table:
        part.append(row)
        if len(part) == FIRST:
            yield part
            part = []
    if part:
        yield part


def _write_rows(
    folder: Path,
    parts: Iterable[list[Mapping[str, Any]]],
    names: Sequence[str],
    sheets: Mapping[tuple[str, int], str],
) -> int:
    """Write a file for each part, from number 2 on, and remove those of an earlier page; returns the last number."""
    number = 0
    for number, part in enumerate(parts, 2):
        values = json.dumps([_values(row, names, sheets) for row in part], ensure_ascii=False, separators=(",", ":"))
        write_atomically(folder / f"{number:04}.js", f"addRows({number},{values});\n".encode())
    with suppress(OSError):  # no such folder, or one with files of somebody else
        for old in folder.iterdir():
            if re.fullmatch(r"\d{4,}\.js", old.name) and int(old.stem) > number:
                old.unlink()
        folder.rmdir()
    return number


def _values(row: Mapping[str, Any], names: Sequence[str], sheets: Mapping[tuple[str, int], str]) -> list[Any]:
    """``[one value a column of the page, SNR, single, matched, path of the sheet]``; None where unknown."""
    single, rank, snr = _about(row)
    values: list[Any] = []
    for name in names:
        if COLUMNS[name][1] is None:
            values.append(str(row.get(name) or ""))
        else:
            values.append(_short(_number(row.get("period_min_days" if single and name == "period_days" else name))))
    path = sheets.get((str(row.get("id", "")), rank))
    values.insert(1, "")  # the column of pictures
    return [values, _short(snr), int(single), int(_matched(row)), quote(path) if path else 0]


def _short(value: float) -> float | int | None:
    """The number to nine digits, in as few characters as may be; None where it is unknown."""
    if not math.isfinite(value):
        return None
    short = float(f"{value:.9g}")
    return int(short) if short.is_integer() else short


def _about(row: Mapping[str, Any]) -> tuple[bool, int, float]:
    """Whether it is a single transit, its rank (0 where unknown), and the SNR that the filter looks at."""
    rank = _number(row.get("rank"))
    snr = _number(row.get("snr_red", row.get("snr")))
    return str(row.get("single")) in ("True", "true", "1"), 0 if math.isnan(rank) else int(rank), snr


def _matched(row: Mapping[str, Any]) -> bool:
    return bool(str(row.get("matches") or "").strip())


def _head(name: str, one_system: str) -> str:
    heading, digits, meaning = COLUMNS[name]
    if name == "t0_days" and one_system:
        heading, meaning = f"t0, {one_system}", "middle of the first transit"
    css = "" if digits is None else f' class="r" data-digits="{digits}"'
    css += ' data-lower=""' if name == "period_days" else ""
    first = ' data-up=""' if name in ("rank", "period_days", "t0_days") else ""
    cell = f'<th scope="col"{css}{first}><button title="{escape(meaning)}">{escape(heading)}</button></th>'
    return cell + ('<th scope="col"><span class="plain">sheet</span></th>' if name == "id" else "")


def _line(row: Mapping[str, Any], names: Sequence[str], sheets: Mapping[tuple[str, int], str]) -> str:
    single, rank, snr = _about(row)
    marks = f' data-snr="{snr:.6g}"' + (' data-single=""' if single else "")
    marks += ' data-match=""' if _matched(row) else ""
    cells = []
    for name in names:
        digits = COLUMNS[name][1]
        if name == "id":
            identity = str(row.get("id", ""))
            cells.append(f'<th scope="row">{escape(identity)}</th>')
            cells.append(_picture(identity, sheets.get((identity, rank))))
        elif digits is None:
            text = str(row.get(name) or "").replace(";", "; ")
            cells.append(f'<td class="w">{escape(text)}</td>')
        else:
            lower = single and name == "period_days"
            cells.append(_figure(_number(row.get("period_min_days" if lower else name)), digits, "≥ " * lower))
    return f"<tr{marks}>{''.join(cells)}</tr>"


def _picture(identity: str, path: str | None) -> str:
    if path is None:
        return "<td></td>"
    place = escape(quote(path))
    return (
        f'<td><a class="crop" href="{place}"><img loading="lazy" width="1753" height="1240" '
        f'src="{place}" alt="sheet of {escape(identity)}"></a></td>'
    )


def _figure(value: float, digits: int, sign: str) -> str:
    if not math.isfinite(value):
        return '<td class="r" data-v="">–</td>'
    return f'<td class="r" data-v="{value:.9g}">{sign}{value:.{digits}f}</td>'.replace(">-", ">−")


def _known(value: Any) -> bool:
    return value is not None and str(value).strip().lower() not in ("", "nan")


def _number(value: Any) -> float:
    """NaN for None, an empty text and whatever is no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
