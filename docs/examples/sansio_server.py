"""An echo server for one connection, on a blocking socket and without asyncio or threads."""

import socket

from ws_sansio import ServerProtocol
from ws_types import Request


def serve_one(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    protocol = ServerProtocol(view="messages")
    with sock:
        while True:
            data = sock.recv(65536)
            if data:
                protocol.receive_data(data)
            else:
                protocol.receive_eof()
            for event in protocol.events_received():
                if isinstance(event, Request):
                    protocol.send_response(protocol.accept(event))
                else:
                    protocol.send_message(event)
            for chunk in protocol.data_to_send():
                if chunk:
                    sock.sendall(chunk)
                else:
                    sock.shutdown(socket.SHUT_WR)
            if not data:
                return


if __name__ == "__main__":
    with socket.create_server(("localhost", 8765)) as listener:
        serve_one(listener)
