"""Folded events from an .npz: what is taken, what is brought to scale, what is refused."""

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.folded_events import COVERAGE, SCALARS, VALUE
from exojax.io import events, npz


def arrays(n=6, **more):
    rng = np.random.default_rng(0)

    def view(bins):
        return np.pad(-np.ones((n, 1)), ((0, 0), (bins // 2, bins // 2))) + 0.0

    found = {
        "tic_id": np.arange(n) + 100,
        "global_view": view(201).astype(np.float32),
        "local_view": view(61).astype(np.float32),
        "Disposition": np.array(["PC", "EB", "J", "J", "O", "PC"])[:n],
        "Period": rng.uniform(1, 10, n).astype(np.float32),
        "Duration": np.full(n, 0.1, np.float32),
        "Transit_Depth": np.full(n, 1000.0, np.float32),
        "SN": np.full(n, 10.0, np.float32),
    }
    return found | more


def written(path, **more):
    np.savez(path, **{k: v for k, v in arrays(**more).items() if v is not None})
    return path


def slot(found, name):
    return found.scalars[:, 0, SCALARS.index(name)]


def test_views_labels_and_numbers(tmp_path):
    found = events.read(written(tmp_path / "e.npz"), positive=("PC", "EB"))
    assert found.id.tolist() == [str(100 + i) for i in range(6)]
    assert found.label.tolist() == [1, 1, 0, 0, 0, 1]
    assert found.kind.tolist() == ["PC", "EB", "J", "J", "O", "PC"]
    view = found.views["global_view"]
    assert view.shape == (6, 1, 201, 3)
    assert (view[..., COVERAGE] == 1).all()
    assert view[0, 0, 100, VALUE] == -1
    np.testing.assert_allclose(slot(found, "log_depth"), -3, atol=1e-6)
    np.testing.assert_allclose(slot(found, "log_duration"), -1, atol=1e-6)
    assert np.isnan(slot(found, "tess_depth")).all()
    assert np.isnan(slot(found, "sde")).all()
    assert npz.holds_events(tmp_path / "e.npz")


def test_a_view_of_another_scale_is_brought_to_median_nought_and_depth_one(tmp_path):
    local = arrays()["local_view"] * 0.01 + 1.0
    found = events.read(written(tmp_path / "e.npz", local_view=local))
    np.testing.assert_allclose(found.views["local_view"][..., VALUE], arrays()["local_view"][:, None], atol=1e-4)


def test_bins_that_are_no_number_are_empty(tmp_path):
    local = arrays()["local_view"]
    local[2, :5] = np.nan
    view = events.read(written(tmp_path / "e.npz", local_view=local)).views["local_view"]
    assert (view[2, 0, :5] == 0).all()
    assert (view[2, 0, 5:, COVERAGE] == 1).all()


def test_numbers_without_a_unit_go_into_slots_of_their_own(tmp_path):
    depth = np.array([-5.0, 3, 2, 1, 2, 3], np.float32)
    found = events.read(written(tmp_path / "e.npz", Transit_Depth=depth, Tmag=depth, Qingress=depth))
    np.testing.assert_array_equal(slot(found, "tess_depth"), depth)
    np.testing.assert_array_equal(slot(found, "tess_qingress"), depth)
    assert np.isnan(slot(found, "log_depth")).all()
    assert np.isnan(slot(found, "mag")).all()
    assert "Transit_Depth" in found.warnings[0]


def test_durations_of_nought_and_absurd_depths_are_unknown_or_finite(tmp_path):
    duration, snr = np.array([0, 0.1, 0.1, np.inf, np.nan, 1]), np.array([0, 1, 1, 1, 1, 1])
    found = events.read(written(tmp_path / "e.npz", Duration=duration, SN=snr))
    assert np.isnan(slot(found, "log_duration"))[[0, 3, 4]].all()
    assert np.isnan(slot(found, "log_snr")[0])
    assert np.isfinite(slot(found, "log_duration")[[1, 2, 5]]).all()


def test_without_dispositions_there_is_no_label_and_optional_arrays_may_be_missing(tmp_path):
    found = events.read(written(tmp_path / "e.npz", Disposition=None, Period=None))
    assert found.label is None
    assert found.kind is None
    assert np.isnan(slot(found, "log_period")).all()
    assert "Period" in found.warnings[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"local_view": None}, "has no array 'local_view'"),
        ({"tic_id": None}, "no array names the stars"),
        ({"local_view": np.zeros((5, 61))}, "'local_view' has shape (5, 61): it must be (6, bins)"),
        ({"Period": np.zeros(5)}, "'Period' has shape (5,)"),
        ({"Period": np.array(["a"] * 6)}, "'Period' has dtype"),
        ({"Disposition": np.array(["EB"] * 6)}, "no event has the disposition PC; the file has EB"),
        ({"Disposition": None, "label": np.array([0, 1, 2, 0, 0, 0])}, "'label' of row 2 is neither 1 nor 0"),
    ],
)
def test_what_is_refused(tmp_path, change, said):
    with pytest.raises(InputError) as error:
        events.read(written(tmp_path / "e.npz", **change))
    assert said in str(error.value)
    assert "e.npz" in str(error.value)


def test_objects_are_refused_not_unpickled(tmp_path):
    np.savez(tmp_path / "e.npz", **arrays(), Bad=np.array([{}], object), allow_pickle=True)
    with pytest.raises(InputError, match="Bad"):
        events.read(tmp_path / "e.npz")
