"""``exojax COMMAND ...``, the same as ``python scripts/COMMAND.py ...``."""

from __future__ import annotations

import difflib
import importlib
import sys

from exojax import __version__
from exojax.cli.process import as_program

COMMANDS = {
    "train": "fit a model, evaluate it, leave a report",
    "evaluate": "score a run on other light curves",
    "compare": "cross-validate several models on the same folds",
    "tune": "choose a model's hyper-parameters on training rows",
    "search": "find transits: candidates, vetting sheets",
    "inject": "put transits into light curves: what a search finds and makes up",
    "pretrain": "teach the shipped network by simulated stars",
    "plot": "draw a run's figures again",
    "explore": "look at a data set before any model does",
    "cache": "show what is kept for later runs, or clear it",
    "models": "list the models: what they look at, and how large they are",
}


def main() -> None:
    """Run the command named first."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-V", "--version"):
        print(f"exojax {__version__}")
        sys.exit(0)
    if name in ("-h", "--help"):
        print("usage: exojax COMMAND [--help] ...\n")
        print("\n".join(f"  {command:<10} {what}" for command, what in COMMANDS.items()))
        sys.exit(0)
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COMMANDS)}"
        print(f"exojax: no command {name!r}; {hint}", file=sys.stderr)
        sys.exit(2)
    as_program(f"exojax {name}", lambda: importlib.import_module(f"exojax.cli.{name}").main(sys.argv[2:]))
