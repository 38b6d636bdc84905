"""Weights as plain arrays give the same network, or a clear error."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from small_training import CONFIG, MODEL, made_up

from exojax.errors import InputError
from exojax.storage.array_files import save_arrays
from exojax.training.fit import WEIGHTS, Examples, FitSettings, fit_model, load_model
from exojax.training.weights import weights_of

SHAPES = {"flux": [64]}


def fitted(folder, **more):
    from dataclasses import replace

    flux, label = made_up()
    config = replace(CONFIG, steps=6, **more)
    return fit_model(
        MODEL,
        Examples({"flux": flux}, label, np.arange(len(label))),
        FitSettings(config, cadence=0.02, seed=0, folder=folder),
    ), flux


def test_a_folder_with_nothing_but_the_weights_gives_the_same_scores(tmp_path):
    scorer, flux = fitted(tmp_path / "run")
    arrays = weights_of(scorer.states[0])
    assert all("/" in name and value.dtype == np.float32 for name, value in arrays.items())
    save_arrays(tmp_path / "shipped" / WEIGHTS, arrays)
    again = load_model(MODEL, tmp_path / "shipped", SHAPES)
    assert np.array_equal(again({"flux": flux}), scorer({"flux": flux}))


def test_weights_of_another_network_are_refused(tmp_path):
    arrays = weights_of(fitted(None)[0].states[0])
    name = next(iter(arrays))
    save_arrays(tmp_path / WEIGHTS, {key: value for key, value in arrays.items() if key != name})
    with pytest.raises(InputError, match=r"weights\.npz: holds the weights of another network"):
        load_model(MODEL, tmp_path, SHAPES)
    save_arrays(tmp_path / WEIGHTS, arrays | {name: arrays[name][..., None]})
    with pytest.raises(InputError, match=name):
        load_model(MODEL, tmp_path, SHAPES)


def test_an_ensemble_is_the_mean_of_members_that_differ_and_is_read_back(tmp_path):
    scorer, flux = fitted(tmp_path, members=3)
    each = scorer.members({"flux": flux})
    assert each.shape == (3, len(flux))
    assert not np.allclose(each[0], each[1])
    np.testing.assert_array_equal(scorer({"flux": flux}), each.mean(axis=0))
    assert scorer.steps == [6, 6, 6]
    alone, _ = fitted(None)
    np.testing.assert_array_equal(alone({"flux": flux}), each[0])
    again = load_model(MODEL, tmp_path, SHAPES, members=3)
    np.testing.assert_array_equal(again({"flux": flux}), scorer({"flux": flux}))
    shutil.rmtree(tmp_path / "members" / "2")
    with pytest.raises(InputError, match="has no checkpoints"):
        load_model(MODEL, tmp_path, SHAPES, members=3)
