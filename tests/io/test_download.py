"""The download of the Kaggle files, with a stand-in for kagglehub: tests have no network."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from exojax.errors import InputError
from exojax.io import download


def stand_in(monkeypatch: pytest.MonkeyPatch, result: Path | Exception) -> None:
    module = ModuleType("kagglehub")

    def dataset_download(handle: str) -> str:
        assert handle == "keplersmachines/kepler-labelled-time-series-data"
        if isinstance(result, Exception):
            raise result
        return str(result)

    module.dataset_download = dataset_download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kagglehub", module)


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        download.fetch(folder)
    text = str(caught.value)
    for part in (
        "exoTrain.csv",
        "exoTest.csv",
        "https://www.kaggle.com/datasets/keplersmachines/",
        str(folder),
    ):
        assert part in text
    assert "\n" not in text
    return text


def test_both_files_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, folder = tmp_path / "source", tmp_path / "new" / "data"
    source.mkdir()
    for name in download.FILES:
        (source / name).write_text(name)
    stand_in(monkeypatch, source)
    assert download.fetch(folder) == folder
    assert {path.name: path.read_text() for path in folder.iterdir()} == {name: name for name in download.FILES}
    # A file that is there is the user's own; with both, nothing is fetched.
    (folder / "exoTest.csv").write_text("mine")
    (folder / "exoTrain.csv").unlink()
    download.fetch(folder)
    assert (folder / "exoTest.csv").read_text() == "mine"
    assert (folder / "exoTrain.csv").read_text() == "exoTrain.csv"
    stand_in(monkeypatch, AssertionError("fetched again"))
    download.fetch(folder)


def test_without_kagglehub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    assert "not installed" in refusal(tmp_path)


def test_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, ConnectionError("name resolution\nfailed"))
    assert "name resolution" in refusal(tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_incomplete_download_and_interrupted_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, folder = tmp_path / "source", tmp_path / "data"
    source.mkdir()
    (source / "exoTrain.csv").write_text("x")
    stand_in(monkeypatch, source)
    assert "no exoTest.csv" in refusal(folder)
    (source / "exoTest.csv").write_text("x")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download.shutil, "copyfile", full)
    assert "No space left" in refusal(folder)
    assert not list(folder.glob("*.tmp"))
