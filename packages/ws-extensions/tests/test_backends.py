"""The libraries that do the compression."""

from __future__ import annotations

import subprocess
import sys
import zlib

import pytest
from raw import max_distance

from ws_extensions import backends

DATA = b"".join(b"%d bottles of beer, " % number for number in range(300))


@pytest.fixture(params=["zlib", "zlib-ng", "isal"])
def module(request):
    if request.param != "zlib":
        pytest.importorskip({"zlib-ng": "zlib_ng", "isal": "isal"}[request.param])
    return backends.load(request.param)


def test_default_is_zlib():
    assert backends.load(None) is zlib
    assert backends.load("zlib") is zlib


def test_backend_that_does_not_exist():
    with pytest.raises(ValueError, match="backend must be one of zlib, zlib-ng, isal, not 'gzip'"):
        backends.load("gzip")


@pytest.mark.parametrize(("name", "module"), [("zlib-ng", "zlib_ng"), ("isal", "isal")])
def test_backend_that_is_not_installed(monkeypatch, name, module):
    monkeypatch.setattr(backends, "_modules", {})
    for loaded in [loaded for loaded in sys.modules if loaded.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"install ws-extensions\[{name}\]"):
        backends.load(name)


def test_no_backend_is_loaded_by_importing():
    code = (
        "import sys; before = set(sys.modules); import ws_extensions; "
        "print(*{'zlib', 'zlib_ng', 'isal', 'threading', 'asyncio', 'socket', 'ssl'}"
        ".intersection(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == ""


@pytest.mark.parametrize("bits", range(9, 16))
def test_window_is_honoured(module, bits):
    repeated = bytes(range(256)) * 300
    levels = [0, 1, 2, 3] if "isal" in module.__name__ else [1, 3, 6, 9]
    for level in levels:
        compressor = module.compressobj(level=level, wbits=-bits)
        for data in (repeated, DATA * 8):
            result = compressor.compress(data) + compressor.flush(module.Z_FULL_FLUSH)
            assert max_distance(result) <= 1 << bits


def test_flush_ends_in_an_empty_block(module):
    compressor = module.compressobj(wbits=-12)
    for flush in (module.Z_SYNC_FLUSH, module.Z_FULL_FLUSH):
        for data in (b"x", DATA):
            result = compressor.compress(data) + compressor.flush(flush)
            assert result.endswith(b"\x00\x00\xff\xff")


class TestSettings:
    @pytest.mark.parametrize("settings", [None, {}, {"level": 9}, {"memLevel": 1, "strategy": 2}])
    def test_valid(self, settings):
        backends.check_settings(settings, None)
        backends.check_settings(settings, "zlib")

    @pytest.mark.parametrize(
        "settings",
        [
            {"level": 10},
            {"memLevel": 0},
            {"level": "9"},
            {"level": []},
            {"nope": 1},
            {"level": 2**70},
        ],
    )
    def test_invalid(self, settings):
        for _ in range(2):
            with pytest.raises(ValueError, match="invalid compress_settings: "):
                backends.check_settings(settings, None)

    def test_backend_without_settings(self):
        with pytest.raises(ValueError, match="backend must be one of"):
            backends.check_settings(None, "gzip")

    def test_valid_settings_are_tried_once(self, monkeypatch):
        tried = []

        class Module:
            error = ZeroDivisionError

            @staticmethod
            def compressobj(**settings):
                tried.append(settings)

        monkeypatch.setattr(backends, "_checked", set())
        monkeypatch.setattr(backends, "_modules", {"zlib": Module})
        for _ in range(3):
            backends.check_settings({"level": 3}, None)
        assert tried == [{"level": 3, "wbits": -12}]

    def test_memory_of_what_was_tried_is_bounded(self, monkeypatch):
        monkeypatch.setattr(backends, "_checked", set(range(100)))
        backends.check_settings({"level": 4}, None)
        assert len(backends._checked) == 100
