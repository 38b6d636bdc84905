"""The candidates' page: readable without its script, sorted and filtered by it, and deaf to what the data say."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from exojax.report.candidates import FIRST, write_index

HOSTILE = '<script>alert("x")</script>&\'"><img src=x onerror=alert(1)>'
ROWS = [
    {"id": "EPIC 9", "rank": 1, "period_days": 10.05, "t0_days": 1980.5, "time_system": "BKJD", "depth_ppm": 900.0,
     "snr": 20.0, "snr_red": 15.0, "centroid_sigma": float("nan"), "single": False, "matches": ""},
    {"id": "EPIC 10", "rank": 1, "period_days": 2.5, "t0_days": 1981.5, "time_system": "BKJD", "depth_ppm": None,
     "snr": 9.0, "snr_red": 8.0, "centroid_sigma": "", "single": False, "matches": "K2-3 b;EPIC 11"},
    {"id": "EPIC 9", "rank": 2, "period_days": "", "period_min_days": 41.2, "t0_days": 1990.0, "time_system": "BKJD",
     "depth_ppm": 1500.0, "snr": 30.0, "snr_red": 25.0, "centroid_sigma": "", "single": True, "matches": ""},
]  # fmt: skip


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.script, self.inside, self.ended = [], [], "", None, False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = None
        self.ended |= tag == "table"

    def handle_data(self, data):
        if self.inside == "script":
            self.script += data
        elif self.rows and self.rows[-1] and not self.ended and self.inside in ("td", "th", "button", "span"):
            self.rows[-1][-1] += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    def column(self, name):
        return [row[self.rows[0].index(name)] for row in self.rows[1:]]


def written(tmp_path, rows=ROWS, sheets=None, **words):
    write_index(tmp_path / "index.html", rows, sheets or {}, **{"title": "Candidates"} | words)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    return Page((tmp_path / "index.html").read_text())


def test_every_candidate_is_there_without_the_script_in_the_order_given(tmp_path):
    page = written(tmp_path)
    assert page.column("star") == ["EPIC 9", "EPIC 10", "EPIC 9"]
    assert page.column("rank") == ["1", "1", "2"]
    assert page.column("period, d") == ["10.0500", "2.5000", "≥ 41.2000"]
    assert page.column("depth, ppm") == ["900", "–", "1500"]
    assert page.column("SNR") == ["15.0", "8.0", "25.0"]
    assert page.column("matches") == ["", "K2-3 b; EPIC 11", ""]
    assert "flags" not in page.rows[0]
    assert written(tmp_path, [dict(ROWS[0], flags="2 transits;odd")]).column("flags") == ["2 transits; odd"]
    assert len({len(row) for row in page.rows}) == 1
    marked = [{"data-single", "data-match"} & attrs.keys() for attrs in page.all("tr")[1:]]
    assert marked == [set(), {"data-match"}, {"data-single"}]


def test_columns_that_hold_nothing_are_left_out_and_one_time_system_stands_in_the_heading(tmp_path):
    head = written(tmp_path).rows[0]
    assert "t0, BKJD" in head
    assert not {"centroid, σ", "probability", "system"} & set(head)
    other = dict(ROWS[0], time_system="BTJD", centroid_sigma=-1.25)
    page = written(tmp_path, [*ROWS, other])
    assert page.column("system") == ["BKJD", "BKJD", "BKJD", "BTJD"]
    assert page.column("centroid, σ") == ["–", "–", "–", "−1.2"]


def test_rows_with_a_sheet_show_it_and_no_others_have_a_picture(tmp_path):
    page = written(tmp_path, sheets={("EPIC 9", 2): "sheets/EPIC 9#2 ü.png", ("EPIC 10", 2): "sheets/none.png"})
    (picture,), links = page.all("img"), page.all("a")
    assert picture["src"] == links[0]["href"] == "sheets/EPIC%209%232%20%C3%BC.png"
    assert picture["loading"] == "lazy"
    assert picture["alt"] == "sheet of EPIC 9"


def test_nothing_of_the_data_becomes_markup_or_reaches_out(tmp_path):
    row = dict.fromkeys(ROWS[0], HOSTILE)
    page = written(tmp_path, [row], {(HOSTILE, 0): "javascript:alert(1)"}, title=HOSTILE, summary=[HOSTILE])
    assert len(page.all("script")) == 1
    assert page.column("star") == [HOSTILE]
    assert page.column("rank") == ["–"]
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    sources = [attrs[key] for _, attrs in page.tags for key in ("src", "href") if key in attrs]
    assert sources == ["javascript%3Aalert%281%29"] * 2 + ["candidates.csv"]
    assert "http:" not in (tmp_path / "index.html").read_text()
    assert "https:" not in (tmp_path / "index.html").read_text()


def test_only_the_pages_own_script_may_run(tmp_path):
    page = written(tmp_path)
    policy = next(attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs)
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("rows", [[], [{"id": "a"}]])
def test_an_empty_list_is_a_page(tmp_path, rows):
    assert len(written(tmp_path, rows).rows) == 1 + len(rows)


def many(n, **more):
    return [dict(ROWS[0], id=f"s{k}", snr_red=float(n - k), period_days=(k * 7919) % n + 0.5, **more) for k in range(n)]


def test_the_best_are_in_the_page_and_the_others_in_files_beside_it(tmp_path):
    n = 2 * FIRST + 5
    rows = many(n, matches=HOSTILE)
    rows[-1] |= {"single": True, "period_days": "", "period_min_days": 41.25}
    write_index(tmp_path / "index.html", rows, {(f"s{n - 1}", 1): "sheets/ü.png"}, "Candidates")
    page = Page((tmp_path / "index.html").read_text())
    assert page.column("star") == [f"s{k}" for k in range(FIRST)]
    assert page.all("table") == [{"data-total": str(n), "data-files": "3"}]
    assert sorted(path.name for path in (tmp_path / "rows").iterdir()) == ["0002.js", "0003.js"]
    parts = [json.loads(re.fullmatch(r"addRows\(\d,(.*)\);\n", path.read_text(), re.S)[1])
             for path in sorted((tmp_path / "rows").iterdir())]  # fmt: skip
    assert [part[0][0][0] for part in parts] == [f"s{FIRST}", f"s{2 * FIRST}"]
    values, snr, single, match, sheet = parts[1][-1]
    assert values[:4] == [f"s{n - 1}", "", 1, 41.25]
    assert values[page.rows[0].index("white SNR")] == 20
    assert (snr, single, match, sheet) == (1, 1, 1, "sheets/%C3%BC.png")
    assert HOSTILE in values
    # Fewer rows leave no files of the earlier page, and nothing that is not the page's is touched.
    (tmp_path / "rows" / "mine.js").write_text("")
    write_index(tmp_path / "index.html", rows[: FIRST + 1], {}, "Candidates")
    assert sorted(path.name for path in (tmp_path / "rows").iterdir()) == ["0002.js", "mine.js"]
    (tmp_path / "rows" / "mine.js").unlink()
    write_index(tmp_path / "index.html", rows[:FIRST], {}, "Candidates")
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_the_table_is_never_held_as_a_whole(tmp_path):
    class Table:
        alive = most = 0

        def __iter__(self):
            class Row(dict):
                def __init__(row, values):
                    super().__init__(values)
                    Table.alive += 1
                    Table.most = max(Table.most, Table.alive)

                def __del__(row):
                    Table.alive -= 1

            return (Row(dict(ROWS[0], id=f"s{k}")) for k in range(5 * FIRST))

    write_index(tmp_path / "index.html", Table(), {}, "Candidates")
    assert FIRST <= Table.most <= 2 * FIRST + 1


DRIVE = """<script>{
const said=[],show=()=>said.push([...document.querySelectorAll('tbody tr')].map(r=>
 r.cells[0].textContent+' '+r.cells[2].textContent));
const press=name=>{const b=[...document.querySelectorAll('thead button')].find(b=>b.textContent===name);b.click();
 show();said.push(b.parentElement.getAttribute('aria-sort'));};
const enter=(id,key,value)=>{const i=document.getElementById(id);i[key]=value;
 i.dispatchEvent(new Event('input'));show();};
for(const name of ['star','period, d','period, d','SNR','period, d','depth, ppm','depth, ppm','SNR'])press(name);
enter('text','value','k2-3 EPIC');enter('text','value','');enter('snr','value','8.5');enter('snr','value','');
enter('singles','checked',true);enter('matches','checked',true);
document.body.textContent='SAID'+JSON.stringify(said)+'END';
}</script>"""


def driven(tmp_path, program):
    """What ``program`` leaves between SAID and END when it runs in the page, in a browser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium to open the page in")
    # The page's own policy would refuse the script that presses its buttons.
    text = re.sub(r"<meta http-equiv.*?>\n", "", (tmp_path / "index.html").read_text())
    (tmp_path / "driven.html").write_text(text.replace("</body>", program + "</body>"))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=20000"]
    page = (tmp_path / "driven.html").as_uri()
    done = subprocess.run([*command, "--dump-dom", page], capture_output=True, text=True, timeout=120, check=True)
    return json.loads(re.search("SAID(.*)END", done.stdout)[1])


ALL = """<script>{
const button=[...document.querySelectorAll('thead button')].find(b=>b.textContent==='period, d'),said=[];
const note=()=>said.push(document.querySelector('tbody tr').cells[0].textContent,document.getElementById('count').textContent);
note();button.click();
const wait=()=>{if(!document.getElementById('all').hidden||document.getElementById('count').textContent.includes('more'))
 return setTimeout(wait,50);note();document.body.textContent='SAID'+JSON.stringify(said)+'END';};
wait();
}</script>"""  # noqa: E501


def test_sorting_reads_the_other_rows_in_a_browser(tmp_path):
    n = 2 * FIRST + 5
    rows = many(n)
    write_index(tmp_path / "index.html", rows, {}, "Candidates")
    first, before, shortest, after = driven(tmp_path, ALL)
    assert first == "s0"
    assert before == f"{FIRST} of the best {FIRST} candidates; the first 300 are shown; {n - FIRST} more can be loaded"
    assert shortest == min(rows, key=lambda row: row["period_days"])["id"]
    assert after == f"{n} of {n} candidates; the first 300 are shown"


def test_it_sorts_and_filters_in_a_browser(tmp_path):
    written(tmp_path)
    said = driven(tmp_path, DRIVE)
    nine, ten, lone = "EPIC 9 1", "EPIC 10 1", "EPIC 9 2"
    assert said == [
        [nine, lone, ten], "ascending",  # names by the numbers in them
        [ten, nine, lone], "ascending",
        [lone, nine, ten], "descending",
        [lone, nine, ten], "descending",
        [ten, nine, lone], "ascending",
        [lone, nine, ten], "descending",  # the unknown comes last both ways
        [nine, lone, ten], "ascending",
        [lone, nine, ten], "descending",
        [ten], [lone, nine, ten], [lone, nine], [lone, nine, ten],
        [nine, ten], [nine],
    ]  # fmt: skip
