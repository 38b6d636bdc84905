"""Errors that the user can mend: exit code 2, one line with file, place and remedy, no file left in the way."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_cli import Call, assert_refused, files, read_json, stars, write_csv

from exojax.cli import compare, evaluate, explore, inject, train, tune

pytestmark = pytest.mark.usefixtures("_no_plots")

HEADER = "LABEL,FLUX.1,FLUX.2,FLUX.3\n"


def lines_of(seed: int = 3) -> list[str]:
    return write_csv(Path("made.csv"), stars(40, 12, seed=seed)).read_text().splitlines(keepends=True)


def truncated_gzip(path: Path) -> None:
    whole = gzip.compress("".join(lines_of()).encode())
    path.write_bytes(whole[: len(whole) // 2])


def without_label(path: Path) -> None:
    path.write_text("".join(line.partition(",")[2] for line in lines_of()))


def doubled_column(path: Path) -> None:
    path.write_text("".join(lines_of()).replace("FLUX.2,", "FLUX.1,", 1))


def third_label(path: Path) -> None:
    lines = lines_of()
    path.write_text("".join([*lines[:5], "3" + lines[5][1:], *lines[6:]]))


def short_row(path: Path) -> None:
    lines = lines_of()
    path.write_text("".join([*lines[:7], lines[7].rpartition(",")[0] + "\n", *lines[8:]]))


def text_in_flux(path: Path) -> None:
    lines = lines_of()
    path.write_text("".join([*lines[:9], lines[9].replace(",", ",cloudy,", 1).rpartition(",")[0] + "\n", *lines[10:]]))


def mostly_constant(path: Path) -> None:
    flux, label = stars(40, 12, seed=3)
    flux[2:23] = 1.0
    write_csv(path, (flux, label))


def only_hosts(path: Path) -> None:
    write_csv(path, stars(40, 40, seed=3))


def no_hosts(path: Path) -> None:
    write_csv(path, stars(40, 0, seed=3))


def object_arrays(path: Path) -> None:
    flux = np.array([Payload()] * 3, dtype=object)
    np.savez(path, allow_pickle=True, flux=flux, n_points=np.full(3, 1), kepid=np.arange(3))


def unlabelled_npz(path: Path) -> None:
    flux = 1 + stars(12, 0, seed=0)[0] / 1e4
    np.savez(path, flux=flux, n_points=np.full(12, flux.shape[1]), kepid=np.arange(12))


class Payload:
    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("executed", "w")


BAD: dict[str, tuple[str, Callable[[Path], object], tuple[str, ...]]] = {
    "missing": ("bad.csv", lambda path: None, ("no such file",)),
    "empty": ("bad.csv", lambda path: path.write_text(""), ("empty",)),
    "header only": ("bad.csv", lambda path: path.write_text(HEADER), ("no rows",)),
    "truncated gzip": ("bad.csv.gz", truncated_gzip, ("cut short",)),
    "binary": ("bad.csv", lambda path: path.write_bytes(bytes(range(256)) * 9), ("binary",)),
    "no LABEL": ("bad.csv", without_label, ("line 1", "LABEL")),
    "doubled column": ("bad.csv", doubled_column, ("FLUX.1 twice",)),
    "third label": ("bad.csv", third_label, ("line 6", "LABEL is 3")),
    "short row": ("bad.csv", short_row, ("line 8",)),
    "text in flux": ("bad.csv", text_in_flux, ("line 10", "cloudy")),
    "mostly constant": ("bad.csv", mostly_constant, ("21 of 40", "bad:2")),
    "only hosts": ("bad.csv", only_hosts, ("planet hosts", "both classes")),
    "no hosts": ("bad.csv", no_hosts, ("without planets", "both classes")),
    "object arrays": ("bad.npz", object_arrays, ("'flux'",)),
    "no npz": ("bad.npz", lambda path: path.write_text("hello"), ("archive",)),
    "unlabelled npz": ("bad.npz", unlabelled_npz, ("no labels",)),
    "another kind": ("bad.txt", lambda path: path.write_text("1 2 3"), ("10 or more",)),
    "empty folder": ("bad", lambda path: path.mkdir(), ("exoTrain.csv",)),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_cannot_be_learned_from(case: str, call: Call) -> None:
    name, make, words = BAD[case]
    make(Path(name))
    command = ("--model", "tiny", "--run", "k1", "--steps", 1)
    assert_refused(call(train.main, "--data", name, *command), name, *words)
    assert not Path("executed").exists()
    assert not Path("checkpoints").exists()
    # Mended, the same command works.
    good = write_csv(Path("good.csv"), stars(40, 12, seed=3))
    if case == "short row":
        assert call(train.main, "--data", good, *command).code == 0
    if case in ("only hosts", "no hosts"):
        assert_refused(call(compare.main, "--data", name, "--models", "tiny", "--out", "out"), name, *words)
        assert not Path("out").exists()


def test_explore_refuses_alike(call: Call) -> None:
    Path("bad.csv").write_text("")
    assert_refused(call(explore.main, "--data", "bad.csv", "--out", "out"), "bad.csv", "empty")
    assert not Path("out").exists()


def test_too_short_for_the_network(call: Call) -> None:
    write_csv(Path("short.csv"), stars(40, 12, seed=3, cadences=100))
    for model in ("cnn", "cnn-original"):
        ran = call(train.main, "--data", "short.csv", "--model", model, "--run", "k1")
        assert_refused(ran, "short.csv", "too short")
    assert not Path("checkpoints").exists()


OPTIONS: dict[str, tuple[tuple[object, ...], tuple[str, ...]]] = {
    "unknown model": (("--model", "cnm"), ("cnm", "did you mean cnn")),
    "unknown option": (("--modle", "svc"), ("--modle", "did you mean --model?")),
    "another software's word": (("--epochs", 3), ("--epochs", "did you mean --steps?")),
    "another software's number": (("--lr=0.1",), ("--lr", "did you mean --config?")),
    "nothing like it": (("--xyzzy", 3), ("no such option: --xyzzy; see",)),
    "an option for a value": (("--run", "--fresh"), ("--run needs a value",)),
    "stray word": (("svc",), ("svc",)),
    "text for a number": (("--steps", "many"), ("--steps", "'many'", "whole number")),
    "fraction for a whole number": (("--steps", "2.5"), ("--steps", "'2.5'", "whole number")),
    "text for a fraction": (("--cadence-minutes", "half"), ("--cadence-minutes", "'half'", "number")),
    "no value": (("--run",), ("--run needs a value",)),
    "no steps": (("--steps", 0), ("--steps 0",)),
    "negative seed": (("--seed", -1), ("--seed -1",)),
    "huge seed": (("--seed", 2**40), ("--seed",)),
    "no cadence": (("--cadence-minutes", 0), ("cadence", "positive")),
    "no number": (("--cadence-minutes", "nan"), ("cadence", "positive")),
    "few stars": (("--n-stars", 3), ("--n-stars 3",)),
    "all hosts": (("--host-fraction", 1.5), ("--host-fraction 1.5",)),
    "empty name": (("--run", ""), ("--run",)),
    "dots": (("--run", ".."), ("--run",)),
    "no configuration": (("--config", "nowhere.json"), ("nowhere.json",)),
    "no start": (("--init", "nowhere", "--model", "tiny"), ("nowhere", "there is no run")),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_that_cannot_be(case: str, one_file: Path, call: Call) -> None:
    options, words = OPTIONS[case]
    # A data file on its own would not look at the simulation's options.
    assert_refused(call(train.main, "--data", one_file, *options), "train.py: ", *words)
    assert not Path("checkpoints").exists()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{", "JSON"),
        ("7", "JSON object"),
        ('{"config": 7}', "RunConfig"),
        ('{"model": "tiny", "stesp": 3}', "stesp"),
        ('{"train": {"steps": "many"}}', "steps"),
        ('{"train": {"batch_size": 0}}', "batch_size"),
        ('{"data": 3}', "data"),
    ],
)
def test_a_configuration_that_is_none(content: str, word: str, one_file: Path, call: Call) -> None:
    Path("c.json").write_text(content)
    assert_refused(call(train.main, "--data", one_file, "--model", "tiny", "--config", "c.json"), "c.json", word)
    assert not Path("checkpoints").exists()


class TestARunOfAnotherKind:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--model", "svc"), ("config.model: tiny -> svc",)),
            (("--steps", 13), ("config.train.steps: 12 -> 13",)),
            (("--seed", 5), ("config.seed: 0 -> 5",)),
            (("--cadence-minutes", 2), ("cadence_minutes: None -> 2.0",)),
            (("--config", "c.json"), ("config.train.learning_rate: 0.002 -> 0.1",)),
        ],
    )
    def test_the_difference_is_reported(
        self, options: tuple[object, ...], words: tuple[str, ...], tiny_run: Path, call: Call
    ) -> None:
        stored = read_json(tiny_run / "config.json")["config"]
        stored["train"]["learning_rate"] = 0.1
        Path("c.json").write_text(json.dumps(stored))
        before = files(tiny_run)
        assert_refused(call(train.main, "--run", tiny_run, *options), str(tiny_run), *words, "--fresh")
        assert files(tiny_run) == before

    def test_other_data_are_reported(self, tiny_run: Path, call: Call) -> None:
        before = files(tiny_run)
        write_csv(Path("other.csv"), stars(90, 30, seed=8))
        assert_refused(call(train.main, "--run", tiny_run, "--data", "other.csv"), "data.sha256", "--fresh")
        assert files(tiny_run) == before

    def test_the_same_data_elsewhere_are_the_same(self, tiny_run: Path, one_file: Path, call: Call) -> None:
        Path("alone.csv").write_bytes(one_file.read_bytes())
        run = shutil.copytree(tiny_run, "./copy/of/it")
        before = files(Path(run))
        assert call(train.main, "--run", run, "--data", "alone.csv").code == 0
        assert {k: v for k, v in files(Path(run)).items() if not k.endswith((".html", ".md"))} == {
            k: v for k, v in before.items() if not k.endswith((".html", ".md"))
        }


def test_a_run_folder_that_cannot_be_written(one_file: Path, call: Call) -> None:
    Path("file").write_text("mine")
    ran = call(train.main, "--data", one_file, "--model", "tiny", "--run", "file/k1")
    assert_refused(ran, "file/k1")
    assert Path("file").read_text() == "mine"


def test_a_command_without_what_it_needs(call: Call) -> None:
    assert_refused(call(evaluate.main), "--run and --data must be given")
    assert_refused(call(tune.main), "--model must be given")
    assert_refused(call(inject.main, "--out", "out", "--radius", 1), "--radius needs two values")
    assert_refused(call(inject.main, "--out", "out", "--radius", 1, "big"), "--radius", "'big' is not a number")
