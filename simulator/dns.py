"""The DNS server, over UDP and TCP (RFC 1035, RFC 7766), for the names in zone.py."""

import asyncio
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype

from simulator.zone import Zone

# Without EDNS a UDP answer has at most 512 bytes; a longer one is cut, and asked for again over TCP.
PLAIN_UDP_BYTES = 512


class UdpServer(asyncio.DatagramProtocol):
    """One datagram, one answer."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the socket to answer from."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str | object, int]) -> None:
        """Answers one query."""
        if answer := respond(self._zone, data):
            self._transport.sendto(answer, address)


async def serve_tcp(zone: Zone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one connection's queries, each with its length before it, until the client leaves."""
    try:
        while True:
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = respond(zone, await reader.readexactly(length), udp=False)
            if answer is None:
                break
            writer.write(len(answer).to_bytes(2, "big") + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def respond(zone: Zone, wire: bytes, udp: bool = True) -> bytes | None:
    """The answer to a query, both in wire form; None for what is not a query."""
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    if query.flags & dns.flags.QR or len(query.question) != 1:
        return None
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.AA
    if query.opcode() != dns.opcode.QUERY:
        response.set_rcode(dns.rcode.NOTIMP)
    else:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        rcode, answers = zone.answer(name, dns.rdatatype.to_text(question.rdtype))
        response.set_rcode(rcode)
        response.answer.extend(answers)
    most = max(query.payload, PLAIN_UDP_BYTES) if udp else 65535
    return response.to_wire(max_size=most, prefer_truncation=True)
