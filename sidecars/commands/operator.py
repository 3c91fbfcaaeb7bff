"""What the commands of operators have in common: who it is, and how a refusal reads."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

by_option: Callable[[Any], Any] = click.option(
    "--by",
    metavar="NAME",
    default=lambda: os.environ.get("SUDO_USER") or getpass.getuser(),
    show_default="your login",
    help="Who does this, for the log of actions.",
)


@contextmanager
def refusals() -> Iterator[None]:
    """With a database connection. What the rules refuse ends the command with a sentence, exit code 1."""
    import redis
    from peewee import OperationalError

    from sidecars.deliverability.lane_controls import NotHeld
    from sidecars.deliverability.lane_policies import ProviderError
    from sidecars.deliverability.sources import NoSource
    from sidecars.deliverability.warmup import WarmupError
    from sidecars.models import Source, database

    try:
        with database.connection_context():
            try:
                yield
            except NoSource as error:
                known = ", ".join(row.name for row in Source.select().order_by(Source.name))
                there_are = f"There are: {known}." if known else "There are none yet: POST /operator/sources."
                raise click.ClickException(f"There is no active source {error}. {there_are}") from error
    except (NotHeld, ProviderError, WarmupError) as error:
        raise click.ClickException(str(error)) from error
    except OperationalError as error:
        raise click.ClickException(f"MySQL does not answer; ./kiba doctor tells more. ({error})") from error
    except redis.RedisError as error:
        raise click.ClickException(f"Redis does not answer; ./kiba doctor tells more. ({error})") from error
