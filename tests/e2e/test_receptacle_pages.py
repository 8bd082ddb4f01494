"""Pages of what lay in receptacles, was handed over by force or signed by devices: what the browser finds out itself.

The network of the integration tests, where all of it has happened, behind the real pages and a real node.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from indexing import catch_up, indexer_of
from playwright.sync_api import Browser, BrowserContext, Page, expect
from posts import CENTRE, COUNTER, Posts, forkable_anvil
from sqlalchemy import Engine, delete, select, update
from story import P256_DEVICE, tell
from town import house_of, served

from backend.app import assemble, find_pages
from backend.domain.ids import custodian_number
from backend.embedded.postgres import EmbeddedPostgres
from backend.keystore import Keystore
from backend.store.engine import open_engine
from backend.store.migrate import migrate
from backend.store.tables import content, entry
from tests.e2e.conftest import DESKTOP, run

VAN = custodian_number(1, 4)


@dataclass
class Site:
    """The pages of a network; its database is open to who would tell lies in it."""

    posts: Posts
    engine: Engine
    origin: str


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="posthorn-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own user must get in
        with (
            EmbeddedPostgres(Path(folder) / "postgres") as server,
            forkable_anvil(Path(folder)) as url,
        ):
            engine = open_engine(server.url)
            migrate(engine)
            posts = Posts(url)
            posts.found()
            tell(posts)
            catch_up(indexer_of(posts, engine))
            house = house_of(posts.deployment, Keystore(b"no key is used".ljust(32)), Path(folder))
            app = assemble(house, engine, posts.node, posts.deployment, find_pages())
            with served(app) as client:
                yield Site(posts, engine, str(client.base_url))
            engine.dispose()
            posts.node.close()
            posts.close()


ItemPage = Callable[..., Page]


@pytest.fixture
def item_page(site: Site, browser: Browser) -> Iterator[ItemPage]:
    """Opens the page of the item of a word."""
    contexts: list[BrowserContext] = []

    def opened(word: str, custodian: int = COUNTER) -> Page:
        contexts.append(browser.new_context(base_url=site.origin, viewport=DESKTOP))
        page = contexts[-1].new_page()
        page.goto(f"/items/0x{site.posts.item(word, custodian).hex()}")
        return page

    yield opened
    for context in contexts:
        context.close()


def tick(page: Page, name: str, state: str, text: str | re.Pattern[str] = "") -> None:
    line = page.locator(f"[data-tick={name}]")
    expect(line).to_have_attribute("data-state", state, timeout=15_000)
    if text:
        expect(line).to_contain_text(text)


@pytest.mark.parametrize(
    ("word", "custodian", "signatures"),
    [
        ("found", COUNTER, "11 signatures of 4 records and 6 of the receptacle that carried it"),
        ("inferred", COUNTER, "8 signatures of 2 records and 6 of the receptacle"),
        ("gone", COUNTER, "10 signatures of 3 records and 6 of the receptacle"),
        ("loose", COUNTER, "9 signatures of 2 records and 6 of the receptacle"),
        ("bag", COUNTER, "7 signatures of 6 records, each"),
        ("deep", COUNTER, "13 signatures of 2 records and 11 of 2 receptacles that carried it"),
        ("crate", COUNTER, "7 signatures of 6 records, each"),
        ("late", CENTRE, "11 signatures of 2 records and 7 of 2 receptacles"),
        ("stranded", VAN, "2 signatures of 2 records, each"),
        ("tapped", P256_DEVICE, "3 signatures of 2 records, each"),
        ("twice", COUNTER, "3 signatures of 2 records, each"),
    ],
)
def test_browser_finds_all_three_ticks(
    item_page: ItemPage, word: str, custodian: int, signatures: str
) -> None:
    """C7, C9, N3: no trail is beyond the page's own scripts."""
    page = item_page(word, custodian)
    tick(page, "signatures", "holds", signatures)
    tick(page, "record", "holds", "None is missing")
    tick(page, "story", "holds")


def test_browser_tells_where_a_page_calls_what_was_inferred_seen(
    site: Site, item_page: ItemPage
) -> None:
    """A lie in the database that fits the record's digest: only the receptacle's opening says otherwise."""
    stay = (entry.c.item == site.posts.item("beside"), entry.c.kind == "stay")
    with site.engine.begin() as db:
        was = db.scalars(select(entry.c.body).where(*stay)).one()
        db.execute(update(entry).where(*stay).values(body=was | {"verified": True}))
    page = item_page("beside")
    tick(page, "record", "holds")
    tick(page, "story", "differs", "the server says found, the chain says inferred")


def test_browser_misses_a_receptacle_that_the_server_hides(site: Site, item_page: ItemPage) -> None:
    """Without its records the stay has nothing behind it."""
    with site.engine.begin() as db:
        db.execute(delete(content).where(content.c.item == site.posts.item("inferred")))
    tick(item_page("inferred"), "record", "differs")


def test_page_leads_to_the_receptacles_that_carried_the_item(item_page: ItemPage) -> None:
    page = item_page("deep")
    expect(page.get_by_text("those of the 2 bags that carried it")).to_be_visible()
    page.get_by_role("link", name="a bag", exact=True).last.click()
    tick(page, "record", "holds")
    expect(page.get_by_text("Opened by")).to_be_visible()


def test_evidence_of_two_hand_offs_stands_on_the_page_and_accuses_nobody(
    item_page: ItemPage,
) -> None:
    """C10: a notice is something that a person should look at."""
    page = item_page("twice")
    note = page.locator(".note")
    expect(note).to_contain_text("To be looked at. Two complete hand-offs of this item by")
    expect(note).to_contain_text("It changes nothing in the trail")
    text = page.locator("main").inner_text().lower()
    assert not re.search(r"fraud|forge|fake|guilty|lied|cheat", text)


def test_proof_of_an_item_in_a_bag_is_downloaded_and_checked(
    site: Site, item_page: ItemPage, tmp_path: Path
) -> None:
    """The page's own button; then the command line against the node alone, in words and as JSON."""
    page = item_page("deep")
    with page.expect_download() as got:
        page.get_by_role("link", name="Download the proof").click()
    file = tmp_path / "deep.json"
    got.value.save_as(file)
    said = check(file, site.posts.url)
    assert said.startswith("holds: 2 records, 2 receptacles with 11 of their own, 13 signatures")
    assert "  In receptacle 3 (0x" in said
    facts = json.loads(check(file, site.posts.url, "--json"))
    (carried,) = facts["carried"]
    assert (carried["outcome"], carried["count"]) == ("found", 2)
    assert [one["outcome"] for one in carried["carried"]] == ["found"]


def check(file: Path, url: str, *options: str) -> str:
    return run("check", str(file), "--rpc", url, *options)
