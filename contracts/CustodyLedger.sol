// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICryptoStamp} from "./interfaces/ICryptoStamp.sol";
import {
    Acceptance,
    Delivery,
    DeliveryKeys,
    End,
    Finding,
    ICustodyLedger,
    Item,
    ItemState,
    Line,
    Recall,
    Receipt,
    Release,
    Report,
    TakeUp
} from "./interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "./interfaces/IPostalNetwork.sol";
import {LedgerTypes} from "./libraries/LedgerTypes.sol";
import {SignedRecords} from "./SignedRecords.sol";

/// @title CustodyLedger: what happened to an item
/// @dev Every kind of record reads in the same order: its digest; what is to be checked; what it changes; its event.
contract CustodyLedger is ICustodyLedger, SignedRecords {
    uint256 private constant MOST_LINES = 500;

    ICryptoStamp public immutable stamps;

    /// @dev What is kept of a trail: three slots, `keys` only where acceptance named some.
    struct Trail {
        Item item;
        bytes32 head;
        bytes32 keys;
    }

    mapping(bytes32 item => Trail) private _trails;
    /// @inheritdoc ICustodyLedger
    mapping(bytes32 digest => uint256 blockNumber) public recordedAt;

    /// @dev The two contracts name each other: the deployer computes the address of the one that comes second.
    constructor(IPostalNetwork network_, ICryptoStamp stamps_) SignedRecords("CustodyLedger", network_) {
        stamps = stamps_;
    }

    // ------------------------------------------------------------------------------------------ acceptance (C1, S4)

    /// @inheritdoc ICustodyLedger
    function accept(SignedAcceptance calldata signed) external {
        (, bytes memory reason) = _accept(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function acceptBatch(SignedAcceptance[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _accept(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _accept(SignedAcceptance calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Acceptance calldata a = signed.acceptance;
        digest = _hashTypedDataV4(LedgerTypes.hash(a));
        // Safety: the upper 16 of 40 bits fit.
        uint16 origin = uint16(a.custodian >> 24);
        bytes32 item = keccak256(abi.encode(origin, a.commitment));
        reason = _checkAcceptance(item, digest, signed);
        if (reason.length == 0 && a.stamps.length != 0) {
            // Safety: calls out before the effects, because it decides; the stamps' contract is known and calls nobody.
            reason = stamps.frank(item, a.custodian, a.time, a.stamps);
        }
        if (reason.length != 0) return (digest, reason);

        Trail storage trail = _trails[item];
        trail.item.state = ItemState.Held;
        trail.item.origin = origin;
        if (a.keys != 0) trail.keys = a.keys;
        _advance(trail.item, a.custodian, a.time);
        _extend(trail, digest, 0);
        emit Accepted(item, digest, a.custodian, a, signed.signature);
    }

    function _checkAcceptance(bytes32 item, bytes32 digest, SignedAcceptance calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Acceptance calldata a = signed.acceptance;
        if (_trails[item].item.records != 0) return abi.encodeWithSelector(AlreadyAccepted.selector, item);
        reason = _checkTime(a.time);
        if (reason.length == 0) reason = _checkCustodian(a.custodian, a.time, digest, signed.signature);
    }

    // -------------------------------------------------------------------------------------------- hand-off (C2, C3)

    /// @dev What all lines of a hand-off have in common, how many findings were passed, and whether any line counts.
    struct Passage {
        bytes32 digest;
        uint40 giver;
        uint40 receiver;
        uint40 released;
        uint40 received;
        uint256 findings;
        bool counts;
    }

    /// @inheritdoc ICustodyLedger
    function handOff(HandOff calldata signed) external {
        (, bytes memory reason) = _handOff(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function handOffBatch(HandOff[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _handOff(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _handOff(HandOff calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Release calldata release = signed.release;
        bytes32[] memory lines = LedgerTypes.hashLines(release.lines);
        digest = _hashTypedDataV4(LedgerTypes.hash(signed.receipt));
        reason = _checkShape(release, signed.receipt);
        if (reason.length == 0) reason = _checkParties(digest, lines, signed);
        if (reason.length == 0) reason = _passLines(digest, release, signed.receipt);
        if (reason.length != 0) return (digest, reason);

        emit HandedOff(
            digest,
            release.giver,
            release.receiver,
            release.time,
            release.deadline,
            lines,
            signed.receipt,
            signed.giverSignature,
            signed.receiverSignature
        );
    }

    /// @dev C2: counts, bitmap and findings fit together.
    function _checkShape(Release calldata release, Receipt calldata receipt)
        private
        pure
        returns (bytes memory reason)
    {
        uint256 count = release.lines.length;
        if (count == 0 || count > MOST_LINES) return abi.encodeWithSelector(LineCount.selector, count);
        if (release.giver == release.receiver) {
            return abi.encodeWithSelector(GiverIsReceiver.selector, release.giver);
        }
        if (!_fits(receipt.received, count)) {
            return abi.encodeWithSelector(ReceivedOutOfPlace.selector, receipt.received.length, count);
        }
        uint256 lowest = 0;
        for (uint256 i = 0; i < receipt.findings.length; ++i) {
            uint16 line = receipt.findings[i].line;
            if (line < lowest || line >= count || !_isReceived(receipt.received, line)) {
                return abi.encodeWithSelector(FindingOutOfPlace.selector, line);
            }
            lowest = uint256(line) + 1;
        }
    }

    /// @dev As many words as `count` lines need, no bit beyond them, at least one bit.
    function _fits(uint256[] calldata received, uint256 count) private pure returns (bool) {
        if (received.length != (count + 255) / 256) return false;
        if (count % 256 != 0 && received[received.length - 1] >> (count % 256) != 0) return false;
        for (uint256 i = 0; i < received.length; ++i) {
            if (received[i] != 0) return true;
        }
        return false;
    }

    function _isReceived(uint256[] calldata received, uint256 line) private pure returns (bool) {
        return (received[line / 256] >> (line % 256)) & 1 == 1;
    }

    /// @dev C2, C5, N3: times, and that both signed.
    function _checkParties(bytes32 digest, bytes32[] memory lines, HandOff calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Release calldata release = signed.release;
        Receipt calldata receipt = signed.receipt;
        bytes32 released = _hashTypedDataV4(LedgerTypes.hash(release, lines));
        if (receipt.release != released) {
            return abi.encodeWithSelector(OtherRelease.selector, receipt.release, released);
        }
        if (receipt.time + CLOCK_BEHIND < release.time) {
            return abi.encodeWithSelector(ReceiptBeforeRelease.selector, receipt.time, release.time);
        }
        reason = _checkTime(release.time);
        if (reason.length == 0) reason = _checkTime(receipt.time);
        if (reason.length == 0) reason = _checkOffer(release.time, release.deadline);
        if (reason.length == 0) {
            reason = _checkCustodian(release.giver, release.time, released, signed.giverSignature);
        }
        if (reason.length == 0) {
            reason = _checkCustodian(release.receiver, receipt.time, digest, signed.receiverSignature);
        }
    }

    /// @dev C3: records the received lines that count and tells of those that do not.
    /// @return refused empty if any line counts, else the reason of the first
    function _passLines(bytes32 digest, Release calldata release, Receipt calldata receipt)
        private
        returns (bytes memory refused)
    {
        Passage memory passage =
            Passage(digest, release.giver, release.receiver, release.time, receipt.time, 0, false);
        Line[] calldata lines = release.lines;
        uint256[] calldata received = receipt.received;
        Finding[] calldata findings = receipt.findings;
        for (uint256 i = 0; i < lines.length; ++i) {
            if (!_isReceived(received, i)) continue;
            bytes memory reason = _passLine(passage, lines[i], _findingOf(passage, findings, i, lines[i].condition));
            if (reason.length == 0) {
                passage.counts = true;
            } else {
                emit LineRefused(passage.digest, i, reason);
                if (refused.length == 0) refused = reason;
            }
        }
        if (passage.counts) refused = "";
    }

    /// @dev The receiver's finding of a line, or that it was found as given. Lines come in rising order, as findings do.
    function _findingOf(Passage memory passage, Finding[] calldata findings, uint256 line, uint16 given)
        private
        pure
        returns (Finding memory finding)
    {
        if (passage.findings < findings.length && findings[passage.findings].line == line) {
            return findings[passage.findings++];
        }
        // Safety: there are at most 500 lines.
        return Finding(uint16(line), given, 0);
    }

    function _passLine(Passage memory passage, Line calldata line, Finding memory finding)
        private
        returns (bytes memory reason)
    {
        Trail storage trail = _trails[line.item];
        reason = _checkHeld(trail.item, line.item, line.number, passage.giver, passage.released);
        if (reason.length != 0) return reason;

        (uint32 record, uint32 number) = _advance(trail.item, passage.receiver, passage.received);
        _extend(trail, passage.digest, finding.line);
        emit ItemHandedOff(
            line.item,
            passage.digest,
            finding.line,
            record,
            number,
            line.condition,
            finding.condition,
            line.evidence,
            finding.evidence
        );
    }

    // -------------------------------------------------------------------------------------------- end of custody (C4)

    /// @inheritdoc ICustodyLedger
    function deliver(SignedDelivery calldata signed) external {
        (, bytes memory reason) = _deliver(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function deliverBatch(SignedDelivery[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _deliver(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _deliver(SignedDelivery calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Delivery calldata d = signed.delivery;
        digest = _hashTypedDataV4(LedgerTypes.hash(d));
        Trail storage trail = _trails[d.item];
        reason = _checkDelivery(trail, digest, signed);
        if (reason.length != 0) return (digest, reason);

        _close(trail.item, d.time);
        _extend(trail, digest, 0);
        emit Delivered(
            d.item,
            digest,
            d.giver,
            trail.item.records,
            trail.item.number,
            d,
            signed.keys,
            signed.giverSignature,
            signed.recipientSignature
        );
    }

    function _checkDelivery(Trail storage trail, bytes32 digest, SignedDelivery calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Delivery calldata d = signed.delivery;
        reason = _checkHeld(trail.item, d.item, d.number, d.giver, d.time);
        if (reason.length == 0) reason = _checkNamed(trail, d.item, d.recipient, signed.keys);
        // Only here may the key be the sender's: it is on its way back.
        if (reason.length == 0 && d.recipient != signed.keys.recipient && d.recipient != signed.keys.sender) {
            reason = abi.encodeWithSelector(NotNamed.selector, d.item, d.recipient);
        }
        if (reason.length == 0) reason = _checkTime(d.time);
        if (reason.length == 0) reason = _checkOffer(d.time, d.deadline);
        if (reason.length == 0) reason = _checkCustodian(d.giver, d.time, digest, signed.giverSignature);
        if (reason.length == 0) reason = _checkKey(d.recipient, digest, signed.recipientSignature);
    }

    /// @inheritdoc ICustodyLedger
    function end(SignedEnd calldata signed) external {
        (, bytes memory reason) = _end(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function endBatch(SignedEnd[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _end(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _end(SignedEnd calldata signed) private returns (bytes32 digest, bytes memory reason) {
        End calldata e = signed.end;
        digest = _hashTypedDataV4(LedgerTypes.hash(e));
        Trail storage trail = _trails[e.item];
        reason = _checkHeld(trail.item, e.item, e.number, e.custodian, e.time);
        if (reason.length == 0) reason = _checkTime(e.time);
        if (reason.length == 0) reason = _checkCustodian(e.custodian, e.time, digest, signed.signature);
        if (reason.length != 0) return (digest, reason);

        (uint32 record, uint32 number) = _close(trail.item, e.time);
        _extend(trail, digest, 0);
        emit Ended(e.item, digest, e.custodian, record, number, e, signed.signature);
    }

    // ---------------------------------------------------------------------------------------- take-up, recall (C11, C3)

    /// @inheritdoc ICustodyLedger
    function takeUp(SignedTakeUp calldata signed) external {
        (, bytes memory reason) = _takeUp(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function takeUpBatch(SignedTakeUp[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _takeUp(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _takeUp(SignedTakeUp calldata signed) private returns (bytes32 digest, bytes memory reason) {
        TakeUp calldata t = signed.takeUp;
        digest = _hashTypedDataV4(LedgerTypes.hash(t));
        Trail storage trail = _trails[t.item];
        reason = _checkKnown(trail.item, t.item, t.time);
        if (reason.length == 0) reason = _checkNew(digest);
        if (reason.length == 0 && trail.item.holder == t.custodian) {
            reason = abi.encodeWithSelector(AlreadyHolder.selector, t.item, t.custodian);
        }
        if (reason.length == 0) reason = _checkTime(t.time);
        if (reason.length == 0) reason = _checkCustodian(t.custodian, t.time, digest, signed.signature);
        if (reason.length != 0) return (digest, reason);

        recordedAt[digest] = block.number;
        trail.item.state = ItemState.Held;
        (uint32 record, uint32 number) = _advance(trail.item, t.custodian, t.time);
        _extend(trail, digest, 0);
        emit TakenUp(t.item, digest, t.custodian, record, number, t, signed.signature);
    }

    /// @inheritdoc ICustodyLedger
    function recall(SignedRecall calldata signed) external {
        (, bytes memory reason) = _recall(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function recallBatch(SignedRecall[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _recall(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _recall(SignedRecall calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Recall calldata r = signed.recall;
        digest = _hashTypedDataV4(LedgerTypes.hash(r));
        Trail storage trail = _trails[r.item];
        reason = _checkHeld(trail.item, r.item, r.number, r.custodian, r.time);
        if (reason.length == 0) reason = _checkTime(r.time);
        if (reason.length == 0) reason = _checkCustodian(r.custodian, r.time, digest, signed.signature);
        if (reason.length != 0) return (digest, reason);

        (uint32 record, uint32 number) = _advance(trail.item, r.custodian, r.time);
        _extend(trail, digest, 0);
        emit Recalled(r.item, digest, r.custodian, record, number, r, signed.signature);
    }

    // ------------------------------------------------------------------------------------------------- report (C8)

    /// @inheritdoc ICustodyLedger
    function report(SignedReport calldata signed) external {
        (, bytes memory reason) = _report(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function reportBatch(SignedReport[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _report(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _report(SignedReport calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Report calldata r = signed.report;
        digest = _hashTypedDataV4(LedgerTypes.hash(r));
        Trail storage trail = _trails[r.item];
        reason = _checkReport(trail, digest, signed);
        if (reason.length != 0) return (digest, reason);

        recordedAt[digest] = block.number;
        // Neither the custody number nor the latest time: a report makes no offer stale (C3).
        uint32 record = ++trail.item.records;
        _extend(trail, digest, 0);
        emit Reported(r.item, digest, r.reporter, record, r, signed.keys, signed.signature);
    }

    function _checkReport(Trail storage trail, bytes32 digest, SignedReport calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Report calldata r = signed.report;
        reason = _checkKnown(trail.item, r.item, r.time);
        if (reason.length == 0) reason = _checkNew(digest);
        if (reason.length == 0 && r.corrects > trail.item.records) {
            reason = abi.encodeWithSelector(NoSuchRecord.selector, r.item, r.corrects, trail.item.records);
        }
        if (reason.length == 0) reason = _checkTime(r.time);
        if (reason.length != 0) return reason;
        if (r.reporter != 0) return _checkCustodian(r.reporter, r.time, digest, signed.signature);
        reason = _checkNamed(trail, r.item, signed.keys.recipient, signed.keys);
        if (reason.length == 0) reason = _checkKey(signed.keys.recipient, digest, signed.signature);
    }

    // ------------------------------------------------------------------------------------------------------- checks

    /// @dev C5: the item exists, and the event is not too long before its latest.
    function _checkKnown(Item storage its, bytes32 item, uint40 time) private view returns (bytes memory reason) {
        if (its.records == 0) return abi.encodeWithSelector(UnknownItem.selector, item);
        if (time + CLOCK_BEHIND < its.time) {
            return abi.encodeWithSelector(TimeBeforeLatest.selector, item, time, its.time);
        }
    }

    /// @dev C3: the custodian holds the item, and the custody number is the current one.
    function _checkHeld(Item storage its, bytes32 item, uint32 number, uint40 custodian, uint40 time)
        private
        view
        returns (bytes memory reason)
    {
        if (its.state == ItemState.Ended) return abi.encodeWithSelector(CustodyEnded.selector, item);
        if (its.state == ItemState.Held && its.holder != custodian) {
            return abi.encodeWithSelector(NotHolder.selector, item, custodian, its.holder);
        }
        if (its.state == ItemState.Held && its.number != number) {
            return abi.encodeWithSelector(StaleNumber.selector, item, number, its.number);
        }
        return _checkKnown(its, item, time);
    }

    /// @dev C1, C4: acceptance named `key`, which is not zero, among the keys shown.
    function _checkNamed(Trail storage trail, bytes32 item, address key, DeliveryKeys calldata keys)
        private
        view
        returns (bytes memory reason)
    {
        if (key == address(0) || trail.keys != keccak256(abi.encode(keys))) {
            return abi.encodeWithSelector(NotNamed.selector, item, key);
        }
    }

    /// @dev C8, C11: the same digest was not recorded before.
    function _checkNew(bytes32 digest) private view returns (bytes memory reason) {
        uint256 blockNumber = recordedAt[digest];
        if (blockNumber != 0) return abi.encodeWithSelector(AlreadyRecorded.selector, digest, blockNumber);
    }

    // ------------------------------------------------------------------------------------------------------ effects

    /// @dev C3: one more record that changes custody or voids offers. `holder` holds the item from now on.
    function _advance(Item storage its, uint48 holder, uint40 time) private returns (uint32 record, uint32 number) {
        // Safety: nobody can pay for 2^32 records of an item.
        unchecked {
            (record, number) = (its.records + 1, its.number + 1);
        }
        if (time < its.time) time = its.time;
        its.holder = holder;
        its.number = number;
        its.records = record;
        its.time = time;
    }

    function _close(Item storage its, uint40 time) private returns (uint32 record, uint32 number) {
        its.state = ItemState.Ended;
        return _advance(its, 0, time);
    }

    /// @dev C6.
    function _extend(Trail storage trail, bytes32 digest, uint256 line) private {
        trail.head = keccak256(abi.encode(trail.head, digest, line));
    }

    // -------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ICustodyLedger
    function itemOf(bytes32 item) external view returns (Item memory) {
        return _trails[item].item;
    }

    /// @inheritdoc ICustodyLedger
    function headOf(bytes32 item) external view returns (bytes32) {
        return _trails[item].head;
    }

    /// @inheritdoc ICustodyLedger
    function keysOf(bytes32 item) external view returns (bytes32) {
        return _trails[item].keys;
    }

    /// @inheritdoc ICustodyLedger
    function headsOf(bytes32[] calldata list) external view returns (bytes32[] memory heads) {
        heads = new bytes32[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            heads[i] = _trails[list[i]].head;
        }
    }

    /// @inheritdoc ICustodyLedger
    function custodianOf(bytes32 item) external view returns (uint40) {
        // Safety: no receptacle holds an item in this version, so every holder is a custodian.
        return uint40(_trails[item].item.holder);
    }
}
