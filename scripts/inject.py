"""``python scripts/inject.py ...``, the same as ``exojax inject ...``."""

from exojax.cli.process import as_program

if __name__ == "__main__":
    from exojax.cli.inject import main

    as_program("inject.py", main)
