"""Define the exception for mistakes that the user can mend."""


class InputError(Exception):
    """A mistake in a file, an option or a run folder.

    The message is one line: which file, where in it, and what to do. The commands print it on standard error without a
    traceback and exit with code 2.
    """
