"""``python scripts/explore.py ...``, the same as ``exojax explore ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.explore import main

    as_program("explore.py", main)
