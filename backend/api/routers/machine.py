"""How the installation is: status for people, health for supervisors of processes, measures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from backend.api.answers.machine import Health, Status
from backend.api.service import Call, Service, answer
from backend.errors import Unavailable
from backend.queries.status import StatusAnswer, status

router = APIRouter(tags=["machine"])
v1 = APIRouter(tags=["machine"])


@v1.get("/status", response_model=Status)
def get_status(call: Call) -> Response:
    """Head, indexed, safe and final blocks, lag, the queue, sending keys and nonces, nodes, alarms."""
    return answer(Status.of(call.read(status)))


@router.get("/health", response_model=Health, responses={503: {"model": Health}})
def health(call: Call) -> Response:
    """`live` is that this answers; 503 while it cannot work, which is without its database.

    Alarms (the indexer rests, the node is away) are told too; promises are kept meanwhile.
    """
    try:
        found = Health(live=True, ready=True, alarms=call.read(status).alarms)
    except Unavailable as error:
        found = Health(live=True, ready=False, alarms=(error.detail,))
    return answer(found, 200 if found.ready else 503)


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Requests, queue, lag and alarms in Prometheus' text format."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Gauges(Collector):
    """What the database knows at the time of the question."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Metric]:
        """Nothing yet: asking the database when the process starts would need one."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The gauges; only `posthorn_database_up` where the database is away."""
        up = GaugeMetricFamily("posthorn_database_up", "Whether the database answers")
        try:
            with self._service.begin() as db:
                found = status(db)
        except Unavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from _gauges(found)


def _gauges(found: StatusAnswer) -> Iterator[Metric]:
    queue = GaugeMetricFamily("posthorn_submissions", "Not yet on chain", labels=["state"])
    for state, count in found.queue.items():
        queue.add_metric([state], count)
    yield queue
    numbers = {
        "posthorn_indexed_block": ("Newest indexed block", found.as_of.block),
        "posthorn_head_block": ("Newest block of the node", found.head),
        "posthorn_safe_block": ("Newest safe block", found.as_of.safe),
        "posthorn_lag_seconds": ("Seconds between the head and the model", found.lag_seconds),
        "posthorn_finalized_block": ("Newest final block", found.as_of.finalized),
        "posthorn_lag_blocks": ("Blocks between the node's head and the model", found.lag_blocks),
        "posthorn_oldest_waiting_seconds": (
            "Age of the oldest submission that waits",
            found.oldest_waiting_seconds or 0,
        ),
        "posthorn_alarms": ("Alarms", len(found.alarms)),
        "posthorn_quarantined_logs": ("Logs that were not understood", found.quarantined_logs),
        "posthorn_hooks_waiting": ("Messages that web hooks are to be told", found.hooks.waiting),
        "posthorn_hooks_oldest_waiting_seconds": (
            "Age of the oldest message that a web hook is to be told",
            found.hooks.oldest_waiting_seconds or 0,
        ),
    }
    for name, (text, value) in numbers.items():
        if value is not None:
            yield GaugeMetricFamily(name, text, value=value)
    yield from (*_of_lanes(found), *_of_nodes(found), _of_hooks(found))


def _of_hooks(found: StatusAnswer) -> Metric:
    family = GaugeMetricFamily(
        "posthorn_hooks", "Web hooks; of those on, failing", labels=["state"]
    )
    for state in ("on", "failing", "disabled"):
        family.add_metric([state], getattr(found.hooks, state))
    return family


def _of_lanes(found: StatusAnswer) -> Iterator[Metric]:
    measures = {
        "posthorn_lane_next_nonce": ("Next nonce of a sending key", "next_nonce"),
        "posthorn_lane_transactions": ("Signed and in no block yet", "under_way"),
        "posthorn_lane_waiting": ("Submissions that wait to be sent", "waiting"),
        "posthorn_lane_held": ("Submissions that wait for another one", "held"),
        "posthorn_lane_oldest_transaction_seconds": (
            "Age of the oldest transaction in no block yet",
            "oldest_under_way_seconds",
        ),
        "posthorn_lane_oldest_waiting_seconds": (
            "Age of the oldest submission that waits to be sent",
            "oldest_waiting_seconds",
        ),
    }
    for name, (text, field) in measures.items():
        family = GaugeMetricFamily(name, text, labels=["lane"])
        for lane in found.lanes:
            family.add_metric([lane.key_name], getattr(lane, field) or 0)
        yield family


def _of_nodes(found: StatusAnswer) -> Iterator[Metric]:
    up = GaugeMetricFamily("posthorn_node_up", "Whether the URL serves our chain", labels=["node"])
    head = GaugeMetricFamily("posthorn_node_head", "Newest block of the URL", labels=["node"])
    for node in found.nodes:
        up.add_metric([node.name], not node.trouble)
        if node.head is not None:
            head.add_metric([node.name], node.head)
    yield from (up, head)
