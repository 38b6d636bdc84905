"""``metrics.jsonl`` and TensorBoard event files, cut back on resumption to where training goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the records of a ``metrics.jsonl``; a last line that a kill left unfinished is dropped."""
    if not path.exists():
        return []
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [json.loads(line) for line in whole]


class MetricsLog:
    """Appends records. No wall times are in them, so that two runs compare byte for byte."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "metrics.jsonl"
        self._events = folder / "tensorboard"
        self._writer: SummaryWriter | None = None

    def cut(self, step: int) -> None:
        """Forget every record after ``step``: training goes on from there."""
        kept = [record for record in read_metrics(self._path) if record["step"] <= step]
        partial = self._path.with_suffix(".partial")
        partial.write_text("".join(map(_line, kept)))
        os.replace(partial, self._path)
        # TensorBoard's files are for those who have it; the figures stand in metrics.jsonl too.
        if find_spec("tensorboardX") is not None:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(self._events), purge_step=step + 1)

    def write(self, record: dict[str, Any]) -> None:
        """Append one record; ``step`` is its place on the axis, the rest are scalars."""
        with self._path.open("a") as file:
            file.write(_line(record))
        if self._writer is not None:
            for name, value in record.items():
                if name != "step":
                    self._writer.add_scalar(name, value, record["step"])
            self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()


@contextmanager
def open_log(folder: Path) -> Iterator[MetricsLog]:
    """Give the log in ``folder``, closed on leaving."""
    log = MetricsLog(folder)
    try:
        yield log
    finally:
        log.close()


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record) + "\n"
