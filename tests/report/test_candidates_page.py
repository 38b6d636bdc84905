"""The vetting page's files: what its program is given, and that nothing of the data becomes markup."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from exojax.report import candidates
from exojax.report.candidates import PART, write_index

HOSTILE = '<script>alert("x")</script>&\'"><img src=x onerror=alert(1)>'
ROWS = [
    {"id": "9", "rank": 1, "period_days": 10.05, "t0_days": 1980.5, "time_system": "BKJD", "depth_ppm": 900.0,
     "snr": 20.0, "snr_red": 15.0, "centroid_sigma": float("nan"), "single": False, "matches": ""},
    {"id": "10", "rank": 1, "period_days": 2.5, "t0_days": 1981.5, "time_system": "BKJD", "depth_ppm": None,
     "snr": 9.0, "snr_red": 6.0, "centroid_sigma": "", "single": False, "matches": "K2-3 b;EPIC 11"},
    {"id": "9", "rank": 2, "period_days": "", "period_min_days": 41.2, "t0_days": 1990.0, "time_system": "BKJD",
     "depth_ppm": 1500.0, "snr": 30.0, "snr_red": 25.0, "centroid_sigma": "", "single": True, "matches": ""},
]  # fmt: skip


class Page(HTMLParser):
    """Tags with their attributes, and the text of each script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.inside = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def about(self):
        return json.loads(self.scripts[0])


def rows_of(path):
    """Return column name to value, and the sheet's path, of each row of a script file."""
    return json.loads(re.fullmatch(r"addRows\((.*)\);\n", path.read_text(), re.S)[1])


def written(folder, rows=ROWS, sheets=None, **words):
    write_index(folder / "index.html", rows, sheets or {}, **{"title": "Candidates"} | words)
    page = Page((folder / "index.html").read_text())
    names = [column["name"] for column in page.about["columns"]]
    found = [row for path in sorted(folder.glob("rows/*.js")) for row in rows_of(path)]
    return page, [dict(zip(names, values)) | {"sheet": sheet} for values, sheet in found]


def test_rows_keep_their_order_and_unknowns_are_null(tmp_path):
    page, rows = written(tmp_path)
    assert [(row["id"], row["rank"], row["snr_red"]) for row in rows] == [("9", 1, 15), ("10", 1, 6), ("9", 2, 25)]
    assert [row["period_days"] for row in rows] == [10.05, 2.5, None]
    assert [row["depth_ppm"] for row in rows] == [900, None, 1500]
    assert [row["single"] for row in rows] == [0, 0, 1]
    assert page.about["sorted"] == "snr_red"
    assert page.about["total"] == 3


def test_columns_that_hold_nothing_are_left_out(tmp_path):
    page, rows = written(tmp_path)
    assert not {"centroid_sigma", "probability", "flags"} & rows[0].keys()
    assert not any(attrs.get("data-name") in ("flags", "probability") for attrs in page.all("th"))
    _, rows = written(tmp_path, [*ROWS, dict(ROWS[0], centroid_sigma=-1.25)])
    assert [row["centroid_sigma"] for row in rows] == [None, None, None, -1.25]


def test_candidates_below_the_threshold_are_counted_and_those_at_it_are_not(tmp_path):
    assert "show the 1 below SNR 7.1" in text_of(tmp_path, threshold=7.1)
    assert "show the 1 below SNR 15.0" in text_of(tmp_path, threshold=15.0)
    for none in (None, 6.0):
        assert 'id="weak"' not in text_of(tmp_path, threshold=none)


def text_of(folder, **words):
    written(folder, **words)
    return (folder / "index.html").read_text()


def test_rows_with_a_sheet_name_it_relative_to_the_page(tmp_path):
    page, rows = written(tmp_path, sheets={("9", 2): "sheets/EPIC 9#2 ü.png", ("10", 2): "sheets/none.png"})
    assert [row["sheet"] for row in rows] == [0, 0, "sheets/EPIC%209%232%20%C3%BC.png"]
    assert page.about["pictures"] is True


def test_nothing_of_the_data_becomes_markup_or_reaches_out(tmp_path):
    row = dict.fromkeys(ROWS[0], HOSTILE)
    sheets = {(HOSTILE, 0): "javascript:alert(1)"}
    page, rows = written(tmp_path, [row], sheets, title=HOSTILE, summary=[HOSTILE], fingerprint=HOSTILE)
    assert len(page.all("script")) == 2
    assert not page.all("img")
    assert page.about["fingerprint"] == HOSTILE
    assert (rows[0]["id"], rows[0]["rank"], rows[0]["sheet"]) == (HOSTILE, None, "javascript%3Aalert%281%29")
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    sources = {attrs[key] for _, attrs in page.tags for key in ("src", "href") if key in attrs}
    assert sources == {"candidates.csv"}


def test_only_the_pages_own_program_may_run(tmp_path):
    page, _ = written(tmp_path)
    policy = next(attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs)
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "innerHTML" not in page.scripts[1]


@pytest.mark.parametrize("rows", [[], [{"id": "a"}]])
def test_an_empty_list_is_a_page(tmp_path, rows):
    assert len(written(tmp_path, rows)[1]) == len(rows)


def test_fewer_rows_leave_no_files_of_the_earlier_page(tmp_path, monkeypatch):
    monkeypatch.setattr(candidates, "PART", 2)
    many = [dict(ROWS[0], id=f"s{k}") for k in range(5)]
    page, rows = written(tmp_path, many)
    assert page.about["files"] == 3
    assert [row["id"] for row in rows] == [f"s{k}" for k in range(5)]
    (tmp_path / "rows" / "mine.js").write_text("")
    write_index(tmp_path / "index.html", many[:2], {}, "Candidates")
    assert sorted(path.name for path in (tmp_path / "rows").iterdir()) == ["0001.js", "mine.js"]
    (tmp_path / "rows" / "mine.js").unlink()
    write_index(tmp_path / "index.html", [], {}, "Candidates")
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

            return (Row(dict(ROWS[0], id=f"s{k}")) for k in range(2 * PART))

    write_index(tmp_path / "index.html", Table(), {}, "Candidates")
    assert Table.most <= 3
