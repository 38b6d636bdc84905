"""``compare.py``: the same folds for all, finished fold by fold."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from documented import assert_columns_explained, assert_files_explained, explained
from small_cli import CADENCES, TINY, Call, assert_refused, files, read_json, stars, write_csv

from exojax.cli import compare
from exojax.models import registry
from exojax.models.base import Choice, Suggest
from exojax.runs import injected_copies
from exojax.storage.array_files import load_arrays

MODELS = ("--models", "tiny,svc", "--folds", 3, "--repeats", 2, "--steps", 4)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 stars, 20 of them hosts; a fifth of either is left out of the comparison."""
    return write_csv(tmp_path_factory.mktemp("source") / "some.csv", stars(60, 20, seed=4))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    out = tmp_path_factory.mktemp("compared") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.MODELS, "tiny", TINY)
        assert compare.main([str(o) for o in ("--data", source, "--out", out, *MODELS)]) == 0
    return out


def scores(out: Path) -> list[dict[str, object]]:
    """Return the table without its times."""
    return [{k: v for k, v in row.items() if "," not in k} for row in read_json(out / "compare.json")["rows"]]


def test_the_four_files_say_the_same(compared: Path) -> None:
    found = read_json(compared / "compare.json")
    assert (found["n"], found["n_positive"]) == (48, 16)
    with (compared / "compare.csv").open() as stream:
        table = list(csv.DictReader(stream))
    markdown = (compared / "compare.md").read_text()
    page = (compared / "compare.html").read_text()
    assert [row["model"] for row in found["rows"]] == [row["model"] for row in table] == ["tiny", "svc"]
    for row, line in zip(found["rows"], table):
        figure = row["average precision"]
        assert float(line["average_precision"]) == figure["value"]
        assert float(line["average_precision_low"]) == figure["low"]
        printed = f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
        assert printed in markdown
        assert printed in page
        # What a guess reaches stands beside it: 16 of 48 stars are hosts.
        assert row["chance level"] == pytest.approx(1 / 3)
        assert float(line["chance_level"]) == pytest.approx(1 / 3)
        assert f"{printed} | 0.333 |" in markdown
    assert "<th>chance level</th>" in page
    assert "http://" not in page
    assert len(list((compared / "folds").glob("*.npz"))) == 2 * 3 * 2


def test_every_file_and_column_is_explained(compared: Path) -> None:
    assert_files_explained(compared, "The folders of the other commands")
    figures = ("average_precision", "ROC_AUC", "Brier", "recall_at_the_threshold", "precision_at_the_threshold")
    ends = (f"{name}_{end}" for name in (*figures, "difference_to_tiny") for end in ("low", "high"))
    assert_columns_explained(compared / "compare.csv", but=["difference_to_tiny", *ends])
    assert set(read_json(compared / "compare.json")) <= explained("columns", "compare.csv")


def test_the_difference_is_that_of_the_figures(compared: Path) -> None:
    first, second = scores(compared)
    assert first["difference to tiny"] is None
    expected = second["average precision"]["value"] - first["average precision"]["value"]
    assert second["difference to tiny"]["value"] == pytest.approx(expected, abs=1e-9)


def test_quality_beside_cost_and_what_the_hosts_can_show(compared: Path) -> None:
    found = read_json(compared / "compare.json")
    tiny, svc = found["rows"]
    columns = CADENCES // 4  # of the spectrum, as features/spectrum.py has it
    assert tiny["parameters"] == found["rows"][0]["parameters"] > 8 * columns
    for row in (tiny, svc):
        assert row["memory, MB"] is None or row["memory, MB"] >= 0
        assert row["fit, s"] > 0
        for name in ("Brier", "recall at the threshold", "precision at the threshold"):
            assert 0 <= row[name]["low"] <= row[name]["value"] <= row[name]["high"] <= 1
    # By the calibrated probabilities and thresholds of the folds themselves.
    kept = [load_arrays(path) for path in sorted((compared / "folds").glob("svc-0-*.npz"))]
    called = sum(int((one["probability"] >= one["threshold"]).sum()) for one in kept)
    assert 8 <= called <= 24  # of 48, 16 of them hosts that any model tells
    assert svc["recall at the threshold"]["value"] > 0.8
    assert len({float(one["threshold"]) for one in kept}) == 3
    (line,) = found["can_show"]
    assert line.startswith("svc against tiny: +")
    # Brackets are escaped there.
    assert line in (compared / "compare.md").read_text().replace("\\", "")
    for name in ("pr", "cost"):
        assert (compared / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_joined_with_the_test_file_every_figure_says_so(data: Path, call: Call) -> None:
    command = ("--models", "svc", "--folds", 2, "--inner", 0, "--out", "out", "--join-test")
    ran = call(compare.main, "--data", data, *command)
    assert ran.code == 0, ran.err
    found = read_json(Path("out/compare.json"))
    assert (found["n"], found["n_positive"]) == (96, 32)  # 72 and 24 rows, 24 and 8 hosts
    note = "no official test remains"
    assert [row["note"] for row in found["rows"]] == [note]
    assert note in Path("out/compare.csv").read_text()
    assert note in Path("out/compare.md").read_text().splitlines()[2]
    # The table, the list on top, both captions and both texts for who cannot see them.
    assert Path("out/compare.html").read_text().count(note) == 6
    assert note in ran.out
    assert "Brier" not in found["rows"][0]
    # Without the test file it is another comparison.
    assert_refused(call(compare.main, "--data", data, *command[:-1]), "sha256", "--out")


def test_only_what_is_missing_is_fitted_again(compared: Path, source: Path, call: Call, monkeypatch) -> None:
    folds = compared / "folds"
    before, kept = scores(compared), files(folds)
    for gone in ("tiny-0-1.npz", "svc-1-2.npz"):
        (folds / gone).unlink()
    fitted = []
    fit = injected_copies.fit_model
    monkeypatch.setattr(injected_copies, "fit_model", lambda *a, **b: fitted.append(1) or fit(*a, **b))
    assert call(compare.main, "--data", source, "--out", compared, *MODELS).code == 0
    assert len(fitted) == 2 * (1 + 2)  # and two inner folds each
    assert scores(compared) == before
    assert set(files(folds)) == set(kept)


def test_a_model_may_be_added_later(compared: Path, source: Path, call: Call) -> None:
    before = scores(compared)
    command = ("--models", "svc,tiny", *MODELS[2:])
    assert call(compare.main, "--data", source, "--out", compared, *command).code == 0
    assert [row["model"] for row in scores(compared)] == ["svc", "tiny"]
    assert {row["model"]: row["average precision"] for row in scores(compared)} == {
        row["model"]: row["average precision"] for row in before
    }
    assert call(compare.main, "--data", source, "--out", compared, *MODELS).code == 0


def test_each_outer_fold_is_tuned_by_itself(source: Path, call: Call, monkeypatch) -> None:
    pytest.importorskip("optuna", reason="tuning needs pip install -e '.[tune]'")
    tried = []

    def space(suggest: Suggest) -> Choice:
        rate = suggest.suggest_float("learning_rate", 1e-4, 1e-1, log=True)
        tried.append(rate)
        return Choice(train={"learning_rate": rate})

    monkeypatch.setitem(registry.MODELS, "tiny", replace(TINY, space=space))
    monkeypatch.setitem(registry.MODELS, "untuned", TINY)
    command = ("--data", source, "--models", "tiny,untuned", "--folds", 3, "--steps", 4, "--tune", 4, "--out", "out")
    ran = call(compare.main, *command)
    assert ran.code == 0, ran.err
    found = read_json(Path("out/compare.json"))
    assert found["tuned"].keys() == {"tiny"}
    folds = found["tuned"]["tiny"]
    assert [one["fold"] for one in folds] == [0, 1, 2]
    # Two looks at the space, four points in each fold, and the best of them once more.
    assert len(tried) == 2 + 3 * (4 + 1)
    for number, one in enumerate(folds):
        assert one["point"]["learning_rate"] in tried[2 + 5 * number : 6 + 5 * number]
    tiny, untuned = found["rows"]
    mean = sum(one["inner"] - one["outer"] for one in folds) / 3
    assert tiny["inner less outer AP"] == pytest.approx(mean, abs=1e-3)
    assert "inner less outer AP" not in untuned
    assert any("untuned: has no settings to tune" in line for line in found["warnings"])
    assert "inner less outer AP" in Path("out/compare.md").read_text()
    # What is finished is not tuned again.
    tried.clear()
    assert call(compare.main, *command).code == 0
    assert len(tried) == 2
    assert scores(Path("out"))[0]["average precision"] == tiny["average precision"]
    assert_refused(call(compare.main, *command[:-2], "--tune", 5, "--out", "out"), "tune: 4 -> 5")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--folds", 2), "folds: 3 -> 2"),
        (("--repeats", 1), "repeats: 2 -> 1"),
        (("--seed", 1), "seed: 0 -> 1"),
        (("--steps", 5), "steps: 4 -> 5"),
        (("--inner", 0), "inner: 2 -> 0"),
        (("--cadence-minutes", 5), "cadence_days"),
    ],
)
def test_another_plan_is_refused(options: tuple, word: str, compared: Path, source: Path, call: Call) -> None:
    before = files(compared)
    assert_refused(call(compare.main, "--data", source, "--out", compared, *MODELS, *options), word, "--out")
    assert files(compared) == before


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--folds", 17), "16 planet hosts cannot be shared among 17 folds"),
        (("--folds", 1), "--folds 1"),
        (("--repeats", 0), "--repeats 0"),
        (("--steps", 0), "--steps 0"),
        (("--inner", 1), "--inner 1"),
        (("--tune", -1), "--tune -1"),
        (("--tune", 3, "--inner", 0), "--inner 2"),
        (("--join-test",), "no test file of its own"),
        (("--models", "tiny,svx"), "did you mean svc"),
        (("--models", "tiny,tiny"), "twice"),
        (("--models", ""), "no such model"),
    ],
)
def test_a_plan_that_cannot_be(options: tuple, word: str, source: Path, call: Call) -> None:
    assert_refused(call(compare.main, "--data", source, "--out", "out", *MODELS, *options), word)
    assert not Path("out").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from small_cli import TINY
from exojax.runs import compare as comparing
from exojax.cli import compare
from exojax.models import registry
from exojax.models import registry
registry.MODELS["tiny"] = TINY
save = comparing.save_arrays
def save_and_die(path, arrays):
    save(path, arrays)
    if path.name == "tiny-0-1.npz":
        os.kill(os.getpid(), signal.SIGKILL)
comparing.save_arrays = save_and_die
compare.main(sys.argv[1:])
"""


def test_killed_in_the_middle_it_ends_alike(compared: Path, source: Path, call: Call) -> None:
    program = KILLED.format(here=str(Path(__file__).parent))
    command = [str(o) for o in ("--data", source, "--out", "out", *MODELS, "--inner", 0)]
    killed = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(p.name for p in Path("out/folds").glob("*.npz")) == ["tiny-0-0.npz", "tiny-0-1.npz"]
    assert call(compare.main, *command).code == 0
    assert [row["model"] for row in scores(Path("out"))] == ["tiny", "svc"]
    # Another process compiles for one device, this one for eight: the same to rounding.
    for one, other in zip(scores(Path("out")), scores(compared)):
        assert one["average precision"]["value"] == pytest.approx(other["average precision"]["value"], abs=0.02)


def test_without_a_folder_the_source_names_it(source: Path, call: Call) -> None:
    ran = call(compare.main, "--data", source, "--models", "svc", "--folds", 2, "--inner", 0)
    assert ran.code == 0, ran.err
    assert Path("out/compare/some/compare.html").exists()
    assert "report: out/compare/some/compare.html" in ran.out
