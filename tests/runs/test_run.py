"""Run folders: what is refused, and in which words."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from exojax.config import DataConfig, RunConfig, TrainConfig, from_dict
from exojax.errors import InputError
from exojax.runs.probabilities import to_prior
from exojax.runs.run import PRETRAINED, load, run_folder, shipped_start, write_config
from exojax.storage.json_files import read_checked, read_json, write_checked, write_json


def test_a_configuration_survives_json():
    config = RunConfig(model="svc", seed=3, data=DataConfig(cadence_minutes=144, positive=("PC", "EB")))
    assert from_dict(RunConfig, json.loads(json.dumps(asdict(config))), "config.json") == config
    assert from_dict(RunConfig, {}, "config.json") == RunConfig()
    assert from_dict(TrainConfig, {"learning_rate": 1}, "x").learning_rate == 1.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"modle": "cnn"}, "RunConfig has no field 'modle'; its fields are model, seed"),
        ({"train": {"stesp": 1}}, "TrainConfig has no field 'stesp'"),
        ({"seed": "1"}, "seed is '1', expected int"),
        ({"seed": True}, "seed is True, expected int"),
        ({"seed": 1.0}, "seed is 1.0"),
        ({"train": 3}, "train is 3"),
        ({"train": {"constant": 1}}, "constant is 1, expected bool"),
        ({"data": {"positive": "PC"}}, "positive is 'PC', expected tuple"),
        ({"data": {"cadence_minutes": "29"}}, "cadence_minutes is '29'"),
        ({"model": None}, "model is None, expected str"),
    ],
)
def test_what_is_no_configuration_is_refused(values, words):
    with pytest.raises(InputError) as refused:
        from_dict(RunConfig, values, "config.json")
    assert str(refused.value).startswith("config.json: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


FACTS = {"sha256": "abc", "inputs": {"flux": [96]}}


def test_write_config_names_every_difference(tmp_path):
    write_config(tmp_path, RunConfig(train=TrainConfig()), FACTS)
    before = (tmp_path / "config.json").read_bytes()
    write_config(tmp_path, RunConfig(train=TrainConfig()), FACTS)
    # The same data by another path is the same data.
    write_config(tmp_path, RunConfig(data=DataConfig(source="elsewhere"), train=TrainConfig()), FACTS)
    with pytest.raises(InputError) as refused:
        write_config(tmp_path, RunConfig(seed=2, train=TrainConfig(steps=7)), FACTS | {"inputs": {"flux": [97]}})
    for words in ("config.seed: 0 -> 2", "config.train.steps: 600 -> 7", "data.inputs.flux: [96] -> [97]"):
        assert words in str(refused.value)
    with pytest.raises(InputError, match="source"):
        write_config(
            tmp_path, RunConfig(data=DataConfig(source="elsewhere"), train=TrainConfig()), FACTS | {"sha256": "abd"}
        )
    assert (tmp_path / "config.json").read_bytes() == before


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"x": 1})
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(path, {"x": float("nan")})
    assert read_json(path) == {"x": 1}
    assert [p.name for p in path.parent.iterdir() if "partial" not in p.name] == ["a.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe\x00", b"null"])
def test_damaged_json_is_named(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    for read in (read_json, read_checked):
        with pytest.raises(InputError, match=r"config\.json") as refused:
            read(path)
        assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match=r"config\.json"):
        load(tmp_path)


def test_load_says_what_is_missing(tmp_path):
    with pytest.raises(InputError, match="there is no run; train one with --run nothing"):
        load(tmp_path / "nothing")
    write_config(tmp_path, RunConfig(train=TrainConfig()), FACTS)
    with pytest.raises(InputError, match="not finished"):
        load(tmp_path)
    write_checked(tmp_path / "calibration.json", {"prior": 0.5})
    with pytest.raises(InputError) as refused:
        load(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("config", [3, {"model": 3}, {"train": {"steps": "many"}}, {"unknown": 1}])
def test_a_strangers_config_is_refused_in_one_line(tmp_path, config):
    write_checked(tmp_path / "config.json", {"config": config, "data": FACTS})
    write_checked(tmp_path / "calibration.json", {"prior": 0.5})
    with pytest.raises(InputError, match=r"config\.json") as refused:
        load(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_run_is_a_name_or_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(run_folder("k1")) == "checkpoints/k1"
    assert str(run_folder("some/where")) == "some/where"
    assert run_folder(tmp_path / "x") == tmp_path / "x"


def test_networks_are_moved_from_balanced_batches_to_the_prior_and_others_are_not():
    logits = np.array([-1.0, 0.0, 2.0])
    assert to_prior("cnn", logits, 0.01) == pytest.approx(logits + np.log(0.01 / 0.99))
    assert np.array_equal(to_prior("svc", logits, 0.01), logits)


def test_shipped_weights_are_started_from_where_they_fit():
    assert shipped_start(RunConfig(model="transit")) == PRETRAINED
    assert shipped_start(RunConfig(model="transit", options={"dropout": 0.1})) == PRETRAINED
    assert shipped_start(RunConfig(model="transit", options={"hidden": 64})) is None
    for other in ("svc", "cnn", "stack"):
        assert shipped_start(RunConfig(model=other)) is None
