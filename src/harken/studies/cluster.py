"""Workers for a study: processes or threads here, a scheduler by address, or jobs of SLURM."""

import logging
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from harken.errors import ParameterError
from harken.studies.provenance import RunError

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

_PORT = 8787


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
        settings = {
            # Memory is flat by design; what Dask takes for too much is a file in the cache.
            # Dask's own MALLOC_TRIM_THRESHOLD_ is left out: each block of sound needs the memory
            # that the last one gave back, and to ask for it anew takes a fifth of the time.
            "distributed.nanny.pre-spawn-environ": {
                "OMP_NUM_THREADS": 1,
                "MKL_NUM_THREADS": 1,
                "OPENBLAS_NUM_THREADS": 1,
            },
            # Looking at what a worker does a hundred times a second costs it some per cent.
            "distributed.worker.profile.enabled": False,
            "distributed.worker.memory.pause": False,
            "distributed.worker.memory.spill": False,
            "distributed.worker.memory.target": False,
            "distributed.worker.memory.terminate": False,
        }
        stack.enter_context(dask.config.set(settings))
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
            cluster = slurm_cluster(slurm)
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


def slurm_cluster(text: str) -> Any:
    """Make a cluster of SLURM jobs; nothing is asked for before it is scaled.

    Parameters
    ----------
    text : str
        See `read_slurm`.

    Returns
    -------
    dask_jobqueue.SLURMCluster

    Raises
    ------
    RunError
        dask-jobqueue is not installed, or sbatch is not here.
    """
    from shutil import which

    values = read_slurm(text)
    try:
        from dask_jobqueue.slurm import SLURMCluster
    except ImportError:
        raise RunError("--slurm needs dask-jobqueue: pip install 'harken[studies]'") from None
    if which("sbatch") is None:
        raise RunError("--slurm needs sbatch: run this on a machine from which jobs are sent")
    cores = int(values["cores"])
    python: dict[str, Any] = {"python": values["python"]} if values["python"] else {}
    return SLURMCluster(
        cores=cores,
        processes=cores,
        memory=values["memory"],
        walltime=values["time"],
        queue=values["queue"] or None,
        account=values["account"] or None,
        interface=values["interface"] or None,
        job_extra_directives=[values["extra"]] if values["extra"] else [],
        # A thread each: more of them make one recording no faster.
        job_script_prologue=["export OMP_NUM_THREADS=1"],
        silence_logs=logging.CRITICAL,
        **python,
    )


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

    link = str(client.dashboard_link or "")
    local = client.cluster is not None
    return "" if local and find_spec("bokeh") is None else link


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
