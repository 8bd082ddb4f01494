"""Many trails at once: what the records of a receptacle do to what lies in it (C7). Pure.

The same fold serves the indexer, which follows every item, and a proof, which follows one item and the
receptacles that it lay in.
"""

from __future__ import annotations

from dataclasses import replace

from backend.domain.trail import Entry, Missing, Packed, TrailState, apply, packed, stay
from backend.domain.typed_data import Opening, Report


class Trails:
    """States of items, and what was packed into receptacles in its order; contents may be of items not followed.

    `states` are by item, `contents` by the receptacle's own number.
    """

    def __init__(
        self,
        states: dict[bytes, TrailState] | None = None,
        contents: dict[int, list[bytes]] | None = None,
    ) -> None:
        self.states = {} if states is None else states
        self.contents = {} if contents is None else contents

    def take(self, entry: Entry) -> list[Entry]:
        """The record, completed, and the stays that end with it; records come in the order of the chain.

        Raises BrokenTrail; then nothing has changed.
        """
        before = self.states.get(entry.item)
        record = self._completed(entry, before)
        after = self.states[record.item] = apply(before, record)
        if isinstance(record.body, Packed):
            self._pack(record.body)
        if isinstance(record.body, Opening) and before is not None:
            return [record, *self._open(record, before, after)]
        return [record]

    def _completed(self, entry: Entry, before: TrailState | None) -> Entry:
        """What the log alone does not say: a report's custody number (C3), the time of what is missing."""
        if isinstance(entry.body, Report) and before is not None:
            return entry._replace(number=before.number)
        if isinstance(entry.body, Missing) and entry.body.receptacle in self.states:
            opened_at = self.states[entry.body.receptacle].latest_time
            return entry._replace(body=replace(entry.body, time=opened_at))
        return entry

    def _pack(self, body: Packed) -> None:
        self.contents.setdefault(body.receptacle, []).extend(body.items)
        for item in body.items:
            if item in self.states:
                self.states[item] = packed(self.states[item], body.receptacle)

    def _open(self, opening: Entry, before: TrailState, after: TrailState) -> list[Entry]:
        """What still lies in it and is not missing has stayed in it: one record of its own."""
        assert isinstance(opening.body, Opening)
        missing, stays = set(opening.body.missing), []
        for item, place in self._places(before.receptacle).items():
            state = self.states.get(item)
            if state is None or state.holder != before.receptacle or item in missing:
                continue
            stayed = stay(opening, before, after, state, place)
            self.states[item] = apply(state, stayed)
            stays.append(stayed)
        return stays

    def _places(self, receptacle: int) -> dict[bytes, int]:
        """Each item's place; what was taken up and packed again lies where it was packed last."""
        return {item: place for place, item in enumerate(self.contents.get(receptacle, ()))}
