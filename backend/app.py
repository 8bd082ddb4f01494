"""The composition root of the service: settings in, an application out. Importing this does no I/O."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import import_module
from importlib.util import find_spec

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from backend.api import v1
from backend.api.limits import Limits
from backend.api.middleware import BodyLimit, Bugs, Measures, SameOrigin, SecurityHeaders
from backend.api.problems import add_handlers
from backend.api.routers.machine import Gauges
from backend.api.service import Service
from backend.api.verdicts import Verdicts
from backend.chain.client import Node
from backend.chain.deployment import Deployment, read_deployment
from backend.config import Settings
from backend.errors import BadSettings, Unavailable
from backend.house import build_house, check_keys, open_keys
from backend.ports import House
from backend.proof.bundle import Opening
from backend.proof.gather import NodeLogs
from backend.proof.make import make_bundle
from backend.store.engine import open_engine
from backend.store.known import read_known_blocks
from backend.store.room import Room
from backend.store.used import addresses_by_key, was_used

PAGES = "backend.web.pages"
# More threads than cores only wait for each other; some wait for the database, or for the same key.
THREADS = 8


def create_app(settings: Settings) -> FastAPI:
    """The service of an installation. Raises BadSettings, Unavailable."""
    if settings.database_url is None or not settings.rpc_urls:
        raise BadSettings(
            "The service needs a database and a node.",
            "Name them with POSTHORN_DATABASE_URL and POSTHORN_RPC_URLS, or start everything: `posthorn up`.",
        )
    engine = open_engine(settings.database_url, pool_size=THREADS)
    deployment = read_deployment(settings.deployment_file, partial(was_used, engine))
    known = partial(read_known_blocks, engine)
    node = Node(settings.rpc_urls, deployment.chain_id, known=known)
    keystore = open_keys(settings)
    with suppress(Unavailable):  # what is away is waited for; who sends will ask again
        check_keys(keystore, addresses_by_key(engine))
    house = build_house(settings, deployment, keystore)
    # The embedded database lies in the folder; of one elsewhere nobody here sees the disk.
    room = Room(engine, settings.data if settings.data.is_dir() else None)
    return assemble(house, engine, node, deployment, find_pages(), room)


def find_pages() -> APIRouter | None:
    """The router of the pages, where this build has them."""
    if find_spec(PAGES) is None:
        return None
    pages: APIRouter = import_module(PAGES).router
    return pages


def assemble(
    house: House,
    engine: Engine,
    node: Node,
    deployment: Deployment,
    pages: APIRouter | None,
    room: Room | None = None,
) -> FastAPI:
    """The application over parts that are open already; it closes the engine's connections at its end.

    `room` None: that of the queue alone.
    """
    service = Service(
        engine=engine,
        house=house,
        limits=Limits(),
        ask_node=node.request,
        prove=lambda *asked: prove(node, deployment, *asked),
        contracts=frozenset(deployment.addresses.values()),
        room=room or Room(engine, None),
    )
    app = FastAPI(
        title="Posthorn",
        version="1",
        description=v1.DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # It would quote errors, and asks the environment at each request; /metrics are ours (middleware.py).
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=_lifespan,
    )
    app.state.service = service
    app.state.registry = CollectorRegistry()
    app.state.registry.register(Gauges(service))
    app.state.has_pages = pages is not None
    add_handlers(app)
    v1.add_routers(app)
    if pages is not None:
        app.include_router(pages)
    # The last one added is the first that a request meets.
    for layer in (Verdicts, SameOrigin, BodyLimit, Bugs, SecurityHeaders):
        app.add_middleware(layer)
    app.add_middleware(Measures, registry=app.state.registry)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield
    app.state.service.engine.dispose()


def prove(
    node: Node,
    deployment: Deployment,
    item: bytes,
    opening: Opening | None,
    names: Mapping[int, str],
    receptacles: Sequence[bytes],
) -> bytes:
    """A proof bundle from the node's own logs. Raises NotFound, Unavailable."""
    made, _ = make_bundle(NodeLogs(node, deployment), deployment, item, opening, names, receptacles)
    return made
