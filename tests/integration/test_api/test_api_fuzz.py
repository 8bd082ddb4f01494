"""Requests that nobody would write: whatever comes, no 5xx, and the answer is as OpenAPI says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from town import COUNTER, Town, served

from backend.api.limits import Limits
from backend.api.v1 import add_routers
from backend.app import assemble

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
fuzzing = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def operations() -> dict[str, Any]:
    """Every operation of the API's own description, by its method and path."""
    app = FastAPI()
    add_routers(app)
    schema = schemathesis.openapi.from_dict(app.openapi())
    found = (operation.ok() for operation in schema.get_all_operations())
    return {operation.label: operation for operation in found}


OPERATIONS = operations()


class NoLimits(Limits):
    """Lets everybody ask as often as they like."""

    def count(self, rule: str, who: str) -> None: ...


@pytest.fixture(scope="session")
def address(town: Town) -> Iterator[str]:
    """A server of the town that does not count."""
    app = assemble(town.house, town.engine, town.node, town.deployment, None)
    app.state.service = replace(app.state.service, limits=NoLimits())
    with served(app) as client:
        yield str(client.base_url)


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_breaks_the_api(label: str, address: str, town: Town) -> None:
    """Reads as an administrator, writes as a clerk, so that requests get past the door."""
    headers = town.by("admin") if label.startswith("GET") else town.as_(COUNTER)

    @fuzzing
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case: Case) -> None:
        response = case.call(base_url=address, headers=headers)
        case.validate_response(response, checks=CHECKS)

    ask()
