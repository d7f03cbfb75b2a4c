"""
The connections of a server: who is there, who may be, and how they end together.

:class:`~ws_sansio.admission.Admission` decides; here are the tasks that handle connections, and
the waiting until all are gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from ws_sansio.admission import Admission, Refusal
from ws_sansio.drain import drain_times
from ws_sansio.states import State
from ws_types.codes import CloseCode
from ws_types.typing import LoggerLike

from .connection import Connection

__all__ = ["HANDLER_GRACE", "Registry"]

#: How long handlers may go on, in seconds, after a server that was drained has closed their
#: connections. Then they are cancelled.
HANDLER_GRACE: Final = 10.0

C = TypeVar("C", bound=Connection)


class Registry(Generic[C]):
    """
    The connections of a server.

    :param admission: the account of them, and the limits.
    :param logger: where to log.
    """

    def __init__(self, admission: Admission[C], logger: LoggerLike) -> None:
        self.admission = admission
        self.logger = logger
        #: Connections by the task that handles them; it holds the connection, not the reverse.
        self.tasks: dict[C, asyncio.Task[None]] = {}
        #: Set when no connection is opened any more.
        self.closing = False
        #: Set when nothing is answered any more to those who have just come.
        self.dismissed = False
        # Who waits for a change of the account.
        self._watcher: asyncio.Future[None] | None = None

    # Connections call these

    def arrived(self, connection: C) -> None:
        """A connection was accepted."""
        if self.dismissed:
            connection.transport.abort()
            return
        victim = self.admission.arrived(connection)
        if victim is not None:
            self.logger.info("%s", self.admission.drop_reason)
            victim.transport.abort()

    def requested(
        self, connection: C, handle: Callable[[C], Coroutine[Any, Any, None]]
    ) -> Refusal | None:
        """
        A request is complete.

        :param handle: performs the handshake, and what follows; not called where it is refused.
        """
        request = connection.request
        assert request is not None
        refusal = self.admission.requested(connection, request, connection.remote_address)
        if refusal is None:
            task = self.tasks[connection] = connection.loop.create_task(handle(connection))
            if task.done():
                # An eager task that is done already.
                self.finished(connection)
        return refusal

    def answered(self, connection: C) -> None:
        """The response was sent."""
        self.admission.answered(connection, connection.state is State.OPEN)

    def lost(self, connection: C) -> None:
        """The connection is gone."""
        if connection in self.admission.considered and connection in self.tasks:
            # Nobody waits for what process_request decides.
            self.tasks[connection].cancel()
        self.admission.left(connection)
        self._changed()

    def finished(self, connection: C) -> None:
        """What handles the connection is done."""
        self.tasks.pop(connection, None)
        self._changed()

    # The server calls these

    def close(self, code: CloseCode | int, reason: str) -> None:
        """Begin to close all connections that are open."""
        for connection in list(self.admission.opened):
            _close(connection, code, reason)

    def dismiss(self, refuse: Callable[[C], None]) -> None:
        """
        Open no more connections, and end those that aren't open.

        :param refuse: answers a request that is being considered.
        """
        self.closing = self.dismissed = True
        for connection in list(self.admission.waiting):
            connection.transport.abort()
        for connection in list(self.admission.considered):
            # What process_request waits for may never come.
            refuse(connection)
            if connection in self.tasks:
                self.tasks[connection].cancel()
        for connection in list(self.admission.ending):
            # Their response may still be on its way.
            connection.transport.close()

    async def wait_empty(self) -> None:
        """Wait until all connections are gone, and all handlers are done."""
        while self.tasks or not self.admission.is_empty():
            await self._wait_changed()

    async def drain(
        self, timeout: float, spread: float | None, code: CloseCode | int, reason: str
    ) -> None:
        """
        Open no more connections, and close those that are open over a period.

        Returns when the last is being closed, or none is open any more.
        """
        loop = asyncio.get_running_loop()
        opened = list(self.admission.opened)
        times = drain_times(len(opened), loop.time(), timeout, spread)
        self.closing = True
        for connection, when in zip(opened, times, strict=True):
            while self.admission.opened and (delay := when - loop.time()) > 0:
                await self._wait_changed(delay)
            if connection in self.admission.opened:
                _close(connection, code, reason)

    async def wait_handlers(self) -> None:
        """Wait for handlers whose connections are closed, and cancel those that don't end."""
        loop = asyncio.get_running_loop()
        while not self.admission.is_empty():
            await self._wait_changed()
        end = loop.time() + HANDLER_GRACE
        while self.tasks and (delay := end - loop.time()) > 0:
            await self._wait_changed(delay)
        if self.tasks:
            self.logger.warning("cancelling %d handlers that don't end", len(self.tasks))
            for task in self.tasks.values():
                task.cancel()

    async def _wait_changed(self, timeout: float | None = None) -> None:
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._watcher], timeout=timeout)

    def _changed(self) -> None:
        if self._watcher is not None and not self._watcher.done():
            self._watcher.set_result(None)


def _close(connection: Connection, code: CloseCode | int, reason: str) -> None:
    """Begin to close a connection; the core's deadlines see to the end of it."""
    connection._start_closing(code, reason)
    connection._expect_reader()
