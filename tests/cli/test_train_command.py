"""``train.py`` as its user calls it: the files it leaves, going on, starting again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from documented import assert_columns_explained, assert_files_explained
from small_cli import Call, assert_refused, files, read_json, read_rows, stars, write_csv

import exojax.runs.run
from exojax.cli import compare, evaluate, train

CONTRACT = {
    "n",
    "n_positive",
    "average_precision",
    "roc_auc",
    "recall_at_precision_0.9",
    "precision_at_recall_0.9",
    "brier",
    "threshold",
    "confusion",
    "model",
    "data_sha256",
    "warnings",
}
EXTRA = {"recall", "precision", "prior", "conformal"}
INTERVALS = CONTRACT & {
    "average_precision",
    "roc_auc",
    "recall_at_precision_0.9",
    "precision_at_recall_0.9",
    "brier",
}
FILES = {"config.json", "split.json", "report.html", "MODEL_CARD.md", "metrics.json", "predictions.csv"}
PLOTS = {"pr.png", "roc.png", "calibration.png", "confusion.png", "highest.png", "most_wrong.png"}


def check_outputs(run: Path, model: str) -> None:
    assert {p.name for p in run.iterdir()} >= FILES
    assert {p.name for p in (run / "plots").iterdir()} >= PLOTS
    found = read_json(run / "metrics.json")
    assert set(found) == CONTRACT | EXTRA
    assert (found["n"], found["n_positive"], found["model"]) == (24, 8, model)
    for name in INTERVALS:
        # Of 24 stars in no order a resample ties some, which lifts its average precision a little.
        assert found[name]["low"] <= found[name]["value"] + 0.02
        assert found[name]["value"] <= found[name]["high"] + 1e-12
    (tn, fp), (fn, tp) = found["confusion"]
    rows = read_rows(run / "predictions.csv")
    assert list(rows[0]) == ["id", "probability", "prediction", "label"]
    assert [row["id"] for row in rows] == [f"exoTest:{i}" for i in range(24)]
    assert [int(row["label"]) for row in rows] == (stars(24, 8, seed=1)[1] == 2).astype(int).tolist()
    called = [(int(r["label"]), float(r["probability"]) >= found["threshold"]) for r in rows]
    assert called == [(int(r["label"]), r["prediction"] == "1") for r in rows]
    assert [called.count(c) for c in ((0, False), (0, True), (1, False), (1, True))] == [tn, fp, fn, tp]
    assert_files_explained(run, "A run folder")
    for name in ("metrics.json", "predictions.csv"):
        assert_columns_explained(run / name)
    page = (run / "report.html").read_text()
    links = re.findall(r"""\b(?:src|href|url)\s*[=(]\s*["']?([^"'\s>)]{1,30})""", page)
    assert len(links) >= len(PLOTS)
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert found["data_sha256"] in (run / "config.json").read_text() + page


def test_an_svc_leaves_every_file(svc_run: Path) -> None:
    check_outputs(svc_run, "svc")
    page = (svc_run / "report.html").read_text()
    assert "cadence of 29.4244 minutes is assumed" in page
    assert "24 training hosts" in page  # too few for validation rows, and the page states it


@pytest.mark.parametrize("model", ["mlp-flux", pytest.param("cnn", marks=pytest.mark.slow)])
def test_a_network_leaves_every_file(model: str, data: Path, call: Call) -> None:
    ran = call(train.main, "--data", data, "--model", model, "--steps", 2, "--run", "k1", "--cadence-minutes", 144)
    assert ran.code == 0
    assert ran.err == ""
    assert ran.out.startswith("source: ")
    assert str(Path("checkpoints/k1/report.html")) in ran.out.splitlines()[-1]
    run = Path("checkpoints/k1")
    check_outputs(run, model)
    assert (run / "plots" / "loss.png").exists()
    assert (run / "metrics.jsonl").read_text().count("\n") == 1
    assert list((run / "checkpoints").iterdir())
    assert list((run / "tensorboard").iterdir())
    assert "is assumed" not in (run / "report.html").read_text()
    assert read_json(run / "config.json")["config"]["data"]["cadence_minutes"] == 144

    if model != "cnn":
        return
    # Convolutions take any number of cadences, but not fewer than their poolings divide by.
    longer = write_csv(Path("longer.csv"), stars(12, 4, seed=5, cadences=320))
    assert call(evaluate.main, "--run", "k1", "--data", longer).code == 0
    short = write_csv(Path("short.csv"), stars(12, 4, seed=5, cadences=100))
    assert_refused(call(evaluate.main, "--run", "k1", "--data", short), "short.csv", "too short for cnn")


@pytest.mark.usefixtures("_no_plots")
class TestGoingOn:
    def test_a_bare_second_run_changes_nothing(self, data: Path, call: Call) -> None:
        command = ("--data", data, "--model", "tiny")
        assert call(train.main, *command).code == 0
        run = Path("checkpoints/small-tiny")
        before = files(run)
        assert call(train.main, *command).code == 0
        assert files(run) == before

    def test_the_name_alone_resumes_with_the_stored_configuration(self, tiny_run: Path, call: Call) -> None:
        before = files(tiny_run)
        ran = call(train.main, "--run", tiny_run)
        assert ran.code == 0
        assert "alone.csv" in ran.out.splitlines()[0]
        assert files(tiny_run) == before

    def test_its_config_alone_gives_the_same_bits(self, tiny_run: Path, call: Call) -> None:
        assert call(train.main, "--config", tiny_run / "config.json", "--run", "again").code == 0
        assert Path("checkpoints/again/predictions.csv").read_bytes() == (tiny_run / "predictions.csv").read_bytes()
        assert Path("checkpoints/again/metrics.json").read_bytes() == (tiny_run / "metrics.json").read_bytes()

    def test_another_seed_gives_another_run(self, tiny_run: Path, call: Call) -> None:
        config = tiny_run / "config.json"
        assert call(train.main, "--config", config, "--run", "other", "--seed", 7).code == 0
        assert read_json(Path("checkpoints/other/split.json"))["test"] != read_json(tiny_run / "split.json")["test"]
        assert read_rows(Path("checkpoints/other/predictions.csv")) != read_rows(tiny_run / "predictions.csv")

    def test_from_the_weights_of_another_run(self, tiny_run: Path, data: Path, call: Call) -> None:
        command = ("--data", data, "--model", "tiny", "--init", tiny_run, "--run", "next", "--steps", 1)
        assert call(train.main, *command).code == 0
        assert read_json(Path("checkpoints/next/config.json"))["config"]["init"] == str(tiny_run)
        first = [read_json_lines(run / "metrics.jsonl")[0]["loss"] for run in (Path("checkpoints/next"), tiny_run)]
        assert first[0] < first[1]  # one step from learned weights, against the first four from none
        assert_refused(call(train.main, "--run", "next", "--init", "k9"), "checkpoints/k9", "there is no run")
        ran = call(train.main, "--run", "next", "--init", "checkpoints/next")
        assert_refused(ran, "config.init", "-> checkpoints/next", "--fresh")

    def test_from_shipped_weights_by_default(
        self, tiny_run: Path, data: Path, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A model with shipped weights starts from them, in a comparison too, where they fit and are wanted."""
        monkeypatch.setattr(exojax.runs.run, "SHIPPED", tiny_run)
        inits = {}
        for run, options in {"own": (), "none": ("--init", "none"), "named": ("--init", tiny_run)}.items():
            ran = call(train.main, "--data", data, "--model", "tiny", "--run", run, *options)
            assert ran.code == 0, ran.err
            inits[run] = read_json(Path("checkpoints") / run / "config.json")["config"]["init"]
        assert inits == {"own": "pretrained", "none": None, "named": str(tiny_run)}
        # A run that is there goes on as it began, and a file may say that it begins from nothing.
        assert call(train.main, "--run", "none").code == 0
        Path("scratch.json").write_text('{"model": "tiny", "init": null}')
        Path("open.json").write_text('{"model": "tiny"}')
        for name, start in (("scratch", None), ("open", "pretrained")):
            ran = call(train.main, "--data", data, "--config", f"{name}.json", "--run", name)
            assert ran.code == 0, ran.err
            assert read_json(Path("checkpoints") / name / "config.json")["config"]["init"] == start
        for out, options, start in (("a", (), "pretrained"), ("b", ("--init", "none"), None)):
            how = ("--data", data, "--models", "svc,tiny", "--folds", 2, "--inner", 0, "--out", out)
            assert call(compare.main, *how, *options).code == 0
            assert read_json(Path(out) / "compare.json")["plan"]["init"] == start

    def test_from_the_weights_of_another_model_it_leaves_nothing(self, svc_run: Path, data: Path, call: Call) -> None:
        ran = call(train.main, "--data", data, "--model", "tiny", "--init", svc_run, "--run", "next")
        assert_refused(ran, "--init", "is a run of svc")
        assert not Path("checkpoints").exists()
        ran = call(train.main, "--data", data, "--model", "svc", "--init", svc_run, "--run", "next")
        assert_refused(ran, "--init", "svc is no network")


@pytest.mark.usefixtures("_no_plots")
class TestFresh:
    def test_it_renames_and_never_deletes(self, data: Path, call: Call) -> None:
        command = ("--data", data, "--model", "tiny", "--run", "k1", "--steps", 4)
        assert call(train.main, *command).code == 0
        first = files(Path("checkpoints/k1"))
        # With only the name and what is to change, the rest is the old run's.
        for number in (1, 2):
            assert call(train.main, "--run", "k1", "--fresh", "--steps", 8).code == 0
            assert files(Path("checkpoints/k1.old-1")) == first
            assert Path(f"checkpoints/k1.old-{number}").is_dir()
        config = read_json(Path("checkpoints/k1/config.json"))["config"]
        assert (config["model"], config["data"]["source"], config["train"]["steps"]) == ("tiny", str(data), 8)
        assert len(read_json_lines(Path("checkpoints/k1/metrics.jsonl"))) == 2

    def test_it_sets_a_damaged_run_aside(self, data: Path, call: Call) -> None:
        Path("checkpoints/k1").mkdir(parents=True)
        Path("checkpoints/k1/config.json").write_text("{")
        command = ("--data", data, "--model", "tiny", "--run", "k1", "--steps", 1)
        assert_refused(call(train.main, *command), "config.json", "--fresh")
        assert call(train.main, *command, "--fresh").code == 0
        assert Path("checkpoints/k1.old-1/config.json").read_text() == "{"

    def test_a_folder_that_is_no_run_stays(self, data: Path, call: Call) -> None:
        Path("mine").mkdir()
        Path("mine/thesis.txt").write_text("years")
        ran = call(train.main, "--data", data, "--model", "tiny", "--run", "./mine", "--fresh")
        assert_refused(ran, "mine", "is no run")
        assert files(Path("mine")) == {"thesis.txt": b"years"}

    def test_a_name_is_never_a_folder_beside(self, data: Path, call: Call) -> None:
        Path("docs").mkdir()
        assert call(train.main, "--data", data, "--model", "tiny", "--steps", 1, "--run", "docs").code == 0
        assert not files(Path("docs"))
        assert Path("checkpoints/docs/config.json").exists()


@pytest.mark.usefixtures("_no_plots")
class TestTheTestFile:
    def test_it_is_opened_when_nothing_can_change_any_more(
        self, data: Path, call: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        final = Path("checkpoints/k1/calibration.json")
        opened: list[tuple[str, bool]] = []
        read = Path.open

        def watched(path: Path, *args: object, **named: object) -> object:
            if path.name in ("exoTrain.csv", "exoTest.csv"):
                opened.append((path.name, final.exists()))
            return read(path, *args, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(Path, "open", watched)
        monkeypatch.setenv("EXOJAX_CACHE", "cache")  # nothing is parsed yet
        assert call(train.main, "--data", data, "--model", "tiny", "--run", "k1", "--steps", 1).code == 0
        assert ("exoTrain.csv", False) in opened
        assert {done for name, done in opened if name == "exoTest.csv"} == {True}

    def test_a_row_shared_with_the_training_file_is_named(self, call: Call, tmp_path: Path) -> None:
        flux, label = stars(72, 24, seed=0)
        other, truth = stars(24, 8, seed=1)
        write_csv(tmp_path / "leaky/exoTrain.csv", (flux, label))
        other[0] = np.nan  # an empty row before it must not shift the number
        other[5] = flux[17]
        write_csv(tmp_path / "leaky/exoTest.csv", (other, truth))
        command = ("--data", tmp_path / "leaky", "--model", "tiny", "--run", "k1", "--steps", 1)
        assert_refused(call(train.main, *command), "exoTest.csv", "row 5", "exoTest:5")
        assert not Path("checkpoints/k1/metrics.json").exists()
        # Mended, the same command ends well.
        write_csv(tmp_path / "leaky/exoTest.csv", stars(24, 8, seed=1))
        assert call(train.main, *command).code == 0


@pytest.mark.usefixtures("_no_plots")
def test_nothing_is_written_beside_the_data(one_file: Path, call: Call) -> None:
    before = files(one_file.parent)
    assert call(train.main, "--data", one_file, "--model", "tiny", "--steps", 1, "--run", "k1").code == 0
    assert files(one_file.parent) == before


@pytest.mark.usefixtures("_no_plots")
def test_a_cache_that_cannot_be_written_costs_only_time(
    one_file: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EXOJAX_CACHE", str(tmp_path / "file" / "cache"))
    ran = call(train.main, "--data", one_file, "--model", "tiny", "--steps", 1, "--run", "k1")
    assert ran.code == 0
    assert ran.err.count("\n") == 1
    assert "cannot be written, so that every command compiles again; set EXOJAX_CACHE" in ran.err


@pytest.mark.usefixtures("_no_plots")
def test_without_a_model_both_are_trained_and_compared(one_file: Path, call: Call, monkeypatch) -> None:
    monkeypatch.setattr(train, "BARE", ("svc", "tiny"))
    ran = call(train.main, "--data", one_file, "--steps", 4)
    assert ran.code == 0
    table = ran.out.splitlines()[-4:-1]
    assert [line.split()[0] for line in table] == ["model", "svc", "tiny"]
    # 6 of the 18 test stars are hosts.
    assert "chance level" in table[0]
    assert all(" 0.333 " in line for line in table[1:])
    for name in ("alone-svc", "alone-tiny"):
        page = Path(f"checkpoints/{name}/report.html").read_text()
        assert ">svc<" in page
        assert ">tiny<" in page


def read_json_lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
