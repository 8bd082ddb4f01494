// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Equivocations} from "./Equivocations.sol";
import {ICryptoStamp} from "./interfaces/ICryptoStamp.sol";
import {
    Acceptance,
    Delivery,
    End,
    ICustodyLedger,
    ItemState,
    Recall,
    Report,
    TakeUp
} from "./interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "./interfaces/IPostalNetwork.sol";
import {LedgerTypes} from "./libraries/LedgerTypes.sol";
import {Standing, accepted} from "./libraries/Standing.sol";
import {SignedRecords} from "./SignedRecords.sol";

/// @title CustodyLedger: what happened to an item
/// @dev Every kind of record reads in the same order: its digest; what is to be checked; what it changes; its event.
contract CustodyLedger is Equivocations {
    ICryptoStamp public immutable stamps;

    /// @dev The two contracts name each other: the deployer computes the address of the one that comes second.
    constructor(IPostalNetwork network_, ICryptoStamp stamps_) SignedRecords("CustodyLedger", network_) {
        stamps = stamps_;
    }

    // --------------------------------------------------------------------------------------------- acceptance (C1, S4)

    /// @inheritdoc ICustodyLedger
    function accept(SignedAcceptance calldata signed) external {
        (, bytes memory reason) = _accept(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    // As for {_accept}.
    // slither-disable-next-line reentrancy-events
    function acceptBatch(SignedAcceptance[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _accept(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    // The call out is to the stamps, which are fixed at deployment and call nobody; it comes first because it decides.
    // slither-disable-next-line reentrancy-no-eth,reentrancy-events
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
        trail.standing = accepted(a.custodian, origin, a.time);
        trail.head = _headAfter(0, digest, 0);
        if (a.keys != 0) trail.keys = a.keys;
        emit Accepted(item, digest, a.custodian, a, signed.signature);
    }

    function _checkAcceptance(bytes32 item, bytes32 digest, SignedAcceptance calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Acceptance calldata a = signed.acceptance;
        if (_trails[item].standing.stateOf() != ItemState.Unknown) {
            return abi.encodeWithSelector(AlreadyAccepted.selector, item);
        }
        reason = _checkTime(a.time);
        if (reason.length == 0) reason = _checkCustodian(a.custodian, a.time, digest, signed.signature);
    }

    // --------------------------------------------------------------------------------------------- end of custody (C4)

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
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkDelivery(trail, its, digest, signed);
        if (reason.length != 0) return (digest, reason);

        its = its.ended(d.time);
        _write(d.item, trail, its, stay, digest, 0);
        _tellDelivered(its, digest, signed);
    }

    /// @dev Apart, because the stack is deep enough.
    function _tellDelivered(Standing its, bytes32 digest, SignedDelivery calldata signed) private {
        emit Delivered(
            signed.delivery.item,
            digest,
            signed.delivery.giver,
            its.recordsOf(),
            its.numberOf(),
            signed.delivery,
            signed.keys,
            signed.giverSignature,
            signed.recipientSignature
        );
    }

    function _checkDelivery(Trail storage trail, Standing its, bytes32 digest, SignedDelivery calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Delivery calldata d = signed.delivery;
        reason = _checkHeld(its, d.item, d.number, d.giver, d.time);
        if (reason.length == 0) reason = _checkEmpty(its, d.item);
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
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkHeld(its, e.item, e.number, e.custodian, e.time);
        if (reason.length == 0) reason = _checkEmpty(its, e.item);
        if (reason.length == 0) reason = _checkTime(e.time);
        if (reason.length == 0) reason = _checkCustodian(e.custodian, e.time, digest, signed.signature);
        if (reason.length != 0) return (digest, reason);

        its = its.ended(e.time);
        _write(e.item, trail, its, stay, digest, 0);
        emit Ended(e.item, digest, e.custodian, its.recordsOf(), its.numberOf(), e, signed.signature);
    }

    // --------------------------------------------------------------------------------------- take-up, recall (C11, C3)

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
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkKnown(its, t.item, t.time);
        if (reason.length == 0) reason = _checkNew(digest);
        if (reason.length == 0 && its.holderOf() == t.custodian) {
            reason = abi.encodeWithSelector(AlreadyHolder.selector, t.item, t.custodian);
        }
        if (reason.length == 0) reason = _checkTime(t.time);
        if (reason.length == 0) reason = _checkCustodian(t.custodian, t.time, digest, signed.signature);
        if (reason.length != 0) return (digest, reason);

        recordedAt[digest] = block.number;
        its = its.advanced(t.custodian, t.time);
        _write(t.item, trail, its, stay, digest, 0);
        emit TakenUp(t.item, digest, t.custodian, its.recordsOf(), its.numberOf(), t, signed.signature);
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
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkHeld(its, r.item, r.number, r.custodian, r.time);
        if (reason.length == 0) reason = _checkTime(r.time);
        if (reason.length == 0) reason = _checkCustodian(r.custodian, r.time, digest, signed.signature);
        if (reason.length != 0) return (digest, reason);

        its = its.advanced(r.custodian, r.time);
        _write(r.item, trail, its, stay, digest, 0);
        emit Recalled(r.item, digest, r.custodian, its.recordsOf(), its.numberOf(), r, signed.signature);
    }

    // ----------------------------------------------------------------------------------------------------- report (C8)

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
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkReport(trail, its, digest, signed);
        if (reason.length != 0) return (digest, reason);

        recordedAt[digest] = block.number;
        // Neither the custody number nor the latest time: a report makes no offer stale (C3).
        its = its.reported();
        _write(r.item, trail, its, stay, digest, 0);
        emit Reported(r.item, digest, r.reporter, its.recordsOf(), r, signed.keys, signed.signature);
    }

    function _checkReport(Trail storage trail, Standing its, bytes32 digest, SignedReport calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Report calldata r = signed.report;
        reason = _checkKnown(its, r.item, r.time);
        if (reason.length == 0) reason = _checkNew(digest);
        if (reason.length == 0 && r.corrects > its.recordsOf()) {
            reason = abi.encodeWithSelector(NoSuchRecord.selector, r.item, r.corrects, its.recordsOf());
        }
        if (reason.length == 0) reason = _checkTime(r.time);
        if (reason.length != 0) return reason;
        if (r.reporter != 0) return _checkCustodian(r.reporter, r.time, digest, signed.signature);
        reason = _checkNamed(trail, r.item, signed.keys.recipient, signed.keys);
        if (reason.length == 0) reason = _checkKey(signed.keys.recipient, digest, signed.signature);
    }
}
