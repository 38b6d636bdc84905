"""Read any number of damaged inputs, part by part; goes on where it was stopped.

python tests/fuzz.py --n 100000 --seed 7 --shard 0/2 --out fuzz.json
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "io"))

from damage import Tally, bases, run

MEMORY = 2 * 2**30
"""bytes that a reader may take"""
STEP = 200


def main() -> int:
    """Read the inputs; return 1 where a reader failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=20000, help="inputs of all shards together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shard", default="0/1", help="this one of so many")
    parser.add_argument("--out", type=Path, default=Path("fuzz.json"))
    options = parser.parse_args()
    shard, shards = (int(part) for part in options.shard.split("/"))
    tally, done, seconds = Tally(), 0, 0.0
    if options.out.exists():
        held = json.loads(options.out.read_text())
        if (held["seed"], held["shard"]) != (options.seed, options.shard):
            parser.error(f"{options.out} is of seed {held['seed']}, shard {held['shard']}")
        tally, done, seconds = Tally(held["read"], held["refused"], held["failures"]), held["done"], held["seconds"]
    warnings.simplefilter("ignore")
    numbers = range(shard, options.n, shards)
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "sound").mkdir()
        sound = bases(Path(home) / "sound")
        # What is there already, and what a reader may add.
        held_now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held_now + MEMORY, held_now + MEMORY))
        while done < len(numbers):
            start = time.perf_counter()
            run(sound, Path(home), options.seed, numbers[done : done + STEP], tally)
            done = min(done + STEP, len(numbers))
            seconds += time.perf_counter() - start
            state = {"seed": options.seed, "shard": options.shard, "done": done, "seconds": round(seconds, 1)}
            state |= {"read": tally.read, "refused": tally.refused, "failures": tally.failures}
            state["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            half = options.out.with_suffix(".part")
            half.write_text(json.dumps(state, indent=1))
            half.replace(options.out)
    print(f"{done} inputs: {tally.read} read, {tally.refused} refused, {len(tally.failures)} failures")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
