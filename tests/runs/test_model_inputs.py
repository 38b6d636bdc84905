"""Inputs of a model, from light curves and from folded events alike."""

from __future__ import annotations

import numpy as np
import pytest

from exojax.config import RunConfig
from exojax.errors import InputError
from exojax.folded_events import COVERAGE, SCALARS, VALUE, VIEWS, FoldedEvents, searchable
from exojax.light_curves import LightCurves, shared_time
from exojax.runs.model_inputs import FOLDED, digests, example_inputs, inputs_of, usable


def events(n=5, views=("global_view", "local_view"), seed=0):
    rng = np.random.default_rng(seed)
    made = {}
    for name in views:
        made[name] = rng.normal(0, 1, (n, 1, 20 if name == "global_view" else 12, 3)).astype(np.float32)
        made[name][..., COVERAGE] = 1
    scalars = np.full((n, 1, len(SCALARS)), np.nan, np.float32)
    return FoldedEvents(np.arange(n).astype(str), made, scalars, None, None, "e.npz", "abc")


def test_views_that_a_file_does_not_have_are_empty_and_as_wide_as_their_like():
    found = inputs_of((*VIEWS, "scalars"), events(), RunConfig())
    assert found["double_view"].shape == (5, 1, 20, 3)
    assert found["odd_view"].shape == (5, 1, 12, 3)
    assert (found["double_view"] == 0).all()
    assert (found["global_view"][..., COVERAGE] == 1).all()


def test_a_series_cannot_be_made_from_a_fold():
    with pytest.raises(InputError, match=r"e\.npz: holds folded events.*'flux'.*--model transit"):
        inputs_of(("flux", "global_view"), events(), RunConfig())


def test_an_event_is_recognised_by_its_two_common_views():
    some = events()
    more = events(views=("global_view", "local_view", "secondary_view"))
    assert digests(some).tolist() == digests(more).tolist()
    assert len(set(digests(some).tolist())) == 5
    changed = events()
    changed.views["local_view"][2, 0, 3, VALUE] += 1
    assert (digests(some) == digests(changed)).tolist() == [True, True, False, True, True]


def test_an_event_without_bins_or_without_any_shape_is_of_no_use():
    some = events()
    some.views["global_view"][1, ..., COVERAGE] = 0
    some.views["global_view"][3, ..., VALUE] = 0
    assert usable(some).tolist() == [True, False, True, False, True]
    found = searchable(inputs_of(("global_view",), some, RunConfig()))
    assert found.tolist() == [True, False, True, True, True]
    assert searchable({"flux": np.zeros((2, 3))}) is None


def test_an_example_has_the_shapes_of_what_a_search_gives():
    n, c = 2, 600
    flux = 1 + 1e-3 * np.random.default_rng(0).standard_normal((n, c)).astype(np.float32)
    names, valid = np.array(["a", "b"]), np.ones((n, c), bool)
    stars = LightCurves(names, shared_time(n, c, 0.02), flux, valid, None, None, False, True, 0.02, "assumed", "x", "0")
    for data, inputs in ((stars, {*FOLDED, "flux", "flat", "series", "spectrum"}), (events(), {*FOLDED, "series"})):
        found, example = (make(inputs, data, RunConfig()) for make in (inputs_of, example_inputs))
        assert {name: x.shape[1:] for name, x in example.items()} == {name: x.shape[1:] for name, x in found.items()}
        assert all(len(x) == 1 for x in example.values())
