"""``evaluate.py`` and ``plot.py`` on a finished run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from small_cli import CADENCES, Call, assert_refused, files, read_json, read_rows, stars, write_csv

from exojax.cli import evaluate, plot
from exojax.storage.json_files import read_checked, write_checked

pytestmark = pytest.mark.usefixtures("_no_plots")


class TestOwnSource:
    def test_of_a_file_the_stored_test_rows(self, tiny_run: Path, one_file: Path, call: Call) -> None:
        assert call(evaluate.main, "--run", tiny_run, "--data", one_file, "--out", "out").code == 0
        stored = read_json(tiny_run / "split.json")["test"]
        assert len(stored) == 18
        assert [row["id"] for row in read_rows(Path("out/predictions.csv"))] == stored
        for name in ("predictions.csv", "metrics.json"):
            assert Path("out", name).read_bytes() == (tiny_run / name).read_bytes()

    def test_of_a_folder_its_test_file(self, svc_run: Path, data: Path, call: Call) -> None:
        assert call(evaluate.main, "--run", svc_run, "--data", data, "--out", "whole").code == 0
        assert call(evaluate.main, "--run", svc_run, "--data", data / "exoTest.csv", "--out", "file").code == 0
        for name in ("whole", "file"):
            assert Path(name, "predictions.csv").read_bytes() == (svc_run / "predictions.csv").read_bytes()
        assert Path("whole/metrics.json").read_bytes() == (svc_run / "metrics.json").read_bytes()
        whole, file = read_json(Path("whole/metrics.json")), read_json(Path("file/metrics.json"))
        assert whole.pop("data_sha256") != file.pop("data_sha256")
        assert whole == file

    def test_its_training_file_is_refused(self, svc_run: Path, data: Path, call: Call) -> None:
        ran = call(evaluate.main, "--run", svc_run, "--data", data / "exoTrain.csv", "--out", "out")
        assert_refused(ran, "exoTrain.csv", "row 0 (exoTrain:0)", "72 of 72")
        assert not Path("out").exists()


class TestAnotherFile:
    def test_every_row_in_order_with_its_label(self, tiny_run: Path, call: Call) -> None:
        flux, label = stars(20, 7, seed=9)
        other = write_csv(Path("other.csv"), (flux, label))
        ran = call(evaluate.main, "--run", tiny_run, "--data", other)
        assert (ran.code, ran.err) == (0, "")
        out = tiny_run / "evaluation-other"
        rows = read_rows(out / "predictions.csv")
        assert [row["id"] for row in rows] == [f"other:{i}" for i in range(20)]
        assert [int(row["label"]) for row in rows] == (label - 1).tolist()
        assert read_json(out / "metrics.json")["n"] == 20
        assert {"report.html", "MODEL_CARD.md"} <= {p.name for p in out.iterdir()}
        shutil.rmtree(out)

    def test_a_star_that_was_trained_on_is_named(self, tiny_run: Path, one_file: Path, call: Call) -> None:
        split = read_json(tiny_run / "split.json")
        known = int(split["train"][3].split(":")[1])
        flux, label = stars(20, 7, seed=9)
        flux[:2] = np.nan
        flux[4] = stars(90, 30, seed=2)[0][known]
        write_csv(Path("leaky.csv"), (flux, label))
        ran = call(evaluate.main, "--run", tiny_run, "--data", "leaky.csv", "--out", "out")
        assert_refused(ran, "leaky.csv", "row 4 (leaky:4)", "1 of 20")
        assert not Path("out").exists()

    def test_without_labels_there_are_probabilities_and_no_figures(self, tiny_run: Path, call: Call) -> None:
        flux, label = stars(20, 7, seed=9)
        flux[3], flux[5] = np.nan, 4.0
        ran = []
        for name, labelled in (("with", True), ("without", False)):
            file = write_csv(Path(f"{name}.csv"), (flux, label), labelled=labelled)
            ran.append(call(evaluate.main, "--run", tiny_run, "--data", file, "--out", name))
        assert [r.code for r in ran] == [0, 0]
        rows, same = read_rows(Path("without/predictions.csv")), read_rows(Path("with/predictions.csv"))
        assert list(rows[0]) == ["id", "probability", "prediction"]
        assert [r["probability"] for r in rows] == [r["probability"] for r in same]
        assert not Path("without/metrics.json").exists()
        for name in ("with", "without"):
            assert "2 empty or constant rows" in Path(name, "report.html").read_text()
        prior = read_json(tiny_run / "calibration.json")["prior"]
        assert [float(rows[i]["probability"]) for i in (3, 5)] == pytest.approx([prior, prior], rel=1e-8)

    def test_repeated_rows_are_scored_and_counted_once(self, tiny_run: Path, call: Call) -> None:
        flux, label = stars(20, 7, seed=9)
        double = np.concatenate([np.arange(20), [0, 1, 1]])
        write_csv(Path("plain.csv"), (flux, label))
        write_csv(Path("double.csv"), (flux[double], label[double]))
        found = []
        for name in ("plain", "double"):
            assert call(evaluate.main, "--run", tiny_run, "--data", f"{name}.csv", "--out", name).code == 0
            found.append(read_json(Path(name, "metrics.json")))
        assert len(read_rows(Path("double/predictions.csv"))) == 23
        assert found[1]["n"] == 20
        assert found[1]["average_precision"] == found[0]["average_precision"]
        assert any("3 rows repeat an earlier row" in text for text in found[1]["warnings"])

    def test_one_class_only_leaves_figures_undefined(self, tiny_run: Path, call: Call) -> None:
        write_csv(Path("quiet.csv"), stars(12, 0, seed=9))
        assert call(evaluate.main, "--run", tiny_run, "--data", "quiet.csv", "--out", "out").code == 0
        found = read_json(Path("out/metrics.json"))
        assert found["average_precision"] is None
        assert found["n_positive"] == 0

    def test_another_cadence_is_reported(self, tiny_run: Path, call: Call) -> None:
        write_csv(Path("other.csv"), stars(20, 7, seed=9))
        command = ("--run", tiny_run, "--data", "other.csv", "--out", "out", "--cadence-minutes", 2)
        assert call(evaluate.main, *command).code == 0
        assert any("at a cadence of 29.42 minutes, these rows have 2" in w for w in warnings_of("out"))

    @pytest.mark.parametrize("name", ["svc", "tiny"])
    def test_another_number_of_cadences(
        self, name: str, svc_run: Path, tiny_run: Path, call: Call, tmp_path: Path
    ) -> None:
        write_csv(Path("longer.csv"), stars(20, 7, seed=9, cadences=CADENCES + 32))
        run = {"svc": svc_run, "tiny": tiny_run}[name]
        ran = call(evaluate.main, "--run", run, "--data", "longer.csv", "--out", "out")
        assert_refused(ran, "trained on", "shape of the training data")
        assert not Path("out").exists()

    def test_the_seed_moves_only_the_intervals(self, tiny_run: Path, call: Call) -> None:
        write_csv(Path("other.csv"), stars(20, 7, seed=9))
        for seed in (1, 2):
            command = ("--run", tiny_run, "--data", "other.csv", "--out", f"out{seed}", "--seed", seed)
            assert call(evaluate.main, *command).code == 0
        assert Path("out1/predictions.csv").read_bytes() == Path("out2/predictions.csv").read_bytes()
        one, two = (read_json(Path(f"out{seed}/metrics.json"))["brier"] for seed in (1, 2))
        assert one["value"] == two["value"]
        assert one["low"] != two["low"]


def test_a_stated_prior_moves_the_probabilities_and_is_reported(tiny_run: Path, call: Call) -> None:
    write_csv(Path("other.csv"), stars(20, 7, seed=9))
    command = ("--run", tiny_run, "--data", "other.csv", "--out")
    assert call(evaluate.main, *command, "own").code == 0
    assert call(evaluate.main, *command, "rare", "--prior", 0.01).code == 0
    own, rare = (read_rows(Path(name, "predictions.csv")) for name in ("own", "rare"))
    odds = [np.array([float(r["probability"]) / (1 - float(r["probability"])) for r in rows]) for rows in (own, rare)]
    prior = read_json(tiny_run / "calibration.json")["prior"]
    assert odds[1] / odds[0] == pytest.approx(np.full(20, (0.01 / 0.99) / (prior / (1 - prior))), rel=1e-5)
    assert [r["prediction"] for r in own] == [r["prediction"] for r in rare]
    one, two = (read_json(Path(name, "metrics.json")) for name in ("own", "rare"))
    assert (one["prior"], two["prior"]) == (prior, 0.01)
    assert (one["confusion"], one["average_precision"]) == (two["confusion"], two["average_precision"])
    assert any("a share of 0.01 of the stars are hosts, as stated" in warning for warning in two["warnings"])
    assert "a share of 0.01 of the stars are hosts, as stated." in Path("rare/report.html").read_text()
    assert (
        f"a share of {prior:.4g} of the stars are hosts, as among the training rows."
        in Path("own/report.html").read_text()
    )
    assert_refused(call(evaluate.main, *command, "no", "--prior", 1), "--prior 1", "between 0 and 1")


class TestARunThatCannotBeUsed:
    @pytest.mark.parametrize("command", [evaluate.main, plot.main])
    def test_missing(self, command: object, call: Call, one_file: Path) -> None:
        source = ("--data", one_file) if command is evaluate.main else ()
        assert_refused(call(command, "--run", "nope", *source), "checkpoints/nope", "there is no run")
        assert not Path("checkpoints").exists()

    @pytest.mark.parametrize("content", ["{", "[]", "null", '{"config": 3}', '{"config": {"model": "tiny"}}', "\x80\0"])
    def test_damaged_configuration(self, content: str, tiny_run: Path, one_file: Path, call: Call) -> None:
        run = copy(tiny_run)
        (run / "config.json").write_bytes(content.encode("latin-1"))
        assert_refused(call(evaluate.main, "--run", run, "--data", one_file), "config.json")

    @pytest.mark.parametrize("key", ["sha256", "inputs", "cadence_days", "catalogued"])
    def test_incomplete_facts(self, key: str, tiny_run: Path, one_file: Path, call: Call) -> None:
        run = copy(tiny_run)
        stored = read_checked(run / "config.json")
        del stored["data"][key]
        write_checked(run / "config.json", stored)
        assert_refused(call(evaluate.main, "--run", run, "--data", one_file), key, "train again")

    @pytest.mark.parametrize("content", ["{", "{}", '{"warnings": [], "prior": "a"}', "[1]"])
    def test_damaged_calibration(self, content: str, tiny_run: Path, one_file: Path, call: Call) -> None:
        run = copy(tiny_run)
        (run / "calibration.json").write_text(content)
        assert_refused(call(evaluate.main, "--run", run, "--data", one_file), "calibration.json")

    def test_damaged_split(self, tiny_run: Path, one_file: Path, call: Call) -> None:
        run = copy(tiny_run)
        (run / "split.json").write_text('{"train": []}')
        assert_refused(call(evaluate.main, "--run", run, "--data", one_file), "split.json")

    # NumPy leaves a damaged archive open.
    @pytest.mark.filterwarnings("ignore:.*model.npz:pytest.PytestUnraisableExceptionWarning")
    def test_damaged_arrays(self, svc_run: Path, data: Path, call: Call) -> None:
        run = copy(svc_run)
        whole = (run / "model.npz").read_bytes()
        (run / "model.npz").write_bytes(whole[: len(whole) // 2])
        assert_refused(call(evaluate.main, "--run", run, "--data", data), "model.npz", "damaged")
        middle = len(whole) // 2
        (run / "model.npz").write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        assert_refused(call(evaluate.main, "--run", run, "--data", data), "model.npz", "damaged")
        (run / "model.npz").unlink()
        assert_refused(call(evaluate.main, "--run", run, "--data", data), "model.npz", "missing")

    def test_unfinished(self, tiny_run: Path, one_file: Path, call: Call) -> None:
        run = copy(tiny_run)
        (run / "calibration.json").unlink()
        assert_refused(call(evaluate.main, "--run", run, "--data", one_file), "not finished", "train command")


def test_prediction_sets_stand_in_the_figures_and_in_the_report(tiny_run: Path, call: Call) -> None:
    flux, label = stars(60, 20, seed=9)
    flux[0] = np.nan  # cannot be scored, and has no set
    write_csv(Path("other.csv"), (flux, label))
    assert call(evaluate.main, "--run", tiny_run, "--data", "other.csv", "--out", "out").code == 0
    found = read_json(Path("out/metrics.json"))["conformal"]
    with np.load(tiny_run / "calibration_scores.npz") as known:
        edge = np.sort(known["logits"][known["label"] == 1])
    planet = found["classes"]["planet"]
    # k = floor(0.1 * 25) = 2
    assert planet["n_calibration"] == len(edge) == 24
    assert planet["bound"] == edge[1]
    assert planet["n_test"] + found["classes"]["other"]["n_test"] == sum(found["sets"].values()) == 59
    text = Path("out/report.html").read_text()
    assert "Prediction sets" in text
    assert "No claim is made" in text
    assert "approximate at best" in text
    # A run from before the scores were kept has none, and is still evaluated.
    old = copy(tiny_run)
    (old / "calibration_scores.npz").unlink()
    assert call(evaluate.main, "--run", old, "--data", "other.csv", "--out", "old").code == 0
    assert read_json(Path("old/metrics.json"))["conformal"] is None
    assert "Prediction sets" not in Path("old/report.html").read_text()


def test_out_that_cannot_be_written(tiny_run: Path, one_file: Path, call: Call) -> None:
    Path("file").write_text("")
    ran = call(evaluate.main, "--run", tiny_run, "--data", one_file, "--out", "file/out")
    assert_refused(ran, "file/out")
    assert Path("file").read_text() == ""


def test_nothing_in_a_foreign_run_is_executed(svc_run: Path, data: Path, call: Call) -> None:
    run = copy(svc_run)
    pickled = np.array([Payload()], dtype=object)
    np.savez(run / "model.npz", allow_pickle=True, input=pickled)
    assert_refused(call(evaluate.main, "--run", run, "--data", data), "model.npz")
    assert not Path("executed").exists()


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return open, ("executed", "w")


def copy(run: Path) -> Path:
    return shutil.copytree(run, Path.cwd() / "copy")


def warnings_of(folder: str) -> list[str]:
    return read_json(Path(folder, "metrics.json"))["warnings"]


def test_evaluating_leaves_the_run_as_it_is(tiny_run: Path, one_file: Path, call: Call) -> None:
    before = files(tiny_run)
    assert call(evaluate.main, "--run", tiny_run, "--data", one_file, "--out", "out").code == 0
    assert files(tiny_run) == before
