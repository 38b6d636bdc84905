"""The cache never returns anything but what was made, whatever happens to its files."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from exojax.storage import cache, checksum

ARRAYS = {"flux": np.array([[1.5, np.nan], [-2, 3]], np.float32), "name": np.array(["a", "bc"])}


class Maker:
    """Makes ``ARRAYS`` and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {name: array.copy() for name, array in ARRAYS.items()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXOJAX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def check(arrays: dict[str, np.ndarray]) -> None:
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_made_once_for_each_key_and_stamp(folder: Path) -> None:
    maker = Maker()
    for key, stamp in (("k", "1"), ("k", "1"), ("k", "2"), ("k", "2"), ("other", "2")):
        check(cache.load_or_make(key, maker, stamp=stamp))
    assert maker.calls == 3
    # A changed source replaces its entry: the cache grows with the number of sources, not of changes.
    assert len(list(folder.iterdir())) == 2


def test_no_flipped_byte_gets_through(folder: Path) -> None:
    maker = Maker()
    cache.load_or_make("k", maker)
    (entry,) = folder.iterdir()
    content = entry.read_bytes()
    for place in range(len(content)):
        entry.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        check(cache.load_or_make("k", maker))


@pytest.mark.parametrize("damage", [b"", b"\x80\x04.", b"PK\x03\x04"], ids=["empty", "pickle", "truncated"])
def test_damage_is_made_again_and_logged(folder: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    maker = Maker()
    cache.load_or_make("k", maker)
    (entry,) = folder.iterdir()
    entry.write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        check(cache.load_or_make("k", maker))
    assert "damaged" in caplog.text
    check(cache.load_or_make("k", maker))
    assert maker.calls == 2


class Payload:
    """Making this folder is what refusing to unpickle prevents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_foreign_objects_are_never_unpickled(folder: Path, tmp_path: Path) -> None:
    maker = Maker()
    cache.load_or_make("k", maker)
    (entry,) = folder.iterdir()
    np.savez(entry, _stamp=np.array(""), flux=np.array([Payload(tmp_path / "ran")], dtype=object))
    check(cache.load_or_make("k", maker))
    assert maker.calls == 2
    assert not (tmp_path / "ran").exists()


def test_unwritable_cache_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("EXOJAX_CACHE", str(tmp_path / "file" / "cache"))
    maker = Maker()
    for _ in range(2):
        check(cache.load_or_make("k", maker))
    assert maker.calls == 2


def test_full_disk_leaves_nothing_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(stream: object, **_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    check(cache.load_or_make("k", Maker()))
    assert list(folder.iterdir()) == []


def test_failure_to_make_stores_nothing(folder: Path) -> None:
    def fail() -> dict[str, np.ndarray]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.load_or_make("k", fail)
    assert not folder.exists()
    check(cache.load_or_make("k", Maker()))


def test_directory_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXOJAX_CACHE", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache.directory() == tmp_path
    monkeypatch.delenv("EXOJAX_CACHE")
    assert cache.directory() == Path("/xdg/exojax")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.directory() == Path.home() / ".cache/exojax"


def test_the_entries_unused_for_longest_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("EXOJAX_CACHE", str(tmp_path / "pruned"))
    for k in range(4):
        cache.load_or_make(f"entry {k}", lambda: {"a": np.zeros(1000)})
        os.utime(cache.entries()[-1], (k, k))
    size = cache.entries()[0].stat().st_size
    # Read again, the oldest is the newest.
    cache.load_or_make("entry 0", lambda: pytest.fail("it is there"))
    assert cache.prune(2.5 * size) == 2
    left = []
    for k in range(4):
        cache.load_or_make(f"entry {k}", lambda k=k: left.append(k) or {"a": np.zeros(1)})
    assert left == [1, 2]


def test_the_limit_holds_while_entries_are_stored(tmp_path, monkeypatch):
    monkeypatch.setenv("EXOJAX_CACHE", str(tmp_path / "limited"))
    monkeypatch.setenv("EXOJAX_CACHE_GB", str(20000 / 2**30))
    monkeypatch.setattr(cache, "_stored", 0)
    for k in range(201):
        cache.load_or_make(f"entry {k}", lambda: {"a": np.zeros(100)})
    assert sum(path.stat().st_size for path in cache.entries()) <= 20000
    monkeypatch.setenv("EXOJAX_CACHE_GB", "much")
    assert cache.limit() == cache.LIMIT


def test_a_fingerprint_of_the_sources_changes_with_them(tmp_path, monkeypatch):
    assert checksum.of_sources("loops") == checksum.of_sources("loops") != checksum.of_sources("loops", "detection")
    package = tmp_path / "storage"
    (tmp_path / "loops").mkdir()
    (tmp_path / "loops" / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(checksum, "__file__", str(package / "checksum.py"))
    checksum.of_sources.cache_clear()
    before = checksum.of_sources("loops")
    (tmp_path / "loops" / "a.py").write_text("x = 2\n")
    checksum.of_sources.cache_clear()
    assert checksum.of_sources("loops") != before
    checksum.of_sources.cache_clear()


def test_a_user_without_a_home_folder_has_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXOJAX_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 987654321)  # a user that no list of users has
    maker = Maker()
    for _ in range(2):
        check(cache.load_or_make("k", maker))
    assert maker.calls == 2
    assert cache.directory().is_absolute()
    assert cache.entries() == []
