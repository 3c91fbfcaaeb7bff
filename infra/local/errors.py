"""What goes wrong on a developer's machine, said so that the reader knows what to do next."""

import click


class LocalError(click.ClickException):
    """click shows its message to the user, without a traceback, and exits with 1."""
