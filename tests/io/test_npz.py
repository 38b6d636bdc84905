"""The .npz reader: units, padding and time are kept; broken archives are named, and none is unpickled."""

import io
import os
from pathlib import Path

import numpy as np
import pytest

from exojax.errors import InputError
from exojax.io import npz
from exojax.storage import checksum

SHARED = Path(__file__).parents[2] / "../shared/data"


def arrays(**changes: object) -> dict[str, np.ndarray]:
    """Make two stars: three cadences, and two with one of padding; ``None`` drops an array."""
    rng = np.random.default_rng(0)
    flux = rng.normal(0, 1e-3, (2, 50)).astype(np.float32)
    time = 131.5 + np.arange(50) * 0.02 + np.zeros((2, 1))
    flux[1, 40:] = np.nan
    time[1, 40:] = np.nan
    flux[0, 7] = np.nan
    made: dict[str, object] = {
        "kepid": np.array([757450, 10000490]),
        "flux": flux,
        "time": time,
        "n_points": np.array([50, 40]),
        "label": np.array([1, 0]),
        "koi_disp": np.array(["CONF", "FALS"]),
    }
    made |= changes
    return {name: np.asarray(array) for name, array in made.items() if array is not None}


def save(folder: Path, **changes: object) -> Path:
    path = folder / "stars.npz"
    np.savez(path, **arrays(**changes))  # type: ignore[arg-type]
    return path


def message(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        npz.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_stars_as_stored(tmp_path: Path) -> None:
    path = save(tmp_path)
    stars = npz.read(path)
    raw = arrays()
    assert stars.id.tolist() == ["757450", "10000490"]
    assert stars.kind is not None
    assert stars.kind.tolist() == ["CONF", "FALS"]
    assert stars.label is not None
    assert stars.label.tolist() == [1, 0]
    assert (stars.catalogued, stars.absolute, stars.time_system, stars.warnings) == (True, True, "BKJD", ())
    assert stars.cadence == pytest.approx(0.02)
    assert stars.valid.sum(axis=1).tolist() == [49, 40]
    np.testing.assert_array_equal(stars.time, raw["time"])
    np.testing.assert_allclose(stars.flux[stars.valid], (raw["flux"] + 1)[stars.valid], atol=1e-7)
    assert (stars.flux[~stars.valid] == 0).all()
    assert stars.sha256 == checksum.of_file(path)


def test_padding_is_by_n_points_not_by_nan(tmp_path: Path) -> None:
    flux, time = arrays()["flux"], arrays()["time"]
    flux[1, 40:], time[1, 40:] = 0.5, 0
    stars = npz.read(save(tmp_path, flux=flux, time=time))
    assert stars.valid.sum(axis=1).tolist() == [49, 40]
    assert np.isnan(stars.time[1, 40:]).all()
    assert npz.read(save(tmp_path, flux=flux, time=None)).valid.sum(axis=1).tolist() == [49, 40]


@pytest.mark.parametrize(
    ("transform", "absolute"),
    [
        (lambda x: x, True),
        (lambda x: x + 1, True),
        (lambda x: x * 1e6, False),
        (lambda x: 5e4 * (1 + x), True),
    ],
    ids=["minus one", "relative", "ppm", "counts"],
)
def test_absolute_scale_is_recognised(tmp_path: Path, transform: object, absolute: bool) -> None:
    flux = transform(arrays()["flux"])  # type: ignore[operator]
    stars = npz.read(save(tmp_path, flux=flux))
    assert stars.absolute == absolute
    # A change of the numbers is reported; flux and flux - 1 are the format's own units.
    assert bool(stars.warnings) == (not absolute or np.nanmedian(flux) > 2)
    expected = 1 if absolute else np.nanmedian(flux)
    assert np.median(stars.flux[stars.valid]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "system"), [("epic_id", "BKJD"), ("tic_id", "BTJD"), ("id", "assumed"), ("kepid", "BKJD")]
)
def test_clock_follows_the_catalogue(tmp_path: Path, name: str, system: str) -> None:
    changes = {"kepid": None, name: np.array([1, 2])}
    assert npz.read(save(tmp_path, **changes)).time_system == system
    untimed = npz.read(save(tmp_path, **changes, time=None), cadence_minutes=1440)
    assert untimed.time_system == "assumed"
    np.testing.assert_array_equal(untimed.time[1], np.arange(50))
    assert "assumed" in npz.read(save(tmp_path, **changes, time=None)).warnings[0]


def test_differing_cadences_are_reported(tmp_path: Path) -> None:
    time = arrays()["time"]
    time[1] = 131.5 + (time[1] - 131.5) * 2
    stars = npz.read(save(tmp_path, time=time))
    assert stars.warnings == ("cadences differ between stars, from 0.02 to 0.04 days",)


def test_optional_arrays_and_a_star_without_data(tmp_path: Path) -> None:
    stars = npz.read(save(tmp_path, label=None, koi_disp=None, n_points=np.array([50, 0])))
    assert stars.label is None
    assert stars.kind is None
    assert stars.valid.sum(axis=1).tolist() == [49, 0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flux": None}, "'flux'"),
        ({"kepid": None}, "kepid, epic_id, tic_id, id"),
        ({"flux": np.zeros(50)}, "'flux' has shape (50,)"),
        ({"flux": np.zeros((0, 50))}, "'flux' has shape (0, 50)"),
        ({"time": np.zeros((2, 49))}, "'time' has shape (2, 49)"),
        ({"label": np.zeros(3)}, "'label' has shape (3,)"),
        ({"kepid": np.zeros((2, 1))}, "'kepid' has shape (2, 1)"),
        ({"flux": np.full((2, 50), "x")}, "'flux' has dtype"),
        ({"n_points": np.array([50, 51])}, "'n_points' of row 1 (star 10000490)"),
        ({"n_points": np.array([-1, 5])}, "'n_points' of row 0 (star 757450)"),
        ({"label": np.array([0, 2])}, "'label' of row 1 (star 10000490)"),
        ({"label": np.array([np.nan, 1])}, "'label' of row 0"),
        ({"time": np.zeros((2, 50))}, "'time' of row 0 (star 757450) does not increase"),
        ({"n_points": np.array([1, 1])}, "no star with two cadences"),
    ],
    ids=str,
)
def test_wrong_arrays_are_named(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    assert words in message(save(tmp_path, **changes))


class Payload:
    """Making this folder is what refusing to unpickle prevents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("name", ["flux", "notes"])
def test_objects_are_refused_never_unpickled(tmp_path: Path, name: str) -> None:
    words = message(save(tmp_path, **{name: np.array([Payload(tmp_path / "ran")], dtype=object)}))
    assert f"array '{name}'" in words
    assert not (tmp_path / "ran").exists()


def test_broken_files(tmp_path: Path) -> None:
    path = save(tmp_path)
    content = path.read_bytes()
    single = io.BytesIO()
    np.save(single, np.zeros(3))
    for broken in (b"", b"junk", content[:-20], content[:200], single.getvalue(), b"\x80\x04N."):
        path.write_bytes(broken)
        assert "cannot be read" in message(path)
    place = content.index(arrays()["flux"].tobytes()[:40])
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    assert "Bad CRC-32 for file 'flux.npy'" in message(path)
    assert "no such file" in message(tmp_path / "absent.npz")
    assert "folder" in message(tmp_path)


def test_real_kepler_stars() -> None:
    if not SHARED.is_dir():
        pytest.skip("needs the light curves of ../shared/data, which are not public")
    stars = npz.read(SHARED / "kepler_hosts_vs_fp.npz")
    assert len(stars) == 1043
    assert stars.label is not None
    assert stars.label.sum() == 549
    assert (stars.absolute, stars.catalogued, stars.time_system) == (True, True, "BKJD")
    assert np.median(stars.flux[stars.valid]) == pytest.approx(1, abs=1e-4)


def test_n_points_and_an_axis_of_time_for_each_star_are_optional(tmp_path: Path) -> None:
    whole = arrays()
    time = 100 + 0.02 * np.arange(50)
    error = np.full((2, 50), 0.01)
    path = save(tmp_path, n_points=None, time=time, flux=1 + whole["flux"] * 0.01, flux_err=error)
    stars = npz.read(path)
    np.testing.assert_array_equal(stars.time, np.tile(time, (2, 1)))
    assert stars.valid.shape == (2, 50)
    assert stars.flux_err is not None
    assert stars.flux_err[0, 0] == pytest.approx(0.01, rel=0.1)


def test_archives_that_unpack_to_too_much_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "LARGEST_BOMB", 2**20)
    np.savez_compressed(tmp_path / "stars.npz", kepid=np.arange(2), flux=np.zeros((2, 10**6)))
    assert "unpack to" in message(tmp_path / "stars.npz")
    # An array that says it is larger than its bytes.
    path = save(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"'shape': (2, 50)", b"'shape': (2, 99)"))
    assert "cannot be read" in message(path)
