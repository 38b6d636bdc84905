"""Damaged checkpoints are found, reported and stepped over; sound ones come back bit for bit."""

import gc
import random
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_training import MODEL, differing, leaves, made_up, newest, small_fit, template

from exojax.errors import InputError
from exojax.storage.array_files import load_arrays, save_arrays
from exojax.training.checkpoint import arrays, checksums, open_checkpoints
from exojax.training.fit import load_model

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
SHAPES = {"flux": [64]}
FLIPS = 2


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    small_fit(folder)
    return folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


def steps(folder):
    return sorted(int(path.name) for path in (folder / "checkpoints").iterdir())


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= 0x10
    path.write_bytes(content)


def data_files(checkpoint):
    """Return Orbax's files: small arrays are in the first of these folders, large ones in the second."""
    return [*(checkpoint / "state" / "d").iterdir(), *(checkpoint / "state" / "ocdbt.process_0" / "d").iterdir()]


def cut_off(folder, step):
    for path in data_files(folder / "checkpoints" / str(step)):
        path.write_bytes(path.read_bytes()[:-50])


@pytest.fixture(autouse=True)
def _collect():
    """Orbax leaves what it was waiting for behind when a restore fails: let it fall here, not in another test."""
    yield
    gc.collect()


def test_the_latest_checkpoints_are_kept(finished):
    assert steps(finished) == [55, 60]


def test_any_flipped_byte_is_found_or_harmless(finished, tmp_path, caplog):
    """Every file, some bytes of each: the step before is used and named, or the values are the right ones."""
    want, before, rng, found = newest(finished), None, random.Random(0), 0
    for path in sorted((finished / "checkpoints" / "60").rglob("*")):
        if not path.is_file() or not path.stat().st_size:
            continue
        for _ in range(FLIPS):
            folder = shutil.copytree(finished, tmp_path / "run")
            position = rng.randrange(path.stat().st_size)
            flip(folder / path.relative_to(finished), position)
            caplog.clear()
            got, facts = newest(folder)
            shutil.rmtree(folder)
            if got["['step']"] == 55:
                before = before or (got, facts)
                assert "checkpoint of step 60 is damaged" in caplog.text
                assert "using the checkpoint of step 55 instead" in caplog.text
                assert differing(got, before[0]) == []
                found += path == data_files(finished / "checkpoints" / "60")[0]
            else:
                assert (differing(got, want[0]), facts) == ([], want[1]), f"{path.name}, byte {position}"
    assert found >= FLIPS - 1


def test_a_flipped_bit_of_a_weight_is_found_by_our_own_checksum(tmp_path, caplog):
    """Orbax has checksums for small arrays only; those that matter are not small."""
    weights = jax.random.normal(jax.random.key(0), (300, 300))
    state = template().replace(params={"w": weights})
    with open_checkpoints(tmp_path) as saver:
        saver.save(state, {}, score=0.0)
        saver.save(state.replace(step=jnp.int32(1)), {}, score=1.0)
    path = max(data_files(tmp_path / "1"), key=lambda path: path.stat().st_size)
    sound = path.read_bytes()
    assert len(sound) > 300_000
    for position in (20_000, 150_001, 299_998):
        flip(path, position)
        caplog.clear()
        with open_checkpoints(tmp_path) as saver:
            restored, _ = saver.restore(state)
        assert int(restored.step) == 0
        assert (restored.params["w"] == weights).all()
        assert "checkpoint of step 1 is damaged (" in caplog.text
        path.write_bytes(sound)


@pytest.mark.parametrize("key", ["best_score", "best_step", "stale", "done"])
def test_the_loops_own_facts_are_checked_too(run, key, caplog):
    """A digit of best_step is as good as a weight: it decides which weights are used."""
    changed = 0
    for path in (run / "checkpoints" / "60").rglob("*"):
        if path.is_file() and f'"{key}"'.encode() in path.read_bytes():
            text = path.read_text()
            start = text.index(f'"{key}"') + len(key) + 4
            new = {"t": "false", "f": "true"}.get(text[start], "7")
            end = min(i for i in (text.find(",", start), text.find("}", start)) if i > 0)
            path.write_text(text[:start] + new + text[end:])
            changed += 1
    assert changed == 1
    assert newest(run)[0]["['step']"] == 55
    assert "damaged" in caplog.text


def test_a_truncated_or_missing_file_is_found(run, caplog):
    cut_off(run, 60)
    assert newest(run)[0]["['step']"] == 55
    assert "checkpoint of step 60 is damaged" in caplog.text
    for path in data_files(run / "checkpoints" / "60"):
        path.unlink()
    assert newest(run)[0]["['step']"] == 55


def test_when_none_is_sound_one_line_says_so(run):
    for step in steps(run):
        cut_off(run, step)
    with pytest.raises(InputError, match="none of the 2 checkpoints is sound; train again with --fresh") as refused:
        newest(run)
    assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match="none of the 2"):
        small_fit(run)
    with pytest.raises(InputError, match="none of the 2"):
        load_model(MODEL, run, SHAPES)


def test_training_goes_on_from_the_step_before_and_mends_the_damaged_one(run, finished, caplog):
    cut_off(run, 60)
    small_fit(run)
    assert "using the checkpoint of step 55" in caplog.text
    caplog.clear()
    (got, facts), (want, wanted) = newest(run), newest(finished)
    assert differing(got, want) == []
    assert facts == wanted
    assert (run / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()
    assert not caplog.records


@pytest.mark.parametrize("name", ["60", "99"])
def test_an_empty_directory_named_like_a_step_is_in_nobodys_way(tmp_path, finished, name, caplog):
    folder = tmp_path / "run"
    (folder / "checkpoints" / name).mkdir(parents=True)
    shutil.copytree(finished / "checkpoints" / "55", folder / "checkpoints" / "55")
    small_fit(folder)
    assert "using the checkpoint of step 55 instead" in caplog.text
    got, want = newest(folder)[0], newest(finished)[0]
    assert differing(got, want) == []
    flux = {"flux": made_up()[0]}
    assert np.array_equal(load_model(MODEL, folder, SHAPES)(flux), load_model(MODEL, finished, SHAPES)(flux))


def test_a_run_from_an_empty_directory_alone(tmp_path):
    (tmp_path / "checkpoints" / "30").mkdir(parents=True)
    with pytest.raises(InputError, match="none of the 1"):
        small_fit(tmp_path)


def test_load_model_gives_the_scores_of_fit_model_bit_for_bit(tmp_path):
    flux = {"flux": made_up()[0]}
    scores = small_fit(tmp_path, stopping=True)
    assert np.array_equal(load_model(MODEL, tmp_path, SHAPES)(flux), scores(flux))


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_load_model_needs_no_settings_of_the_optimiser(tmp_path, weight_decay):
    flux = {"flux": made_up()[0]}
    scores = small_fit(tmp_path, settings={"weight_decay": weight_decay, "constant": True, "steps": 5})
    assert np.array_equal(load_model(MODEL, tmp_path, SHAPES)(flux), scores(flux))


def test_load_model_uses_the_step_before_when_the_best_is_damaged(tmp_path, caplog):
    small_fit(tmp_path, stopping=True)
    best = newest(tmp_path, stopping=True)[1]["best_step"]
    cut_off(tmp_path, best)
    scores = load_model(MODEL, tmp_path, SHAPES)({"flux": made_up()[0]})
    assert f"checkpoint of step {best} is damaged" in caplog.text
    assert np.isfinite(scores).all()


def test_load_model_says_when_there_is_nothing(tmp_path):
    with pytest.raises(InputError, match="has no checkpoints"):
        load_model(MODEL, tmp_path, SHAPES)
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(InputError, match="has no finished checkpoint"):
        load_model(MODEL, tmp_path, SHAPES)


def test_a_save_over_a_step_replaces_it(tmp_path):
    one = template()
    other = one.replace(params=jax.tree.map(lambda x: x + jnp.float32(1), one.params))
    with open_checkpoints(tmp_path) as saver:
        saver.save(one, {"best_step": 0}, score=0.0)
        saver.save(other, {"best_step": 7}, score=0.0)
    with open_checkpoints(tmp_path) as saver:
        state, facts = saver.restore(one)
    assert differing(leaves(arrays(state)), leaves(arrays(other))) == []
    assert facts == {"best_step": 7}


def test_a_checkpoint_from_eight_devices_serves_one(finished):
    with open_checkpoints(finished / "checkpoints") as saver:
        state, _ = saver.restore(template())
    assert {len(leaf.sharding.device_set) for leaf in jax.tree.leaves(arrays(state))} == {1}


def test_checksums_see_bits_shape_and_dtype():
    value = {"a": jnp.zeros((2, 3), jnp.float32)}
    same = checksums({"a": jnp.zeros((2, 3), jnp.float32)})
    assert checksums(value) == same
    for other in (jnp.zeros((3, 2)), jnp.zeros((2, 3), jnp.int32), -jnp.zeros((2, 3))):
        assert checksums({"a": other}) != same


def test_arrays_on_disk_are_checked_and_never_unpickled(tmp_path):
    path = tmp_path / "deep" / "a.npz"
    save_arrays(path, {"x": np.arange(2000.0), "name": np.array("spectrum")})
    got = load_arrays(path)
    assert got["x"].tolist() == list(range(2000))
    assert str(got["name"]) == "spectrum"
    assert [p.name for p in path.parent.iterdir()] == ["a.npz"]
    flip(path, 3000)
    with pytest.raises(InputError, match=r"a\.npz: damaged"):
        load_arrays(path)
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"a\.npz: damaged"):
        load_arrays(path)
    with pytest.raises(InputError, match="missing"):
        load_arrays(tmp_path / "none.npz")
