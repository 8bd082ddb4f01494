"""One URL of a node: bytes to and fro, and whether it serves our chain at all (B7).

web3's provider moves the bytes; its contract objects, middleware and formatters are not used (they cost
half a millisecond a record).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import from_json
from requests import RequestException, Session
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from backend.chain.answers import BadAnswer, NodeAway, RpcError, parse_block, parse_error, quantity

Call = tuple[str, list[Any]]


class _Provider(HTTPProvider):
    """web3's, with a JSON parser that is twice as fast: the logs of a chain are read through it."""

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> Any:
        return from_json(raw_response)


class OtherChain(NodeAway):
    """The URL serves another chain than ours: it is not asked."""


class Endpoint:
    """`checked`: it has shown whose chain it serves since it last failed. `trouble`: why it failed last."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        # In errors and logs: a provider's key often stands in the path, a password before the host.
        self.name = urlsplit(url).netloc.rpartition("@")[2]
        self.checked = False
        self.trouble = ""
        self.serves_other_chain = False
        self.head: int | None = None
        self.session = Session()
        # Proxies and certificates of the environment are for nodes elsewhere, not for one beside us.
        self.session.trust_env = url.startswith("https:")
        self._provider = _Provider(
            url,
            request_kwargs={"timeout": timeout_seconds},
            session=self.session,
            exception_retry_configuration=None,
        )

    def must_be_on(self, chain_id: int, known: Mapping[int, bytes]) -> None:
        """Ask for the chain's number and the known blocks, hashes by number; the last of them binds the others.

        Raises OtherChain, and NodeAway where it has not come as far as the last one.
        """
        found = quantity(result(self.ask("eth_chainId", [])))
        if found != chain_id:
            raise OtherChain(f"{self.name} serves chain {found}, not {chain_id}.")
        for number, ours in sorted(known.items()):
            block = parse_block(result(self.ask("eth_getBlockByNumber", [hex(number), False])))
            if block is not None and block.hash != ours:
                raise OtherChain(
                    f"{self.name} serves another chain of the same number: its block {number} is "
                    f"{hexed(block.hash)}, {hexed(ours)} was indexed."
                )
            if block is None and number == max(known):
                raise NodeAway(
                    f"{self.name} has not come as far as block {number}, which is final."
                )
        self.checked = True

    def note(self, error: NodeAway | None) -> None:
        """How the last question went."""
        self.trouble = "" if error is None else str(error)
        self.serves_other_chain = isinstance(error, OtherChain)
        self.checked = self.checked and error is None

    def ask(self, method: str, params: list[Any]) -> Any:
        return self._post(lambda: self._provider.make_request(RPCEndpoint(method), params))

    def ask_batch(self, calls: Sequence[Call]) -> list[Any]:
        requests = [(RPCEndpoint(method), params) for method, params in calls]
        responses = self._post(lambda: self._provider.make_batch_request(requests))
        if not isinstance(responses, list):
            raise _error_of(responses)
        if len(responses) != len(calls):
            raise NodeAway(f"{self.name} answered {len(responses)} of {len(calls)} questions.")
        return responses

    def _post(self, send: Callable[[], Any]) -> Any:
        try:
            return _in_order(send())
        except RequestException as error:
            raise NodeAway(f"{self.name}: {type(error).__name__}.") from error
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise NodeAway(f"{self.name} answered what is no JSON-RPC.") from error


def _in_order(responses: Any) -> Any:
    """Of a batch, which web3 has sorted by id: each question answered once. Raises ValueError."""
    if isinstance(responses, list):
        ids = [response["id"] for response in responses]
        if ids != list(range(ids[0], ids[0] + len(ids))):
            raise ValueError("a batch's answers do not fit its questions")
    return responses


def _error_of(response: dict[str, Any]) -> RpcError:
    return parse_error(response.get("error"))


def result_or_error(response: Any) -> Any | RpcError:
    if not isinstance(response, dict):
        raise BadAnswer("The node's response is no object.")
    if response.get("error") is not None:
        return _error_of(response)
    if "result" not in response:
        raise BadAnswer("The node's response has neither result nor error.")
    return response["result"]


def result(response: Any) -> Any:
    return good(result_or_error(response))


def good(answer: Any | RpcError) -> Any:
    if isinstance(answer, RpcError):
        raise answer
    return answer


def hexed(raw: bytes) -> str:
    return "0x" + raw.hex()
