"""The receiving end of SMTP (RFC 5321): one hand-written state machine over bytes, for its speed.

It speaks PIPELINING (RFC 2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531), ENHANCEDSTATUSCODES (2034)
and STARTTLS (3207). A recipient's domain tells its provider; the address a client connected to tells whose
greeting, TLS and latency it meets.
"""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Callable
from typing import ClassVar, cast

from simulator.chance import Dice
from simulator.outcomes import OUTCOMES, Action, Outcome, Stage
from simulator.post import Post, Recipient
from simulator.providers import DropStep, Provider

MOST_BYTES = 26_214_400
MOST_RECIPIENTS = 100
MOST_LINE = 4096
BODY_BEFORE_DROP = 256
SLOW = OUTCOMES["slow"]
SLOW_SECONDS = (0.5, 3.0)

MAIL = re.compile(rb'(?i)MAIL FROM:\s*<((?:"(?:\\.|[^"\\])*"|[^>"])*)>(.*)$')
RCPT = re.compile(rb'(?i)RCPT TO:\s*<((?:"(?:\\.|[^"\\])*"|[^>"])+)>(.*)$')
SIZE = re.compile(rb"(?i)\bSIZE=(\d+)")

OK = b"250 2.0.0 Ok\r\n"
SENDER_OK = b"250 2.1.0 Ok\r\n"
RECIPIENT_OK = b"250 2.1.5 Ok\r\n"
GO_AHEAD = b"354 End data with <CR><LF>.<CR><LF>\r\n"
BYE = b"221 2.0.0 Bye\r\n"
READY_FOR_TLS = b"220 2.0.0 Ready to start TLS\r\n"
BAD_SEQUENCE = b"503 5.5.1 Bad sequence of commands\r\n"
BAD_SYNTAX = b"501 5.5.4 Syntax error in parameters\r\n"
UNKNOWN_COMMAND = b"502 5.5.2 Command not recognized\r\n"
LINE_TOO_LONG = b"500 5.5.2 Line too long\r\n"
TOO_BIG = b"552 5.3.4 Message is larger than this server takes\r\n"
TOO_MANY_RECIPIENTS = b"452 4.5.3 Too many recipients\r\n"
SHUTTING_DOWN = b"421 4.3.2 Shutting down\r\n"


class Receiver:
    """What all sessions share."""

    def __init__(self, post: Post, dice: Dice, tls: ssl.SSLContext) -> None:
        self.post = post
        self.dice = dice
        self.tls = tls
        self.sessions: set[Session] = set()
        self.connections: Counter[str] = Counter()
        self.draining = False

    def session_at(self, host: str, provider: Provider | None) -> Callable[[], "Session"]:
        """A protocol factory for the listener of the MX `host` (of no provider: takes for all)."""
        return lambda: Session(self, host, provider)

    async def drain(self, timeout: float) -> None:
        """Sends idle clients away, lets transactions end, and drops the rest after `timeout` s."""
        self.draining = True
        for session in tuple(self.sessions):
            session.leave_if_idle()
        deadline = asyncio.get_running_loop().time() + timeout
        while self.sessions and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        for session in tuple(self.sessions):
            session.drop()


class Session(asyncio.Protocol):
    """One connection. Commands are read from `_input`; in DATA, bytes go to `_body` instead."""

    def __init__(self, receiver: Receiver, host: str, provider: Provider | None) -> None:
        self._receiver = receiver
        self._post = receiver.post
        self._host = host.encode()
        self._provider = provider
        self._name = provider.name if provider else ""
        self._offers_tls = provider is None or provider.tls
        self._latency = provider.latency_ms if provider else (0, 0)
        self._number = 0
        self._replies = 0
        self._input = b""
        self._output: list[bytes] = []
        self._pause = 0.0
        self._held = False
        self._closed = False
        self._encrypted = False
        self._greeted = False
        self._in_body = False
        self._body = bytearray()
        self._forget_mail()

    def _forget_mail(self) -> None:
        self._in_mail = False
        self._sender = ""
        self._smtputf8 = False
        self._recipients: list[Recipient] = []

    # --- the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        self._transport = cast(asyncio.Transport, transport)
        receiver = self._receiver
        receiver.sessions.add(self)
        receiver.connections[self._name] += 1
        self._number = receiver.connections[self._name]
        if self._drops_at("connect"):
            self.drop()
        else:
            self._output.append(b"220 %b ESMTP\r\n" % self._host)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """A transaction that was under way is forgotten."""
        self._closed = True
        self._receiver.sessions.discard(self)

    def drop(self) -> None:
        """Ends the connection without a word."""
        self._closed = True
        self._output.clear()
        self._transport.abort()

    def leave_if_idle(self) -> None:
        """Sends the client away unless it is amid a transaction."""
        if not (self._in_mail or self._held or self._closed):
            self._end_with(SHUTTING_DOWN)
            self._send()

    def data_received(self, data: bytes) -> None:
        """Bytes in any pieces."""
        if self._in_body and not self._held:
            self._read_body(data)
        else:
            self._input += data
        self._proceed()

    def _proceed(self) -> None:
        """Does what the input allows, then sends all replies at once."""
        while self._input and not (self._held or self._closed):
            if self._in_body:
                data, self._input = self._input, b""
                self._read_body(data)
            elif not self._read_command():
                break
        if self._output and not self._held:
            self._send()

    def _send(self) -> None:
        """Writes the replies, after the pause that the provider's latency or a slow recipient asks for."""
        pause, self._pause = self._pause + self._draw_latency(), 0.0
        if pause:
            self._held = True
            asyncio.get_running_loop().call_later(pause, self._release)
        else:
            self._write()

    def _release(self) -> None:
        self._held = False
        if not self._transport.is_closing():
            self._write()
            self._proceed()

    def _write(self) -> None:
        self._transport.write(b"".join(self._output))
        self._output.clear()
        if self._closed:
            self._transport.close()

    def _end_with(self, reply: bytes) -> None:
        self._output.append(reply)
        self._closed = True

    def _draw_latency(self) -> float:
        low, high = self._latency
        if not high:
            return 0.0
        self._replies += 1
        uniform = self._receiver.dice.draw("latency", self._name, self._number, self._replies)
        return (low + (high - low) * uniform) / 1000

    def _drops_at(self, step: DropStep) -> bool:
        provider = self._provider
        return provider is not None and provider.drops_at(step, self._receiver.dice, self._number)

    # --- commands

    def _read_command(self) -> bool:
        """Takes one line off the input; False where none is complete."""
        end = self._input.find(b"\n")
        if end < 0:
            if len(self._input) > MOST_LINE:
                self._input = b""
                self._end_with(LINE_TOO_LONG)
            return False
        line, self._input = self._input[:end].rstrip(b"\r"), self._input[end + 1 :]
        command = self._COMMANDS.get(line[:4].upper())
        if command is None:
            self._output.append(UNKNOWN_COMMAND)
        else:
            command(self, line)
        return True

    def _helo(self, line: bytes) -> None:
        if self._drops_at("helo"):
            return self.drop()
        self._forget_mail()
        self._greeted = True
        if line[:4].upper() == b"HELO":
            self._output.append(b"250 %b\r\n" % self._host)
            return
        lines = [self._host, b"PIPELINING", b"SIZE %d" % MOST_BYTES, b"8BITMIME", b"ENHANCEDSTATUSCODES"]
        if self._provider is None or self._provider.smtputf8:
            lines.append(b"SMTPUTF8")
        if self._offers_tls and not self._encrypted:
            lines.append(b"STARTTLS")
        self._output += [b"250-%b\r\n" % text for text in lines[:-1]]
        self._output.append(b"250 %b\r\n" % lines[-1])

    def _mail(self, line: bytes) -> None:
        parsed = MAIL.match(line)
        if not parsed:
            self._output.append(BAD_SYNTAX)
        elif not self._greeted or self._in_mail:
            self._output.append(BAD_SEQUENCE)
        elif (size := SIZE.search(parsed[2])) and int(size[1]) > MOST_BYTES:
            self._output.append(TOO_BIG)
        elif self._receiver.draining:
            self._end_with(SHUTTING_DOWN)
        elif self._drops_at("mail"):
            self.drop()
        else:
            self._in_mail = True
            self._sender = parsed[1].decode("utf-8", "replace")
            self._smtputf8 = b"SMTPUTF8" in parsed[2].upper()
            self._output.append(SENDER_OK)

    def _rcpt(self, line: bytes) -> None:
        parsed = RCPT.match(line)
        if not self._in_mail:
            self._output.append(BAD_SEQUENCE)
        elif not parsed:
            self._output.append(BAD_SYNTAX)
        elif len(self._recipients) >= MOST_RECIPIENTS:
            self._output.append(TOO_MANY_RECIPIENTS)
        else:
            address = parsed[1].decode("utf-8", "replace")
            recipient = self._post.judge(self._sender, address, self._smtputf8)
            if recipient.outcome.stage is Stage.RCPT:
                self._turn_away([recipient], recipient.outcome)
            else:
                self._recipients.append(recipient)
                self._output.append(RECIPIENT_OK)

    def _data(self, line: bytes) -> None:
        if not self._recipients:
            self._output.append(BAD_SEQUENCE)
        elif outcome := self._outcome_at(Stage.DATA):
            self._turn_away(self._recipients, outcome)
        else:
            self._output.append(GO_AHEAD)
            # A body that begins with a dot needs the line break before it to be told from a stuffed one.
            self._in_body, self._body = True, bytearray(b"\r\n")

    def _rset(self, line: bytes) -> None:
        self._forget_mail()
        self._output.append(OK)

    def _noop(self, line: bytes) -> None:
        self._output.append(OK)

    def _quit(self, line: bytes) -> None:
        self._end_with(BYE)

    def _starttls(self, line: bytes) -> None:
        if not self._offers_tls or self._encrypted:
            self._output.append(UNKNOWN_COMMAND)
            return
        # What was sent before the handshake is not trusted after it (RFC 3207 4.2).
        self._input = b""
        self._held = True
        self._transport.pause_reading()
        self._transport.write(b"".join([*self._output, READY_FOR_TLS]))
        self._output.clear()
        self._handshake = asyncio.get_running_loop().create_task(self._start_tls())

    async def _start_tls(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self._transport, self, self._receiver.tls, server_side=True, ssl_handshake_timeout=30
            )
        except (OSError, asyncio.CancelledError):
            transport = None
        if transport is None:
            return self.drop()
        self._transport = transport
        self._encrypted, self._greeted, self._held = True, False, False
        self._forget_mail()
        self._proceed()

    _COMMANDS: ClassVar[dict[bytes, Callable[["Session", bytes], None]]] = {
        b"EHLO": _helo,
        b"HELO": _helo,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": _data,
        b"RSET": _rset,
        b"NOOP": _noop,
        b"QUIT": _quit,
        b"STAR": _starttls,
    }

    # --- the mail

    def _read_body(self, data: bytes) -> None:
        body = self._body
        searched = max(0, len(body) - 4)
        body += data
        if len(body) > BODY_BEFORE_DROP and (outcome := self._outcome_at(Stage.BODY)):
            return self._turn_away(self._recipients, outcome)
        end = body.find(b"\r\n.\r\n", searched)
        if end >= 0:
            self._in_body = False
            self._input = bytes(body[end + 5 :])
            self._finish(bytes(body[: end + 2]))
        elif len(body) > MOST_BYTES:
            # Too big already; only the end is still looked for.
            del body[MOST_BYTES + 1 : -4]

    def _finish(self, body: bytes) -> None:
        outcome = self._outcome_at(Stage.BODY) or self._outcome_at(Stage.DOT)
        if len(body) > MOST_BYTES:
            self._output.append(TOO_BIG)
        elif outcome:
            self._turn_away(self._recipients, outcome, body)
        else:
            raw = body.replace(b"\r\n..", b"\r\n.")[2:]
            self._post.take(self._sender, self._recipients, raw)
            self._output.append(self._recipients[0].outcome.reply)
            self._pause = max(map(self._thinking_time, self._recipients))
        self._forget_mail()
        if self._receiver.draining and not self._closed:
            self._end_with(SHUTTING_DOWN)

    def _thinking_time(self, recipient: Recipient) -> float:
        """Seconds between the final dot and the reply."""
        if recipient.outcome is not SLOW:
            return 0.0
        low, high = SLOW_SECONDS
        return low + (high - low) * self._receiver.dice.draw("slow", recipient.address.lower())

    def _turn_away(self, recipients: list[Recipient], outcome: Outcome, raw: bytes = b"") -> None:
        self._post.turn_away(self._sender, recipients, outcome, raw)
        if outcome.action is Action.DROP:
            self.drop()
        elif outcome.code == 421:
            self._end_with(outcome.reply)
        else:
            self._output.append(outcome.reply)

    def _outcome_at(self, stage: Stage) -> Outcome | None:
        """What ends the transaction at `stage`: of several recipients, one speaks for all."""
        for recipient in self._recipients:
            outcome = recipient.outcome
            if outcome.stage is stage and outcome.action is not Action.ACCEPT:
                return outcome
        return None
