"""Commands about the contracts on the chain."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.items import ANOTHER_NODE, NODE_ADDRESS
from backend.cli.output import AsJson, DataFolder, Exit, limit_recursion, show
from backend.config import Settings, read_settings
from backend.errors import BadRequest, Unavailable

if TYPE_CHECKING:
    from backend.chain.deployment import Deployment

app = typer.Typer(help="The contracts on the chain.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def verify(
    rpc: Annotated[str, typer.Option("--rpc", help="A node of the chain, like http://host:8545.")],
    deployment: Annotated[
        Path | None,
        typer.Option(help="Where the contracts are (default: that of the installation)."),
    ] = None,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Say whether what is deployed is what the sources of this version build.

    Neither database nor server is asked. Ends with 0 all is, 1 something is not, 2 could not compare.
    """
    limit_recursion()
    if not NODE_ADDRESS.fullmatch(rpc):
        raise BadRequest(f"{rpc} is no address of a node.", "One like http://127.0.0.1:8545.")
    named = _read(read_settings(os.environ, data=data, deployment=deployment), deployment)
    found = _differences(rpc, named)
    lines = [
        f"{name} 0x{named.addresses[name].hex()}: {f'no, {why}' if why else 'yes'}"
        for name, why in found.items()
    ]
    facts = {
        name: {"address": named.addresses[name], "is_this_build": not why, "difference": why}
        for name, why in found.items()
    }
    show({"contracts": facts}, "\n".join(lines), as_json)
    raise SystemExit(Exit.NO if any(found.values()) else Exit.DONE)


def _read(settings: Settings, asked: Path | None) -> Deployment:
    """Where the contracts are; who `asked` for a file learns which option to change."""
    from backend.chain.deployment import DeploymentMissing, DeploymentUnreadable, read_deployment

    try:
        return read_deployment(settings.deployment_file)
    except (DeploymentMissing, DeploymentUnreadable) as error:
        if asked is not None:
            error.what_now = "Name another file with --deployment."
        raise


def _differences(rpc: str, named: Deployment) -> dict[str, str]:
    """What of each contract is not as the sources build it. Raises Unavailable."""
    from backend.chain.answers import NodeAway
    from backend.chain.client import Node
    from backend.chain.deployment import differences

    with closing(Node([rpc])) as node:
        try:
            return differences(node, named)
        except NodeAway:
            raise Unavailable(f"No node answers at {rpc}.", ANOTHER_NODE) from None
