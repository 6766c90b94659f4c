"""A real Slurm of two nodes on this machine: munged, slurmctld and two slurmd, in a folder of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

NODES = ("n1", "n2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
_SEARCH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))


@dataclass
class SlurmCluster:
    """The running cluster."""

    environment: dict[str, str]
    """With this, Slurm's commands talk to it."""
    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> None:
        """Start a daemon in the foreground; its output goes to ``<name>.out``."""
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )

    def start_node(self, node: str) -> None:
        """Start the slurmd of a node."""
        self.start(node, _path("slurmd"), "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """Kill the slurmd of a node and every job step on it, as a machine that loses power would."""
        pids = {self.daemons[node].pid}
        for pid, parent in _parents().items():
            if _is_of(pid, self.environment["SLURM_CONF"], node):
                # The step's own daemon has left its slurmd, and does not say where it belongs.
                pids |= {pid, parent} if _name(parent) == "slurmstepd" else {pid}
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.daemons.pop(node).wait()

    def ask(self, *command: str) -> str:
        """Output of one of Slurm's commands."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout


def missing_programs() -> list[str]:
    """Programs that Debian's slurm-wlm and munge would bring and that are not here."""
    return [name for name in PROGRAMS if shutil.which(name, path=_SEARCH) is None]


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[SlurmCluster]:
    """Two idle nodes; everything is killed afterwards. Needs root."""
    for name in ("state", *(f"spool-{node}" for node in NODES)):
        (folder / name).mkdir(parents=True)
    os.chmod(folder, 0o755)
    configuration = folder / "slurm.conf"
    configuration.write_text(_configuration(folder))
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    cluster = SlurmCluster({**os.environ, "SLURM_CONF": str(configuration)}, folder)
    files = [f"--{what}-file={folder / f'munge.{what}'}" for what in ("pid", "log", "seed")]
    try:
        cluster.start(
            "munged", _path("munged"), "--foreground", "--force", f"--key-file={key}",
            f"--socket={folder / 'munge.socket'}", *files,
        )  # fmt: skip
        cluster.start("slurmctld", _path("slurmctld"), "-D")
        for node in NODES:
            cluster.start_node(node)
        _wait_until_idle(cluster)
        yield cluster
    finally:
        for node in NODES:
            if node in cluster.daemons:
                cluster.kill_node(node)
        for daemon in cluster.daemons.values():
            daemon.kill()
            daemon.wait()


def _configuration(folder: Path) -> str:
    controller, *ports = _free_ports(1 + len(NODES))
    nodes = (
        f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2 State=UNKNOWN"
        for node, port in zip(NODES, ports, strict=True)
    )
    return "\n".join(
        (
            "ClusterName=test",
            # Trainings meet on ports that follow from job numbers: not the same in two clusters at once.
            f"FirstJobId={1 + secrets.randbelow(50_000)}",
            f"SlurmctldHost={socket.gethostname()}(127.0.0.1)",
            f"SlurmctldPort={controller}",
            "SlurmUser=root",
            f"AuthInfo=socket={folder / 'munge.socket'}",
            f"StateSaveLocation={folder / 'state'}",
            f"SlurmctldPidFile={folder / 'slurmctld.pid'}",
            f"SlurmdPidFile={folder / 'slurmd-%n.pid'}",
            f"SlurmdSpoolDir={folder / 'spool-%n'}",
            # No systemd, no cgroups.
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU",
            "SlurmdParameters=config_overrides",
            "ReturnToService=2",
            "SlurmdTimeout=5",
            "KillWait=1",
            "MpiDefault=none",
            *nodes,
            f"PartitionName=main Nodes={','.join(NODES)} Default=YES State=UP",
            "",
        )
    )


def _wait_until_idle(cluster: SlurmCluster) -> None:
    deadline = time.monotonic() + 60
    states = ""
    while time.monotonic() < deadline:
        with suppress(subprocess.CalledProcessError):
            states = cluster.ask("sinfo", "--noheader", "--Node", "--format=%T")
        if states.split() == ["idle"] * len(NODES):
            return
        time.sleep(0.5)
    logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in cluster.folder.glob("*.out"))
    raise TimeoutError(f"the nodes are {states.split()}, not idle:\n{logs}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _path(name: str) -> str:
    path = shutil.which(name, path=_SEARCH)
    if path is None:
        raise FileNotFoundError(name)
    return path


def _parents() -> dict[int, int]:
    """Every process with its parent."""
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def _is_of(pid: int, configuration: str, node: str) -> bool:
    """Whether a process is part of a job of this cluster on this node."""
    wanted = {f"SLURM_CONF={configuration}".encode(), f"SLURMD_NODENAME={node}".encode()}
    with suppress(OSError):
        return wanted <= set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
    return False


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""
