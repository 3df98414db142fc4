"""Changes, one after the other."""

import asyncio
import contextlib
import os
import weakref

from . import _core

# How long a thread sleeps before it looks whether another one has closed what it waits for, in seconds.
_LOOK = 0.5

_of_handle: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # to a WeakSet of Changes


class Version(bytes):
    """How far the changes of a segment have got; to be compared, and waited past."""

    __slots__ = ()

    def __repr__(self):
        return f"<version {self.hex()}>"


class Changes:
    """The changes of a value or an array from when this was made: each step waits for one, and gives the value
    as it is then, or the array. Several changes between two steps are one, and of several threads or tasks that
    wait each change wakes one. close() of this or of the handle ends the iteration, also of who waits."""

    _watch = None  # until somebody wants its descriptor

    def __init__(self, handle):
        self._handle = handle
        self._seen = handle._version()
        self._closed = False
        self._waiting = {}  # the futures of tasks, by their loops
        _of_handle.setdefault(handle, weakref.WeakSet()).add(self)

    def __iter__(self):
        return self

    def __next__(self):
        while not self._closed:
            try:
                if self._handle._segment.wait(self._seen, True, _LOOK):
                    return self._step()
            except ValueError:
                if not self._closed:  # with its handle, by another thread
                    raise
        raise StopIteration

    def __aiter__(self):
        return self

    async def __anext__(self):
        while not self._closed:
            try:
                self.clear()
                if self._handle._version() != self._seen:
                    return self._step()
                await self._readable()
            except ValueError:
                if not self._closed:  # by another thread
                    raise
        raise StopAsyncIteration

    def _step(self):
        self._seen = self._handle._version()
        return self._handle._shown(self._seen)

    async def _readable(self):
        loop = asyncio.get_running_loop()
        futures = self._waiting.setdefault(loop, set())
        descriptor = self.fileno()
        if not futures:
            loop.add_reader(descriptor, _wake, futures)
        futures.add(readable := loop.create_future())
        try:
            await readable
        finally:
            futures.discard(readable)
            if not futures:
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.remove_reader(descriptor)
                self._waiting.pop(loop, None)  # last, as it is closed once nobody looks
            self._close_unless_awaited()

    def fileno(self):
        """A descriptor for any event loop: readable once there has been a change."""
        return self._open_watch().fileno()

    def clear(self):
        """Makes fileno() unreadable until the next change."""
        self._open_watch().clear()

    def _open_watch(self):
        if self._closed:
            raise ValueError("these changes are closed")
        watch = self._watch
        if watch is None:
            watch = vars(self).setdefault("_watch", _core.watch(self._handle._segment))  # of several threads' one
            if self._closed:
                self._close_unless_awaited()
                raise ValueError("these changes are closed")
        return watch

    def close(self):
        """Ends the iteration. Closes the descriptor as well, once no loop looks at it any more."""
        self._closed = True
        for loop, futures in tuple(self._waiting.items()):
            try:
                loop.call_soon_threadsafe(_wake, futures)
            except RuntimeError:  # the loop is closed, and its tasks never go on
                self._waiting.pop(loop, None)
        self._close_unless_awaited()

    def _close_unless_awaited(self):
        if self._closed and not self._waiting and self._watch is not None:
            watch = vars(self).pop("_watch", None)
            if watch is not None:
                watch.close()

    async def aclose(self):
        self.close()

    def __reduce__(self):
        raise TypeError("changes are neither copied nor pickled: ask the handle for others")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _in_forked_child():
    """What watches is its parent's, and tells that one."""
    for changes in [one for all_ in _of_handle.values() for one in all_]:
        vars(changes).pop("_watch", None)
        changes._waiting = {}


os.register_at_fork(after_in_child=_in_forked_child)


def _wake(futures):
    for future in futures:
        if not future.done():
            future.set_result(None)


def close_all(handle):
    """Those of a handle that is closed."""
    for changes in tuple(_of_handle.pop(handle, ())):
        changes.close()
