"""Prints what programs read: the text of frames and exceptions, close reasons, responses.

It runs on ``websockets``, ours or that of PyPI, and prints a JSON object: the name of a case, and
its text. Nothing here depends on which of them it is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import warnings

from common import CASES
from connections import asyncio_cases
from deflate import deflate_cases
from handshakes import client_cases, server_cases
from streams import parse_cases, protocol_cases
from values import exception_cases, frame_cases, header_cases, uri_cases


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable()
    for cases in (
        frame_cases,
        exception_cases,
        header_cases,
        uri_cases,
        parse_cases,
        protocol_cases,
        server_cases,
        client_cases,
        deflate_cases,
    ):
        cases()
    asyncio.run(asyncio_cases())
    json.dump(CASES, sys.stdout)


if __name__ == "__main__":
    main()
