"""A way for pages to ask the node themselves: read-only JSON-RPC, our contracts only, counted (B7).

The page checks what it gets (hashes, signatures, heads), so the relay need not be trusted; a reader may
name any other node instead.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from backend.api.limits import network_of
from backend.api.service import Call, Service, json_answer
from backend.errors import BadRequest, Unavailable

router = APIRouter(tags=["machine"])
METHODS = frozenset(
    (
        "eth_chainId",
        "eth_blockNumber",
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "eth_getLogs",
        "eth_call",
        "eth_getCode",
        "eth_getTransactionReceipt",
    )
)
MOST_CALLS = 50
WAIT_SECONDS = 2.0
HASH = re.compile("0x[0-9a-fA-F]{64}")
MOST_CALL_BYTES = 20_000
MOST_ANSWER_BYTES = 4_000_000
# JSON-RPC 2.0, section 5.1; -32005 is the usual code for a limit.
INVALID, NOT_FOUND, BAD_PARAMETERS, LIMIT, AWAY = -32600, -32601, -32602, -32005, -32603


@router.post("/rpc", response_class=Response)
def relay(call: Call, questions: Annotated[Any, Body()]) -> Response:
    """One JSON-RPC call or a batch of up to 50."""
    batch = questions if isinstance(questions, list) else [questions]
    if not 1 <= len(batch) <= MOST_CALLS:
        raise BadRequest(f"A batch has 1 to {MOST_CALLS} calls.", "Split it.")
    for _ in batch:
        call.service.limits.count("relay", network_of(call.address))
    answers = _answers(call.service, batch)
    content = json.dumps(answers if isinstance(questions, list) else answers[0])
    if len(content) > MOST_ANSWER_BYTES:
        raise BadRequest("The answer is too large.", "Ask for fewer blocks at a time.")
    return json_answer(content, 200)


def _answers(service: Service, batch: list[Any]) -> list[dict[str, Any]]:
    if not service.limits.relay.acquire(timeout=WAIT_SECONDS):
        raise Unavailable(
            "The node is slow at the moment.", "Try again, or ask a node of your own."
        )
    try:
        return [_answer(service, question) for question in batch]
    finally:
        service.limits.relay.release()


def _answer(service: Service, question: Any) -> dict[str, Any]:
    """The node's answer to one call, or an error in JSON-RPC's form."""
    if not _is_call(question):
        return _error(None, INVALID, "This is no JSON-RPC call.")
    number, method, parameters = (
        question.get("id"),
        question.get("method"),
        question.get("params", []),
    )
    if not isinstance(method, str) or method not in METHODS:
        return _error(number, NOT_FOUND, f"Only these are relayed: {', '.join(sorted(METHODS))}.")
    if len(json.dumps(parameters)) > MOST_CALL_BYTES:
        return _error(number, LIMIT, f"A call has at most {MOST_CALL_BYTES} characters.")
    if not _asks_our_contracts(service, method, parameters):
        return _error(number, BAD_PARAMETERS, "Only Posthorn's contracts are asked here.")
    if method == "eth_getLogs" and not _is_narrow(parameters[0]):
        return _error(number, LIMIT, "Ask for the logs of one block, or of one item or custodian.")
    if method == "eth_call":
        parameters = _plain_call(parameters)
    try:
        result = service.ask_node(method, *parameters)
    except Unavailable as error:
        return _error(number, getattr(error, "code", AWAY), error.detail)
    return {"jsonrpc": "2.0", "id": number, "result": result}


def _is_call(question: Any) -> bool:
    """JSON-RPC 2.0, section 4. The id goes back as it came, so it must be one that JSON can say: no NaN."""
    if not isinstance(question, dict) or not isinstance(question.get("params", []), list):
        return False
    number = question.get("id")
    return number is None or isinstance(number, str) or type(number) is int


def _asks_our_contracts(service: Service, method: str, parameters: list[Any]) -> bool:
    if method == "eth_getCode":
        return bool(parameters) and _is_ours(service, parameters[0])
    if method not in ("eth_getLogs", "eth_call"):
        return True
    asked = parameters[0] if parameters else None
    if not isinstance(asked, dict):
        return False
    named = asked.get("to") if method == "eth_call" else asked.get("address")
    addresses = named if isinstance(named, list) else [named]
    return bool(addresses) and all(_is_ours(service, address) for address in addresses)


def _is_narrow(asked: dict[str, Any]) -> bool:
    """Logs of one block, or about one thing (an indexed value is named): no walk over the whole chain.

    A node may pass over a `blockHash` that is none, or that stands beside a range.
    """
    if "blockHash" in asked:
        is_hash = HASH.fullmatch(str(asked["blockHash"])) is not None
        return is_hash and asked.keys().isdisjoint(("fromBlock", "toBlock"))
    topics = asked.get("topics")
    about = topics[1:] if isinstance(topics, list) else []
    return any(isinstance(topic, str) for topic in about)


def _plain_call(parameters: list[Any]) -> list[Any]:
    """Contract, question and block alone: a state override would run a stranger's code on the node."""
    asked = parameters[0]
    question = {"to": asked["to"], "data": asked.get("data", asked.get("input", "0x"))}
    return [question, *parameters[1:2]]


def _is_ours(service: Service, address: Any) -> bool:
    try:
        return bytes.fromhex(str(address).removeprefix("0x")) in service.contracts
    except ValueError:
        return False


def _error(number: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}
