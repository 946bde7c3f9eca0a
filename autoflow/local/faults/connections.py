"""Connections of the gateway's clients, by the clients' ports, so that one can be reset instead of answered."""

import asyncio
import socket
import struct
from dataclasses import dataclass

from hypercorn.asyncio.tcp_server import TCPServer

_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)
"""SO_LINGER without time to linger: closing sends RST, and what was not sent is gone (socket(7))."""


@dataclass(frozen=True)
class _Connection:
    writer: asyncio.StreamWriter
    loop: asyncio.AbstractEventLoop


_open: dict[int, _Connection] = {}


def watch() -> None:
    """Know the connections that are made from now on."""
    serve = TCPServer.run

    async def run(self: TCPServer) -> None:
        port = int(self.writer.get_extra_info("peername")[1])
        _open[port] = _Connection(self.writer, asyncio.get_running_loop())
        try:
            await serve(self)
        finally:
            _open.pop(port, None)

    TCPServer.run = run  # type: ignore[method-assign]


def reset(port: int) -> None:
    """Reset the connection of the client with this port; nothing when it has gone already."""
    connection = _open.get(port)
    if connection:
        connection.loop.call_soon_threadsafe(_abort, connection.writer)


def _abort(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)
    transport.abort()
