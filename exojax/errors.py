"""The one exception that means "the user can mend this"."""


class InputError(Exception):
    """A mistake in a file, an option or a run folder, told in one line: which file, where in it, what to do.

    The commands print it on standard error without a traceback and exit with code 2.
    """
