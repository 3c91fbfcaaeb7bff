import pytest

from sidecars.broadcasts.states import Reason
from sidecars.deliverability.bounces import classify_reply, judge_reply

REPLIES = [
    # code, enhanced, words, reason
    (550, "5.1.1", "The email account that you tried to reach does not exist", Reason.HARD_BOUNCE),
    (550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP lookup", Reason.HARD_BOUNCE),
    (550, "5.4.1", "Recipient address rejected: Access denied. AS(201806281)", Reason.HARD_BOUNCE),
    (550, "5.5.0", "Requested action not taken: mailbox unavailable (S2017062302)", Reason.HARD_BOUNCE),
    (554, None, "delivery error: dd This user doesn't have a bigmail.example account", Reason.HARD_BOUNCE),
    (550, "5.7.1", "Recipient unknown", Reason.HARD_BOUNCE),
    (550, None, "No such user here", Reason.HARD_BOUNCE),
    (550, "5.2.1", "The email account that you tried to reach is disabled", Reason.HARD_BOUNCE),
    (553, "5.6.7", "Address needs SMTPUTF8", Reason.NEEDS_SMTPUTF8),
    (556, "5.1.10", "Recipient address has null MX", Reason.HARD_BOUNCE),
    (None, "5.1.2", "ENOTFOUND bigmial.example", Reason.HARD_BOUNCE),
    (None, None, "NXDOMAIN: queryMx ENOTFOUND gone.test", Reason.HARD_BOUNCE),
    (452, "4.2.2", "Given up after the last attempt: Mailbox is full", Reason.MAILBOX_FULL),
    (552, "5.2.2", "The recipient's inbox is out of storage space", Reason.MAILBOX_FULL),
    (552, None, "Requested mail action aborted", Reason.MAILBOX_FULL),
    (550, None, "user has exceeded their quota", Reason.MAILBOX_FULL),
    (554, "5.7.1", "Message refused by local policy", Reason.BLOCKED),
    (550, "5.7.26", "Unauthenticated email is not accepted due to domain's DMARC policy", Reason.BLOCKED),
    (550, "5.7.606", "Access denied, banned sending IP", Reason.BLOCKED),
    (554, None, "Blocked: 192.0.2.1 is listed at zen.spamhaus.example", Reason.BLOCKED),
    (550, None, "Relaying denied", Reason.BLOCKED),
    (550, None, "Rejected", Reason.BLOCKED),
    (451, "4.7.1", "Given up after the last attempt: Greylisted", Reason.SOFT_BOUNCE_EXPIRED),
    (421, "4.7.0", "Given up after the last attempt: Too many messages", Reason.SOFT_BOUNCE_EXPIRED),
    (None, "4.4.7", "Too many failures", Reason.SOFT_BOUNCE_EXPIRED),
    (None, None, "connect ECONNREFUSED", Reason.SOFT_BOUNCE_EXPIRED),
]


@pytest.mark.parametrize(("code", "enhanced", "words", "reason"), REPLIES)
def test_a_refusal_tells_what_it_says_of_the_address(code, enhanced, words, reason):
    assert classify_reply(code, enhanced, words) is reason


# What providers publish: Google support.google.com/a/answer/3726730, Apple support.apple.com/102322,
# Yahoo senders.yahooinc.com/smtp-error-codes, Microsoft's NDR codes, and servers' own documentation.
KINDS = [
    (550, "5.1.1", "The email account that you tried to reach does not exist.", "hard"),
    (550, "5.2.1", "The email account that you tried to reach is inactive.", "hard"),
    (552, "5.2.2", "The recipient's inbox is out of storage space and inactive.", "mailbox_full"),
    (452, "4.2.2", "The recipient's inbox is out of storage space.", "mailbox_full"),
    (
        450,
        "4.2.1",
        "The user you are trying to contact is receiving mail at a rate that prevents additional messages",
        "rate",
    ),
    (
        421,
        "4.7.28",
        "Our system has detected an unusual rate of mail originating from your IP address",
        "rate",
    ),
    (550, "5.7.26", "Your email has been blocked because the sender is unauthenticated.", "policy"),
    (550, "5.7.1", "Our system has detected that this message is likely unsolicited mail.", "content"),
    (
        552,
        "5.7.0",
        "This message was blocked because its content presents a potential security issue: virus",
        "content",
    ),
    (552, "5.3.4", "Your message exceeded Google's message size limits.", "content"),
    (
        550,
        "5.7.1",
        "Unfortunately, messages from [192.0.2.25] weren't sent. Your network is on our block list (S3140).",
        "block",
    ),
    (550, "5.7.606", "Access denied, banned sending IP [192.0.2.25]", "block"),
    (550, "5.7.509", "Access denied, sending domain news.example does not pass DMARC verification", "policy"),
    (550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "hard"),
    (550, "5.7.1", "RESOLVER.RST.NotAuthorized; not authorized", "policy"),
    (550, "5.7.1", "RESOLVER.RST.AuthRequired; authentication required", "policy"),
    (421, "4.7.0", "[TSS04] Messages from 192.0.2.25 temporarily deferred due to unexpected volume", "rate"),
    (554, "5.7.9", "Message not accepted for policy reasons.", "policy"),
    (554, None, "delivery error: dd This user doesn't have a yahoo.example account", "hard"),
    (552, None, "1 Requested mail action aborted, mailbox not found", "hard"),
    (554, "5.7.1", "[HM08] Message rejected due to local policy. Your IP is on a blocklist", "block"),
    (550, "5.7.1", "Service unavailable; client [192.0.2.25] blocked using zen.spamhaus.example", "block"),
    (554, None, "Blocked - see our IP reputation page", "block"),
    (550, None, "Rejected by header based Anti-Spoofing policy", "policy"),
    (550, "5.1.8", "Sender address rejected: Domain not found", "policy"),
    (450, "4.7.1", "Client host rejected: cannot find your hostname", "policy"),
    (554, "5.4.6", "Too many hops", "soft"),
    (550, "5.1.2", "Host unknown", "dns"),
    (556, "5.1.10", "Recipient address has null MX", "dns"),
    (550, "5.1.2", "<ann@people.example>: Recipient address rejected: Domain not found", "dns"),
    (None, None, "NXDOMAIN: queryMx ENOTFOUND gone.test", "dns"),
    (451, "4.4.3", "Host not found, try again: DNS lookup failure", "dns"),
    (450, "4.2.0", "Greylisted, please try again later", "soft"),
    (421, None, "Service not available, closing transmission channel", "soft"),
    (450, "4.1.1", "User unknown in local recipient table", "soft"),
    (550, "5.0.0", "no words of use", "hard"),
]


@pytest.mark.parametrize(("code", "enhanced", "words", "kind"), KINDS)
def test_a_refusal_has_a_kind(code, enhanced, words, kind):
    assert judge_reply(code, enhanced, words).kind == kind


@pytest.mark.parametrize(("code", "enhanced"), [(550, "5.0.0"), (550, None), (None, "5.0.0")])
def test_a_refusal_without_a_reason_suppresses_nobody(code, enhanced):
    verdict = judge_reply(code, enhanced, "")

    assert verdict.weak
    assert verdict.reason is Reason.BLOCKED


def test_what_was_refused_for_now_never_counts_as_a_hard_bounce():
    for _, enhanced, words, _ in KINDS:
        transient = f"4{enhanced[1:]}" if enhanced else None
        assert classify_reply(450, transient, words) is not Reason.HARD_BOUNCE


def test_only_the_beginning_of_an_endless_reply_counts():
    assert judge_reply(550, None, "x" * 100_000 + " user unknown").weak
