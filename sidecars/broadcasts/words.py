"""What the codes of the ledger mean, for people."""

from sidecars.broadcasts.states import Reason, SendState

STATES: dict[SendState, str] = {
    SendState.PLANNED: "It is planned and waits for its turn.",
    SendState.CLAIMED: "A worker is about to hand it over.",
    SendState.ACCEPTED: "Our edge has it and is delivering it.",
    SendState.DELIVERED: "The recipient's server took it.",
    SendState.BOUNCED: "It bounced.",
    SendState.REJECTED: "It could not be handed over.",
    SendState.SKIPPED: "It was not sent.",
    SendState.CANCELLED: "It was stopped before it was sent.",
    SendState.UNKNOWN: "The connection was lost after the mail was sent and before the answer came; "
    "it may have arrived.",
}

REASONS: dict[Reason, str] = {
    Reason.NONE: "",
    Reason.SUPPRESSED: "The address is on the suppression list.",
    Reason.UNSUBSCRIBED: "The person unsubscribed.",
    Reason.INVALID: "The contact is gone, or the address cannot be mailed.",
    Reason.OVER_QUOTA: "The team's quota was used up.",
    Reason.PAUSED: "The person takes a break from the team's broadcasts.",
    Reason.HARD_BOUNCE: "The mailbox does not exist.",
    Reason.SOFT_BOUNCE_EXPIRED: "The recipient's server put it off until we gave up.",
    Reason.BLOCKED: "The recipient's server blocked it by a policy.",
    Reason.MAILBOX_FULL: "The mailbox is full.",
    Reason.LATE_DSN: "The recipient's server took it, then sent it back.",
    Reason.NEEDS_SMTPUTF8: "It takes no addresses with letters outside ASCII (SMTPUTF8).",
    Reason.REFUSED_BY_EDGE: "Our edge refused it.",
    Reason.COMPOSE_FAILED: "The mail could not be made from its template and this contact's data.",
    Reason.EDGE_BUSY: "No edge took it in time.",
    Reason.EDGE_LOST: "The edge that had it was lost with its disk.",
    Reason.CANCELLED: "The broadcast was cancelled.",
}


def in_words(state: SendState, reason: Reason) -> str:
    """One or two sentences: where a mail stands, and why."""
    return f"{STATES[state]} {REASONS[reason]}".strip()
