"""`./kiba inspect`: is each received mail a good mail?"""

import click
from rich.console import Console

from sidecars.commands.ids import BROADCAST
from sidecars.commands.surroundings import adopt_stack

SHOWN = 10


@click.command()
@click.argument("broadcast_id", type=BROADCAST)
@click.option("--receipts", metavar="URL", default=None, help="The simulator; by default this machine's.")
@click.option(
    "--follow", "to_follow", type=int, default=0, help="Open all links of so many mails, and unsubscribe."
)
def inspect(broadcast_id: int, receipts: str | None, to_follow: int) -> None:
    """Parse every mail of a broadcast that the simulator received, and verify its DKIM signature.

    With --follow, the visits are counted like any reader's, and those readers are unsubscribed.

    \b
      ./kiba inspect 7
      ./kiba inspect 7 --follow 3
    """
    stack = adopt_stack()
    from sidecars.commands.inspection import follow, inspect_mails

    console = Console(highlight=False)
    with console.status("Looking at the mails") as status:
        mails = inspect_mails(
            receipts or stack.url("simulator_http"),
            broadcast_id,
            lambda number: status.update(f"{number:,} mails looked at"),
        )
    faulty = [mail for mail in mails if mail.faults]
    for mail in faulty[:SHOWN]:
        console.print(f"  {mail.message_id} to {mail.recipient}: {'; '.join(mail.faults)}", style="red")
    console.print(
        f"{len(mails):,} mails parsed, each once; {len(mails) - len(faulty):,} without a fault, DKIM included"
    )
    wrong = [problem for mail in mails[:to_follow] for problem in follow(mail)]
    for problem in wrong[:SHOWN]:
        console.print(f"  {problem}", style="red")
    if to_follow:
        followed = sum(len(mail.links) for mail in mails[:to_follow])
        console.print(
            f"{followed:,} links of {min(to_follow, len(mails))} mails opened, {len(wrong)} problems"
        )
    raise SystemExit(1 if faulty or wrong or not mails else 0)
