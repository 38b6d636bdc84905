"""The vetting page in a browser: sorted, filtered and marked as a vetter does it."""

import base64
import csv
import time

import numpy as np
import pytest
from chromium import opened, opened_browser, overflows, violations

from exojax.io import catalogue
from exojax.report.candidates import ASPECT, write_index

pytestmark = pytest.mark.browser
HOSTILE = '<script>alert("x")</script>&\'"><img src=x onerror=alert(1)>'
READY = "body[data-ready]"
N = 10_000
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as found:
        yield found


def candidate(k, **columns):
    row = {"id": str(1000 + k), "rank": 1, "period_days": 1.5 + k, "t0_days": 1400.0 + k, "time_system": "BTJD",
           "duration_hours": 3.0, "depth_ppm": 100.0 * (k + 1), "snr": 31.0 - k, "snr_red": 30.0 - k,
           "probability": 0.1 * k, "n_transits": 5, "single": False, "period_min_days": "", "matches": "", "flags": "",
           "sectors": "1;2", "period_error_days": 0.001, "t0_error_days": 0.01, "depth_error_ppm": 20.0,
           "vet_planet_radius": 2.5}  # fmt: skip
    return row | columns


ROWS = [
    candidate(0),
    candidate(1, probability="", flags="the centroid moves by 5.7σ;2 transits", sectors="3"),
    candidate(2, single=True, period_days="", period_min_days=41.2, flags="a single transit"),
    candidate(3, depth_ppm="", matches="TOI 1.01"),
    candidate(4, id="1000", rank=2, flags="the centroid moves by 12.1σ"),
    candidate(5, snr_red=6.9, snr=7.5),
    candidate(6, snr_red=4.0, snr=5.0, id="77"),
]


def page_of(folder, rows=ROWS, **words):
    (folder / "sheets").mkdir(exist_ok=True)
    (folder / "sheets" / "a.png").write_bytes(PIXEL)
    (folder / "candidates.csv").write_text("id\n")
    settings = {"fingerprint": folder.name, "threshold": 7.1} | words
    write_index(folder / "index.html", rows, {("1000", 1): "sheets/a.png"}, "Candidates", ["A search."], **settings)
    return folder / "index.html"


def stars(page):
    return page.evaluate("[...document.querySelectorAll('tbody tr th')].map(e=>e.textContent)")


def test_it_opens_from_the_disk_sorted_and_without_the_weak(browser, tmp_path):
    with opened(browser, page_of(tmp_path), ready=READY) as page:
        assert stars(page) == ["TIC 1000", "TIC 1001", "TIC 1002", "TIC 1003", "TIC 1000"]
        assert page.get_attribute("th[data-name=snr_red]", "aria-sort") == "descending"
        assert "2 below the threshold (SNR 7.1) are hidden" in page.inner_text("#count")
        assert page.inner_text("#who") == "TIC 1000, candidate 1"
        page.check("#weak")
        assert len(stars(page)) == 7


def test_the_unknown_stands_last_both_ways(browser, tmp_path):
    with opened(browser, page_of(tmp_path), ready=READY) as page:
        for name, last in (("probability", "TIC 1001"), ("depth_ppm", "TIC 1003")):
            heads = []
            for _ in range(2):
                page.click(f"th[data-name={name}] button")
                assert stars(page)[-1] == last
                heads.append(page.get_attribute(f"th[data-name={name}]", "aria-sort"))
            assert heads == ["descending", "ascending"]
        page.click("th[data-name=flags] button")
        assert stars(page)[-2:] == ["TIC 1000", "TIC 1003"] or stars(page)[-2:] == ["TIC 1003", "TIC 1000"]


def test_filters(browser, tmp_path):
    with opened(browser, page_of(tmp_path), ready=READY) as page:
        # Only ids are searched: 41.2 is a period, 1001 a star. A star that is looked for is found, however weak.
        for text, expected in (("1001", ["TIC 1001"]), ("41.2", []), ("tic 100", 6), ("77", ["TIC 77"]), ("", 5)):
            page.fill("#text", text)
            found = stars(page)
            assert found == expected or len(found) == expected
        ends = {name: page.query_selector_all(f"[data-range={name}] input") for name in ("probability", "period_days")}
        ends["probability"][0].fill("0.25")
        assert stars(page) == ["TIC 1003", "TIC 1000"]
        ends["probability"][0].fill("")
        ends["period_days"][0].fill("40")
        assert stars(page) == ["TIC 1002"]
        ends["period_days"][0].fill("")
        page.query_selector_all("[data-range=depth_ppm] input")[1].fill("150")
        assert stars(page) == ["TIC 1000"]
        page.query_selector_all("[data-range=depth_ppm] input")[1].fill("")
        page.query_selector_all("[data-range=snr_red] input")[0].fill("28.5")
        assert stars(page) == ["TIC 1000", "TIC 1001"]
        page.query_selector_all("[data-range=snr_red] input")[0].fill("")
        page.select_option("#flag", "none")
        assert stars(page) == ["TIC 1000", "TIC 1003"]
        page.select_option("#flag", "=the centroid moves by …σ")
        assert stars(page) == ["TIC 1001", "TIC 1000"]
        page.select_option("#flag", "")
        page.select_option("#sector", "3")
        assert stars(page) == ["TIC 1001"]
        page.select_option("#sector", "")
        page.check("#singles")
        page.check("#matches")
        assert stars(page) == ["TIC 1000", "TIC 1001", "TIC 1000"]


def test_marks_are_given_by_keys_kept_undone_and_exported(browser, tmp_path):
    path = page_of(tmp_path)
    with opened(browser, path, ready=READY) as page:
        page.keyboard.press("p")  # 1000, candidate 1
        assert page.inner_text("#who") == "TIC 1001, candidate 1"
        page.keyboard.press("f")
        page.keyboard.press("u")  # 1002
        page.keyboard.press("f")  # 1003
        page.keyboard.press("k")
        page.keyboard.press("n")
        page.keyboard.type('deep, "flat" pj')  # letters of a note are no marks
        page.keyboard.press("Enter")
        page.keyboard.press("z")
        page.keyboard.press("z")
        assert page.inner_text("#who") == "TIC 1003, candidate 1"
        assert page.inner_text("#tally") == "Marked: 1 planet, 1 false positive, 1 unsure"
        page.keyboard.press("j")
        page.keyboard.press("n")
        page.keyboard.type('deep, "flat"')
        page.keyboard.press("Enter")
        page.select_option("#marked", "planet")
        assert stars(page) == ["TIC 1000"]
        page.select_option("#marked", "")
        page.wait_for_timeout(500)  # the browser hands its store to the next process a moment later
        page.reload()
        page.wait_for_selector(READY)
        assert page.inner_text("#tally") == "Marked: 1 planet, 1 false positive, 1 unsure"
        with page.expect_download() as download:
            page.click("#export")
        download.value.save_as(tmp_path / "marks.csv")
        with page.expect_download() as download:
            page.click("#exofop")
        download.value.save_as(tmp_path / "exofop.txt")
    with (tmp_path / "marks.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["id", "rank", "mark", "note"],
        ["1000", "1", "planet", ""],
        ["1000", "2", "", 'deep, "flat"'],
        ["1001", "1", "false positive", ""],
        ["1002", "1", "unsure", ""],
    ]
    labels, notes = catalogue.labels(tmp_path / "marks.csv")
    assert labels == {"1000": 1, "1001": 0}
    assert "1 star without a label" in notes
    head, line, _ = (tmp_path / "exofop.txt").read_text().split("\n")
    known = dict(zip(head.split("|"), line.split("|"), strict=True))
    expected = {"target": "TIC1000.01", "flag": "newctoi", "disp": "PC", "period": "1.5", "epoch": "2458400.000000"}
    assert known | expected | {"depth": "100", "duration": "3", "r_planet": "2.5"} == known
    # Another search in the same browser has marks of its own.
    with opened(browser, page_of(tmp_path, fingerprint="another"), ready=READY) as page:
        assert page.inner_text("#tally") == "No candidate is marked yet"


def test_links_name_the_star_and_a_star_without_a_catalogue_has_none(browser, tmp_path):
    rows = [candidate(0), candidate(1, id="11442793", time_system="BKJD"), candidate(2, id="s3", time_system="own")]
    rows += [candidate(3, id="201367065", time_system="BKJD")]
    with opened(browser, page_of(tmp_path, rows), ready=READY) as page:
        seen = []
        for _ in rows:
            seen.append(page.evaluate("[...document.querySelectorAll('#links a')].map(a=>a.href)"))
            page.keyboard.press("j")
        assert [len(links) for links in seen] == [3, 3, 0, 3]
        assert "tess/target.php?id=1000" in seen[0][0]
        assert seen[1][1].endswith("searchQuery=KIC%2011442793")
        assert seen[3][2].endswith("Ident=EPIC%20201367065")


def test_what_data_say_stays_text(browser, tmp_path):
    row = candidate(0, id=HOSTILE, flags=HOSTILE, matches=HOSTILE, warnings=HOSTILE, sectors=HOSTILE)
    with opened(browser, page_of(tmp_path, [row], fingerprint=HOSTILE), ready=READY) as page:
        assert page.evaluate("document.querySelectorAll('img,script[src]').length") == 0
        assert HOSTILE in page.inner_text("#who")
        assert HOSTILE in page.inner_text("#facts")


@pytest.mark.parametrize("width", [1440, 1280, 900, 420])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_column_is_cut_off_and_axe_finds_nothing(browser, tmp_path, width, scheme):
    long = candidate(1, id="exoTrain with a very long name of a star:4711", flags=";".join(["a long flag of 3.2σ"] * 4))
    wide = candidate(2, single=True, period_days="", period_min_days=1234.5678, depth_ppm=123456.0)
    with opened(
        browser, page_of(tmp_path, [candidate(0), long, wide]), width=width, scheme=scheme, ready=READY
    ) as page:
        page.evaluate("document.getElementById('filters').open=true")
        assert not overflows(page)
        assert not overflows(page, ".list")
        assert violations(page) == []
        page.click("tbody tr:nth-child(1) th")
        assert page.is_visible("#sheet img")
        assert not overflows(page)
        assert violations(page) == []


def test_a_small_probability_is_no_zero_and_long_flags_take_four_lines(browser, tmp_path):
    flags = ";".join(f"a reason of {k}.0σ that is quite long" for k in range(12))
    page_file = page_of(tmp_path, [candidate(0, probability=1e-4, flags=flags), candidate(1, probability=0.0)])
    with opened(browser, page_file, ready=READY) as page:
        cells = "[...document.querySelectorAll('[data-name=probability]:is(td)')].map(e=>e.textContent)"
        assert page.evaluate(cells) == ["<0.001", "0.000"]
        words = page.query_selector("tbody .few")
        height = page.evaluate("e=>[e.clientHeight/parseFloat(getComputedStyle(e).lineHeight),e.scrollHeight]", words)
        assert height[0] == pytest.approx(4, abs=0.3)
        assert words.get_attribute("title") == words.inner_text().strip() == flags.replace(";", "; ")
        assert flags.replace(";", "; ") in page.inner_text("#facts")


def test_print_shows_the_table_alone(browser, tmp_path):
    with opened(browser, page_of(tmp_path), ready=READY) as page:
        page.emulate_media(media="print")
        assert page.is_visible("tbody tr:last-child")
        assert not any(page.is_visible(name) for name in (".pane", "#filters", "#export"))


def test_the_thumbnail_shows_the_fold_alone(browser, tmp_path):
    with opened(browser, page_of(tmp_path), ready=READY) as page:
        box, image = (page.query_selector(name).bounding_box() for name in ("tbody .crop", "tbody .crop img"))
        left, top, right, bottom = page.evaluate("about.thumbnail")
        assert image["height"] == pytest.approx(ASPECT * image["width"], rel=0.01)
        assert (box["x"] - image["x"]) / image["width"] == pytest.approx(left, abs=0.005)
        assert (box["y"] - image["y"]) / image["height"] == pytest.approx(top, abs=0.005)
        assert box["width"] / image["width"] == pytest.approx(right - left, rel=0.02)
        assert box["height"] / image["height"] == pytest.approx(bottom - top, rel=0.02)


def test_ten_thousand_candidates_are_usable(browser, tmp_path):
    rng = np.random.default_rng(0)
    snr = np.sort(rng.lognormal(2.2, 0.5, N))[::-1]
    rows = (candidate(k, snr_red=float(s), period_days=float(rng.uniform(1, 50))) for k, s in enumerate(snr))
    path = page_of(tmp_path, list(rows))
    start = time.perf_counter()
    with opened(browser, path, ready=READY) as page:
        print(f"{N:,} candidates: ready after {time.perf_counter() - start:.2f} s")
        count = """([name,end,text])=>{const i=document.querySelectorAll(`[data-range=${name}] input`)[end],
         start=performance.now();i.value=text;i.dispatchEvent(new Event('input',{bubbles:true}));
         document.body.offsetHeight;return performance.now()-start}"""
        for ask in (("period_days", 0, "20"), ("snr_red", 0, "9"), ("snr_red", 0, "")):
            print(f"filter {ask}: {page.evaluate(count, list(ask)):.0f} ms")
        assert page.evaluate("rows.length") == N
        n_kept = page.evaluate("kept.length")
        assert n_kept == page.evaluate("rows.filter(r=>!r.weak&&periodOf(r)>=20).length")
        assert 0 < n_kept < N
        assert len(stars(page)) == 200
        page.click("#more")
        assert len(stars(page)) == min(800, n_kept)
