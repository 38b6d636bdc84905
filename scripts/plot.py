"""``python scripts/plot.py ...``, the same as ``exojax plot ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.plot import main

    as_program("plot.py", main)
