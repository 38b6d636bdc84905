"""``python scripts/compare.py ...``, the same as ``exojax compare ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.compare import main

    as_program("compare.py", main)
