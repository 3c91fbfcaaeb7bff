"""`./kiba person`: people made by the operator, where nobody can be mailed yet or sign-up is not open."""

import click

from sidecars.accounts.permissions import ADMINISTRATOR, ROLES
from sidecars.commands.surroundings import adopt_stack

PASSWORD_BYTES = 12


@click.group()
def person() -> None:
    """Make people who log in, and set their passwords.

    \b
      ./kiba person add ada@acme.example --name "Ada Lovelace" --team Acme
      ./kiba person password ada@acme.example
    """
    adopt_stack()


@person.command()
@click.argument("email")
@click.option("--name", required=True, help="As others in the team see it.")
@click.option("--team", required=True, help="The team's name; one is made where there is none of that name.")
@click.option("--role", type=click.Choice(ROLES), default=ADMINISTRATOR, show_default=True)
def add(email: str, name: str, team: str, role: str) -> None:
    """Make somebody in a team, and print their password, which is shown this once.

    Who has an account keeps it and its password, and is put into the team.
    """
    from sidecars.accounts import people
    from sidecars.deliverability.addresses import AddressError, checked
    from sidecars.edge.records import write_team
    from sidecars.models import Membership, Team, User, database
    from sidecars.names import address_key

    try:
        address = address_key(checked(email))
    except AddressError as error:
        raise click.ClickException(f"{email}: {error}") from None
    password = _new_password()
    with database.connection_context():
        with database.atomic():
            known = User.get_or_none(User.email == address)
            user = known or people.create_verified(address, name, password)
            group = Team.get_or_none(Team.name == team) or Team.create(name=team)
            Membership.insert(team=group, user=user, role=role).on_conflict(update={"role": role}).execute()
        write_team(group.id)
    click.echo(f"{address} is {role} of {group.name} (team_{group.id})")
    click.echo("Their password stays" if known else f"Password: {password}")


@person.command()
@click.argument("email")
def password(email: str) -> None:
    """Set a new password, print it, and log its person out everywhere."""
    from sidecars.accounts import passwords, sessions
    from sidecars.models import User, database, now
    from sidecars.names import address_key

    new = _new_password()
    with database.connection_context():
        user = User.get_or_none(User.email == address_key(email))
        if user is None:
            raise click.ClickException(f"Nobody has the address {email}: ./kiba person add")
        User.update(
            password_hash=passwords.hashed(new), email_verified_at=user.email_verified_at or now()
        ).where(User.id == user.id).execute()
        sessions.end_others(user.id)
    click.echo(f"Password: {new}")


def _new_password() -> str:
    from secrets import token_urlsafe

    return token_urlsafe(PASSWORD_BYTES)
