"""``exojax cache``: show the contents of the user's cache, or clear it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from exojax.cli import command
from exojax.errors import InputError


@dataclass(frozen=True)
class Options:
    """Show the size of the cache: searched and folded stars, files read before, compiled code, downloads."""

    clear: bool = False
    """remove everything in the cache, also the downloads of --target"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``; return its exit code."""
    return command.run("cache.py", Options, cache, argv)


def cache(options: Options) -> None:
    """Print one line for each kind of entry; with ``--clear`` remove them all."""
    from exojax.storage import cache as stored

    home = stored.directory()
    kinds = {"arrays": stored.entries()}
    kinds |= {name: [p for p in (home / name).rglob("*") if p.is_file()] for name in ("loops", "compiled", "targets")}
    names = {"arrays": "files read; searched and folded stars", "loops": "compiled loops of the search"}
    names |= {"compiled": "compiled networks", "targets": "downloaded light curves"}
    command.say(f"{home}  (files and stars take at most {stored.limit() / 2**30:g} GB; EXOJAX_CACHE_GB sets the limit)")
    for name, files in kinds.items():
        size = sum(path.stat().st_size for path in files) / 1e6
        command.say(f"  {names[name]:<40}{len(files):>7,} files  {size:>9,.1f} MB")
    if not options.clear:
        return
    try:
        for path in kinds["arrays"]:
            path.unlink(missing_ok=True)
        for name in ("loops", "compiled", "targets"):
            if (home / name).is_dir():
                shutil.rmtree(home / name)
    except OSError as error:
        raise InputError(
            f"{home}: the cache cannot be cleared ({error.strerror}); remove the folder yourself"
        ) from None
    command.say("cleared")
