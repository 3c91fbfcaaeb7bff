"""Text part, subject, preheader, sender's name."""

import re
from collections.abc import Iterator

from sidecars.broadcasts.rehearsal.findings import Finding, failure, or_passed, passed, warning
from sidecars.broadcasts.rehearsal.mail import RehearsedMail
from sidecars.broadcasts.rehearsal.page import words_of
from sidecars.broadcasts.rehearsal.rehearsal import Rehearsal

# Ours: half of the words. SpamAssassin's MPART_ALT_DIFF compares the two as well.
LEAST_ALIKE = 0.5
# Gmail shows about 70 characters on a screen, phones 30 to 45.
LONG_SUBJECT = 70
LONG_PREHEADER = 140
_ANSWER = re.compile(r"\s*(re|aw|fwd?|wg|sv|vs)\s*(\[\d+\])?:", re.IGNORECASE)
_URLS = re.compile(r"<?https?://\S+")


def text_part(rehearsal: Rehearsal) -> Iterator[Finding]:
    """There is a text part, and it says what the HTML says."""
    for mail in rehearsal.mails:
        shown = mail.page.words
        alike = len(shown & words_of(_URLS.sub("", mail.text))) / len(shown) if shown else 1.0
        if not mail.text.strip():
            yield failure(
                "The text part is empty.", "Write one, or leave `text` null: it is made.", mail.place
            )
        elif alike < LEAST_ALIKE:
            yield warning(
                f"The text part has {alike:.0%} of the HTML's words: filters take that for a trick.",
                "Write it anew from the HTML, or leave `text` null: it is made.",
                f"{mail.place}text",
            )
        else:
            yield passed(f"The text part has {alike:.0%} of the HTML's words.", mail.place)


def subject(rehearsal: Rehearsal) -> Iterator[Finding]:
    """The subject is short enough, not shouted, and does not pretend to be an answer."""
    for mail in rehearsal.mails:
        yield from or_passed(
            _subject_faults(mail), f'"{mail.subject[:80]}" has {len(mail.subject)} characters.'
        )


def preheader(rehearsal: Rehearsal) -> Iterator[Finding]:
    """There is one, short enough to be shown behind the subject."""
    for mail in rehearsal.mails:
        text, where = mail.prepared.preheader, f"{mail.place}preheader"
        if not text.strip():
            yield warning(
                "There is no preheader: mail programs show the first words of the mail, whatever they are.",
                "Write one sentence that goes on where the subject ends.",
                where,
            )
        elif len(text) > LONG_PREHEADER:
            yield warning(
                f"The preheader has {len(text)} characters; about {LONG_PREHEADER} are shown at most.",
                "Shorten it.",
                where,
            )
        else:
            yield passed(f"The preheader has {len(text)} characters.", mail.place)


def _subject_faults(mail: RehearsedMail) -> Iterator[Finding]:
    subject, where = mail.subject, f"{mail.place}subject"
    if not subject.strip():
        yield failure("For this reader the subject is empty.", "Give its merge field a default.", where)
    if len(subject) > LONG_SUBJECT:
        yield warning(
            f"The subject has {len(subject)} characters; about {LONG_SUBJECT} are shown, on a phone 40.",
            "Say it shorter, the main thing first.",
            where,
        )
    if _ANSWER.match(subject):
        yield failure(
            "The subject looks like an answer or a forwarded mail, which it is not; Gmail takes that for "
            "deceit (https://support.google.com/a/answer/81126).",
            "Take the Re: or Fwd: out.",
            where,
        )
    letters = [each for each in subject if each.isalpha()]
    if len(letters) > 8 and all(each.isupper() for each in letters):
        yield warning("The subject is all capitals.", "Write it as a sentence.", where)
