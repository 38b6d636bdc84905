"""Messages of libraries stay off standard error; messages of this package do not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import logging, sys, warnings
from dataclasses import dataclass
from exojax.cli import command

@dataclass(frozen=True)
class Options:
    "None."

def body(options):
    assert "jax" not in sys.modules
    import jax
    import orbax.checkpoint
    from absl import logging as absl
    absl.warning("chatter of absl")
    for name in ("orbax", "orbax.checkpoint", "jax", "jax._src.xla_bridge", "flax"):
        logging.getLogger(name).warning("chatter of %s", name)
    for module in ("jax._src.compiler", "orbax.checkpoint._src.handlers", "flax.core"):
        warnings.warn_explicit("chatter of " + module, UserWarning, "x.py", 1, module=module)
    logging.getLogger("exojax").warning("a checkpoint is damaged")
    warnings.warn_explicit("an overflow", RuntimeWarning, "x.py", 1, module="exojax.models.cnn")
    import os
    print(os.environ["TF_CPP_MIN_LOG_LEVEL"])

sys.exit(command.run("x.py", Options, body, []))
"""


@pytest.mark.parametrize(("before", "level"), [(None, "3"), ("0", "0")])
def test_libraries_are_quiet(before: str | None, level: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment |= {} if before is None else {"TF_CPP_MIN_LOG_LEVEL": before}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, env=environment, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [level]
    assert "chatter" not in ran.stderr
    assert "x.py: a checkpoint is damaged" in ran.stderr
    assert "an overflow" in ran.stderr
