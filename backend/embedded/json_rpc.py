"""JSON-RPC to the embedded node, with the standard library: one connection, calls and batches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from backend.errors import Unavailable

Call = tuple[str, Sequence[Any]]

_TIMEOUT_SECONDS = 120.0


class NodeRefused(Unavailable):
    """The node answered with an error."""


class NodeAway(Unavailable):
    """Nothing that speaks JSON-RPC answers at the node's address."""


class JsonRpc:
    """One connection to a node at `http://host:port`; closed by `with` or `close`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_SECONDS)

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call. Raises NodeRefused, NodeAway."""
        return self.batch([(method, params)])[0]

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """The results of calls made in this order, in this order.

        A body may have 2 MB; no calls are no request.
        Raises NodeRefused for the first call that failed, NodeAway.
        """
        if not calls:
            return []
        requests = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
            for number, (method, params) in enumerate(calls)
        ]
        answers = self._post(json.dumps(requests).encode())
        if not isinstance(answers, list):  # the whole batch was refused, for instance as too large
            raise NodeRefused(f"The node refused {len(calls)} calls: {answers}")
        results = {}
        for answer in answers:
            if "error" in answer:
                method = calls[answer["id"]][0] if answer["id"] is not None else "a call"
                raise NodeRefused(f"The node refused {method}: {answer['error']['message']}")
            results[answer["id"]] = answer["result"]
        return [results[number] for number in range(len(calls))]

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _post(self, body: bytes) -> Any:
        try:
            self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
            return json.load(self._connection.getresponse())
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            raise NodeAway(f"No node answers at {self._url}: {error!r}") from error
