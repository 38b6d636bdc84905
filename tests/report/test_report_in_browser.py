"""Reports in a browser: on a phone, in the dark, printed, and for a screen reader."""

import numpy as np
import pytest
from chromium import opened, opened_browser, overflows, violations

from exojax.evaluation import controls, metrics
from exojax.light_curves import LightCurves
from exojax.report import figures
from exojax.report.explore import explore
from exojax.report.page import write_report
from exojax.report.style import png
from exojax.report.verdict import verdict

pytestmark = pytest.mark.browser
PATH = "/a/folder/that/nobody/would/break/" + "x" * 90 + "/kepler_hosts_vs_fp.npz"


@pytest.fixture(scope="module")
def browser():
    with opened_browser() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    labels = (np.arange(200) % 8 == 0).astype(int)
    probability = np.clip(0.5 * labels + rng.uniform(0, 0.6, 200), 0, 1)
    found = metrics.evaluate(labels, probability, 0.5, groups=np.arange(200), seed=0, n_bootstrap=50)
    rows = controls.score("dips masked", labels, probability, groups=np.arange(200), seed=0)
    picture = png(figures.score_distributions(labels, probability, 0.5))
    wide = figures.light_curves(
        np.arange(90.0).reshape(2, 45), np.ones((2, 45), np.float32), np.ones((2, 45), bool), ["a", "b"], title="t",
        flux_unit="relative flux",
    )  # fmt: skip
    write_report(
        folder / "report.html", title=f"r1: {PATH}", metrics=found,
        figures={"Scores": picture, "Again": picture, f"Of {PATH}": wide},
        config={"data": {"source": PATH}}, warnings=[f"read {PATH}"], controls=rows, summary=f"Scored: {PATH}",
        data={"source": PATH}, verdict=verdict(found, rows), ranked=[{"star": PATH, "probability": 0.5}],
    )  # fmt: skip
    return folder / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 420])
def test_nothing_overflows_and_axe_finds_nothing(browser, report, width, scheme):
    with opened(browser, report, width=width, scheme=scheme) as page:
        assert not overflows(page)
        assert violations(page) == []
        image = page.query_selector("figure.wide img").bounding_box()
        assert image["x"] + image["width"] <= width


def test_the_verdict_stands_on_top_and_the_method_at_the_end(browser, report):
    with opened(browser, report) as page:
        places = [page.query_selector(name).bounding_box()["y"] for name in (".verdict", ".warn", "figure", "details")]
        assert places == sorted(places)
        assert len(page.query_selector_all(".verdict p")) == 3
        method = page.inner_text("details")
        assert all(word in method for word in ("written", "exojax", "machine"))


def test_print_is_black_on_white_and_whole(browser, report):
    with opened(browser, report, scheme="dark") as page:
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert page.is_visible("details table")
        # Figures stand side by side on a sheet of paper.
        page.set_viewport_size({"width": 720, "height": 1000})
        first, second = (figure.bounding_box() for figure in page.query_selector_all("figure:not(.wide)")[:2])
        assert first["y"] == second["y"]


def test_explore_leaves_a_page(browser, tmp_path):
    rng = np.random.default_rng(0)
    flux = 1 + 1e-3 * rng.normal(size=(40, 300))
    curves = LightCurves.of(np.arange(300) * 0.02, flux, label=(np.arange(40) % 4 == 0).astype(int))
    explore(curves, tmp_path)
    with opened(browser, tmp_path / "explore.html", width=420) as page:
        assert not overflows(page)
        assert violations(page) == []
        assert "10 of 40 stars are hosts" in page.inner_text(".verdict")
        assert len(page.query_selector_all("figure")) == 4
