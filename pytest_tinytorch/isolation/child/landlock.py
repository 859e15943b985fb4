"""Calls Landlock by ctypes: restricts the files that this process and its children can reach.

`confine` calls it. Numbers and structures: `linux/landlock.h` and the kernel's documentation,
"Landlock: unprivileged access control". Needs Linux 5.13; version 3 (Linux 6.2) is the first that
guards truncation.
"""

import ctypes
import os
from collections.abc import Iterable

LOWEST_VERSION = 3

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ALL = (1 << 13) - 1  # version 1: everything that makes, changes or removes files
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15  # versions 2, 3, 5
_NET_BIND_TCP, _NET_CONNECT_TCP = 1, 2  # version 4
_SCOPE_ABSTRACT_UNIX, _SCOPE_SIGNAL = 1, 2  # version 6
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version() -> int:
    """The Landlock version of the running kernel; 0 without Landlock."""
    try:
        return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_FLAG)))
    except (OSError, AttributeError):
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Allow reading and writing only beneath these paths. Raises OSError.

    The caller must have set `no_new_privs`. Missing paths are ignored.
    """
    offered = version()
    files = _ALL
    files |= sum(
        right for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)) if offered >= since
    )
    net = _NET_BIND_TCP | _NET_CONNECT_TCP if offered >= 4 else 0
    scoped = _SCOPE_ABSTRACT_UNIX | _SCOPE_SIGNAL if offered >= 6 else 0
    rules = _Ruleset(files, net, scoped)
    # An older kernel accepts only a shorter structure.
    size = {True: 24, offered < 6: 16, offered < 4: 8}[True]
    ruleset = _checked(_libc().syscall(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    try:
        for path in readable:
            _allow(ruleset, path, _READ)
        for path in writable:
            _allow(ruleset, path, files & ~_EXECUTE)
        _checked(_libc().syscall(_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _ON_FILES
        rule = _PathBeneath(rights, place)
        _checked(_libc().syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(place)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return result
