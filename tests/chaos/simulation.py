"""One network, one sender, one indexer in this process, and a seed that draws what befalls them.

Faults of the node, kills at failpoints, cut connections, reorganisations come between the steps; then all becomes
calm. In the end the tables must be those of a fresh index, and the history must be kept.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from databases import NewDatabase, cut_connections, rows
from fault_proxy import FaultProxy, fault_proxy
from faults import FAULTS
from history import ACKNOWLEDGED, REFUSED, Asked, Findings, check, read_chain
from indexing import CHAIN, has_reached, index, indexer_of
from posts import CENTRE, CHAIN_ID, COUNTER, CUSTOMS, Posts, forkable_anvil
from sending import EAGER, SUBMITTER, World
from sqlalchemy.exc import SQLAlchemyError

from backend import failpoints
from backend.domain.typed_data import DeliveryKeys, Line, Release, Report
from backend.embedded.processes import wait_until
from backend.errors import PosthornError, Unavailable
from backend.indexer.follow import ChainReplaced
from backend.store.submissions import OPEN

ROUNDS = 120
# Those of the sender and the indexer, who are here.
INSTANTS = tuple(failpoints.INSTANTS)[2:]
CUSTODIANS = (COUNTER, CENTRE, CUSTOMS)
DEEPEST_REORGANISATION = 5  # what lies deeper may be final
MOST_LINES = 3
CALM_SECONDS = 60.0


Tables = dict[str, list[tuple[Any, ...]]]


class Killed(BaseException):
    """The worker is gone; nothing may catch this."""


@dataclass
class Item:
    """As it will stand when all that was asked is on chain."""

    word: str
    holder: int
    number: int = 1


@dataclass
class Result:
    """What a seed came to."""

    seed: int
    findings: Findings
    kills: int
    reorganisations: int
    broken: list[str]


@dataclass
class Simulation:
    """The world with what has been asked of it."""

    world: World
    proxies: tuple[FaultProxy, ...]
    random: Random
    items: list[Item] = field(default_factory=list)
    history: list[Asked] = field(default_factory=list)
    kills: int = 0
    reorganisations: int = 0
    moment: int = 0

    def __post_init__(self) -> None:
        self.founded = self.world.posts.height()
        self.new_sender()
        self.new_indexer()

    # --- asking -------------------------------------------------------------------------------------
    def ask(
        self, outcome: str, kind: str, payload: dict[str, Any], digest: bytes, *about: Item
    ) -> None:
        """Submit, and again where the database was away; this is what a client with a key does."""
        items = tuple(self.world.posts.item(one.word) for one in about)
        marker, self.moment = self.marker, self.moment + 2
        for _ in range(3):
            with suppress(Unavailable):
                self.world.submit(kind, payload, digest, items=items)
                break
        asked = Asked(marker, items, self.moment, self.moment + 1, outcome, digest)
        self.history.append(asked)

    @property
    def marker(self) -> bytes:
        """Of the next request."""
        return (len(self.history) + 1).to_bytes(32, "big")

    def accept(self) -> None:
        self.items.append(Item(f"item {len(self.items)}", COUNTER))
        self._accept(ACKNOWLEDGED, self.items[-1], COUNTER)

    def _accept(self, outcome: str, item: Item, signer: int) -> None:
        posts = self.world.posts
        acceptance = posts.acceptance(item.word, evidence=self.marker)
        payload = posts.signed("acceptance", acceptance, signer)
        self.ask(outcome, "acceptance", payload, posts.digest(acceptance), item)

    def hand_off(self) -> None:
        if not self.items:
            return
        giver = self.random.choice(self.items).holder
        held = [item for item in self.items if item.holder == giver]
        moved = self.random.sample(held, min(len(held), self.random.randint(1, MOST_LINES)))
        receiver = self.random.choice([one for one in CUSTODIANS if one != giver])
        self._hand_off(ACKNOWLEDGED, giver, receiver, *moved)
        for item in moved:
            item.holder, item.number = receiver, item.number + 1

    def _hand_off(self, outcome: str, giver: int, receiver: int, *moved: Item) -> None:
        posts = self.world.posts
        plain = posts.release(giver, receiver, [(posts.item(i.word), i.number) for i in moved])
        lines = tuple(Line(line.item, line.number, 1, self.marker) for line in plain.lines)
        release = Release(giver, receiver, plain.time, plain.deadline, lines)
        receipt = posts.receipt(release)
        payload = posts.hand_off_payload(release, receipt)
        self.ask(outcome, "hand_off", payload, posts.digest(receipt), *moved)

    def report(self) -> None:
        if not self.items:
            return
        posts, reporter = self.world.posts, self.random.choice(CUSTODIANS)
        item = self.random.choice(self.items)
        report = Report(posts.item(item.word), 3, 0, 0, reporter, posts.now, self.marker)
        payload = posts.signed("report", report, reporter)
        payload |= {"keys": posts.keys(DeliveryKeys())}
        self.ask(ACKNOWLEDGED, "report", payload, posts.digest(report), item)

    def ask_what_is_refused(self) -> None:
        """An acceptance of what was accepted, one with a wrong signature, a hand-off by who does not hold."""
        if not self.items:
            return
        item = self.random.choice(self.items)
        match self.random.randrange(3):
            case 0:
                self._accept(REFUSED, item, COUNTER)
            case 1:
                self._accept(REFUSED, Item(f"forged {self.moment}", COUNTER), CENTRE)
            case _:
                stranger, other = [one for one in CUSTODIANS if one != item.holder]
                self._hand_off(REFUSED, stranger, other, item)

    # --- what befalls -------------------------------------------------------------------------------
    def new_sender(self) -> None:
        pace = replace(
            EAGER,
            rebroadcast_seconds=0.0,
            stuck_seconds=self.random.choice([0.0, 1.0]),
            in_flight=self.random.choice([1, 2, 8]),
        )
        self.world.restart(self._node(), pace)

    def new_indexer(self) -> None:
        self.world.indexer = indexer_of(self.world.posts, self.world.engine, self._node())

    def _node(self) -> Any:
        return self.world.node(*[proxy.url for proxy in self.proxies], chain_id=CHAIN_ID)

    def send(self) -> None:
        self._work(self.world.sender.step, self.new_sender)

    def index(self) -> None:
        self._work(self.world.indexer.step, self.new_indexer)

    def _work(self, step: Callable[[], object], begin_anew: Callable[[], None]) -> None:
        """A step, as the workers' own loops take it; a worker that is killed begins anew."""
        try:
            with suppress(Unavailable, ChainReplaced):
                step()
        except Killed:
            self.kills += 1
            failpoints.disarm()
            begin_anew()

    def arm(self) -> None:
        """Who comes to the instant first is killed there."""

        def end() -> None:
            raise Killed

        failpoints.arm(self.random.choice(INSTANTS), self.random.randint(1, 2), end)

    def cut_connections(self) -> None:
        cut_connections(self.world.engine)

    def mine(self) -> None:
        self.world.posts.rpc.call("evm_mine")

    def reorganise(self) -> None:
        """The newest blocks are replaced by empty ones; the node forgets their transactions."""
        posts = self.world.posts
        deepest = min(DEEPEST_REORGANISATION, posts.height() - self.founded)
        if deepest > 0:
            now = posts.now
            posts.reorganise(self.random.randint(1, deepest))
            posts.now = max(posts.now, now)
            self.reorganisations += 1

    def befall(self) -> None:
        """One thing that may happen, in a drawn order."""
        happenings: dict[Callable[[], None], int] = {
            self.accept: 8,
            self.hand_off: 8,
            self.report: 6,
            self.ask_what_is_refused: 4,
            self.send: 30,
            self.index: 20,
            self.arm: 6,
            self.new_sender: 2,
            self.new_indexer: 2,
            self.cut_connections: 1,
            self.mine: 2,
            self.reorganise: 4,
        }
        (happening,) = self.random.choices(list(happenings), list(happenings.values()))
        happening()

    # --- the end ------------------------------------------------------------------------------------
    def calm_down(self) -> None:
        """No more faults; everything comes to its end and is indexed."""
        failpoints.disarm()
        for proxy in self.proxies:
            proxy.draw({})
        self.new_sender()
        self.new_indexer()
        assert wait_until(self._is_over, CALM_SECONDS), self.world.states()

    def _is_over(self) -> bool:
        """After one more step of each worker: whether nothing more will happen."""
        self.send()
        self.index()
        rows_ = [self.world.row(digest) for digest in self.world.digests()]
        open_ = any(row.state in OPEN for row in rows_)
        return not open_ and has_reached(self.world.posts, self.world.engine)

    def result(self, seed: int, broken: list[str]) -> Result:
        ledger = self.world.posts.deployment.addresses["CustodyLedger"]
        findings = check(self.history, read_chain(self.world.posts.url, ledger))
        broken = [*findings.broken, *self.gaps(), *broken]
        broken += self.world.states() if broken else []
        return Result(seed, findings, self.kills, self.reorganisations, broken)

    def gaps(self) -> list[str]:
        """Nonces of the lane that nothing of ours has used, though the chain has gone past them."""
        ours = self.world.signer.address(SUBMITTER)
        rows_ = self.world.transactions()
        mined = [row.nonce for row in rows_ if (row.lane, row.state) == (ours, "mined")]
        wanted = list(range(self.world.nonce()))
        return [] if mined == wanted else [f"nonces {mined} are mined, the chain has {wanted}"]


def simulate(seed: int, new_database: NewDatabase, folder: Path) -> Result:
    """Play a seed to its end."""
    with simulated(seed, new_database, folder) as play:
        try:
            for _ in range(ROUNDS):
                play.befall()
            play.calm_down()
        except (AssertionError, PosthornError, SQLAlchemyError):
            return play.result(seed, [traceback.format_exc()])
        fresh = index(play.world.posts, new_database())
        return play.result(seed, differing(rows(play.world.engine, CHAIN), fresh))


def differing(ours: Tables, fresh: Tables) -> list[str]:
    """Tables that are not the same, each with the first rows that are not."""
    return [
        f"{name}: {(set(map(str, ours[name])) ^ set(map(str, fresh[name])))}"[:2000]
        for name in ours
        if ours[name] != fresh[name]
    ]


@contextmanager
def simulated(seed: int, new_database: NewDatabase, folder: Path) -> Iterator[Simulation]:
    """A founded network behind two proxies, of which each seed draws the faults and their rates."""
    random = Random(seed)
    with ExitStack() as stack:
        url = stack.enter_context(forkable_anvil(folder))
        proxies = tuple(stack.enter_context(fault_proxy(url, prices=True)) for _ in range(2))
        posts = Posts(url)
        posts.found()
        world = World(posts, new_database(), url)
        stack.callback(world.close)
        key = "0x" + world.signer.address(SUBMITTER).hex()
        posts.call("PostalNetwork", "addSubmitter", 1, key)
        posts.mine()
        if random.random() < 0.5:
            world.charge()
        stack.callback(failpoints.disarm)
        play = Simulation(world, proxies, random)
        for proxy in proxies:
            drawn = random.sample(sorted(FAULTS), random.randint(2, 8))
            rates = {name: random.uniform(0.02, 0.2) for name in drawn}
            proxy.draw(rates, Random(random.random()))
        yield play
