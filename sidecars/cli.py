"""The operator's command, `./kiba`. Commands live in sidecars/commands/, one file a concern."""

import click

from sidecars.commands import (
    archive,
    bench,
    bounce,
    chaos,
    clients,
    doctor,
    domain,
    edge,
    inspect,
    lanes,
    person,
    quality,
    reconcile,
    rehearse,
    replay,
    stack,
    warmup,
    why,
)

EXAMPLES = """\b
Examples:
  ./kiba run              start everything here and send the demo's broadcast
  ./kiba doctor           what is installed, running, reachable
  ./kiba logs smtp -f     follow the edge's log
  ./kiba rehearse 7       what a provider would find in broadcast 7
  ./kiba lanes            watch the deliveries, trouble on top
  ./kiba test             every check and test, on servers of its own
  ./kiba stop             stop all of it; data stays
  ./kiba COMMAND --help   more about one command
"""


@click.group(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Kibamail: broadcasts and transactional mail from your own servers."""


@cli.command("help")
@click.pass_context
def show_help(context: click.Context) -> None:
    """Show this list of commands."""
    click.echo(context.find_root().get_help())


for command in (
    stack.run,
    stack.stop,
    stack.clean,
    stack.logs,
    stack.env,
    stack.migrate,
    reconcile.reconcile,
    chaos.chaos,
    rehearse.rehearse,
    why.why,
    bounce.bounce,
    domain.domain,
    person.person,
    lanes.lanes,
    edge.edge,
    warmup.warmup,
    inspect.inspect,
    replay.replay,
    archive.archive,
    doctor.doctor,
    bench.bench,
    quality.check,
    quality.test,
    clients.clients,
):
    cli.add_command(command)
cli.add_command(doctor.doctor, "status")


if __name__ == "__main__":
    cli(prog_name="./kiba")
