"""Text that is safe to show: what came from a peer, or holds a secret, on its way into a message
for people.

An exception's text ends in logs and on terminals. There, a control character of the peer's choice
forges log lines or moves the cursor, and a URI's userinfo is a password.
"""

from __future__ import annotations

__all__ = ["SECRET_HEADERS", "printable", "redact_userinfo", "redact_value"]

# The key and the accept value of the handshake are public by design (RFC 6455, section 1.3).
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})
"""Lower-case names of the headers whose values are shown to nobody."""

_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _escape(char: str) -> str:
    if char.isprintable():
        return char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def printable(text: str, limit: int | None = None) -> str:
    """Write whatever isn't printable (control and format characters, line separators, surrogates)
    as an escape.

    Text that is printable comes back as it is, backslashes included: this is for reading, not for
    parsing again.

    :param text: any text.
    :param limit: the number of characters to keep; what follows them becomes ``...``.
    :returns: text on one line.
    """
    if limit is not None and len(text) > limit:
        text = text[:limit] + "..."
    if text.isprintable():
        return text
    return "".join(map(_escape, text))


def redact_value(name: str, value: str) -> str:
    """Replace the value of a header that holds a secret by its length in characters.

    :param name: the name of the header; those of :data:`SECRET_HEADERS` hold secrets.
    :param value: its value.
    """
    return f"[redacted, {len(value)} characters]" if name.lower() in SECRET_HEADERS else value


def redact_userinfo(uri: str) -> str:
    """Replace the user name and the password of a URI by ``***``.

    Everything up to the last ``@`` goes, even past a ``/``: in a malformed URI a password may well
    contain one.

    :param uri: a URI, or what was given in place of one.
    """
    before, at, after = uri.rpartition("@")
    if not at:
        return uri
    scheme, slashes, _ = before.partition("//")
    return f"{scheme}{slashes}***@{after}" if slashes else f"***@{after}"
