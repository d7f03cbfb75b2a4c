"""Which handler a request goes to, and what is answered where there is none."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from werkzeug.routing import Map, Rule

from ws_sansio import ServerProtocol
from ws_sansio.routing import RouterBase
from ws_types.headers import Headers
from ws_types.http11 import Request, Response


class Connection:
    """What a router needs of one."""

    handler: Any = None
    handler_kwargs: Any = None

    def respond(self, status: Any, text: str) -> Response:
        return ServerProtocol().reject(status, text)


def route(
    router: RouterBase, path: str, host: str | None = "localhost"
) -> tuple[Connection, Response | None]:
    connection = Connection()
    headers = Headers() if host is None else Headers(Host=host)
    return connection, router.route_request(connection, Request(path, headers))


def found(router: RouterBase, path: str, host: str = "localhost") -> tuple[Any, Any]:
    connection, response = route(router, path, host)
    assert response is None
    return connection.handler, connection.handler_kwargs


def located(router: RouterBase, path: str, host: str = "localhost") -> str:
    """Where a request is redirected to."""
    connection, response = route(router, path, host)
    assert response is not None
    assert response.status_code == 302
    assert connection.handler is None
    url = response.headers["Location"]
    assert bytes(response.body).decode() == f"Found at {url}"
    return url


def missing(router: RouterBase, path: str, host: str = "localhost") -> bool:
    connection, response = route(router, path, host)
    assert response is not None
    assert connection.handler is None
    assert bytes(response.body) == b"Not Found"
    return response.status_code == 404


def home() -> None: ...


def item() -> None: ...


def rules() -> Map:
    return Map(
        [
            Rule("/", endpoint=home),
            Rule("/items/<int:number>/", endpoint=item),
            Rule("/old", redirect_to="/items/1/"),
            Rule("/first", endpoint=item, defaults={"number": 1}),
            Rule("/files/<path:name>", endpoint=item),
            Rule("/form", endpoint=item, methods=["POST"]),
        ]
    )


def test_handlers_and_their_arguments() -> None:
    router = RouterBase(rules())
    assert found(router, "/") == (home, {})
    assert found(router, "/items/5/") == (item, {"number": 5})
    assert found(router, "/items/5/?number=6") == (item, {"number": 5})
    assert found(router, "/first") == (item, {"number": 1})
    # As in `websockets`, what is percent-encoded stays so.
    assert found(router, "/files/a/%C3%A9%0D") == (item, {"name": "a/%C3%A9%0D"})


@pytest.mark.parametrize("path", ["/nothing", "/items/x/", "/items/-1/", "*", "/form", "/\xff"])
def test_paths_without_a_handler(path: str) -> None:
    assert missing(RouterBase(rules()), path)


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/items/5", "/items/5/"),
        ("/items/5?a=b&c", "/items/5/?a=b&c"),
        ("/old", "/items/1/"),
        ("//items///5/", "/items/5/"),
    ],
)
def test_redirects(path: str, where: str) -> None:
    assert located(RouterBase(rules()), path) == f"ws://localhost{where}"
    router = RouterBase(rules(), "example.com:8000", "wss")
    assert located(router, path) == f"wss://example.com:8000{where}"
    assert located(router, path, "attacker.example") == f"wss://example.com:8000{where}"


def test_absolute_targets() -> None:
    """RFC 9112, section 3.2.2: servers must accept them."""
    router = RouterBase(rules())
    assert found(router, "http://other/items/5/") == (item, {"number": 5})
    assert found(router, "http://other") == (home, {})
    assert missing(router, "/http://other/items/5/")


def test_hosts() -> None:
    url_map = Map(
        [Rule("/", endpoint=home, host="a.example"), Rule("/<x>/", endpoint=item, host="<y>.b:80")],
        host_matching=True,
    )
    router = RouterBase(url_map)
    assert found(router, "/", "A.example") == (home, {})
    assert found(router, "/1/", "c.b:80") == (item, {"x": "1", "y": "c"})
    assert located(router, "/1", "c.b:80") == "ws://c.b:80/1/"
    assert missing(router, "/", "b")


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "\xad"])
def test_hosts_that_are_none(host: str) -> None:
    _, response = route(RouterBase(rules()), "/", host)
    assert response is not None
    assert response.status_code == 400


def test_requests_without_a_host_are_left_to_the_core() -> None:
    connection, response = route(RouterBase(rules()), "/", None)
    assert response is None
    assert connection.handler is None
    # Where it isn't needed, nothing is missed.
    assert found(RouterBase(rules(), "localhost"), "/")[0] is home


def test_routers_of_the_program() -> None:
    class Router(RouterBase):
        def get_server_name(self, connection: Any, request: Request) -> str:
            return "behind.example"

        def redirect(self, connection: Any, url: str) -> Response:
            response: Response = connection.respond(308, url)
            return response

        def not_found(self, connection: Any) -> Response:
            response: Response = connection.respond(410, "Gone\n")
            return response

    router = Router(rules())
    _, response = route(router, "/items/5")
    assert response is not None
    assert (response.status_code, response.body) == (308, b"ws://behind.example/items/5/")
    _, response = route(router, "/nothing")
    assert response is not None
    assert response.status_code == 410


def test_without_werkzeug(monkeypatch: pytest.MonkeyPatch) -> None:
    url_map = rules()
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("werkzeug"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"install it, or ws-asyncio\[router\]"):
        RouterBase(url_map)


def test_a_map_that_is_none() -> None:
    rules: Any = [Rule("/", endpoint=home)]
    with pytest.raises(TypeError, match="must be a werkzeug Map, not list"):
        RouterBase(rules)
