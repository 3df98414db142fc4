"""The blocks of SharedMemory that this process has, and those that it has closed."""

import os
import sys
import threading
import time

from . import _core

_SHORT = 0.1  # seconds that close() may wait for the broker, and that the thread waits for an unlink()
_LONGEST_PAUSE = 30  # seconds between attempts to reach a broker that is away


class _Blocks:
    """What this process has created or attached. A block that is closed stays attached, as it lives until the last
    process that has had it ends; once it has ended its memory must return. A thread hears of that from the broker, as
    long as there are closed blocks."""

    def __init__(self):
        self._by_id = {}
        self._closed = set()
        self._thread = None

    def add(self, segment):
        """The same segment, or the one that is there for its block."""
        self._closed.discard(segment.id)
        return self._by_id.setdefault(segment.id, segment)

    def remove(self, id_):
        self._closed.discard(id_)
        self._by_id.pop(id_, None)

    def close(self, segment):
        """The caller has no other reference to the segment afterwards."""
        id_ = segment.id
        if sys.is_finalizing() or self._by_id.get(id_) is not segment:  # it has ended, as was heard
            return
        self._closed.add(id_)
        if _is_alive(segment, _SHORT):
            self._listen()
        else:
            self.remove(id_)

    def _listen(self):
        if self._thread is None:
            self._thread = threading.Thread(target=self._hear, name="memshare: closed blocks", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no thread can be had, or the interpreter ends: the next close() tries again
                self._thread = None

    def _hear(self):
        pause = _SHORT
        time.sleep(pause)  # most are unlinked as soon as they are closed
        while True:
            try:
                if self._closed:
                    _core.watch_ends(self._has_ended)
                    pause = _SHORT
            except _core.Error:  # the broker is away
                pause = min(2 * pause, _LONGEST_PAUSE)
                time.sleep(pause)
            if not self._closed:
                self._thread = None
                if not self._closed:  # a close() in between may not have seen that
                    return
                self._thread = threading.current_thread()

    def _has_ended(self, id_):
        """Whether to hear of others."""
        if id_ is not None:
            self.remove(id_)
        else:
            for one in tuple(self._closed):
                segment = self._by_id.get(one)
                if segment is None or not _is_alive(segment):
                    self.remove(one)
        return bool(self._closed)

    def in_forked_child(self):
        """What was closed in its parent it never had, and no thread of its parent's runs here."""
        for id_ in tuple(self._closed):
            self.remove(id_)
        self._thread = None


def _is_alive(segment, *longest):
    try:
        return segment.alive(*longest)
    except _core.Error:  # nobody knows
        return True


blocks = _Blocks()
os.register_at_fork(after_in_child=blocks.in_forked_child)
