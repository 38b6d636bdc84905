"""Loops that are compiled once for a machine: kept, loaded, checked and made again; two tiny ones stand for most."""

import json
import os
import subprocess
import sys
from pathlib import Path

import load_loops
import pytest

from exojax.loops import compiled
from exojax.storage import cache

SCRIPT = Path(__file__).with_name("load_loops.py")
COMPILING = "compiling the loops of the search, once for this machine: about 15 seconds"


def start(home, which="tiny"):
    root = str(Path(compiled.__file__).parents[2])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return subprocess.Popen(
        [sys.executable, "-W", "error", SCRIPT, which],
        env=kept | {"EXOJAX_CACHE": str(home), "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    assert error == ""
    facts = json.loads(out)
    assert facts["cache_dir_is_as_before"]
    return facts


def load(home, which="tiny"):
    return answer(start(home, which))


def files(home):
    return {path.relative_to(home): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A cache in which two processes that started at once have kept the tiny loops, and the facts that they printed."""
    home = tmp_path_factory.mktemp("kept")
    processes = [start(home), start(home)]
    return home, [answer(process) for process in processes]


def test_two_processes_that_compile_at_once_disturb_neither_each_other_nor_the_next(kept):
    home, both = kept
    for facts in both:
        assert facts["result"] == 20
        assert facts["signatures"] == 2
    assert both[0]["notes"] == [COMPILING] or both[1]["notes"] == [COMPILING]
    # One folder, whole, and nothing of the work left beside it.
    (folder,) = (home / "loops").iterdir()
    assert compiled._intact(folder)


def test_a_second_process_loads_and_compiles_nothing_and_changes_no_file(kept):
    home, _ = kept
    before = files(home)
    facts = load(home)
    assert facts["loaded"] == ["twice", "total"]
    assert facts["compiled"] == facts["notes"] == []
    assert (facts["result"], facts["signatures"]) == (20, 2)
    # Nothing is compiled for arguments of another type.
    assert facts["refused"] is True
    assert files(home) == before


def copied(kept, home):
    for path, content in files(kept[0]).items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(content)
    (folder,) = (home / "loops").iterdir()
    return folder


def test_one_changed_byte_in_any_file_is_seen(kept, tmp_path):
    folder = copied(kept, tmp_path)
    assert compiled._intact(folder)
    names = [path for path in folder.rglob("*") if path.is_file()]
    assert len(names) >= 5  # an index and the code of each of two loops, and the checksums
    for path in names:
        content = path.read_bytes()
        for place in (0, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            assert not compiled._intact(folder), (path, place)
        path.write_bytes(content)
        assert compiled._intact(folder)
        path.rename(path.with_suffix(".away"))
        assert not compiled._intact(folder)
        path.with_suffix(".away").rename(path)
    (folder / "more").write_bytes(b"")
    assert not compiled._intact(folder)


@pytest.mark.parametrize("damage", ["a byte", "an index that is none"])
def test_what_is_damaged_is_made_again(damage, kept, tmp_path):
    folder = copied(kept, tmp_path)
    if damage == "a byte":
        path = next(folder.rglob("*.nbc"))
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    else:
        # With the right checksum: Numba itself fails on it.
        next(folder.rglob("*twice*.nbi")).write_bytes(b"nothing")
        (folder / compiled._MANIFEST).write_text(json.dumps(compiled._checksums(folder)))
    facts = load(tmp_path)
    assert facts["notes"] == [COMPILING]
    assert facts["result"] == 20
    assert [path.name for path in (tmp_path / "loops").iterdir()] == [folder.name]
    assert compiled._intact(folder)
    assert files(tmp_path).keys() == files(kept[0]).keys()


def test_a_cache_that_cannot_be_written_costs_a_note_and_time(tmp_path):
    home = tmp_path / "file"
    home.write_text("where a folder should be")
    facts = load(home)
    assert facts["notes"][0] == COMPILING
    assert len(facts["notes"]) == 2
    assert "cannot be written" in facts["notes"][1]
    assert str(home) in facts["notes"][1]
    assert (facts["result"], facts["signatures"]) == (20, 2)
    assert home.read_text() == "where a folder should be"


def test_a_folder_that_fills_up_while_it_is_written_costs_time(tmp_path, monkeypatch, kept):
    """Numba's own files cannot be written, as on a full disk."""
    import importlib.util

    from numba.core import caching

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    spec = importlib.util.spec_from_file_location("tiny_again", SCRIPT.with_name("tiny_loops.py"))
    tiny = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny)
    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    monkeypatch.setattr(compiled, "_modules", lambda: (tiny,))
    compiled._prepare(tmp_path / "loops")
    assert tiny.twice(4.0) == 8.0
    assert len(tiny.twice.signatures) == len(tiny.total.signatures) == 1
    assert list((tmp_path / "loops").iterdir()) == []


def test_the_search_s_loops_are_kept_and_loaded():
    """Another process loads the loops that this session has compiled, with the same result."""
    facts = load(cache.directory(), "search")
    assert facts["compiled"] == facts["notes"] == []
    assert sorted(facts["loaded"]) == sorted(name for module in compiled._modules() for name in module.SIGNATURES)
    assert facts["signatures"] == len(facts["loaded"])
    assert facts["result"] == load_loops.power_of_a_search()


def test_another_version_of_the_sources_has_another_folder(monkeypatch):
    import numba

    before = compiled._fingerprint()
    assert compiled._fingerprint() == before
    monkeypatch.setattr(numba, "__version__", "99")
    assert compiled._fingerprint() != before
