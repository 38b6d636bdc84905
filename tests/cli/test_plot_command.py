"""``plot.py`` draws what the run's own report shows."""

from __future__ import annotations

from pathlib import Path

from small_cli import Call, files

from exojax.cli import plot


def test_the_same_pictures_again(svc_run: Path, call: Call) -> None:
    ran = call(plot.main, "--run", svc_run, "--out", "plots")
    assert (ran.code, ran.err) == (0, "")
    assert files(Path("plots")) == files(svc_run / "plots")
    assert sorted(ran.out.split()) == sorted(str(p) for p in Path("plots").iterdir())
