"""The errors that end a command, and the exit codes for scripts."""

DONE = 0
NEGATIVE = 1
"""Negative result: not found, check failed, or request refused."""
USAGE = 2
"""Wrong usage. click's own exit code."""
INCOMPLETE = 3
"""`catalogue`: differences found, or the push is still running."""
UNREACHABLE = 4
"""No such installation, access denied, token refused, or no response."""
INTERRUPTED = 130


class Failed(Exception):
    """The command failed. The text is shown to the user and says what to do."""

    code = NEGATIVE

    def report(self) -> str:
        """Return the text for stderr."""
        return f"error: {self}"


class Unreachable(Failed):
    """The installation does not exist, does not respond, or denies access."""

    code = UNREACHABLE


class Gone(Unreachable):
    """A resource of the stack was deleted. This is a fault, unlike a missing permission, which only skips a check."""


class NotFound(Failed):
    """The ops API has nothing with this id."""
