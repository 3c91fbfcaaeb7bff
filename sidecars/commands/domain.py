"""`./kiba domain`: sending domains, the records that they need, and what DNS says of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console

from sidecars.commands.ids import TEAM
from sidecars.commands.operator import refusals
from sidecars.commands.surroundings import adopt_stack

if TYPE_CHECKING:
    from sidecars.deliverability.dns_hosts import DnsHost
    from sidecars.models import SendingDomain

name_argument = click.argument("name", metavar="DOMAIN")
team_option = click.option("--team", "team_id", type=TEAM, help="Where several teams registered it: whose.")


@click.group()
def domain() -> None:
    """Add sending domains, show their records, check them in DNS, rotate keys, remove them.

    \b
      ./kiba domain add news.acme.example --team 1
      ./kiba domain show news.acme.example --host cloudflare
      ./kiba domain show news.acme.example --zone > news.acme.example.zone
      ./kiba domain check news.acme.example
      ./kiba domain rotate news.acme.example
      ./kiba domain remove news.acme.example
      ./kiba domain list --state failing
      ./kiba domain ours
      ENCRYPTION_KEY=<new> ./kiba domain reseal
    """
    adopt_stack()


@domain.command("list")
@click.option("--state", type=click.Choice(["pending", "verified", "failing", "stopped"]), help="Only these.")
def list_domains(state: str | None) -> None:
    """List the sending domains of all teams, with what is wrong.

    \b
      ./kiba domain list --state failing
    """
    with refusals():
        from sidecars.commands.domain_view import print_domains
        from sidecars.deliverability.domains import state_of
        from sidecars.models import SendingDomain

        rows = SendingDomain.select().order_by(SendingDomain.name)
        print_domains(_console(), [row for row in rows if state in (None, state_of(row))])


@domain.command()
@name_argument
@click.option("--team", "team_id", type=TEAM, required=True, help="Id of the team that sends from it.")
def add(name: str, team_id: int) -> None:
    """Register a domain for a team, and show what to publish.

    \b
      ./kiba domain add news.acme.example --team 1
    """
    with _refusals():
        from sidecars.commands.domain_view import print_records
        from sidecars.deliverability import dns_hosts, domain_records, domains
        from sidecars.models import Team

        if Team.get_or_none(Team.id == team_id) is None:
            raise click.ClickException(f"There is no team {team_id}.")
        made = domains.create(team_id, name)
        print_records(_console(), domain_records.records(made), dns_hosts.Panel(made.name, None))


@domain.command()
@name_argument
@click.option("--host", "host_key", help="As the panel of this DNS host wants them; auto: whoever DNS says.")
@click.option("--zone", is_flag=True, help="As a zone file.")
@team_option
def show(name: str, host_key: str | None, zone: bool, team_id: int | None) -> None:
    """Show the records to publish.

    \b
      ./kiba domain show news.acme.example
      ./kiba domain show news.acme.example --host auto
      ./kiba domain show news.acme.example --zone
    """
    with _refusals():
        from sidecars.commands.domain_view import print_records
        from sidecars.deliverability import dns_hosts, domain_records
        from sidecars.deliverability.dns_lookup import Dns

        found = _domain(name, team_id)
        if zone:
            click.echo(domain_records.zone_file(found), nl=False)
            return
        panel = dns_hosts.Panel(found.name, None)
        if host_key is not None:
            panel = dns_hosts.find(found.name, Dns())
            if host_key != "auto":
                panel = dns_hosts.Panel(panel.zone, _host(host_key))
        entered = [dns_hosts.as_entered(record, panel) for record in domain_records.records(found)]
        print_records(_console(), entered, panel)


@domain.command()
@name_argument
@team_option
def check(name: str, team_id: int | None) -> None:
    """Ask DNS now. Exits with 1 if mail cannot be sent from the domain.

    \b
      ./kiba domain check news.acme.example
    """
    with _refusals():
        from sidecars.commands.domain_view import print_checks, sentence
        from sidecars.deliverability import domains

        asked = _domain(name, team_id)
        checks = domains.verify(asked.id)
        found = _domain(name, asked.team_id)
        print_checks(_console(), checks)
        click.echo(sentence(found))
        if found.verified_at is None:
            raise SystemExit(1)


@domain.command()
@name_argument
@team_option
def rotate(name: str, team_id: int | None) -> None:
    """Have the next DKIM key sign from now on, if DNS has it.

    \b
      ./kiba domain rotate news.acme.example
    """
    with _refusals():
        from sidecars.deliverability import domains

        found = domains.rotate(_domain(name, team_id).id)
        click.echo(
            f"{found.dkim_selector} signs from now on.\n"
            f"Leave the record {found.previous_selector}._domainkey.{found.name} till "
            f"{domains.previous_needed_until(found):%Y-%m-%d}.\n"
            f"Publish the next key, {found.next_selector}: ./kiba domain show {found.name}"
        )


@domain.command()
@name_argument
@team_option
def remove(name: str, team_id: int | None) -> None:
    """Take a domain and its keys away from its team; what was sent stays readable.

    \b
      ./kiba domain remove news.acme.example --team 1
    """
    with _refusals():
        from sidecars.deliverability import domain_removal

        found = _domain(name, team_id)
        domain_removal.remove(found.id)
        click.echo(f"{found.name} of team {found.team_id} is removed.")


@domain.command()
def ours() -> None:
    """Check the names of this installation, which those of all domains lead to. Exits with 1 if one is wrong.

    \b
      ./kiba domain ours
    """
    with _refusals():
        from sidecars.deliverability import own_names

        click.echo(own_names.wanted())
        faults = [own for own in own_names.check() if own.fault]
        for own in faults:
            click.echo(f"{own.name} ({own.setting}): {own.fault}")
        if faults:
            raise SystemExit(1)
        click.echo("All of it is there.")


@domain.command()
@click.option(
    "--old-key",
    envvar="OLD_ENCRYPTION_KEY",
    prompt="The old ENCRYPTION_KEY",
    hide_input=True,
    help="Asked for, or taken from OLD_ENCRYPTION_KEY.",
)
def reseal(old_key: str) -> None:
    """Seal all private keys with a new ENCRYPTION_KEY, which is the environment's. Safe to repeat.

    \b
      ENCRYPTION_KEY=<new> ./kiba domain reseal
    """
    with _refusals():
        from sidecars.deliverability import resealing

        result = resealing.reseal(old_key)
        click.echo(
            f"{len(result.done)} domains are sealed anew. Restart edges and processes with the new key."
        )
        if result.unopened:
            raise click.ClickException(f"Neither key opens those of {', '.join(result.unopened)}.")


@contextmanager
def _refusals() -> Iterator[None]:
    """What the rules of domains refuse ends the command with its sentence."""
    from sidecars.deliverability.dns_lookup import DnsUnavailable
    from sidecars.deliverability.domain_removal import DomainInUse
    from sidecars.deliverability.domains import DomainError, DomainTaken, NextKeyUnseen

    with refusals():
        try:
            yield
        except (DomainError, DomainInUse, NextKeyUnseen) as error:
            raise click.ClickException(str(error)) from error
        except DomainTaken as error:
            raise click.ClickException(f"{error} is registered already: ./kiba domain list") from error
        except DnsUnavailable as error:
            raise click.ClickException(f"DNS could not be asked; is DNS_SERVERS right? ({error})") from error


def _domain(name: str, team_id: int | None) -> "SendingDomain":
    """The team's; without a team the one that is verified, or the only one there is."""
    from sidecars.deliverability.domains import domain_name
    from sidecars.models import SendingDomain

    rows = list(SendingDomain.select().where(SendingDomain.name == domain_name(name)))
    if team_id is not None:
        rows = [row for row in rows if row.team_id == team_id]
    elif verified := [row for row in rows if row.verified_at]:
        rows = verified
    if not rows:
        raise click.ClickException(f"There is no sending domain {name}: ./kiba domain list")
    if len(rows) > 1:
        teams = ", ".join(str(row.team_id) for row in rows)
        raise click.UsageError(f"Teams {teams} have registered {name}: say which one with --team.")
    return rows[0]


def _host(key: str) -> "DnsHost":
    from sidecars.deliverability import dns_hosts

    if key not in dns_hosts.known():
        raise click.UsageError(f"There are: auto, {', '.join(dns_hosts.known())}.")
    return dns_hosts.known()[key]


def _console() -> Console:
    return Console(highlight=False)
