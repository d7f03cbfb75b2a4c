"""A client that greets, and measures."""

from ws_sync import connect


def main(uri: str = "ws://localhost:8765") -> None:
    with connect(uri) as connection:
        connection.send("world")
        print(connection.recv(timeout=10))
        if connection.ping().wait(timeout=10):
            print(f"{connection.latency * 1000:.2f} ms")


if __name__ == "__main__":
    main()
