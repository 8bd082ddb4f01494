"""Settings: read once from the environment into a frozen object; unknown or impossible ones are refused."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from backend.errors import BadSettings

PREFIX = "POSTHORN_"
LOG_LEVELS = ("debug", "info", "warning", "error")


class Settings(BaseModel):
    """Everything that differs between two installations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Field(default=Path("var"), description="folder of keys, database, chain cache")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, ge=1, le=65535, description="port to listen on")
    database_url: str | None = Field(
        default=None, description="PostgreSQL by URL; without it an embedded one is started"
    )
    rpc_urls: tuple[str, ...] = Field(
        default=(), description="nodes, comma separated; without it an embedded one is started"
    )
    deployment: Path | None = Field(default=None, description="deployments/<chain id>.json to use")
    public_url: str | None = Field(
        default=None, description="what codes on paper open; by default host and port"
    )
    keystore_passphrase: str | None = Field(
        default=None, repr=False, description="opens the keystore; by default a file beside it"
    )
    network_alias: int = Field(default=0, ge=0, le=0xFFFF, description="network in public codes")
    finality_depth: int | None = Field(
        default=None, ge=0, description="blocks from the head down that are not final"
    )
    hooks_internal: tuple[str, ...] = Field(
        default=(), description="inner hosts, comma separated, that web hooks may name"
    )
    log_level: str = Field(default="info", pattern=f"^({'|'.join(LOG_LEVELS)})$")

    @field_validator("rpc_urls", "hooks_internal", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, value.split(","))) if isinstance(value, str) else value

    @field_validator("hooks_internal")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(_is_host, value)):
            raise ValueError("names hosts alone, like 10.0.0.7,fd00::7,hooks.internal")
        return tuple(host.lower() for host in value)

    @field_validator("rpc_urls")
    @classmethod
    def _are_nodes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for url in value:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("must be like http://127.0.0.1:8545")
            parts.port  # noqa: B018 - raises ValueError for what is no port
        return value

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.startswith(("postgresql://", "postgres://", "postgresql+psycopg://")):
            raise ValueError("must begin with postgresql://")
        urlsplit(value).port  # noqa: B018 - raises ValueError for what is no port
        return "postgresql+psycopg://" + value.split("://", 1)[1]

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if any(c.isspace() or not c.isprintable() for c in value):
            raise ValueError("has a blank in it")
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
            raise ValueError("must be like https://post.example")
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def origin(self) -> str:
        """Scheme, host and port that codes on paper open."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def deployment_file(self) -> Path:
        return self.deployment or self.data / "deployment.json"


def read_settings(environment: Mapping[str, str], **overrides: object) -> Settings:
    """Settings from POSTHORN_* variables; overrides (of the command line) that are None do not count.

    Raises BadSettings, naming each variable that is unknown or wrong.
    """
    values: dict[str, object] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise BadSettings(_explain(error), _known_settings()) from None


def _is_host(text: str) -> bool:
    """Whether it is an address, or can be a name; nothing with a port, brackets or a scheme."""
    if ":" not in text:
        return bool(text) and not set("/@[] ") & set(text)
    try:
        return IPv6Address(text) is not None
    except ValueError:
        return False


def _explain(error: ValidationError) -> str:
    lines = []
    for fault in error.errors(include_url=False):
        field = str(fault["loc"][0])
        known = field in Settings.model_fields
        said = f": {_wrong(field, fault['type'], fault['msg'])}." if known else " is unknown."
        lines.append(PREFIX + field.upper() + said)
    return " ".join(lines)


def _wrong(field: str, kind: str, message: str) -> str:
    """What a value must be; `kind` and `message` are pydantic's."""
    if kind == "string_pattern_mismatch":
        return f"must be one of {', '.join(LOG_LEVELS)}"
    if not kind.startswith(("int_", "greater_than", "less_than")):
        return message.removeprefix("Value error, ")
    limits = Settings.model_fields[field].metadata
    lowest = next(one.ge for one in limits if hasattr(one, "ge"))
    highest = next((f" to {one.le}" for one in limits if hasattr(one, "le")), " on")
    return f"must be a whole number from {lowest}{highest}"


def _known_settings() -> str:
    names = ", ".join(PREFIX + name.upper() for name in Settings.model_fields)
    return f"Known settings: {names}."
