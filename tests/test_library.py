"""``import exojax`` and nothing else, as the docstring of the package shows."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import exojax
from exojax.config import RunConfig
from exojax.light_curves import shared_time


def curves(n: int = 60, hosts: int = 20, *, c: int = 300, seed: int = 0) -> exojax.LightCurves:
    rng = np.random.default_rng(seed)
    flux = rng.standard_normal((n, c)).astype(np.float32)
    flux[:hosts, ::20] -= 5
    return exojax.LightCurves(
        id=np.array([f"s{seed}-{i}" for i in range(n)]),
        time=shared_time(n, c, 0.02),
        flux=flux,
        valid=np.ones((n, c), bool),
        label=(np.arange(n) < hosts).astype(np.int8),
        kind=None,
        catalogued=True,
        absolute=False,
        cadence=0.02,
        time_system="assumed",
        source=f"made/up{seed}.npz",
        sha256=f"sha {seed}",
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    return exojax.fit(RunConfig(model="svc"), curves(), tmp_path_factory.mktemp("runs") / "k1")


def test_only_what_is_promised_is_public() -> None:
    functions = {"evaluate", "fit", "fold", "load", "predict", "read", "register", "search", "vet"}
    classes = {"InputError", "LightCurves", "Network", "RunConfig", "SearchConfig", "SearchResult"}
    assert set(exojax.__all__) == functions | classes
    for name in exojax.__all__:
        assert getattr(exojax, name).__doc__
    with pytest.raises(AttributeError, match="nonsense"):
        exojax.nonsense  # noqa: B018


def test_reading_needs_no_jax() -> None:
    program = "import exojax, exojax.io.kaggle, exojax.io.npz, sys; print('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


def test_a_search_on_a_cpu_needs_no_jax() -> None:
    program = "import exojax.runs.survey, sys; print({'jax', 'sklearn', 'orbax', 'xgboost'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout == "set()\n", ran.stderr


def test_a_run_without_a_folder_is_named_after_data_and_model(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = exojax.fit(RunConfig(model="svc"), curves())
    assert found.folder == Path("checkpoints/up0-svc")
    assert exojax.load("up0-svc").calibration == found.calibration


def test_load_and_predict(run) -> None:
    data = curves(seed=1)
    probability = exojax.predict(run, data)
    assert (probability.shape, probability.dtype) == ((60,), np.float64)
    assert probability[:20].min() > probability[20:].max()
    for again in (exojax.load(run.folder), run.folder, str(run.folder)):
        np.testing.assert_array_equal(exojax.predict(again, data), probability)
    # Each star on its own: neither its neighbours nor its place matter.
    np.testing.assert_allclose(exojax.predict(run, data.take(np.array([7, 3]))), probability[[7, 3]], rtol=1e-5)


def test_labels_are_not_looked_at(run) -> None:
    data = curves(seed=1)
    flipped = replace(data, label=1 - data.label)
    np.testing.assert_array_equal(exojax.predict(run, flipped), exojax.predict(run, data))


def test_evaluate_scores_the_stored_rows_of_its_own_source(run) -> None:
    found = exojax.evaluate(run, curves())
    assert found.curves.id.tolist() == run.split["test"]
    assert found.metrics["n"] == 12
    assert {row["control"] for row in found.controls} == {"inverted", "dips masked", "cadence and coverage alone"}


def test_evaluate_scores_every_row_of_another(run) -> None:
    found = exojax.evaluate(run, curves(seed=1))
    assert found.metrics["n"] == 60
    assert found.metrics["average_precision"]["value"] > 0.95


def test_a_star_that_was_learned_from_is_refused_under_whatever_flux(run) -> None:
    data = curves(seed=1)
    known = run.split["train"][0]
    with pytest.raises(exojax.InputError, match=rf"row 5 \({known}\) is a star the run was trained on"):
        exojax.evaluate(run, replace(data, id=np.where(np.arange(60) == 5, known, data.id)))


def test_without_labels_nothing_is_learned_and_no_figure_made(run, tmp_path: Path) -> None:
    data = replace(curves(seed=1), label=None)
    with pytest.raises(exojax.InputError, match=r"made/up1\.npz.*no labels"):
        exojax.fit(RunConfig(model="svc"), data, tmp_path / "k1")
    assert not (tmp_path / "k1").exists()
    found = exojax.evaluate(run, data)
    assert (found.metrics, found.controls) == (None, [])
    np.testing.assert_array_equal(found.probability, exojax.predict(run, data))


def test_mistakes_are_input_errors(run, tmp_path: Path) -> None:
    with pytest.raises(exojax.InputError, match="there is no run"):
        exojax.load(tmp_path / "nowhere")
    with pytest.raises(exojax.InputError, match=r"made/up1\.npz.*svc was trained on"):
        exojax.predict(run, curves(seed=1, c=320))
    with pytest.raises(exojax.InputError, match="did you mean svc"):
        exojax.fit(RunConfig(model="svm"), curves(), tmp_path / "k1")
    with pytest.raises(exojax.InputError, match=r"config\.seed: 0 -> 1"):
        exojax.fit(RunConfig(model="svc", seed=1), curves(), run.folder)
