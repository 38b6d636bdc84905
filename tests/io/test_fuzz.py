"""Two thousand damaged inputs: a reader reads them or refuses them in one line; ``tests/fuzz.py`` runs more of them."""

from pathlib import Path

from damage import Tally, bases, run


def test_damaged_inputs_are_read_or_refused(tmp_path: Path) -> None:
    tally = Tally()
    (tmp_path / "sound").mkdir()
    run(bases(tmp_path / "sound"), tmp_path, seed=1, numbers=range(2000), tally=tally)
    assert tally.failures == []
    # A test of nothing but refusals, or of nothing but readings, would prove little.
    assert min(tally.read, tally.refused) > 300
