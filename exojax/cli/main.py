"""``exojax COMMAND ...``: run a command, as ``python scripts/COMMAND.py ...`` does."""

from __future__ import annotations

import difflib
import importlib
import sys

from exojax import __version__
from exojax.cli.process import as_program

COMMANDS = {
    "train": "train a model, evaluate it and write a report",
    "evaluate": "score light curves with a trained run",
    "compare": "cross-validate several models on the same folds",
    "tune": "choose a model's hyper-parameters on training rows",
    "search": "search for transits: candidates and vetting sheets",
    "inject": "measure completeness and false alarms with injected transits",
    "pretrain": "train the shipped network on simulated stars",
    "plot": "draw the figures of a run again",
    "explore": "describe a data set with figures and statistics",
    "cache": "show the files kept for later commands, or remove them",
    "models": "list the models with their inputs and sizes",
}
"""name of a command -> its description in the help"""


def main() -> None:
    """Run the command that the first argument names."""
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
        print(f"exojax: no such command: {name}; {hint}", file=sys.stderr)
        sys.exit(2)
    as_program(f"exojax {name}", lambda: importlib.import_module(f"exojax.cli.{name}").main(sys.argv[2:]))
