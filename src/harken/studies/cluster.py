"""Workers for a study: processes or threads here, a scheduler by address, or jobs of SLURM."""

import logging
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from shutil import which
from typing import TYPE_CHECKING, Any

from harken.errors import ParameterError
from harken.studies.provenance import RunError
from harken.writing import writing

if TYPE_CHECKING:
    from distributed import Client

SLURM: dict[str, tuple[str, str]] = {
    "jobs": ("1", "how many jobs to ask for"),
    "cores": ("1", "cores of a job; each has a worker of its own"),
    "memory": ("1GB", "memory of a job"),
    "time": ("04:00:00", "how long a job may run"),
    "queue": ("", "partition"),
    "account": ("", "who pays"),
    "interface": ("", "network of the nodes, such as ib0"),
    "python": ("", "Python on the nodes; by default the path of this one"),
    "extra": ("", "one more line for sbatch, such as --constraint=avx2"),
}
"""Keys of `--slurm`: default and meaning."""

_SETTINGS: dict[str, Any] = {
    # Dask's own MALLOC_TRIM_THRESHOLD_ is taken out: each block of sound needs the memory that
    # the last one gave back, and to ask the system for it anew takes a fifth of the time.
    "distributed.nanny.pre-spawn-environ": {
        "MALLOC_TRIM_THRESHOLD_": None,
        "OMP_NUM_THREADS": 1,
        "MKL_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
    },
    # Looking at what a worker does a hundred times a second costs it some per cent.
    "distributed.worker.profile.enabled": False,
    # Memory is flat by design; what Dask takes for too much is a file in the cache.
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.terminate": False,
}
"""Of Dask, here and in jobs of SLURM."""

_PORT = 8787
_RENEW_S = 30.0
"""How often SLURM is asked which jobs there are."""

_IN_VAIN = 3
"""Times that jobs may end before any of them has had a worker."""


def read_slurm(text: str) -> dict[str, str]:
    """Read ``"key=value,key=value"``.

    Parameters
    ----------
    text : str
        Keys of `SLURM`; a value may hold ``=``.

    Returns
    -------
    dict of str to str
        All keys.

    Raises
    ------
    ParameterError
        A key is unknown or given twice, or `jobs` or `cores` is no whole number from 1 on.

    Examples
    --------
    >>> read_slurm("jobs=20, queue=cpu")["jobs"]
    '20'
    """
    values = {key: default for key, (default, _) in SLURM.items()}
    given: set[str] = set()
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or key not in SLURM:
            raise ParameterError(f"slurm: {part!r} is not key=value; there are {', '.join(SLURM)}")
        if key in given:
            raise ParameterError(f"slurm: {key} is given twice")
        given.add(key)
        values[key] = value
    for key in ("jobs", "cores"):
        if not (values[key].isascii() and values[key].isdigit() and int(values[key]) > 0):
            raise ParameterError(f"slurm: {key}={values[key]!r} must be a whole number from 1 on")
    return values


@contextmanager
def workers(
    *,
    processes: int = 0,
    threads: int = 0,
    address: str = "",
    slurm: str = "",
    logs: Path | None = None,
    dashboard: bool = True,
) -> Iterator["Client"]:
    """Give a client with workers; those that were started here are ended at the end.

    Parameters
    ----------
    processes : int
        Worker processes on this machine, a thread each.
    threads : int
        Threads of this process in their place.
    address : str
        Of a running `dask.distributed` scheduler, in their place.
    slurm : str
        Jobs of SLURM in their place; see `SLURM`.
    logs : Path, optional
        Folder for what these jobs print.
    dashboard : bool
        Serve Dask's dashboard, where bokeh is installed.

    Yields
    ------
    distributed.Client

    Raises
    ------
    RunError
        The scheduler cannot be reached, or a package is missing.
    ParameterError
        None or more than one of the four is given.
    """
    given = [bool(one) for one in (processes > 0, threads > 0, address, slurm)]
    if sum(given) != 1:
        raise ParameterError("workers: give one of processes, threads, address and slurm")
    try:
        import dask
        import distributed
    except ImportError as error:
        raise RunError(
            f"a study needs {error.name or 'Dask'}: pip install 'harken[studies]'"
        ) from None
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(_SETTINGS))
        # Their constructors say nothing of types.
        untyped: Any = distributed
        cluster: Any = None
        if processes or threads:
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="harken-dask-"))
            cluster = untyped.LocalCluster(
                n_workers=processes or 1,
                threads_per_worker=threads or 1,
                processes=bool(processes),
                memory_limit=None,
                local_directory=scratch,
                dashboard_address=_dashboard() if dashboard else None,
                silence_logs=logging.CRITICAL,
            )
        elif slurm:
            cluster = slurm_cluster(slurm, logs=logs, dashboard=dashboard)
            cluster.scale(jobs=int(read_slurm(slurm)["jobs"]))
        if cluster is not None:
            stack.enter_context(cluster)
        try:
            client: Client = untyped.Client(cluster if cluster is not None else address, timeout=10)
        except (OSError, ValueError) as error:
            raise RunError(
                f"no Dask scheduler answers at {address!r} ({_first_line(error)}): start one with "
                "'dask scheduler', or check the address"
            ) from None
        yield stack.enter_context(client)


def slurm_cluster(text: str, *, logs: Path | None = None, dashboard: bool = True) -> Any:
    """Make a cluster of SLURM jobs; nothing is asked for before it is scaled.

    Parameters
    ----------
    text : str
        See `read_slurm`.
    logs : Path, optional
        Folder for what the jobs print; by default that in which one is.
    dashboard : bool
        Serve Dask's dashboard on this machine.

    Returns
    -------
    dask_jobqueue.SLURMCluster

    Raises
    ------
    ParameterError
        A value is nothing that a job can be asked for with.
    RunError
        dask-jobqueue is not installed, or sbatch is not here.
    """
    values = read_slurm(text)
    before = signal.getsignal(signal.SIGINT)
    try:
        from dask_jobqueue import slurm
        from distributed.deploy.spec import ProcessInterface
    except ImportError:
        raise RunError("--slurm needs dask-jobqueue: pip install 'harken[studies]'") from None
    # It makes Ctrl-C end the program without a word.
    signal.signal(signal.SIGINT, before)
    if which("sbatch") is None:
        raise RunError("--slurm needs sbatch: run this on a machine from which jobs are sent")
    refused: list[str] = []
    # They say nothing of types, or too little.
    untyped: Any = slurm
    started: Any = ProcessInterface.start

    class Job(slurm.SLURMJob):
        """A job that leaves word where SLURM does not take it."""

        async def start(self) -> None:
            try:
                await untyped.SLURMJob.start(self)
            except (OSError, RuntimeError, ValueError) as error:
                # Raised here it would only be printed, at length.
                refused.append(_refusal(str(error)))
                await started(self)

    cores = int(values["cores"])
    python: dict[str, Any] = {"python": values["python"]} if values["python"] else {}
    try:
        cluster = untyped.SLURMCluster(
            job_cls=Job,
            job_name="harken",
            cores=cores,
            processes=cores,
            memory=values["memory"],
            walltime=values["time"],
            queue=values["queue"] or None,
            account=values["account"] or None,
            interface=values["interface"] or None,
            job_extra_directives=_directives(values["extra"], logs),
            job_script_prologue=_exports(),
            scheduler_options={"dashboard": dashboard, "dashboard_address": _dashboard()},
            silence_logs=logging.CRITICAL,
            **python,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise ParameterError(f"slurm: {_first_line(error)}") from None
    cluster.keeper = _Keeper(cluster, int(values["jobs"]), refused, logs)
    return cluster


def _directives(extra: str, logs: Path | None) -> list[str]:
    made = [extra] if extra else []
    if logs is not None:
        with writing(logs):
            logs.mkdir(parents=True, exist_ok=True)
        # In quotes, as a folder may have a space in its name.
        folder = str(logs).replace("%", "%%")
        made.append(f'--output="{folder}/%j.log"')
    return made


def _exports() -> list[str]:
    """Say what Dask reads its settings from where a job begins."""
    return [
        f"export DASK_{key.upper().replace('.', '__').replace('-', '_')}={quote(repr(value))}"
        for key, value in _SETTINGS.items()
    ]


def _refusal(text: str) -> str:
    """Give what sbatch said out of what dask-jobqueue says of it."""
    said = [line.partition("error:")[2].strip() for line in text.splitlines() if "error:" in line]
    return "; ".join(said) or " ".join(text.split())


@dataclass(slots=True)
class _Keeper:
    """Keeps as many jobs with SLURM as were asked for: each ends when its time is up."""

    cluster: Any
    jobs: int
    refused: list[str]
    logs: Path | None
    asked: float = field(default_factory=time.monotonic)
    seen: bool = False
    in_vain: int = 0

    def renew(self, *, seen: bool) -> None:
        if self.refused:
            raise RunError(f"SLURM does not take the job ({self.refused[0]}): check --slurm")
        self.seen = self.seen or seen
        if time.monotonic() - self.asked < _RENEW_S:
            return
        self.asked = time.monotonic()
        sent = {name: job.job_id for name, job in self.cluster.workers.items()}
        queued = _queued()
        gone = [] if queued is None else [name for name, id in sent.items() if id not in queued]
        if not gone:
            return
        self.in_vain = 0 if self.seen else self.in_vain + 1
        if self.in_vain == _IN_VAIN:
            where = f"the files in {str(self.logs)!r}" if self.logs else "its slurm-*.out"
            raise RunError(f"jobs of SLURM end before a worker comes: see {where}")
        self.seen = False
        self.cluster.sync(self.cluster.scale_down, gone)
        self.cluster.scale(jobs=self.jobs)


def _queued() -> set[str] | None:
    """Numbers of one's jobs that wait or run; None where SLURM does not say."""
    command = ["squeue", "--noheader", "--format=%A", f"--user={os.getuid()}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return set(done.stdout.split())


def renew(client: "Client", *, seen: bool) -> None:
    """Ask anew for the jobs of SLURM that have ended; nothing for other workers.

    Parameters
    ----------
    client : distributed.Client
        From `workers`.
    seen : bool
        Whether it has a worker now.

    Raises
    ------
    RunError
        SLURM takes no job, or each ends before it has a worker.
    """
    keeper = getattr(client.cluster, "keeper", None)
    if keeper is not None:
        keeper.renew(seen=seen)


def dashboard_of(client: "Client") -> str:
    """Give the address of Dask's dashboard; empty where there is none.

    Parameters
    ----------
    client : distributed.Client

    Returns
    -------
    str
    """
    from importlib.util import find_spec

    if client.cluster is None:
        return str(client.dashboard_link or "")
    port = client.scheduler_info(n_workers=0)["services"].get("dashboard")
    # It is served to this machine alone; Dask's own link may name another of its addresses.
    return f"http://127.0.0.1:{port}/status" if port and find_spec("bokeh") else ""


def _dashboard() -> str:
    """Where the dashboard goes: to its usual port where that is free."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            return "127.0.0.1:0"
    return f"127.0.0.1:{_PORT}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
