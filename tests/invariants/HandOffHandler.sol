// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Finding,
    ForcedRelease,
    ICustodyLedger,
    Line,
    Receipt,
    Release
} from "../../contracts/interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "../../contracts/interfaces/IPostalNetwork.sol";
import {ItemHandler} from "./ItemHandler.sol";

/// @notice Hand-offs of one to three lines: signed and sent at once, sent again later, for somebody who cannot sign, and
/// as evidence of equivocation.
abstract contract HandOffHandler is ItemHandler {
    /// @dev What was signed once, and with which keys. Kept encoded: the old code generator copies no nested lists.
    struct Offer {
        bytes signed;
        uint256 giverKey;
        uint256 receiverKey;
    }

    Offer[] internal _offers;

    /// @notice How often a pair changed an item (C10).
    uint256 public evidenceChangedState;

    // ------------------------------------------------------------------------------------------------------- making one

    function handOff(uint256 pick, uint256 luck) external {
        if (luck % 8 == 3) pick = _openOne(pick);
        (ICustodyLedger.HandOff memory signed, uint256 giverKey, uint256 receiverKey) = _makeHandOff(pick, luck);
        // A third are kept for later: then most are stale, or past their deadline.
        if (luck % 3 == 0 || luck % 7 == 0) _offers.push(Offer(abi.encode(signed), giverKey, receiverKey));
        if (luck % 3 != 0) _handOff(signed, giverKey, receiverKey);
    }

    /// @dev C7: the place of a receptacle with contents that is not closed, if there is one.
    function _openOne(uint256 pick) internal view returns (uint256) {
        for (uint256 i = 0; i < _items.length; ++i) {
            Ghost storage its = _ghosts[_pick(pick % _items.length + i)];
            if (!_mayMove(its) && its.holder < FIRST_RECEPTACLE) return pick % _items.length + i;
        }
        return pick;
    }

    /// @dev C2: counts, bitmap and findings that do not fit together. What is wrong with it comes before who signed it.
    function misshapen(uint256 pick, uint256 luck) external {
        (ICustodyLedger.HandOff memory signed, uint256 giverKey, uint256 receiverKey) = _makeHandOff(pick, luck);
        Receipt memory receipt = signed.receipt;
        uint256 lines = signed.release.lines.length;
        receipt.received[0] = (1 << lines) - 1;
        receipt.findings = new Finding[](1 + luck % 2);
        uint256 wrong = (luck >> 8) % 5;
        if (wrong == 0) signed.release.lines = new Line[](0);
        if (wrong == 1) receipt.received = new uint256[](2 * (luck % 2));
        if (wrong == 2) receipt.received[0] = luck % 2 == 0 ? 0 : 1 << lines;
        if (wrong == 3) receipt.findings[luck % 2].line = uint16(lines);
        if (wrong == 4) (receipt.findings, receipt.received[0]) = (new Finding[](2), 1);
        _handOff(signed, giverKey, receiverKey);
    }

    /// @dev C3: an offer comes, perhaps again, when the world has moved on.
    function lateHandOff(uint256 pick) external {
        if (_offers.length == 0) return;
        Offer storage offer = _offers[pick % _offers.length];
        _handOff(abi.decode(offer.signed, (ICustodyLedger.HandOff)), offer.giverKey, offer.receiverKey);
    }

    function _makeHandOff(uint256 pick, uint256 luck)
        private
        view
        returns (ICustodyLedger.HandOff memory signed, uint256 giverKey, uint256 receiverKey)
    {
        uint256 giver = _actor(_pick(pick), _luck(luck, 1));
        uint256 receiver = _luck(luck, 2) % CUSTODIANS;
        Release memory r = signed.release;
        (r.giver, r.receiver, r.time) = (_custodian(giver), _custodian(receiver), _time(_luck(luck, 3)));
        r.deadline = _deadline(r.time, _luck(luck, 4));
        r.lines = _lines(pick, luck);
        signed.receipt = _receipt(ledgerDigests.digest(r), r.lines.length, _time(_luck(luck, 6)), luck);
        giverKey = _keyFor(giver, r.time, _luck(luck, 7));
        receiverKey = _keyFor(receiver, signed.receipt.time, _luck(luck, 8));
        _signHandOff(signed, giverKey, receiverKey);
    }

    function _signHandOff(ICustodyLedger.HandOff memory signed, uint256 giverKey, uint256 receiverKey) private view {
        signed.giverSignature = _sign(giverKey, ledgerDigests.digest(signed.release));
        signed.receiverSignature = _sign(receiverKey, ledgerDigests.digest(signed.receipt));
    }

    function _lines(uint256 pick, uint256 luck) private view returns (Line[] memory lines) {
        lines = new Line[](1 + luck % 3);
        for (uint256 i = 0; i < lines.length; ++i) {
            // The same item twice is possible.
            bytes32 item = i == 0 ? _pick(pick) : _pick(_luck(luck, 20 + i));
            lines[i] = Line(item, _number(item, _luck(luck, 30 + i)), uint16(i), 0);
        }
    }

    function _receipt(bytes32 release, uint256 lines, uint40 time, uint256 luck)
        private
        pure
        returns (Receipt memory receipt)
    {
        receipt = Receipt(luck % 32 == 5 ? bytes32(luck) : release, time, new uint256[](1), new Finding[](0));
        uint256 all = (1 << lines) - 1;
        // Mostly all lines; else some, or none, or one too many.
        receipt.received[0] = luck % 4 == 0 ? _luck(luck, 5) % (2 * all + 2) : all;
        if (luck % 5 == 0) {
            receipt.findings = new Finding[](1);
            receipt.findings[0] = Finding(uint16(lines - 1), 9, 0);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- judging

    function _handOff(ICustodyLedger.HandOff memory signed, uint256 giverKey, uint256 receiverKey) private {
        Release memory r = signed.release;
        bytes4 refusal = _refusesShape(r.giver, r.receiver, r.lines.length, signed.receipt);
        if (refusal == 0 && signed.receipt.release != ledgerDigests.digest(r)) {
            refusal = ICustodyLedger.OtherRelease.selector;
        }
        if (refusal == 0) refusal = _refusesTimes(r.time, signed.receipt.time);
        if (refusal == 0) refusal = _refusesOffer(r.time, r.deadline);
        if (refusal == 0) refusal = _refusesKey(_whoIs(r.giver), r.time, giverKey);
        if (refusal == 0) refusal = _refusesKey(_whoIs(r.receiver), signed.receipt.time, receiverKey);
        if (refusal == 0) refusal = _refusesLines(r.giver, r.time, r.lines, signed.receipt);
        bool taken = _record(ledger.handOffBatch.selector, abi.encodeCall(ledger.handOff, (signed)), refusal);
        if (taken && refusal == 0) _passLines(r.giver, r.receiver, r.time, r.lines, signed.receipt);
    }

    function _refusesShape(uint40 giver, uint40 receiver, uint256 lines, Receipt memory receipt)
        private
        pure
        returns (bytes4)
    {
        if (lines == 0) return ICustodyLedger.LineCount.selector;
        if (giver == receiver) return ICustodyLedger.GiverIsReceiver.selector;
        // As few as the lines of these stories fit into one word.
        if (receipt.received.length != 1) return ICustodyLedger.ReceivedOutOfPlace.selector;
        uint256 received = receipt.received[0];
        if (received == 0 || received >> lines != 0) return ICustodyLedger.ReceivedOutOfPlace.selector;
        for (uint256 i = 0; i < receipt.findings.length; ++i) {
            uint16 line = receipt.findings[i].line;
            bool rises = i == 0 || line > receipt.findings[i - 1].line;
            if (!rises || (received >> line) & 1 == 0) return ICustodyLedger.FindingOutOfPlace.selector;
        }
        return 0;
    }

    function _refusesTimes(uint40 released, uint40 received) private view returns (bytes4 refusal) {
        if (received + 15 minutes < released) return ICustodyLedger.ReceiptBeforeRelease.selector;
        refusal = _refusesTime(released);
        if (refusal == 0) refusal = _refusesTime(received);
    }

    function _refusesLine(uint40 giver, uint40 time, Line memory line) private view returns (bytes4 refusal) {
        Ghost memory its = _ghosts[line.item];
        refusal = _refusesHeld(its, _whoIs(giver), line.number, time);
        if (refusal == 0 && !_mayMove(its)) refusal = ICustodyLedger.NotClosed.selector;
    }

    /// @return first 0 if any received line counts, else why the first does not
    function _refusesLines(uint40 giver, uint40 time, Line[] memory lines, Receipt memory receipt)
        private
        view
        returns (bytes4 first)
    {
        for (uint256 i = 0; i < lines.length; ++i) {
            if ((receipt.received[0] >> i) & 1 == 0) continue;
            bytes4 refusal = _refusesLine(giver, time, lines[i]);
            if (refusal == 0) return 0;
            if (first == 0) first = refusal;
        }
    }

    function _passLines(uint40 giver, uint40 receiver, uint40 time, Line[] memory lines, Receipt memory receipt)
        private
    {
        bytes32 digest = ledgerDigests.digest(receipt);
        for (uint256 i = 0; i < lines.length; ++i) {
            if ((receipt.received[0] >> i) & 1 == 0) continue;
            if (_refusesLine(giver, time, lines[i]) == 0) _advance(lines[i].item, receiver, receipt.time, digest, i);
        }
    }

    // ------------------------------------------------------------------------------------------------------ forced (C9)

    function forceHandOff(uint256 pick, uint256 luck) external {
        bytes32 item = _pick(pick);
        uint256 giver = _actor(item, _luck(luck, 1));
        uint16 operator = _operatorOf(giver);
        address sender = _operatorSuspended[operator] ? _governor : _submitter(operator);
        if (luck % 8 == 0) {
            sender = [_governor, STRANGER, _submitter(3 - operator), _admins[operator]][(luck >> 8) % 4];
        }
        // Where the operator is suspended its own people are strangers too.
        if (luck % 8 == 1) {
            _suspendOperator(operator, true);
            sender = luck % 2 == 0 ? _admins[operator] : _submitter(operator);
        }
        _force(item, giver, (luck >> 16) % CUSTODIANS, sender, luck);
        if (luck % 8 == 1) _suspendOperator(operator, false);
    }

    function _force(bytes32 item, uint256 giver, uint256 receiver, address sender, uint256 luck) internal {
        ForcedRelease memory r;
        (r.giver, r.receiver, r.time) = (_custodian(giver), _custodian(receiver), _time(_luck(luck, 3)));
        r.lines = new Line[](1);
        r.lines[0] = Line(item, _number(item, _luck(luck, 4)), 0, 0);
        ICustodyLedger.ForcedHandOff memory signed;
        signed.release = r;
        signed.receipt = Receipt(ledgerDigests.digest(r), _time(_luck(luck, 5)), new uint256[](1), new Finding[](0));
        signed.receipt.received[0] = 1;
        if (luck % 8 == 2) signed.receipt.release = bytes32(luck);
        uint256 key = _keyFor(receiver, signed.receipt.time, _luck(luck, 6));
        signed.receiverSignature = _sign(key, ledgerDigests.digest(signed.receipt));
        bytes4 refusal = giver == receiver ? ICustodyLedger.GiverIsReceiver.selector : bytes4(0);
        if (refusal == 0 && luck % 8 == 2) refusal = ICustodyLedger.OtherRelease.selector;
        if (refusal == 0) refusal = _refusesTimes(r.time, signed.receipt.time);
        if (refusal == 0) refusal = _refusesStandIn(giver, sender);
        if (refusal == 0) refusal = _refusesKey(receiver, signed.receipt.time, key);
        if (refusal == 0) refusal = _refusesLines(r.giver, r.time, r.lines, signed.receipt);
        bool taken = _send(sender, address(ledger), 0, abi.encodeCall(ledger.forceHandOff, (signed)), refusal);
        if (taken && refusal == 0) _passLines(r.giver, r.receiver, r.time, r.lines, signed.receipt);
    }

    /// @dev C9: only where the giver cannot sign now, by its operator's submitter or admin, or by the governor.
    function _refusesStandIn(uint256 giver, address sender) private view returns (bytes4) {
        uint16 operator = _operatorOf(giver);
        if (_canSign(giver)) return ICustodyLedger.GiverCanSign.selector;
        if (_operatorSuspended[operator]) return sender == _governor ? bytes4(0) : IPostalNetwork.NotGovernor.selector;
        if (sender == _submitter(operator) || sender == _admins[operator]) return 0;
        return IPostalNetwork.NotSubmitter.selector;
    }

    // ------------------------------------------------------------------------------------------------ equivocation (C10)

    /// @dev One giver signs one item away to two receivers. Whether it holds it does not matter.
    function equivocate(uint256 pick, uint256 luck) external {
        uint256 giver = _actor(_pick(pick), _luck(luck, 1));
        ICustodyLedger.HandOff memory first = _offerOf(_pick(pick), giver, (giver + 1) % CUSTODIANS, _now());
        // Some are made after the first has lapsed, or name another number: no equivocation.
        uint40 later = luck % 4 == 0 ? first.release.deadline : _now();
        ICustodyLedger.HandOff memory second = _offerOf(_pick(pick), giver, (giver + 2) % CUSTODIANS, later);
        bool lapsed = luck % 4 == 0;
        bytes4 refusal = lapsed ? ICustodyLedger.NoEquivocation.selector : bytes4(0);
        bool rights = _keyAt(giver, _now()) != 0 && _keyAt((giver + 1) % CUSTODIANS, _now()) != 0
            && _keyAt(giver, later) != 0 && _keyAt((giver + 2) % CUSTODIANS, later) != 0;
        if (!rights) refusal = IPostalNetwork.NoRight.selector;
        bytes32 pair = keccak256(abi.encode(first.receipt.release, second.receipt.release));
        if (refusal == 0 && _recorded[pair]) refusal = ICustodyLedger.AlreadyRecorded.selector;
        // Not the receipt of this release, or of another line of it.
        if (luck % 8 == 1) (first.receipt.release, refusal) = (bytes32(luck), ICustodyLedger.OtherRelease.selector);
        if (luck % 8 == 2) (first.receipt.received[0], refusal) = (2, ICustodyLedger.NoEquivocation.selector);
        // Another receipt of the same release.
        if (luck % 8 == 3 && refusal == 0) {
            (second, refusal) = (_receivedAgain(first, giver), ICustodyLedger.NoEquivocation.selector);
        }
        _prove(first, second, refusal);
        if (refusal != 0) return;
        _recorded[pair] = true;
        _prove(second, first, ICustodyLedger.AlreadyRecorded.selector);
    }

    function _offerOf(bytes32 item, uint256 giver, uint256 receiver, uint40 time)
        private
        view
        returns (ICustodyLedger.HandOff memory signed)
    {
        Release memory r = signed.release;
        (r.giver, r.receiver, r.time, r.deadline) = (_custodian(giver), _custodian(receiver), time, time + 1 hours);
        r.lines = new Line[](1);
        r.lines[0] = Line(item, _ghosts[item].number, 0, 0);
        signed.receipt = Receipt(ledgerDigests.digest(r), time, new uint256[](1), new Finding[](0));
        signed.receipt.received[0] = 1;
        _signHandOff(signed, _keyFor(giver, time, 1), _keyFor(receiver, time, 1));
    }

    function _receivedAgain(ICustodyLedger.HandOff memory signed, uint256 giver)
        private
        view
        returns (ICustodyLedger.HandOff memory again)
    {
        again.release = signed.release;
        again.receipt = Receipt(signed.receipt.release, signed.receipt.time, new uint256[](1), new Finding[](1));
        again.receipt.received[0] = 1;
        again.receipt.findings[0] = Finding(0, 1, 0);
        _signHandOff(again, _keyFor(giver, _now(), 1), _keyFor((giver + 1) % CUSTODIANS, _now(), 1));
    }

    function _prove(ICustodyLedger.HandOff memory first, ICustodyLedger.HandOff memory second, bytes4 refusal) private {
        bytes32 before = _everything();
        _send(STRANGER, address(ledger), 0, abi.encodeCall(ledger.proveEquivocation, (first, 0, second, 0)), refusal);
        if (_everything() != before) ++evidenceChangedState;
    }

    /// @dev What the ledger says of all items.
    function _everything() private view returns (bytes32 all) {
        for (uint256 i = 0; i < _items.length; ++i) {
            all = keccak256(abi.encode(all, ledger.itemOf(_items[i]), ledger.headOf(_items[i])));
        }
    }
}
