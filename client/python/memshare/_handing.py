"""Handing segments to other processes: by fork, and by pickles, which say which one it is, not what is in it."""

import os
import select
import sys
import weakref

from . import _core

os.register_at_fork(
    before=_core.before_fork,
    after_in_parent=_core.after_fork_in_parent,
    after_in_child=_core.after_fork_in_child,
)
# What was lent to a child is its parent's to keep.
os.register_at_fork(after_in_child=lambda: _lent.clear())


class _Loans:
    """What was pickled for a child that is being started: it is kept until the child has it, or is gone."""

    def __init__(self, popen):
        self.popen = popen
        self.segments = []
        self._poll = popen.poll
        popen.poll = self._poll_and_settle

    def _poll_and_settle(self, *args, **kwargs):
        code = self._poll(*args, **kwargs)
        if code is not None:
            self.end()
        return code

    def end(self):
        self.segments.clear()
        _lent.discard(self)
        vars(self.popen).pop("poll", None)

    def settle(self):
        pid = getattr(self.popen, "pid", None)
        if pid is None:
            return  # it is not started yet
        self.segments[:] = [one for one in self.segments if not _has(pid, one)]
        if not self.segments or _is_over(self.popen):
            self.end()


def _is_over(popen):
    """Whether a child has ended, which only its parent's join() is to ask the kernel."""
    sentinel = select.poll()
    sentinel.register(popen.sentinel, select.POLLIN)
    return bool(sentinel.poll(0))


_lent: weakref.WeakSet = weakref.WeakSet()  # each is its popen's


def _has(pid, segment):
    try:
        return any(one["pid"] == pid for one in _core.describe(segment.id)["attachments"])
    except _core.NoSuchSegment:
        return True  # it has ended: there is nothing to wait for


def settle():
    """Lets go of what children have by now."""
    for loans in tuple(_lent):
        loans.settle()


def lend(segment):
    """Called while a segment is pickled: for the arguments of a process, it must outlive the sender's handle."""
    context = sys.modules.get("multiprocessing.context")
    popen = context and context.get_spawning_popen()
    if popen is None:
        return
    settle()
    for loans in tuple(_lent):
        if loans.popen is popen:
            break
    else:
        loans = _Loans(popen)
        _lent.add(loans)
    loans.segments.append(segment)


def reduced(segment):
    """What a pickle says of a segment."""
    identity = (segment.id, segment.readonly)
    lend(segment)
    return identity


def attached(identity):
    """The segment that a pickle said. NoSuchSegment: it has ended since."""
    name, readonly = identity
    return _core.open(name, by_id=True, readonly=readonly)
