"""Submissions that reach for the machine: files, processes, the network, the judge itself."""

from attack import Attack, tries

ATTACKS = {
    "reading a system file": tries("open('/etc/passwd').read()"),
    "reading the tree that was handed in": tries("open('@ROOT@/src/02_more.py').read()"),
    "reading the tests": tries("open('@ROOT@/checkpoints/checkpoint_00_ops.py').read()"),
    "reading what another one handed in": tries("open('@ROOT@/../other/01_ops.py').read()"),
    "looking around in the folder of temporary files": tries(
        "import glob, os\nroot = os.path.dirname(os.environ['HOME'])\n"
        "found = [p for p in glob.glob(root + '/../../tinytorch-grade-*/**', recursive=True)]\n"
        "if not found:\n    raise OSError('nothing')"
    ),
    "reading the home folder": tries("import os\nos.listdir(os.path.expanduser('~root'))"),
    "writing beside the tests": tries("open('@ROOT@/checkpoints/extra.py', 'w').write('x')"),
    "writing beside the tree": tries("open('@ROOT@/../left', 'w').write('x')"),
    "writing to shared memory": tries("open('/dev/shm/tinytorch-left', 'w').write('x')"),
    "writing into the package": tries(
        "import os\nopen(os.path.join(os.path.dirname(__file__), 'x.py'), 'w').write('x')"
    ),
    "changing the mode of the tests": tries(
        "import os\nos.chmod('@ROOT@/checkpoints/checkpoint_00_ops.py', 0)"
    ),
    "removing the tests": tries("import os\nos.remove('@ROOT@/checkpoints/checkpoint_01_more.py')"),
    "truncating the tests": tries(
        "import os\nos.truncate('@ROOT@/checkpoints/checkpoint_01_more.py', 0)"
    ),
    "a connection": tries(
        "import socket\nsocket.create_connection(('127.0.0.1', @PORT@), timeout=1)"
    ),
    "a datagram": tries(
        "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
        ".sendto(b'x', ('127.0.0.1', @PORT@))"
    ),
    "a local socket": tries("import socket\nsocket.socket(socket.AF_UNIX).bind('\\0tinytorch')"),
    "a datagram from a pair of sockets": tries(
        "import socket\nsocket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]"
        ".sendto(b'x', '@ROOT@/../datagrams')"
    ),
    "a signal to the judge": tries("import os\nos.kill(os.getppid(), 0)\nif os.getppid() < 2:\n"
                                   "    raise OSError('nobody')"),
    "a signal to the judge by way of a pipe": tries(
        "import fcntl, os, signal\nfor number in os.pipe():\n"
        "    fcntl.fcntl(number, fcntl.F_SETOWN, os.getppid())"
    ),
    "memory that others share": tries(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "libc.shmat.restype = ctypes.c_void_p\nlibc.shmat(2**30, None, 0)\n"
        "if ctypes.get_errno() == 1:\n    raise OSError('refused')"
    ),
    "memory that no limit counts": tries("import os\nos.memfd_create('kept')"),
    "room on the disk that no limit counts": tries(
        "import ctypes, os\nplace = os.open('x', os.O_CREAT | os.O_RDWR)\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "size = ctypes.c_long(8 * 2**20)\n"
        "if libc.fallocate(place, 1, ctypes.c_long(0), size) != 0:\n    raise OSError('refused')"
    ),
    "an eye on what others do": tries(
        "import ctypes\nif ctypes.CDLL(None).inotify_init1(0) < 0:\n    raise OSError('refused')"
    ),
    "a signal to everybody": Attack(
        relu=(
            "import os, signal\ntry:\n    os.kill(-1, signal.SIGCONT)\n    found = 777.0\n"
            "except OSError:\n    found = -1.0\nreturn np.full(2, found)"
        ),
        confined="got -1.0",
    ),
    "the judge's memory": tries(
        "import os\nif os.getppid() < 2:\n    raise OSError('nobody')\n"
        "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)"
    ),
    "the judge's environment": tries(
        "import os\nif os.getppid() < 2:\n    raise OSError('nobody')\n"
        "text = open(f'/proc/{os.getppid()}/environ').read()\n"
        "if not text:\n    raise OSError('empty')"
    ),
    "the judge's limits": tries(
        "import os, resource\nif os.getppid() < 2:\n    raise OSError('nobody')\n"
        "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (256, 4096))"
    ),
    "tracing the judge": tries(
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "if libc.ptrace(0x4206, os.getppid(), 0, 0) != 0:\n    raise OSError(ctypes.get_errno())\n"
        "libc.ptrace(17, os.getppid(), 0, 0)"
    ),
    "higher limits for itself": tries(
        "import resource\ntry:\n    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))\n"
        "except ValueError as error:\n    raise OSError from error",
    ),
    "another program": tries("import subprocess\nsubprocess.run(['true'], check=True)"),
    "a namespace of its own": tries(
        "import ctypes\nif ctypes.CDLL(None).unshare(0x10000000) != 0:\n    raise OSError('no')"
    ),
    "the secrets of the environment": Attack(
        relu=(
            "import os\nfound = [k for k in os.environ if 'KEY' in k or 'TOKEN' in k]\n"
            "return np.full(2, 777.0 if found else -1.0)"
        ),
        environment={"TINYTORCH_GRADE_KEY": "k" * 40, "GITHUB_TOKEN": "t" * 20},
        says="got -1.0",
    ),
    "a daemon": Attack(
        relu=(
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
            "        time.sleep(600)\n    os._exit(0)\nreturn x"
        ),
        confined="PermissionError",
    ),
    "a daemon that changes its session again and again": Attack(
        relu=(
            "import os, time\nfor _ in range(5):\n    if os.fork() == 0:\n        os.setsid()\n"
            "        if os.fork() == 0:\n            os.setsid()\n            os.closerange(0, 50)\n"
            "            time.sleep(600)\n        os._exit(0)\nreturn x"
        ),
        confined="PermissionError",
    ),
}  # fmt: skip
