"""What the argument *compression* of clients and servers stands for, the same in every shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ws_types.extension import ClientExtensionFactory, ServerExtensionFactory

from .permessage_deflate import (
    enable_client_permessage_deflate,
    enable_server_permessage_deflate,
)

__all__ = ["COMPRESSION_THRESHOLD", "client_extensions", "server_extensions"]

#: With ``compression="deflate"``, messages of fewer bytes are sent as they are: one packet of the
#: network carries them in either form, and compressing costs more than all else.
COMPRESSION_THRESHOLD: Final = 64


def client_extensions(
    extensions: Sequence[ClientExtensionFactory] | None, compression: str | None
) -> Sequence[ClientExtensionFactory] | None:
    """Choose the extensions that a client offers.

    :param extensions: those that the program asks for; None for none.
    :param compression: ``"deflate"`` adds permessage-deflate, unless it is there; None doesn't.
    :raises ValueError: if *compression* is something else.
    """
    if not _is_wanted(compression):
        return extensions
    return enable_client_permessage_deflate(extensions, threshold=COMPRESSION_THRESHOLD)


def server_extensions(
    extensions: Sequence[ServerExtensionFactory] | None, compression: str | None
) -> Sequence[ServerExtensionFactory] | None:
    """Choose the extensions that a server accepts.

    :param extensions: those that the program asks for; None for none.
    :param compression: ``"deflate"`` adds permessage-deflate, unless it is there; None doesn't.
    :raises ValueError: if *compression* is something else.
    """
    if not _is_wanted(compression):
        return extensions
    return enable_server_permessage_deflate(extensions, threshold=COMPRESSION_THRESHOLD)


def _is_wanted(compression: str | None) -> bool:
    if compression not in ("deflate", None):
        raise ValueError(f"unsupported compression: {compression}")
    return compression is not None
