"""The servers of a stack, whose storage can be copied and restored."""

import contextlib
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Final

import psutil

from commands.hub import postgres_server
from commands.hub.supervisor import kill_tree
from tests.tools.servers import STOP_S, NatsServer, PostgresServer

COPY_TIMEOUT_S: Final = 120


class Nats(NatsServer):
    """A nats-server whose store can be copied and restored."""

    def copy_store(self, copy: Path) -> None:
        """Copy the store at one instant, as a power cut would leave it."""
        self.send(signal.SIGSTOP)
        try:
            shutil.copytree(self.store, copy)
        finally:
            self.send(signal.SIGCONT)

    def put_back(self, copy: Path) -> None:
        """Replace the store by a copy; only while stopped."""
        self.wipe()
        shutil.copytree(copy, self.store)

    def end(self) -> None:
        """Stop the server, whatever its state."""
        self.kill()


class Postgres(PostgresServer):
    """A Postgres whose cluster can be copied and restored."""

    @classmethod
    def of_template(cls, folder: Path, template: "Postgres") -> "Postgres":
        """Return a server with a copy of the cluster of a stopped one."""
        folder.mkdir()
        cluster = folder / "postgres"
        shutil.copytree(template.cluster, cluster)
        shutil.copy(template.password_file, cluster.with_name("postgres.password"))
        return cls(folder)

    @property
    def password_file(self) -> Path:
        """Return the file that its cluster's password is in."""
        return self.cluster.with_name("postgres.password")

    def back_up(self, copy: Path) -> None:
        """Copy the cluster with pg_basebackup while it runs."""
        command = [str(postgres_server.binaries() / "pg_basebackup"), "--checkpoint=fast"]
        done = subprocess.run(
            [*command, "--dbname", self.url(), "--pgdata", str(copy)],
            capture_output=True,
            text=True,
            timeout=COPY_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"pg_basebackup failed: {done.stderr}")

    def put_back(self, copy: Path) -> None:
        """Replace the cluster by a copy; only while stopped."""
        shutil.rmtree(self.cluster)
        shutil.copytree(copy, self.cluster)

    def stop_at_once(self) -> None:
        """Stop without a checkpoint, and wait until the last backend has ended."""
        if self._process is None:
            return
        backends = psutil.Process(self.pid).children(recursive=True)
        super().stop_at_once()
        psutil.wait_procs(backends, timeout=STOP_S)

    def end(self) -> None:
        """Stop the server, whatever its state."""
        with contextlib.suppress(subprocess.TimeoutExpired, psutil.Error):
            self.stop_at_once()
        if self._process is not None:
            kill_tree(self._process.pid)
            self._process.wait()
