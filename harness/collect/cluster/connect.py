"""From an address to the workers of a cluster, each with the VMs that it has.

Knows: Dask's client, a cluster on this machine. Must not know: claims, lanes.
"""

from __future__ import annotations

import logging
import re
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from distributed import Client, Future, LocalCluster

from harness import __version__
from harness.collect.cluster import worker
from harness.collect.cluster.remote import ClusterReleases, Watch, Worker, end_sessions
from harness.collect.cluster.worker import Offer, Order
from harness.collect.probes import NATIVE_FOLDER
from harness.collect.room import Room
from harness.collect.workshop import Workshop
from harness.errors import InfrastructureError, InputError
from harness.runtimes.request import RuntimeRequest

_LOCAL = re.compile(r"local:([1-9]\d*)")
_CONNECT_S = 5.0
_FOR_US = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
"""Signals of the terminal: they end the run here, and the run ends its workers."""


@contextmanager
def open_cluster(  # noqa: PLR0913  what releases of this machine are opened with, and where
    address: str,
    request: RuntimeRequest,
    workshop: Workshop,
    probes_dir: Path,
    *,
    isolate: bool,
    progress: Callable[[str], None],
) -> Iterator[ClusterReleases]:
    """Have every worker start a VM of each release that it has; they end with the block.

    Args:
        address: of a Dask scheduler (`tcp://host:8786`), or `local:N` for N workers here.
        request: which releases.
        workshop: of the run.
        probes_dir: the folder of the probes, which is sent.
        isolate: give every call a node of its own.
        progress: told what workers are told while they look for releases.

    Raises:
        InputError: the address is none.
        InfrastructureError: nobody answers there, or no worker can do anything.
    """
    order = Order(
        session=workshop.run,
        request=request,
        probes=_files(probes_dir),
        isolate=isolate,
    )
    with _client(address) as client:
        places = [
            Worker(
                client=client,
                address=one,
                session=order.session,
                offer=_nothing(),
                tell=progress,
            )
            for one in client.nthreads()
        ]
        if not places:
            raise InfrastructureError(
                f"the cluster at {address} has no worker", hint=f"dask worker {address}"
            )
        watch = Watch(places)
        watch.start()
        try:
            _begin(client, places, order, progress)
            yield ClusterReleases(places)
        finally:
            for module, text in end_sessions(places).items():
                workshop.probes.warnings.setdefault(module, text)
            watch.stop()


def _begin(
    client: Client, places: list[Worker], order: Order, progress: Callable[[str], None]
) -> None:
    """Ask all workers at once for what they have; those that cannot answer are told and left."""
    asked = [
        client.submit(worker.begin, order, workers=[place.address], pure=False) for place in places
    ]
    failed: list[str] = []
    for place, future in zip(list(places), asked, strict=True):
        offer = _offer(place, future, failed)
        if offer is None:
            places.remove(place)
            continue
        place.offer = offer
        for line in dict.fromkeys(offer.told):
            progress(f"{place.address}: {line}")
    if not places:
        raise InfrastructureError(
            "no worker can be used:\n  " + "\n  ".join(failed),
            hint="each needs: pip install 'beamproof[cluster]', of the same version",
        )
    for line in failed:
        progress(f"left out: {line}")


def _offer(place: Worker, future: Future[Offer], failed: list[str]) -> Offer | None:
    """Wait for what a worker has; where it is of no use, note why."""
    try:
        offer = place.result(future)
    except InfrastructureError as error:
        failed.append(error.message)
        return None
    if offer.version != __version__:
        failed.append(f"{place.address} has beamproof {offer.version}, here is {__version__}")
        return None
    return offer


@contextmanager
def _client(address: str) -> Iterator[Client]:
    local = _LOCAL.fullmatch(address)
    if local is None and "://" not in address:
        raise InputError(
            f'"{address}" is no address of a cluster',
            hint="--cluster tcp://scheduler:8786, or --cluster local:4 for workers here",
        )
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told by us
    with ExitStack() as stack:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions and ports: nothing of the user's
            if local is None:
                client = _connected(address)
            else:
                cluster = stack.enter_context(_local(int(local[1])))
                client = Client(cluster, set_as_default=False)
        stack.enter_context(client)
        yield client


def _connected(address: str) -> Client:
    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InfrastructureError(
            f"no scheduler answers at {address}: {error}",
            hint="dask scheduler starts one; --cluster local:4 needs none",
        ) from error


def _local(workers: int) -> LocalCluster:
    """Start workers here, which signals of the terminal do not reach: the run ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_US)
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _files(probes_dir: Path) -> dict[str, bytes]:
    names = [*probes_dir.glob("*.erl"), *probes_dir.glob("*.hrl")]
    names += (probes_dir / NATIVE_FOLDER).glob("*")
    return {str(path.relative_to(probes_dir)): path.read_bytes() for path in sorted(names)}


def _nothing() -> Offer:
    return Offer(host="", version="", room=Room(memory_bytes=None, scratch_bytes=None))
