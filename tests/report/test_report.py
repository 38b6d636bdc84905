"""Every figure and page renders, without a warning, whatever the rows are; no text of the user's becomes
markup."""

import base64
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib import rcParams
from touching import touching

from exojax.evaluation import controls, metrics
from exojax.report import figures
from exojax.report.card import write_model_card
from exojax.report.page import NAMES, figure_text, number, write_atomically, write_report
from exojax.report.style import png

HOSTILE = "<script>alert('x')</script>&$\\frac{1}\n# no heading | `code` \x07 星"
LABELS = {
    "ordinary": np.array([1, 0, 0, 1, 0, 0, 0, 1, 0, 0]),
    "one positive": np.array([1] + [0] * 9),
    "no positives": np.zeros(10, int),
    "only positives": np.ones(10, int),
    "one row": np.ones(1, int),
}


def is_png(content: bytes) -> bool:
    return content.startswith(b"\x89PNG") and len(content) > 4000


@pytest.mark.parametrize("p", ["spread", "constant"])
@pytest.mark.parametrize("case", LABELS)
def test_evaluation_figures_render_for_degenerate_rows(case, p):
    labels = LABELS[case]
    groups = np.arange(len(labels))
    probability = np.linspace(1, 0, len(labels)) if p == "spread" else np.full(len(labels), 0.3)
    scores = metrics.evaluate(labels, probability, 0.5, groups=groups, seed=0, n_bootstrap=50)
    pr, roc = metrics.curves(labels, probability, groups=groups, seed=0, n_bootstrap=50)
    drawn = [
        figures.precision_recall(pr, float(labels.mean()), scores["average_precision"]),
        figures.roc(roc, scores["roc_auc"]),
        figures.calibration(metrics.reliability(labels, probability)),
        figures.confusion(scores["confusion"], 0.5),
    ]
    assert all(is_png(png(figure)) for figure in drawn)


def test_the_reliability_diagram_has_exact_intervals_and_counts():
    labels, probability = np.array([1] * 3 + [0] * 7 + [1] * 2), np.array([0.34] * 10 + [0.96, 0.94])
    upper, lower = figures.calibration(metrics.reliability(labels, probability)).axes
    assert [text.get_text() for text in lower.texts] == ["3 of 10", "2 of 2"]
    ((few, all_),) = [container[2][0].get_segments() for container in upper.containers]
    # Clopper & Pearson: 3 of 10 is [0.067, 0.652], 2 of 2 is [0.025 ** (1 / 2), 1].
    assert few[:, 1] == pytest.approx([0.0667, 0.6525], abs=1e-3)
    assert all_[:, 1] == pytest.approx([0.1581, 1], abs=1e-3)
    assert few[0, 0] == pytest.approx(0.34)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [{"step": 1, "loss": 0.5}],
        [{"step": 1, "loss": float("nan")}, {"step": 2, "loss": 0.0}],
        [{"step": s, "loss": 10.0 ** (-s / 100)} for s in range(300)],
        [{"step": 5, "val_average_precision": 0.4}, {"step": 6, "note": "x"}],
    ],
)
def test_loss_curve_renders_whatever_was_logged(records):
    assert is_png(png(figures.loss_curve(records)))


def test_loss_curve_shows_both_series_at_their_steps():
    records = [{"step": 10, "loss": 2.0}, {"step": 20, "loss": 1.0, "val_average_precision": 0.3}]
    loss, ap = figures.loss_curve(records).axes
    assert loss.lines[0].get_xydata().tolist() == [[10, 2], [20, 1]]
    assert ap.lines[0].get_xydata().tolist() == [[20, 0.3]]


def test_the_loss_shows_which_step_was_kept():
    records = [{"step": s, "loss": 1.0 / s, "val_loss": 2.0 / s} for s in range(1, 9)]
    figure = figures.loss_curve(records, [5])
    assert [axes.get_ylabel() for axes in figure.axes] == ["training loss", "validation loss"]
    assert all(axes.lines[-1].get_xdata() == [5, 5] for axes in figure.axes)
    assert "of step 5" in figure.axes[-1].get_xlabel()


def test_learning_curves_have_intervals_and_chance():
    found = [{"value": 0.4, "low": 0.3, "high": 0.5}, {"value": 0.6, "low": 0.55, "high": 0.7}]
    axes = figures.learning_curves([100, 1000], {"svc": found}, "average precision", 0.1).axes[0]
    line, (low, high), _ = axes.containers[0]
    assert line.get_xydata().tolist() == [[100, 0.4], [1000, 0.6]]
    assert low.get_ydata().tolist() == [0.3, 0.55]
    assert high.get_ydata().tolist() == [0.5, 0.7]
    assert axes.lines[-1].get_ydata() == [0.1, 0.1]


def test_the_figures_of_a_report_are_the_rooms_own():
    import exojax.report

    assert {"loss_curve", "roc", "completeness_map", "learning_curves"} <= set(dir(exojax.report))
    assert exojax.report.roc is figures.roc
    drawn = exojax.report.completeness_map(
        np.array([1.0, 2]), np.array([1.0, 2]), np.ones((1, 1), int), np.ones((1, 1), int), "x", "y"
    )
    assert is_png(png(drawn))
    with pytest.raises(AttributeError):
        getattr(exojax.report, "nothing")  # noqa: B009


def test_scores_are_counted_by_class():
    labels, probability = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.99, 0.01, 0.02, 0.9])
    figure = figures.score_distributions(labels, probability, 0.5)
    others, hosts = (patch.get_data().values for patch in figure.axes[0].patches[1::2])
    assert (others[0], others.sum()) == (2, 3)
    assert (hosts[-1], hosts.sum()) == (1, 2)


def test_light_curves_keep_deep_dips_and_mark_what_is_beyond():
    rng = np.random.default_rng(0)
    time = np.broadcast_to(np.arange(2000.0), (2, 2000))
    flux = rng.normal(1, 1e-3, (2, 2000)).astype(np.float32)
    flux[0, 500:510] = 0.9
    flux[0, 1000] = 50
    valid = np.ones((2, 2000), bool)
    valid[1] = False
    figure = figures.light_curves(time, flux, valid, ["a", HOSTILE], title="t", flux_unit="relative flux")
    low, high = figure.axes[0].get_ylim()
    assert low < 0.9
    assert high < 1.1
    assert sum(len(line.get_xdata()) for line in figure.axes[0].lines) == 2000
    assert not figure.axes[1].lines
    constant = np.ones((1, 2000), np.float32)
    for f in (constant, 0 * constant):
        assert is_png(png(figures.light_curves(time[:1], f, valid[:1], ["c"], title="t", flux_unit="u")))
    empty = figures.light_curves(time[:0], flux[:0], valid[:0], [], title="t", flux_unit="u")
    assert is_png(png(empty))


def test_a_hostile_id_is_a_drawable_title():
    title = figures.star_title(HOSTILE * 3, 0.5, 1)
    assert title.endswith("probability 0.5   host")
    assert len(title) < 70
    figure = figures.light_curves(
        np.arange(9.0)[None],
        np.arange(9, dtype=np.float32)[None],
        np.ones((1, 9), bool),
        [figures.star_title(r"$\frac{$", None, 0)],
        title="t",
        flux_unit="u",
    )
    assert is_png(png(figure))
    figure.axes[0].set_title(figures.star_title(HOSTILE, None, 0))
    assert is_png(png(figure))


def test_most_wrong_takes_misses_and_false_alarms():
    labels = np.array([1, 1, 1, 0, 0, 0, 0])
    p = np.array([0.9, 0.1, 0.4, 0.8, 0.2, 0.7, 0.0])
    assert figures.most_wrong(labels, p, 4).tolist() == [1, 2, 3, 5]
    assert figures.most_wrong(labels[3:], p[3:], 3).tolist() == [0, 2, 1]
    assert figures.most_wrong(labels[:4], p[:4], 4).tolist() == [1, 2, 0, 3]
    assert figures.most_wrong(labels[:0], p[:0], 4).tolist() == []


def test_the_users_own_matplotlib_settings_neither_matter_nor_change():
    records = [{"step": s, "loss": 1.0 / (s + 1)} for s in range(9)]
    before = png(figures.loss_curve(records))
    old = rcParams["axes.facecolor"]
    try:
        rcParams["axes.facecolor"] = "black"
        assert png(figures.loss_curve(records)) == before
        assert rcParams["axes.facecolor"] == "black"
    finally:
        rcParams["axes.facecolor"] = old


class Reader(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def scores() -> dict[str, object]:
    labels = LABELS["ordinary"]
    probability = np.linspace(1, 0, 10)
    return metrics.evaluate(labels, probability, 0.5, groups=np.arange(10), seed=0, n_bootstrap=50)


def test_the_page_escapes_every_text_and_needs_no_other_file(tmp_path):
    figure = figures.confusion([[1, 0], [0, 1]], 0.5)
    rows = controls.score(
        HOSTILE,
        LABELS["ordinary"],
        np.linspace(1, 0, 10),
        groups=np.arange(10),
        seed=0,
        kind=np.array([HOSTILE] * 10),
    )
    write_report(
        tmp_path / "new" / "report.html",
        title=HOSTILE,
        metrics=scores() | {"model": HOSTILE, "data_sha256": "ab"},
        figures={HOSTILE: figure, "again": png(figure)},
        config={HOSTILE: {HOSTILE: HOSTILE}},
        warnings=[HOSTILE, HOSTILE],
        comparison=[{HOSTILE: HOSTILE, "ap": {"value": 0.5, "low": 0.25, "high": 1.0}}, {"ap": None}],
        controls=[*rows, controls.not_applicable("inverted", HOSTILE)],
        summary=HOSTILE,
        data={HOSTILE: HOSTILE},
    )
    text = (tmp_path / "new" / "report.html").read_text()
    page = Reader(text)
    assert "script" not in page.tags
    assert page.text.count("<script>") >= 12
    sources = [value for name, value in page.attributes if name in ("src", "href")]
    assert len(sources) == 2
    assert all(is_png(base64.b64decode(s.removeprefix("data:image/png;base64,"))) for s in sources)
    assert not re.search(r"https?://|@import|url\(", text)
    assert "0.500 [0.250, 1.000]" in page.text
    assert page.text.index("Read this first") < page.text.index("Average precision")
    assert page.text.count("a bootstrap of so few stars") == 1


def test_the_page_shows_undefined_figures_as_such(tmp_path):
    labels = LABELS["no positives"]
    none = metrics.evaluate(labels, np.linspace(1, 0, 10), 0.5, groups=np.arange(10), seed=0, n_bootstrap=50)
    write_report(tmp_path / "r.html", title="t", metrics=none, figures={}, config={})
    page = Reader((tmp_path / "r.html").read_text())
    assert page.text.count("undefined") == 6
    assert "img" not in page.tags
    write_report(tmp_path / "r.html", title="t", metrics={}, figures={}, config={})
    assert "Average precision" not in (tmp_path / "r.html").read_text()


def test_figures_as_text():
    assert figure_text({"value": 0.6934, "low": 0.5, "high": 1.0}) == "0.693 [0.500, 1.000]"
    assert [number(v) for v in (0.0, 0.0001234, 12345.678, 3, "x")] == [
        "0.000",
        "0.0001234",
        "1.235e+04",
        "3",
        "x",
    ]


def test_the_card_holds_the_figures_and_no_forged_heading(tmp_path):
    write_model_card(
        tmp_path / "MODEL_CARD.md",
        name=HOSTILE,
        model="cnn",
        description=HOSTILE,
        data={"source": HOSTILE},
        metrics=scores(),
        reproduce=["python scripts/train.py --run x"],
        warnings=[HOSTILE],
    )
    card = (tmp_path / "MODEL_CARD.md").read_text()
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert len(headings) == 5
    assert f"| Average precision | {figure_text(scores()['average_precision'])} |" in card
    assert "python scripts/train.py --run x" in card
    write_model_card(tmp_path / "c.md", name="n", model="m", description="d", data={}, metrics={}, reproduce=[])
    assert "Not evaluated." in (tmp_path / "c.md").read_text()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x.html"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("exojax.storage.write_file.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_figures_need_no_pyplot():
    """Its global state and its choice of a window system have no place in a library."""
    code = "import exojax.report.explore, sys; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_table_of_scores_shows_the_chance_level(tmp_path):
    """A report's figures, its controls and the model card; a figure without one has a dash."""
    labels = np.array([1] * 2 + [0] * 6)
    probability = np.linspace(0.9, 0.1, 8)
    scores = metrics.evaluate(labels, probability, 0.5, groups=np.arange(8), seed=0, n_bootstrap=50)
    rows = controls.score("inverted", labels, probability, groups=np.arange(8), seed=0, n_bootstrap=50)
    rows.append(controls.not_applicable("masked", "no series"))
    path = tmp_path / "report.html"
    write_report(path, title="a", metrics=scores, figures={}, config={}, controls=rows)
    page = path.read_text()
    assert page.count("<th>chance level</th>") == 2
    for key, level in {"average_precision": "0.250", "precision": "0.250", "roc_auc": "0.500", "brier": "–"}.items():
        found = re.search(rf"<td>{re.escape(NAMES[key])}</td><td[^>]*>[^<]*</td><td[^>]*>([^<]*)</td>", page)
        assert found is not None
        assert found[1] == level
    write_model_card(
        tmp_path / "card.md", name="a", model="svc", description="", data={}, metrics=scores, reproduce=["x"]
    )
    assert "| 0.250 |" in (tmp_path / "card.md").read_text()


def test_titles_of_panels_do_not_touch():
    titles = [figures.star_title("KIC 100200300 of a folder", 0.0889, 0)] * 6
    drawn = figures.folds(
        np.zeros((6, 61)), np.ones((6, 61), bool), titles, title="Most wrong", width="phase", colours=None
    )
    assert touching(drawn) == []
    time, flux = np.arange(240.0).reshape(6, 40), np.ones((6, 40), np.float32)
    assert touching(figures.light_curves(time, flux, flux > 0, titles, title="t", flux_unit="relative flux")) == []
