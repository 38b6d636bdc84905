"""``exojax cache``: what the user's cache holds, and how to clear it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from exojax.cli import command
from exojax.errors import InputError


@dataclass(frozen=True)
class Options:
    """Show the cache: stars that were searched and folded, files that were read, compiled code, downloads."""

    clear: bool = False
    """remove all of it, downloads of --target included"""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return command.run("cache.py", Options, cache, argv)


def cache(options: Options) -> None:
    """Print a line a kind of entry, or remove everything."""
    from exojax.storage import cache as stored

    home = stored.directory()
    kinds = {"arrays": stored.entries()}
    kinds |= {name: [p for p in (home / name).rglob("*") if p.is_file()] for name in ("loops", "compiled", "targets")}
    names = {"arrays": "files read, stars searched and folded", "loops": "compiled loops of the search"}
    names |= {"compiled": "compiled networks", "targets": "downloaded light curves"}
    command.say(f"{home}  (arrays are kept up to {stored.limit() / 2**30:g} GB: EXOJAX_CACHE_GB)")
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
        raise InputError(f"{home}: cannot be cleared ({error.strerror}): remove it yourself") from None
    command.say("cleared")
