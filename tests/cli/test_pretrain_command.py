"""Pretraining is refused before a star is simulated where its weights or its run cannot be written."""

import pytest

from exojax.cli import pretrain
from exojax.runs import pretrain as runs


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("--share", "-1"), "give a number above 0"),
        (("--share", "nan"), "give a number above 0"),
        (("--steps", "0"), "steps is 0"),
        (("--out", "a file/weights"), "cannot be written"),
        (("--run", "a file/run"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(tmp_path, monkeypatch, capsys, change, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").touch()
    monkeypatch.setattr(runs, "pretraining_events", lambda *_: pytest.fail("stars were simulated"))
    name, given = change
    options = {"--out": "weights", "--run": str(tmp_path / "run")}
    options |= {name: str(tmp_path / given) if name in options else given}
    assert pretrain.main([part for pair in options.items() for part in pair]) == 2
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a file"]
