"""Write ``metrics.jsonl`` and TensorBoard event files; a resumed training first removes records after its step."""

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
    """Return the records of a ``metrics.jsonl``, without an incomplete last line that a kill has left."""
    if not path.exists():
        return []
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [json.loads(line) for line in whole]


class MetricsLog:
    """A log of records without wall times, so that the logs of two equal runs are identical."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "metrics.jsonl"
        self._events = folder / "tensorboard"
        self._writer: SummaryWriter | None = None

    def cut(self, step: int) -> None:
        """Remove every record after ``step``, from which the training continues."""
        kept = [record for record in read_metrics(self._path) if record["step"] <= step]
        partial = self._path.with_suffix(".partial")
        partial.write_text("".join(map(_line, kept)))
        os.replace(partial, self._path)
        # TensorBoard's files are optional; metrics.jsonl has the same numbers.
        if find_spec("tensorboardX") is not None:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(self._events), purge_step=step + 1)

    def write(self, record: dict[str, Any]) -> None:
        """Append a record: ``step``, and scalars by name."""
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
    """Open the log in ``folder``, and close it at the end."""
    log = MetricsLog(folder)
    try:
        yield log
    finally:
        log.close()


def _line(record: dict[str, Any]) -> str:
    return json.dumps(record) + "\n"
