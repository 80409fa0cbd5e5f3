"""Which process holds a run, and whether it is gone: told only where that is certain, and by the run's lease elsewhere.

A host's name and a process's number say little: containers may share a name, and in each of them the numbers begin with 1. On
Linux a process is one of a boot, of a namespace of process numbers, and of the moment at which it started. No other is the same,
and whoever is in the same namespace sees whether it is still there (proc(5), pid_namespaces(7)).
"""

import os
import secrets
import socket
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Self

PROC = Path("/proc")
# Hexadecimal digits, 64 bits: of a million namespaces any two share them once in 37 million times (the birthday bound).
DIGEST_LENGTH = 16
# Of a host's name, so that all of it fits the column: Linux has no longer one (HOST_NAME_MAX, gethostname(2)).
HOST_LENGTH = 64
# The fields of /proc/[pid]/stat after the name, which may hold anything and ends with the last bracket: the 22nd of all is when
# the process started, in ticks since the boot (proc_pid_stat(5)).
STARTED_AT = 22 - 3


@dataclass(frozen=True, slots=True)
class Process:
    """`started` tells it apart from others of the same number. `namespace` is empty where the system does not tell."""

    host: str
    number: int
    started: str
    namespace: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The process that `str` of it names; None where that is no process's text."""
        host, *rest = text.rsplit(":", 3)
        if len(rest) != 3 or not rest[0].isdigit():
            return None
        return cls(host, int(rest[0]), started=rest[1], namespace=rest[2])

    def __str__(self) -> str:
        return f"{self.host}:{self.number}:{self.started}:{self.namespace}"

    @property
    def name(self) -> str:
        """For people: the rest is for programs."""
        return f"{self.host}:{self.number}"

    def is_gone(self) -> bool:
        """Whether it surely runs no more. False also where nobody can tell from here: then its lease has to."""
        if not self.namespace or self.namespace != _here(os.getpid()).namespace:
            return False
        try:
            os.kill(self.number, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # somebody else's, which may be hidden in /proc (hidepid, proc(5))
            return False
        started = _started(self.number)
        return started is not None and started != self.started


def this_process() -> str:
    """What a run's holder is called: the same for as long as this process lives, and no other's."""
    return str(_here(os.getpid()))


def is_gone(holder: str) -> bool:
    """Whether the process surely runs no more that `this_process` once called so."""
    process = Process.read(holder)
    return process is not None and process.is_gone()


def name_of(holder: str) -> str:
    """What people call a holder."""
    process = Process.read(holder)
    return process.name if process is not None else holder


@cache
def _here(number: int) -> Process:
    """This process, which has this number: one that it forks is another."""
    host, started, namespace = socket.gethostname()[:HOST_LENGTH], _started(number), _namespace(number)
    if started is None or not namespace:
        return Process(host, number, started=secrets.token_hex(DIGEST_LENGTH // 2), namespace="")
    return Process(host, number, started, namespace)


def _started(number: int) -> str | None:
    """When the process started; None where the system does not tell, or it is gone by now."""
    try:
        fields = (PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[STARTED_AT] if len(fields) > STARTED_AT else None


def _namespace(number: int) -> str:
    """What the processes have in common that this one sees by their numbers; empty where the system does not tell."""
    try:
        if (PROC / "self").readlink() != Path(str(number)):  # mounted from another namespace, in which the numbers are others
            return ""
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        numbers = (PROC / "self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return sha256(f"{socket.gethostname()} {boot} {numbers}".encode()).hexdigest()[:DIGEST_LENGTH]
