"""Commands about the contracts on the chain."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from backend.cli.items import ANOTHER_NODE, NODE_ADDRESS
from backend.cli.output import AsJson, DataFolder, Exit, limit_recursion, show
from backend.config import read_settings
from backend.errors import BadRequest, Unavailable

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
    from backend.chain.answers import NodeAway
    from backend.chain.client import Node
    from backend.chain.deployment import differences, read_deployment

    limit_recursion()
    if not NODE_ADDRESS.fullmatch(rpc):
        raise BadRequest(f"{rpc} is no address of a node.", "One like http://127.0.0.1:8545.")
    settings = read_settings(os.environ, data=data, deployment=deployment)
    named = read_deployment(settings.deployment_file)
    with closing(Node([rpc])) as node:
        try:
            found = differences(node, named)
        except NodeAway:
            raise Unavailable(f"No node answers at {rpc}.", ANOTHER_NODE) from None
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
