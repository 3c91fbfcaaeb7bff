"""`./kiba rehearse`: every check that a provider would make of a broadcast, before anyone gets it."""

import click
from rich.console import Console

from sidecars.commands.ids import BROADCAST
from sidecars.commands.operator import refusals
from sidecars.commands.surroundings import adopt_stack


@click.command()
@click.argument("broadcast_id", type=BROADCAST, metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="As POST /v1/broadcasts/ID/rehearsal answers.")
@click.option("--problems", is_flag=True, help="Leave out what passed.")
def rehearse(broadcast_id: int, as_json: bool, problems: bool) -> None:
    """Rehearse a broadcast: authentication, size, links, images, spam filter, merge fields, recipients.

    A real mail is composed and signed, and nothing is sent. Exits with 1 where a check fails.

    \b
      ./kiba rehearse 7
      ./kiba rehearse 7 --problems
      ./kiba rehearse 7 --json | jq .summary
    """
    adopt_stack()
    with refusals():
        from sidecars.api.rehearsals import as_answer
        from sidecars.broadcasts.errors import WrongState
        from sidecars.broadcasts.rehearsal import checks
        from sidecars.broadcasts.rehearsal.findings import Status
        from sidecars.commands.rehearse_view import print_outcome
        from sidecars.models import Broadcast

        broadcast = Broadcast.get_or_none(Broadcast.id == broadcast_id)
        if broadcast is None:
            raise click.ClickException(f"There is no broadcast {broadcast_id}.")
        try:
            outcome = checks.rehearse(broadcast)
        except WrongState as error:
            raise click.ClickException(f"Too late for a rehearsal: {error}.") from error
        if as_json:
            click.echo(as_answer(outcome).model_dump_json(indent=2))
        else:
            print_outcome(Console(highlight=False), broadcast, outcome, problems)
    if outcome.number(Status.FAILURE):
        raise SystemExit(1)
