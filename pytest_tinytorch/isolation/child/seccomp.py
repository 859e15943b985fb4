"""Installs a filter of system calls, by ctypes: no network, no other process, no system changes.

`confine` calls it. Landlock restricts files alone (and, in newer kernels, TCP and signals). Each
call listed below fails with EPERM. The filter is a program of classic BPF, as `seccomp(2)`
describes; numbers are those of `asm/unistd.h` for the two architectures.
"""

import ctypes
import os
import platform
import struct

# name: (x86_64, aarch64); 0 where the architecture has no such call
_REFUSED = {
    # the network
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "io_uring_setup": (425, 425),
    # other programs and processes; threads are made by clone with a flag, see below
    "fork": (57, 0), "vfork": (58, 0), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "kcmp": (312, 272), "setpriority": (141, 140),
    "sched_setaffinity": (203, 122), "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119), "sched_setattr": (314, 274), "ioprio_set": (251, 30),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
    # objects that outlive the process, or belong to others and can be found by guessing ids
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190),
    "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192), "msgget": (68, 186),
    "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # memory and disk space that no limit counts
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "fallocate": (285, 47),
    # owners, modes and times of files that are only readable, and notifications about them
    "inotify_init": (253, 0), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
    "chmod": (90, 0), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, 0), "fchown": (93, 55), "lchown": (94, 0), "fchownat": (260, 54),
    "utime": (132, 0), "utimes": (235, 0), "futimesat": (261, 0), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "mknod": (133, 0), "mknodat": (259, 33), "open_by_handle_at": (304, 265),
    # the machine
    "syslog": (103, 116), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "bpf": (321, 280),
    "perf_event_open": (298, 241), "userfaultfd": (323, 282), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "reboot": (169, 142), "swapon": (167, 224), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "sethostname": (170, 161), "personality": (135, 92),
}  # fmt: skip
# Allowed only where the first argument is this process (or 0, where that means the caller).
_OWN_ONLY = {"kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
             "rt_tgsigqueueinfo": (297, 240), "tkill": (200, 130)}  # fmt: skip
_OWN_OR_0 = {"prlimit64": (302, 261)}
# Refused where the second argument is one of these: F_SETOWN and F_SETOWN_EX, FIOSETOWN and
# SIOCSPGRP let the kernel send a signal to any process, TIOCSTI and TIOCLINUX type into a terminal.
_NOT_WITH = {
    "fcntl": ((72, 25), (8, 15)), "ioctl": ((16, 29), (0x8901, 0x8902, 0x5412, 0x541C)),
}  # fmt: skip
# Only SOCK_STREAM, which is 1: a pair of datagram sockets can send to any local socket.
_SOCKETPAIR, _OTHER_SOCKETS = (53, 199), 0b1110
_CLONE, _CLONE3 = (56, 220), (435, 435)
_CLONE_THREAD = 0x00010000

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT, _SECOND_ARGUMENT = (
    0,
    4,
    16,
    24,
)  # offsets in struct seccomp_data, little-endian
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_PR_SET_SECCOMP, _FILTER_MODE = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def is_known() -> bool:
    """Whether the table has the numbers of this architecture."""
    return platform.machine() in _AUDIT_ARCH and struct.calcsize("P") == 8


def restrict() -> None:
    """Install the filter; it cannot be removed. Raises OSError. Needs `no_new_privs`."""
    code = b"".join(struct.pack("<HBBI", *step) for step in _program(platform.machine()))
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")


_Step = tuple[int, int, int, int]  # operation, steps to skip if true, if false, value


def _program(machine: str) -> list[_Step]:
    column = list(_AUDIT_ARCH).index(machine)
    steps: list[_Step] = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":  # the x32 calls share the architecture and have other numbers
        steps += [(_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL)]
    for numbers in _REFUSED.values():
        if numbers[column]:
            steps += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ERROR | _EPERM)]
    # If clone3 fails with ENOSYS, glibc uses clone, whose flags a filter can read.
    steps += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERROR | _ENOSYS)]
    steps += _unless_argument(_CLONE[column], [(_ANY_BIT, _CLONE_THREAD)])
    for numbers in _OWN_ONLY.values():
        own = [os.getpid()] if numbers != _OWN_ONLY["tkill"] else [_thread()]
        steps += _unless_argument(numbers[column], [(_EQUAL, value) for value in own])
    for numbers in _OWN_OR_0.values():
        steps += _unless_argument(numbers[column], [(_EQUAL, 0), (_EQUAL, os.getpid())])
    for numbers, values in _NOT_WITH.values():
        steps += _if_argument(numbers[column], [(_EQUAL, value) for value in values])
    steps += _if_argument(_SOCKETPAIR[column], [(_ANY_BIT, _OTHER_SOCKETS)])
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


_Condition = tuple[int, int]  # operation, value


def _unless_argument(number: int, allowed: list[_Condition]) -> list[_Step]:
    """Refuse a call unless its first argument (its lower half) meets one of the conditions."""
    return _by_argument(number, _FIRST_ARGUMENT, allowed, _ALLOW, _ERROR | _EPERM)


def _if_argument(number: int, refused: list[_Condition]) -> list[_Step]:
    """Refuse a call if its second argument (its lower half) meets one of the conditions."""
    return _by_argument(number, _SECOND_ARGUMENT, refused, _ERROR | _EPERM, _ALLOW)


def _by_argument(
    number: int, argument: int, conditions: list[_Condition], met: int, unmet: int
) -> list[_Step]:
    tests: list[_Step] = [
        (operation, len(conditions) - index, 0, value)
        for index, (operation, value) in enumerate(conditions)
    ]
    body: list[_Step] = [
        (_LOAD, 0, 0, argument),
        *tests,
        (_RETURN, 0, 0, unmet),
        (_RETURN, 0, 0, met),
    ]
    return [(_EQUAL, 0, len(body), number), *body]


def _thread() -> int:
    import threading

    return threading.get_native_id()
