"""Ready-made folded events from training to the report of another file."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from small_cli import Call, assert_refused, read_rows

import exojax.cli.outputs
from exojax.cli import evaluate, explore, train

KINDS = np.array(["PC", "EB", "J"])


def write_events(
    path: Path, n: int, *, first: int = 0, seed: int = 0, bins: int = 61, **more: np.ndarray | None
) -> Path:
    rng = np.random.default_rng(seed)
    kind = KINDS[np.arange(n) % 3]
    views = {}
    for name, width in (("global_view", 201), ("local_view", bins), ("secondary_view", bins)):
        view = rng.normal(0, 0.1, (n, width))
        dip = np.abs(np.arange(width) - width // 2) < width // 8
        view -= np.where(kind != "J", 1.0, 0.0)[:, None] * dip
        view -= np.median(view, axis=1, keepdims=True)
        views[name] = (view / -view.min(axis=1, keepdims=True)).astype(np.float32)
    arrays = {
        "tic_id": first + np.arange(n),
        "Disposition": kind,
        "Period": rng.uniform(1, 10, n),
        "Duration": rng.uniform(0.05, 0.2, n),
        "Epoc": rng.uniform(1325, 1352, n),
        "SN": rng.uniform(8, 30, n),
        **views,
    } | more
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


@pytest.fixture(scope="module")
def folded_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("folded")
    with chdir(place), pytest.MonkeyPatch.context() as patch:
        patch.setattr(exojax.cli.outputs, "plots", lambda run, found: {})
        write_events(Path("events.npz"), 180)
        words = ["--data", "events.npz", "--model", "transit", "--run", "./t1", "--steps", "3", "--positive", "PC,EB"]
        assert train.main(words) == 0
    return place / "t1"


def test_a_run_remembers_which_dispositions_are_positive(folded_run: Path, call: Call) -> None:
    write_events(Path("other.npz"), 45, first=1000, seed=1)
    ran = call(evaluate.main, "--run", folded_run, "--data", "other.npz", "--out", "out")
    assert ran.code == 0, ran.err
    found = json.loads(Path("out/metrics.json").read_text())
    assert (found["n"], found["n_positive"]) == (45, 30)
    rows = read_rows(Path("out/predictions.csv"))
    assert list(rows[0]) == ["id", "probability", "prediction", "label"]
    assert [row["id"] for row in rows] == [str(1000 + i) for i in range(45)]
    assert "not applicable" in Path("out/report.html").read_text()


def test_optional_arrays_may_be_missing_and_there_may_be_no_labels(folded_run: Path, call: Call) -> None:
    write_events(Path("bare.npz"), 12, first=2000, seed=2, secondary_view=None, Epoc=None, SN=None, Disposition=None)
    ran = call(evaluate.main, "--run", folded_run, "--data", "bare.npz", "--out", "out")
    assert ran.code == 0, ran.err
    assert list(read_rows(Path("out/predictions.csv"))[0]) == ["id", "probability", "prediction"]
    assert not Path("out/metrics.json").exists()


def test_what_cannot_be_scored_is_refused_in_one_line(folded_run: Path, call: Call) -> None:
    for name, more, words in (
        ("bins", {"bins": 31}, ("local_view has 31 bins", "trained on 61")),
        ("none", {"local_view": None}, ("no array 'local_view'",)),
        ("seen", {"first": 0}, ("was trained on",)),
    ):
        write_events(Path(f"{name}.npz"), 12, **({"first": 3000, "seed": 3} | more))
        assert_refused(call(evaluate.main, "--run", folded_run, "--data", f"{name}.npz", "--out", "out"), *words)


def test_folded_events_are_no_light_curves(call: Call) -> None:
    write_events(Path("events.npz"), 30)
    assert_refused(call(train.main, "--data", "events.npz", "--model", "svc"), "holds folded events", "--model transit")
    assert_refused(call(explore.main, "--data", "events.npz", "--out", "out"), "holds folded events")
    ran = call(train.main, "--data", "events.npz", "--model", "transit", "--positive", "XX", "--run", "x")
    assert_refused(ran, "no event has the disposition XX", "PC")


@pytest.mark.usefixtures("_no_plots")
def test_boosting_on_events_alone_tells_what_it_leans_on_and_what_it_had_not(call: Call) -> None:
    write_events(Path("events.npz"), 150)
    ran = call(train.main, "--data", "events.npz", "--model", "boosting", "--run", "./b1", "--positive", "PC,EB")
    assert ran.code == 0, ran.err
    found = json.loads(Path("b1/metrics.json").read_text())
    assert found["average_precision"]["value"] > 0.9
    (warning,) = [text for text in found["warnings"] if "left out" in text]
    assert "series: dips (10 columns)" in warning
    rows = read_rows(Path("b1/importances.csv"))
    assert list(rows[0]) == ["feature", "importance", "error"]
    losses = [float(row["importance"]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0
    assert rows[0]["feature"].endswith("view")
    # Restored, it scores other events; without the secondary's view too.
    write_events(Path("other.npz"), 45, first=1000, seed=1, secondary_view=None)
    ran = call(evaluate.main, "--run", "./b1", "--data", "other.npz", "--out", "out")
    assert ran.code == 0, ran.err
    assert json.loads(Path("out/metrics.json").read_text())["average_precision"]["value"] > 0.9
