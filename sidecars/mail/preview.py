"""Content as one reader would see it, for previews: nothing in it is tracked or leads out of the list."""

from datetime import UTC, datetime

from sidecars.mail import headers
from sidecars.mail.content import PreparedContent
from sidecars.mail.document import Tracking, html_template, with_page_urls
from sidecars.mail.recipients import Recipient, contact_fields
from sidecars.mail.templating import NOW, PAGE, TOKEN, parse
from sidecars.mail.templating import render as render_template

# An anchor that no document has, for the addresses that only a mail that was sent can have.
_NOWHERE = Tracking(url="#preview", opens=False, clicks=False)


def render(
    prepared: PreparedContent, recipient: Recipient, at: datetime | None = None
) -> tuple[str, str, str]:
    """Subject, HTML and text for `recipient`, at the moment `at` (None: now). Raises Unsendable."""
    fields = {
        "contact": contact_fields(recipient),
        TOKEN: "preview",
        PAGE: "preview",
        NOW: at or datetime.now(UTC),
    }
    subject = headers.clean(render_template(parse(prepared.subject, "subject"), fields))
    fields["broadcast"] = {"subject": subject}
    html = html_template(prepared.html, prepared.preheader, _NOWHERE)
    text = with_page_urls(prepared.text, _NOWHERE.url)
    return (
        subject,
        render_template(parse(html, "body"), fields),
        render_template(parse(text, "text"), fields),
    )
