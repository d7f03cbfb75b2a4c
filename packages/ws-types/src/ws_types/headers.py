"""HTTP headers (RFC 9110, section 5): a multi-dict whose names don't depend on case, and what may
stand in it.

This file is compiled too. It keeps two views of the same headers: the pairs in their order, as they
go on the wire, and the values under each lower-cased name.

Names are tokens. Values are what RFC 9110 calls field content: bytes other than control characters,
in Python text of ISO-8859-1, so that every byte that arrives survives (RFC 9110, section 5.5). What
couldn't be sent, or would change the meaning of what is sent (CR, LF and NUL above all), is refused
when it is set, not when it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol, TypeAlias

from .escaping import redact_value

__all__ = [
    "Headers",
    "HeadersLike",
    "MultipleValuesError",
    "SupportsKeysAndGetItem",
    "check_header_name",
    "check_header_value",
    "decode_name",
    "is_field_value",
    "is_token",
]

# RFC 9110, section 5.6.2.
TOKEN_BYTES = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# RFC 9110, section 5.5: HTAB, SP, VCHAR, obs-text.
FIELD_VALUE_BYTES = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))

# The names of most handshakes. Connections share them, rather than each hold copies of its own.
_COMMON_NAMES = [
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Cookie",
    "Date",
    "Host",
    "Origin",
    "Pragma",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
    "Server",
    "Upgrade",
    "User-Agent",
]
_LOWERED = {name: name.lower() for name in _COMMON_NAMES}
_DECODED = {name.encode(): name for name in _COMMON_NAMES}


def decode_name(name: bytes) -> str:
    """Decode the name of a header, which is a token."""
    return _DECODED.get(name) or name.decode()


def _lower(name: str) -> str:
    return _LOWERED.get(name) or name.lower()


def is_token(data: bytes | bytearray) -> bool:
    """Tell whether bytes are a token, as names of headers are (RFC 9110, section 5.6.2)."""
    return len(data) > 0 and not data.translate(None, TOKEN_BYTES)


def is_field_value(data: bytes | bytearray) -> bool:
    """Tell whether bytes may stand in the value of a header (RFC 9110, section 5.5)."""
    return not data.translate(None, FIELD_VALUE_BYTES)


def check_header_name(name: str) -> None:
    """Check that a header may have that name.

    :raises TypeError: if it isn't a :class:`str`.
    :raises ValueError: if it isn't a token (RFC 9110, section 5.1).
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a header must be a str, not {type(name).__name__}")
    if not (name.isascii() and is_token(name.encode())):
        shown = ascii(name if len(name) <= 40 else name[:40] + "...")
        raise ValueError(f"invalid name of a header: {shown} isn't a token")


def check_header_value(name: str, value: str) -> None:
    """Check that a header may have that value.

    :param name: the name of the header, for the error. The error doesn't show the value: it may be
        a secret.
    :raises TypeError: if it isn't a :class:`str`.
    :raises ValueError: if it has a control character other than a tab, or isn't ISO-8859-1 (RFC
        9110, section 5.5).
    """
    if not isinstance(value, str):
        raise TypeError(f"the value of the {name} header must be a str, not {type(value).__name__}")
    try:
        data = value.encode("latin-1")
    except UnicodeEncodeError as exc:
        raise ValueError(
            f"invalid value of the {name} header: the character at {exc.start} isn't ISO-8859-1; "
            "encode the value, for instance as percent-encoded UTF-8"
        ) from None
    wrong = data.translate(None, FIELD_VALUE_BYTES)
    if wrong:
        raise ValueError(
            f"invalid value of the {name} header: "
            f"control character 0x{wrong[0]:02x} at {data.index(wrong[0])}"
        )


class MultipleValuesError(LookupError):
    """A header was asked for its value, and has several.

    Use :meth:`Headers.get_all`, or refuse the message: for a header that may stand only once,
    several are an attack or a mistake.
    """

    def __str__(self) -> str:
        # A KeyError's habit: the key is quoted.
        if len(self.args) == 1:
            return repr(self.args[0])
        return super().__str__()


class SupportsKeysAndGetItem(Protocol):
    """What is enough of a mapping for :meth:`Headers.update`."""

    def keys(self) -> Iterable[str]: ...

    def __getitem__(self, key: str, /) -> str: ...


class Headers(MutableMapping[str, str]):
    """HTTP headers, in their order.

    It is a mapping from names to values, whose names don't depend on case; and it takes several
    values for a name:

    - ``headers[name]`` is the value; if there are several, :exc:`MultipleValuesError` is raised,
      because to choose one of them would be a guess that somebody else on the way may make
      differently.
    - ``headers[name] = value`` *adds* a value. To replace what is there, ``del headers[name]``
      first.
    - :meth:`get_all` gives all values of a name, :meth:`raw_items` all pairs.

    ``len()`` and iteration count each name once, lower-cased; :meth:`raw_items` keeps names as they
    were set. Two objects are equal when each name has the same values in the same order.

    ``str()`` gives the headers as they go on the wire. ``repr()`` hides credentials and cookies
    (the values of :data:`~ws_types.escaping.SECRET_HEADERS`), since it ends in logs and tracebacks.

    :param args: at most one: other headers, a mapping, or an iterable of pairs.
    :param kwargs: more headers, for names that are identifiers.
    :raises TypeError: if a name or a value isn't a :class:`str`.
    :raises ValueError: if a name isn't a token, or a value has a character that HTTP doesn't admit.
    """

    __slots__ = ("_pairs", "_values")

    _pairs: list[tuple[str, str]]
    # Tuples, because they take less memory than lists, and hardly a name comes twice.
    _values: dict[str, tuple[str, ...]]

    def __init__(self, *args: HeadersLike, **kwargs: str) -> None:
        self._pairs = []
        self._values = {}
        if args or kwargs:
            self.update(*args, **kwargs)

    @classmethod
    def _from_validated(cls, pairs: list[tuple[str, str]]) -> Headers:
        """Make headers of pairs that a parser has checked; the list is theirs from now on."""
        headers = cls.__new__(cls)
        values: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            key = _lower(name)
            if key in values:
                values[key] += (value,)
            else:
                values[key] = (value,)
        headers._pairs = pairs
        headers._values = values
        return headers

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\r\n" for name, value in self._pairs]) + "\r\n"

    def __repr__(self) -> str:
        # It ends in logs and tracebacks.
        pairs = [(name, redact_value(name, value)) for name, value in self._pairs]
        return f"{type(self).__name__}({pairs!r})"

    def copy(self) -> Headers:
        """Return headers that change independently of these."""
        copied = type(self)()
        copied._pairs = self._pairs.copy()
        copied._values = self._values.copy()
        return copied

    __copy__ = copy

    def serialize(self) -> bytes:
        """Return the headers as they go on the wire (RFC 9112, section 2.1).

        The empty line that ends them is included.
        """
        return str(self).encode("latin-1")

    # Collection

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    # MutableMapping

    def __getitem__(self, key: str) -> str:
        values = self._values.get(key.lower())
        if values is None:
            raise KeyError(key)
        if len(values) > 1:
            raise MultipleValuesError(key)
        return values[0]

    def __setitem__(self, key: str, value: str) -> None:
        check_header_name(key)
        check_header_value(key, value)
        self._pairs.append((key, value))
        lowered = _lower(key)
        self._values[lowered] = (*self._values.get(lowered, ()), value)

    def __delitem__(self, key: str) -> None:
        lowered = key.lower()
        if lowered not in self._values:
            raise KeyError(key)
        del self._values[lowered]
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != lowered]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._values == other._values

    # Headers can change, so they can't be keys.
    __hash__ = None  # type: ignore[assignment]

    def clear(self) -> None:
        """Remove all headers."""
        self._pairs = []
        self._values = {}

    def update(self, *args: HeadersLike, **kwargs: str) -> None:
        """Add headers; those of the same name stay.

        :param args: at most one: other headers, a mapping, or an iterable of pairs.
        :param kwargs: more headers, for names that are identifiers.
        :raises TypeError: if a name or a value isn't a :class:`str`.
        :raises ValueError: if a name isn't a token, or a value has a character that HTTP doesn't
            admit.
        """
        if len(args) > 1:
            raise TypeError(f"expected at most one positional argument, got {len(args)}")
        if args:
            source: Any = args[0]
            if isinstance(source, Headers):
                # A copy, because headers may be added to themselves.
                pairs: Iterable[tuple[str, str]] = list(source._pairs)
            elif isinstance(source, Mapping) or hasattr(source, "keys"):
                pairs = [(name, source[name]) for name in source.keys()]  # noqa: SIM118
            else:
                pairs = source
            for name, value in pairs:
                self[name] = value
        for name, value in kwargs.items():
            self[name] = value

    # Several values

    def get_all(self, key: str) -> list[str]:
        """Return all values of a header, in their order; an empty list if there is none.

        :param key: the name of the header, in any case.
        """
        return list(self._values.get(key.lower(), ()))

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Return an iterator over all pairs of name and value, in their order, as they were set."""
        return iter(self._pairs)


HeadersLike: TypeAlias = (
    Headers | Mapping[str, str] | Iterable[tuple[str, str]] | SupportsKeysAndGetItem
)
"""What is accepted where headers are wanted."""
