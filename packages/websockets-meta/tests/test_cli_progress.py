"""The live display of a measurement."""

from __future__ import annotations

import sys

import pytest

from websockets.cli.progress import NoProgress, PlainProgress, RichProgress, make_progress


def sit_at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


def test_nobody_watches_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with make_progress() as progress:
        assert type(progress) is NoProgress
        progress.update("Latency", 1.0, 3.0, 1000.0)
    assert capsys.readouterr() == ("", "")


def test_a_line_is_written_again_and_cleared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_at_terminal(monkeypatch)
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with make_progress() as progress:
        assert type(progress) is PlainProgress
        progress.update("Latency", 1.0, 3.0, 12345.6)
        progress.update("Latency", 3.1, 3.0, 12000.0)
    assert capsys.readouterr() == (
        "",
        "\r\x1b[KLatency: 1.0 of 3 s, 12,346 messages/s"
        "\r\x1b[KLatency: 3.0 of 3 s, 12,000 messages/s"
        "\r\x1b[K",
    )


def test_bars_with_rich(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_at_terminal(monkeypatch)
    pytest.importorskip("rich", reason="rich isn't installed")
    with make_progress() as progress:
        assert isinstance(progress, RichProgress)
        progress.update("Latency", 1.0, 3.0, 1000.0)
        progress.update("Latency", 4.0, 3.0, 2000.0)
        progress.update("Throughput", 0.0, 3.0, 0.0)
        first, second = progress._progress.tasks
    assert (first.completed, first.total, first.fields["rate"]) == (3.0, 3.0, 2000.0)
    assert (second.description, second.completed) == ("Throughput", 0.0)
    assert capsys.readouterr().out == ""
