import http
import logging
import subprocess
import sys

import pytest

import ws_types.typing


def test_logger_like_admits_loggers_and_adapters():
    from ws_types.typing import LoggerLike

    assert LoggerLike.__args__[0] is logging.Logger
    assert "LoggerAdapter" in str(LoggerLike)


def test_status_like_admits_statuses_and_integers():
    from ws_types.typing import StatusLike

    assert StatusLike == http.HTTPStatus | int


def test_lazy_names_are_made_once():
    assert ws_types.typing.StatusLike is ws_types.typing.StatusLike


def test_every_public_name_exists():
    for name in ws_types.typing.__all__:
        assert getattr(ws_types.typing, name) is not None


def test_unknown_name():
    with pytest.raises(AttributeError, match=r"'ws_types\.typing' has no attribute 'Nonsense'"):
        _ = ws_types.typing.Nonsense


def test_import_leaves_expensive_modules_alone():
    code = (
        "import sys; bare = {*sys.modules}; import ws_types; print(*sorted({*sys.modules} - bare))"
    )
    output = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "ws_types.typing" in output
    unwanted = {
        "asyncio", "dataclasses", "email", "http", "importlib.metadata", "inspect", "ipaddress",
        "logging", "secrets", "socket", "ssl", "threading", "urllib", "zlib",
    }  # fmt: skip
    assert not unwanted & {*output}
