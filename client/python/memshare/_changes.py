"""Changes, one after the other."""

import asyncio

from . import _core


class Version(bytes):
    """How far the changes of a segment have got; to be compared, and waited past."""

    __slots__ = ()

    def __repr__(self):
        return f"<version {self.hex()}>"


class Changes:
    """The changes of a value or an array from when this was made: each step waits for one, and gives the value
    as it is then, or the array. Several changes between two steps are one."""

    def __init__(self, handle):
        self._handle = handle
        self._seen = handle.version
        self._watch = None

    def __iter__(self):
        return self

    def __next__(self):
        self._handle.wait(self._seen)
        return self._step()

    def __aiter__(self):
        return self

    async def __anext__(self):
        while True:
            self.clear()
            if self._handle.version != self._seen:
                return self._step()
            await self._readable()

    def _step(self):
        self._seen = self._handle.version
        return self._handle.shown(self._seen)

    async def _readable(self):
        loop = asyncio.get_running_loop()
        readable = loop.create_future()
        loop.add_reader(self.fileno(), lambda: readable.done() or readable.set_result(None))
        try:
            await readable
        finally:
            loop.remove_reader(self.fileno())

    def fileno(self):
        """A descriptor for any event loop: readable once there has been a change."""
        if self._watch is None:
            self._watch = _core.watch(self._handle._segment)
        return self._watch.fileno()

    def clear(self):
        """Makes fileno() unreadable until the next change."""
        self.fileno()
        self._watch.clear()

    def close(self):
        """Closes the descriptor. The changes can go on."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    async def aclose(self):
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
