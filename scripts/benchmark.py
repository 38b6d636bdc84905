"""``python scripts/benchmark.py ...``, the same as ``exojax benchmark ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.benchmark import main

    as_program("benchmark.py", main)
