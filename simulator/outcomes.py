"""What can become of one recipient of one mail. Which of it does, providers.py tells."""

from dataclasses import dataclass
from enum import Enum, IntEnum


class Stage(IntEnum):
    """The step of the SMTP dialogue at which an outcome shows."""

    RCPT = 1
    DATA = 2
    BODY = 3
    DOT = 4


class Action(Enum):
    """What the receiver does; the value is the receipt's kind."""

    ACCEPT = "accepted"
    REFUSE = "refused"
    DEFER = "deferred"
    DROP = "dropped"


@dataclass(frozen=True)
class Outcome:
    """`text` is the reply's, or what happened where there is none. RFC 5321 4.2, RFC 3463."""

    name: str
    stage: Stage
    action: Action
    code: int | None
    enhanced: str | None
    text: str

    @property
    def reply(self) -> bytes:
        """The reply line; only where there is a code."""
        return f"{self.code} {self.enhanced} {self.text}\r\n".encode()

    @property
    def passes(self) -> bool:
        """Whether a later attempt can fare better."""
        return self.action in (Action.DEFER, Action.DROP)


ACCEPT = Outcome("accept", Stage.DOT, Action.ACCEPT, 250, "2.0.0", "Ok: queued")

OUTCOMES = {
    outcome.name: outcome
    for outcome in (
        ACCEPT,
        # Accepted; a consequence follows later.
        Outcome("slow", Stage.DOT, Action.ACCEPT, 250, "2.0.0", "Ok: queued, sorry for the wait"),
        Outcome("dsn", Stage.DOT, Action.ACCEPT, 250, "2.0.0", "Ok: queued for relay"),
        Outcome("complaint", Stage.DOT, Action.ACCEPT, 250, "2.0.0", "Ok: queued"),
        # Refused for good.
        Outcome("unknown_user", Stage.RCPT, Action.REFUSE, 550, "5.1.1", "No such user here"),
        Outcome("no_relay", Stage.RCPT, Action.REFUSE, 550, "5.7.1", "Relaying denied"),
        Outcome("no_smtputf8", Stage.RCPT, Action.REFUSE, 553, "5.6.7", "Address needs SMTPUTF8"),
        Outcome("policy", Stage.DOT, Action.REFUSE, 554, "5.7.1", "Message refused by local policy"),
        # Refused for now.
        Outcome("mailbox_full", Stage.RCPT, Action.DEFER, 452, "4.2.2", "Mailbox is full"),
        Outcome("greylist", Stage.RCPT, Action.DEFER, 451, "4.7.1", "Greylisted, please try again later"),
        Outcome("rate_limit", Stage.RCPT, Action.DEFER, 421, "4.7.0", "Too many messages, try again later"),
        # The connection ends without a reply; the mail is gone.
        Outcome("drop_rcpt", Stage.RCPT, Action.DROP, None, None, "connection dropped at RCPT"),
        Outcome("drop_data", Stage.DATA, Action.DROP, None, None, "connection dropped at DATA"),
        Outcome("drop_body", Stage.BODY, Action.DROP, None, None, "connection dropped amid the body"),
        Outcome("drop_dot", Stage.DOT, Action.DROP, None, None, "connection dropped after the final dot"),
    )
}
