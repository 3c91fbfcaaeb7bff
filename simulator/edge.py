"""Mail from the outside to the edge's inbound listener: reports of providers, requests of readers."""

import asyncio
import smtplib
from email.message import Message

from simulator.agenda import Never, NotNow


class Edge:
    """The inbound listener, one connection a mail as from strangers."""

    def __init__(self, host: str, port: int, hostname: str) -> None:
        self._address = (host, port)
        self._hostname = hostname

    async def send(self, message: Message, envelope_sender: str, recipient: str) -> None:
        """Returns when the edge has answered 250. Raises Never where it refused for good, else NotNow."""
        try:
            await asyncio.to_thread(self._send, message, envelope_sender, recipient)
        except (OSError, smtplib.SMTPException) as error:
            code = _code(error)
            kind = Never if code >= 500 else NotNow
            raise kind(f"mail to {recipient} at {self._address}: {error!r}") from error

    def _send(self, message: Message, envelope_sender: str, recipient: str) -> None:
        with smtplib.SMTP(*self._address, local_hostname=self._hostname, timeout=30) as smtp:
            smtp.send_message(message, envelope_sender, [recipient])


def _code(error: Exception) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next(iter(error.recipients.values()))[0]
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0
