"""What ends a command early, and the exit codes that scripts go by."""

DONE = 0
NOT_SO = 1
"""What was asked for is not so, was not done, or was refused."""
USAGE = 2
"""click's own, for what was typed wrongly."""
TO_DO = 3
"""`catalogue`: something differs, or is still under way."""
UNREACHED = 4
"""There is no such stack, or no right to ask it, or it does not answer."""
INTERRUPTED = 130


class Failed(Exception):
    """A command can't do what was asked. The text is for a person and says what to do."""

    code = NOT_SO

    def report(self) -> str:
        """Return what a person is told."""
        return f"error: {self}"


class NotReached(Failed):
    """The installation could not be asked: none is there, it does not answer, or the caller may not."""

    code = UNREACHED


class Gone(NotReached):
    """What the installation should have is not there: no question of rights, so nothing that may be passed over."""
