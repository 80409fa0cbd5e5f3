"""Whether this web server is about to stop: gunicorn's master tells its workers by a byte of memory that they share."""

import mmap

# Anonymous and shared: a process that is forked later reads what this one writes.
_shared = mmap.mmap(-1, 1)


def begin() -> None:
    """From now on this process, and all that were forked from it, say that they are draining."""
    _shared[0] = 1


def has_begun() -> bool:
    return _shared[0] == 1


def take_back() -> None:
    """For tests: the server goes on after all."""
    _shared[0] = 0
