"""``python scripts/tune.py ...``, the same as ``exojax tune ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.tune import main

    as_program("tune.py", main)
