"""From light curves to a finished run: the split, the protocol, and that nothing leaks."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen as nn

from exojax import config as defaults
from exojax.config import FoldConfig, RunConfig, SearchConfig, TrainConfig
from exojax.errors import InputError
from exojax.evaluation import calibration, split
from exojax.features.registry import compute
from exojax.light_curves import LightCurves, shared_time
from exojax.models import registry
from exojax.models.base import Network
from exojax.models.layers import Conv, highest, max_pool
from exojax.runs.fit import fit, validation_rows
from exojax.runs.probabilities import apply
from exojax.runs.rows import usable_rows
from exojax.runs.run import load, predict
from exojax.storage.array_files import load_arrays
from exojax.training.log import read_metrics
from exojax.training.recipe import Recipe
from exojax.training.step import advance, gradients

TINY = TrainConfig(steps=6, batch_size=8, evaluate_every=3)


class TinyNetwork(nn.Module):
    @nn.compact
    def __call__(self, inputs, *, train):
        x = max_pool(nn.relu(Conv(4, 3)(inputs["flux"][..., None])), 4)
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)
        x = nn.Dropout(0.2, deterministic=not train)(x.max(1))
        return nn.Dense(1)(x)[:, 0]


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    """A model is one line in the registry."""
    monkeypatch.setitem(registry.MODELS, "tiny", Network(inputs=("flux",), module=TinyNetwork()))


def curves(n=90, hosts=24, c=96, seed=0):
    rng = np.random.default_rng(seed)
    flux = rng.standard_normal((n, c)).astype(np.float32)
    flux[:hosts, ::16] -= 5
    return LightCurves(
        id=np.array([f"k{i}" for i in range(n)]),
        time=shared_time(n, c, 0.1),
        flux=flux,
        valid=np.ones((n, c), bool),
        label=(np.arange(n) < hosts).astype(np.int8),
        kind=None,
        catalogued=True,
        absolute=False,
        cadence=0.1,
        time_system="assumed",
        source="made up",
        sha256="abc",
    )


MANY = {"n": 260, "hosts": 130}  # leaves 21 validation hosts


def config(model="tiny", **changes):
    return RunConfig(model=model, train=replace(TINY, **changes))


def changed(data, rows, *, flux=None, label=None):
    new = {}
    if flux is not None:
        new["flux"] = data.flux.copy()
        new["flux"][rows] = flux
    if label is not None:
        new["label"] = data.label.copy()
        new["label"][rows] = label
    return replace(data, **new)


def folder_contents(folder):
    """Return every file that scores depend on, as bytes."""
    names = ("model.npz", "calibration.json", "metrics.jsonl", "split.json", "coverage.npz", "calibration_scores.npz")
    kept = {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}
    return kept | {path.name: path.read_bytes() for path in folder.glob("out_of_fold/*")}


@pytest.mark.parametrize(
    ("model", "size", "protocol"),
    [("tiny", {}, "out-of-fold"), ("tiny", MANY, "validation"), ("svc", {}, "out-of-fold")],
)
def test_fit_load_and_predict_agree_bit_for_bit(tmp_path, model, size, protocol):
    data = curves(**size)
    run = fit(config(model), data, tmp_path / "run")
    assert run.calibration.protocol == protocol
    fresh = curves(seed=1)
    probability = predict(run, fresh)
    assert np.array_equal(predict(tmp_path / "run", fresh), probability)
    assert np.array_equal(load(tmp_path / "run").probability(compute(run.inputs, fresh)), probability)
    assert ((probability > 0) & (probability < 1)).all()
    # Called again it reads what is there, and changes nothing.
    before = folder_contents(tmp_path / "run")
    assert np.array_equal(predict(fit(config(model), data, tmp_path / "run"), fresh), probability)
    assert folder_contents(tmp_path / "run") == before


@pytest.mark.parametrize("size", [{}, MANY])
def test_calibration_and_threshold_come_from_rows_the_weights_never_saw(tmp_path, size):
    data = curves(**size)
    run = fit(config(), data, tmp_path)
    where = {name: i for i, name in enumerate(data.id)}
    rows = {part: np.array([where[name] for name in run.split[part]], int) for part in ("train", "validation", "test")}
    judged = rows["validation"] if size else rows["train"]
    if size:
        logits = run.scorer(compute(run.inputs, data.take(judged)))
    else:
        fold = split.folds(usable_rows(data).group[judged], data.label[judged], k=3, seed=0, stream="out-of-fold")
        logits = np.zeros(len(judged))
        for k in range(3):
            logits[fold == k] = load_arrays(tmp_path / "out_of_fold" / f"{k}.npz")["logits"]
        assert not np.allclose(logits, run.scorer(compute(run.inputs, data.take(judged))))
    prior = data.label[rows["train"]].mean()
    shifted, how = calibration.prior_shift(logits, 0.5, prior), run.calibration
    if size:
        curve = calibration.fit(shifted, data.label[judged], usable_rows(data).group[judged], seed=0)
        assert set(curve.log_loss) == {"temperature", "platt"}
    else:
        curve = calibration.Calibrator("platt", *calibration.fit_platt(shifted, data.label[judged]))
    kept = load_arrays(tmp_path / "calibration_scores.npz")
    assert np.array_equal(kept["logits"], logits)
    assert np.array_equal(kept["label"], data.label[judged])
    assert len(set(kept["group"].tolist())) == len(judged)
    assert (how.prior, how.curve) == (pytest.approx(prior), curve)
    assert how.threshold == calibration.choose_threshold(data.label[judged], apply("tiny", how, logits))


@pytest.mark.parametrize("model", ["tiny", "svc"])
@pytest.mark.parametrize("size", [{}, MANY])
def test_test_rows_leave_no_trace(tmp_path, monkeypatch, model, size):
    """Whatever stands in the test rows, weights, calibration and threshold are the same to the bit.

    The split itself is stratified by label, so it is held fixed while labels change.
    """
    data = curves(**size)
    run = fit(config(model), data, tmp_path / "a")
    test = np.array(run.split["test_rows"])
    assert len(test) >= 18
    holdout, masks = split.holdout, iter([np.isin(np.arange(len(data)), test), None])
    monkeypatch.setattr(
        split, "holdout", lambda *args, **kwargs: holdout(*args, **kwargs) if (mask := next(masks)) is None else mask
    )
    strange = 1e4 * np.random.default_rng(9).standard_normal((len(test), 96)).astype(np.float32)
    other = changed(data, test, flux=strange, label=1 - data.label[test])
    fit(config(model), other, tmp_path / "b")
    one, two = folder_contents(tmp_path / "a"), folder_contents(tmp_path / "b")
    assert one == two
    assert {"calibration.json", "split.json"} < one.keys()
    fresh = curves(seed=1)
    assert np.array_equal(predict(tmp_path / "a", fresh), predict(tmp_path / "b", fresh))


def test_flux_of_test_rows_does_not_even_move_the_split(tmp_path):
    data = curves()
    first = fit(config("svc"), data, tmp_path / "a").split
    test = np.array(first["test_rows"])
    second = fit(config("svc"), changed(data, test, flux=data.flux[test] * 3), tmp_path / "b").split
    assert first == second


@pytest.mark.parametrize("size", [{}, MANY])
def test_the_stored_split_parts_no_star(tmp_path, size):
    """Stars with several rows, and rows that stand under two names."""
    data = curves(**size)
    n = len(data)
    names = data.id.copy()
    names[1::10] = names[0::10]
    flux = data.flux.copy()
    flux[35], flux[36] = flux[5], flux[44]
    data = replace(data, id=names, flux=flux)
    run = fit(config("svc"), data, tmp_path)
    train, validation, test = (set(run.split[part]) for part in ("train", "validation", "test"))
    assert train.isdisjoint(validation)
    assert (train | validation).isdisjoint(test)
    counted = sum(len(run.split[part]) for part in ("train", "validation", "test"))
    assert counted == n - 2
    assert [data.id[row] for row in run.split["test_rows"]] == run.split["test"]
    assert any("2 rows that repeat an earlier row were dropped" in warning for warning in run.warnings)
    assert len(run.split["digests"]) == counted - len(run.split["test"])


def test_a_repeated_row_makes_two_names_one_star():
    """The repeat is dropped, but its link is kept: its star's other rows go into the same split as its copy."""
    data = curves()
    names, flux = data.id.copy(), data.flux.copy()
    flux[50] = flux[40]  # k40 is k50
    names[51] = "k50"
    rows = usable_rows(replace(data, id=names, flux=flux))
    group = dict(zip(rows.index.tolist(), rows.group.tolist()))
    assert 50 not in group
    assert group[51] == group[40]
    assert len(set(group.values())) == 88
    # Row numbers name no star, equal or not.
    rows = usable_rows(replace(data, id=names, catalogued=False))
    assert len(set(rows.group.tolist())) == 90


@pytest.mark.parametrize(("hosts", "enough"), [(95, False), (96, True)])
def test_twenty_validation_hosts_are_enough(hosts, enough):
    label = (np.arange(400) < hosts).astype(int)
    held = validation_rows(label, np.arange(400), 0)
    assert held.any() == enough
    if enough:
        assert (held & (label == 1)).sum() == defaults.MIN_VALIDATION_HOSTS == 20


def test_hosts_are_counted_by_star():
    label = (np.arange(400) < 100).astype(int)
    assert not validation_rows(label, np.arange(400) // 2, 0).any()


def test_few_hosts_give_a_warning(tmp_path):
    run = fit(config("svc"), curves(), tmp_path)
    assert any("19 training hosts" in warning and "3-fold out-of-fold" in warning for warning in run.warnings)
    assert run.split["validation"] == []


class OfFolds(nn.Module):
    """The smallest network that looks at candidates."""

    @nn.compact
    def __call__(self, inputs, *, train):
        view = inputs["global_view"]
        return highest(nn.Dense(1)(view[..., 0])[..., 0], (view[..., 2] > 0).any(axis=-1))


def folded(names, data, config, *, report=None):
    """Make inputs of light curves; those whose number ends in 0 have no candidate."""
    view = np.zeros((len(data), 1, 96, 3), np.float32)
    there = np.array([not name.endswith("0") for name in data.id])
    view[there, 0, :, 0], view[there, 0, :, 2] = data.flux[there], 1.0
    return {"global_view": view}


@pytest.mark.parametrize("size", [{}, MANY])
def test_stars_that_cannot_be_searched_do_not_calibrate(tmp_path, monkeypatch, size):
    """They keep their row at the prior, in the threshold's choice as in a prediction; and no logit stands for them."""
    monkeypatch.setitem(registry.MODELS, "folds", Network(inputs=("global_view",), module=OfFolds()))
    monkeypatch.setattr("exojax.runs.fit.inputs_of", folded)
    monkeypatch.setattr("exojax.runs.run.inputs_of", folded)
    data = curves(**size)
    one = {"search": SearchConfig(max_candidates=1), "fold": FoldConfig(global_bins=96)}
    run = fit(replace(config("folds"), **one), data, tmp_path)
    where = {name: i for i, name in enumerate(data.id)}
    judged = np.array([where[name] for name in run.split["validation" if size else "train"]])
    lost = np.array([name.endswith("0") for name in data.id[judged]])
    kept = load_arrays(tmp_path / "calibration_scores.npz")
    assert lost.any()
    assert len(kept["logits"]) == len(judged) - lost.sum()
    assert np.array_equal(kept["label"], data.label[judged[~lost]])
    assert kept["logits"].min() > -9.9
    prior = run.calibration.prior
    shifted = calibration.prior_shift(kept["logits"], 0.5, prior)
    if size:
        curve = calibration.fit(shifted, kept["label"], kept["group"], seed=0)
    else:
        curve = calibration.Calibrator("platt", *calibration.fit_platt(shifted, kept["label"]))
    assert run.calibration.curve == curve
    probability = np.full(len(judged), prior)
    probability[~lost] = apply("folds", run.calibration, kept["logits"])
    assert run.calibration.threshold == calibration.choose_threshold(data.label[judged], probability)
    assert any(f"{lost.sum()} " in warning and "could not be searched" in warning for warning in run.warnings)
    fresh = predict(run, data.take(judged))
    assert np.array_equal(fresh[lost], np.full(lost.sum(), prior))


def test_stars_that_cannot_be_scored_get_the_prior(tmp_path):
    run = fit(config(), curves(), tmp_path)
    fresh = curves(n=4, hosts=1)
    valid = fresh.valid.copy()
    valid[1, 5:] = False
    fresh = replace(changed(fresh, [2], flux=7.0), valid=valid)
    probability = predict(run, fresh)
    assert probability[1] == probability[2] == run.calibration.prior == pytest.approx(19 / 72)
    assert probability[0] != probability[1] != probability[3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"config": config(steps=9)}, "config.train.steps: 6 -> 9"),
        ({"config": replace(config(), seed=1)}, "config.seed: 0 -> 1"),
        ({"config": config("svc")}, "config.model: tiny -> svc"),
        ({"data": replace(curves(), sha256="abd")}, "data.sha256: abc -> abd"),
        ({"test_fraction": 0.3}, "data.test_fraction: 0.2 -> 0.3"),
    ],
)
def test_a_folder_holds_one_run_only(tmp_path, change, words):
    given = {"config": config(), "data": curves()}
    fit(**given, folder=tmp_path)
    before = folder_contents(tmp_path)
    with pytest.raises(InputError, match="started with other settings") as refused:
        fit(**(given | change), folder=tmp_path)
    assert words in str(refused.value)
    assert "--fresh" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert folder_contents(tmp_path) == before


class Stop(Exception):
    pass


def test_a_run_stopped_between_folds_goes_on(tmp_path):
    whole = fit(config(), curves(), tmp_path / "whole")
    phases = []

    def stop(phase, record):
        phases.append(phase)
        if "fold 2" in phase and record["step"] == 3:
            raise Stop

    with pytest.raises(Stop):
        fit(config(), curves(), tmp_path / "stopped", report=stop)
    with pytest.raises(InputError, match="not finished; run the same train command again"):
        load(tmp_path / "stopped")
    phases.clear()
    again = fit(config(), curves(), tmp_path / "stopped", report=lambda phase, record: phases.append(phase))
    assert not any("fold 1" in phase for phase in phases)
    assert again.calibration == whole.calibration
    assert folder_contents(tmp_path / "stopped") == folder_contents(tmp_path / "whole")


def test_first_weights_from_a_run_that_knows_the_judged_stars_are_refused(tmp_path):
    fit(config(), curves(), tmp_path / "first")
    start = replace(config(), init=str(tmp_path / "first"))
    with pytest.raises(InputError, match=r"--init first: was trained on \d+ of the stars"):
        fit(start, curves(), tmp_path / "second")
    assert not (tmp_path / "second").exists()
    other = replace(curves(seed=4), id=np.array([f"z{i}" for i in range(90)]))
    second = fit(start, other, tmp_path / "second")
    # What the first saw, the second counts as seen.
    assert set(load(tmp_path / "first").split["digests"]) < set(second.split["digests"])
    assert not np.array_equal(predict(second, curves()), predict(fit(config(), other, tmp_path / "cold"), curves()))


def doubled(logits, labels):
    """Weigh hosts three times; a loss that is merely scaled would not change what Adam does."""
    return (1 + 2 * labels) * optax.sigmoid_binary_cross_entropy(logits, labels)


def still(key, inputs, labels):
    return inputs


def slowly(step):
    return 1e-6


def uphill(state, batch):
    loss, grads, batch_stats = gradients(state, batch)
    return advance(state, loss, jax.tree.map(jnp.negative, grads), batch_stats)


def weights(folder):
    return np.concatenate([x.ravel() for x in jax.tree.leaves(load(folder).scorer.states[0].params)])


def test_functions_take_the_place_of_the_models_own(tmp_path):
    """Each of the four does something, and the run remembers its name."""
    seen = {}
    for name, recipe in {
        "own": Recipe(),
        "loss": Recipe(loss=doubled),
        "augment": Recipe(augment=still),
        "schedule": Recipe(schedule=slowly),
        "train_step": Recipe(train_step=uphill),
    }.items():
        fit(config(), curves(), tmp_path / name, recipe=recipe)
        seen[name] = weights(tmp_path / name)
        written = json.loads((tmp_path / name / "config.json").read_text())["data"].get("recipe", {})
        assert list(written) == [name] * (name != "own")
    # The tiny network has no augmentation of its own: the same to the bit.
    assert np.array_equal(seen["augment"], seen["own"])
    for name in ("loss", "schedule", "train_step"):
        assert not np.allclose(seen[name], seen["own"], atol=1e-5)
    assert read_metrics(tmp_path / "loss" / "metrics.jsonl")[0]["loss"] > 1.5 * 0.5
    with pytest.raises(InputError, match=r"recipe\.loss: .*doubled -> None"):
        fit(config(), curves(), tmp_path / "loss")
    with pytest.raises(InputError, match=r"recipe \(loss\): this model is no network"):
        fit(config("svc"), curves(), tmp_path / "svc", recipe=Recipe(loss=doubled))


def test_data_of_no_use_is_refused_in_one_line():
    data = curves()
    with pytest.raises(InputError, match="no labels"):
        usable_rows(replace(data, label=None))
    with pytest.raises(InputError, match=r"46 of 90 rows are empty or constant \(the first is k0\)"):
        usable_rows(changed(data, np.arange(46), flux=0))
    assert "45 empty or constant rows were dropped" in usable_rows(changed(data, np.arange(45), flux=0)).warnings
    for hosts in (0, 90):
        with pytest.raises(InputError, match="both classes"):
            fit(config(), curves(hosts=hosts), "never made")


def test_nothing_in_the_folder_is_a_pickle(tmp_path):
    fit(config("svc"), curves(), tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert not path.read_bytes().startswith(b"\x80")
    assert json.loads((tmp_path / "config.json").read_text())["data"]["sha256"] == "abc"
