"""A server process of our own: private folder, free port, gone when the process that started it is gone."""

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from shardwise.errors import PrivateServerError

_HOST = "127.0.0.1"
_PORT_ATTEMPTS = 5
_POLL = 0.01
_MEMORY = "/dev/shm"  # noqa: S108  # mkdtemp makes the folder ours alone
_ROOM = 2 << 30  # bytes; a container has 64 MB there unless told otherwise
_PID_FILE = "process.pid"

# Outlives a parent that was killed: ends the server whose number is in the folder, then removes the folder.
_WATCH = f"""
import os, shutil, signal, sys, time
parent, folder = int(sys.argv[1]), sys.argv[2]
while os.getppid() == parent:
    time.sleep(0.25)
try:
    with open(os.path.join(folder, "{_PID_FILE}")) as file:
        os.kill(int(file.read()), signal.SIGKILL)
    time.sleep(0.2)
except (OSError, ValueError):
    pass
shutil.rmtree(folder, ignore_errors=True)
"""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 on which nothing listens at this moment.

    Another process may take it before you do: be ready to try again.
    """
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _has_room(folder: str) -> bool:
    try:
        return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _ROOM
    except OSError:
        return False


class PrivateFolder:
    """A temporary folder that is removed by `remove()`, or soon after this process ends in whatever way.

    Args:
        prefix: begins its name.
        in_memory: put it on a file system in memory where there is one with room.
    """

    def __init__(self, prefix: str, *, in_memory: bool = False) -> None:
        parent = _MEMORY if in_memory and _has_room(_MEMORY) else tempfile.gettempdir()
        if len(parent) > 40:  # a socket's path may have 107 bytes
            parent = "/tmp"  # noqa: S108  # mkdtemp makes the folder ours alone
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._owner = os.getpid()
        self._watch = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCH, str(os.getpid()), str(self.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt from the keyboard is not for it
        )
        atexit.register(self.remove)

    def remove(self) -> None:
        """Delete the folder. Safe to call twice; a forked child deletes nothing."""
        if os.getpid() != self._owner:
            return
        atexit.unregister(self.remove)
        shutil.rmtree(self.path, ignore_errors=True)
        if self._watch.poll() is None:
            self._watch.kill()
            self._watch.wait()


class PrivateServer(ABC):
    """Base of the servers that tests start, kill and restart. Calls block; none needs an event loop.

    A server runs as the current user, listens on 127.0.0.1 and keeps its data in a temporary folder. Use it
    as a context manager, or call `start()` and `close()`. If this process dies without `close()`, a
    watching process ends the server and removes its folder.
    """

    kind: ClassVar[str] = "server"
    in_memory = False
    start_timeout: ClassVar[float] = 60.0

    def __init__(self) -> None:
        self.host = _HOST
        self.port = 0
        self._folder: PrivateFolder | None = None
        self._process: subprocess.Popen[bytes] | None = None

    # What a kind of server supplies

    def _prepare(self) -> None:  # noqa: B027  # Redis needs nothing
        """Fill the new folder with what the first start needs."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command line that starts the server."""

    @abstractmethod
    def _answers(self) -> bool:
        """Tell if the server serves; asked over its own socket file, so that no stranger answers."""

    # What a test calls

    @property
    def folder(self) -> Path:
        """The folder with the server's data, socket and log."""
        if self._folder is None:
            raise PrivateServerError(f"the {self.kind} has not been started, or was closed")
        return self._folder.path

    @property
    def socket_path(self) -> Path:
        """The server's socket file."""
        return self.folder / "socket"

    @property
    def pid(self) -> int:
        """The server's process id.

        Raises:
            PrivateServerError: if it doesn't run.
        """
        if self._process is None or self._process.poll() is not None:
            raise PrivateServerError(f"the {self.kind} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """True between a start and the process's end, also while it is paused."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the server and wait until it answers; after a stop, on the same port and data.

        Raises:
            PrivateServerError: if it doesn't come up; the end of its log is in the message.
        """
        if self.running:
            return self
        if self._folder is None:
            self._folder = PrivateFolder(f"shardwise-{self.kind}-", in_memory=self.in_memory)
            self._prepare()
        chosen = self.port
        for _ in range(_PORT_ATTEMPTS):
            self.port = chosen or free_port()
            if self._launch():
                return self
        raise PrivateServerError(f"the {self.kind} found no free port: {self._log_end()}")

    def stop(self, *, timeout: float = 30.0) -> None:
        """Shut the server down in order and keep its data; after `timeout` seconds it is killed."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
            self._process.send_signal(signal.SIGCONT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """End the server at once, as a power cut would (SIGKILL), and keep its data."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        (self.folder / _PID_FILE).unlink(missing_ok=True)

    def restart(self) -> Self:
        """Stop the server if it runs, and start it on the same port and data."""
        self.stop()
        return self.start()

    def pause(self) -> None:
        """Freeze the server (SIGSTOP): connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """End the server and delete its data. Safe to call twice."""
        if self._folder is not None:
            self.kill()
            self._folder.remove()
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # How it is done

    def _launch(self) -> bool:
        """Start the process; return False if somebody else has the port."""
        self.socket_path.unlink(missing_ok=True)
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (self.folder / _PID_FILE).write_text(str(self._process.pid))
        deadline = time.monotonic() + self.start_timeout
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._answers():
                return True
            time.sleep(_POLL)
        came_up_late = self._process.poll() is None
        self.kill()
        if not came_up_late and "already in use" in self._log_end().lower():
            time.sleep(0.1)
            return False
        raise PrivateServerError(f"the {self.kind} did not start: {self._log_end()}")

    def _log_end(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def _exchange(self, question: bytes) -> bytes:
        """Send bytes over the socket file and return the first answer, empty if there is none."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            connection.connect(str(self.socket_path))
            if question:
                connection.sendall(question)
            return connection.recv(512)
        return b""
