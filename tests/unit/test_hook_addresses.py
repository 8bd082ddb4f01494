"""Which addresses a web hook may have, and which it may be connected to (reliability.md, test 29)."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from backend.config import Settings, read_settings
from backend.errors import BadSettings, Unprocessable
from backend.hooks.address import Forbidden, Rules, addresses, is_public
from backend.house import hook_rules

OWN = frozenset({("127.0.0.1", 8545), ("db.inner", 5432), ("post.example", 443)})
RULES = Rules(frozenset({"inner", "127.0.0.1", "::1"}), OWN)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://receiver.example/", "https"),
        ("file:///etc/passwd", "host"),
        ("file://receiver.example/etc/passwd", "https"),
        ("gopher://receiver.example/", "https"),
        ("receiver.example", "host"),
        ("https://", "host"),
        ("https://10.0.0.1/", "no number"),
        ("https://2130706433/", "no number"),
        ("https://0177.0.0.1/", "no number"),
        ("https://0x7f000001/", "no number"),
        ("https://0x7f.1/", "no number"),
        ("https://127.1/", "no number"),
        ("https://[::ffff:127.0.0.1]/", "no number"),
        ("https://receiver..example/", "host's name"),
        ("https://receiver.example./", "host's name"),
        ("https://user@receiver.example/", "user"),
        ("https://receiver.example#part", "fragment"),
        ("https://receiver.example:22/", "port"),
        ("https://receiver.example:80/", "port"),
        ("https://receiver.example:0/", "port"),
        ("https://receiver.example:99999/", "like https"),
        ("https://receiver.example:8545/", "Posthorn's own"),
        ("https://receiver.example:5432/", "Posthorn's own"),
        ("https://post.example/", "Posthorn's own"),
        ("https://inner:8545/", "Posthorn's own"),
        ("http://127.0.0.1:8545/", "Posthorn's own"),
        ("https://receiver.example/a b", "no blank"),
        ("https://receiver.example\\@inner/", "no blank"),
        ("https://receiver.example/\r\nHost: other", "no blank"),
        ("https://bücher.example/", "ASCII"),
        ("https://receiver.example/" + "x" * 1000, "characters"),
    ],
)
def test_an_address_that_no_hook_may_have_is_refused_with_the_rule(url: str, rule: str) -> None:
    with pytest.raises(Unprocessable, match=rule):
        RULES.read(url)


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://receiver.example", "receiver.example", "/"),
        ("https://Receiver.Example:443/told?by=a%20post", "receiver.example", "/told?by=a%20post"),
        ("https://receiver.example:8443/x", "receiver.example:8443", "/x"),
        ("http://inner/x", "inner", "/x"),
        ("http://[::1]:9000/x", "[::1]:9000", "/x"),
    ],
)
def test_what_is_asked_of_whom_is_what_the_address_says(
    url: str, authority: str, path: str
) -> None:
    target = RULES.read(url)
    assert (target.authority, target.path) == (authority, path)


INNER = (
    "127.0.0.1 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 "
    "240.0.0.1 198.18.0.1 192.0.2.1 ::1 :: fe80::1 fc00::1 fec0::1 ff02::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 "
    "::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 2002:7f00:1::1 2002:a00:1::1 2001:db8::1 "
    "2001:0:7f00:1::1 100::1"
)


@pytest.mark.parametrize("address", INNER.split())
def test_an_address_that_not_everybody_shares_is_none(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_one(address: str) -> None:
    assert is_public(ip_address(address))


def resolver(*found: str) -> Any:
    return lambda host, port, **_: [(0, 0, 0, "", (address, port)) for address in found]


def test_one_inner_address_beside_public_ones_forbids_the_name() -> None:
    target = RULES.read("https://receiver.example/")
    assert [str(one) for one in addresses(target, resolver("8.8.8.8", "8.8.8.8"))] == ["8.8.8.8"]
    with pytest.raises(Forbidden, match="not of the public internet"):
        addresses(target, resolver("8.8.8.8", "127.0.0.1"))
    with pytest.raises(Forbidden):
        addresses(target, resolver("8.8.8.8", "fe80::1%eth0"))


def test_an_inner_host_that_is_named_may_be_anywhere() -> None:
    assert addresses(RULES.read("http://inner/"), resolver("10.0.0.1")) == [ip_address("10.0.0.1")]


def test_what_we_listen_on_and_talk_to_follows_from_the_settings() -> None:
    settings = Settings(
        data=Path(),
        port=8123,
        database_url="postgresql://a@db/x",
        rpc_urls=("https://node", "http://n:9"),
        public_url="https://post.example",
    )
    assert hook_rules(settings).own == {
        ("127.0.0.1", 8123),
        ("db", 5432),
        ("node", 443),
        ("n", 9),
        ("post.example", 443),
    }


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("postgresql:///x?host=db&port=5433", {("db", 5433)}),
        ("postgresql://a@/x?host=/run/postgresql", {("", 5432)}),
        ("postgresql:///x?host=one,two&port=1,2", {("one", 1), ("one", 2), ("two", 1), ("two", 2)}),
        ("postgresql:///x?host=db&hostaddr=10.0.0.7", {("db", 5432), ("10.0.0.7", 5432)}),
    ],
)
def test_a_database_is_ours_however_its_url_names_it(url: str, ours: set[tuple[str, int]]) -> None:
    own = hook_rules(read_settings({"POSTHORN_DATABASE_URL": url})).own
    assert ours <= own


def test_inner_hosts_are_hosts_and_nothing_more() -> None:
    found = read_settings({"POSTHORN_HOOKS_INTERNAL": "Inner,10.0.0.7,FD00::7"})
    assert found.hooks_internal == ("inner", "10.0.0.7", "fd00::7")


@pytest.mark.parametrize("host", ["http://inner", "10.0.0.7:9000", "[fd00::7]", "fd00::7::", "a b"])
def test_what_names_no_inner_host_is_refused(host: str) -> None:
    with pytest.raises(BadSettings, match="names hosts alone"):
        read_settings({"POSTHORN_HOOKS_INTERNAL": host})


@pytest.mark.parametrize("url", ["node:8545", "ws://node", "http://node:abc", "http://", "node"])
def test_what_names_no_node_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="POSTHORN_RPC_URLS"):
        read_settings({"POSTHORN_RPC_URLS": f"http://good:1,{url}"})
