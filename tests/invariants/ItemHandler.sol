// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Acceptance,
    Delivery,
    DeliveryKeys,
    End,
    ICustodyLedger,
    ItemState,
    Recall,
    Report,
    TakeUp
} from "../../contracts/interfaces/ICustodyLedger.sol";
import {CustodyModel} from "./CustodyModel.sol";
import {Sending} from "./Sending.sol";
import {vm} from "./Vm.sol";

/// @notice The records of one item: each is tried by anybody at any time, and the model says what must come of it.
abstract contract ItemHandler is CustodyModel, Sending {
    function _record(bytes4 batch, bytes memory call, bytes4 refusal) internal returns (bool taken) {
        return _send(address(this), address(ledger), batch, call, refusal);
    }

    // ------------------------------------------------------------------------------------------------- acceptance (C1)

    function accept(uint256 luck, uint256 whoLuck) external {
        bool again = _items.length == MOST_ITEMS || (luck % 8 == 0 && _items.length != 0);
        // Half of all at one place, which so has enough to fill receptacles.
        uint256 who = whoLuck % 2 == 0 ? 0 : whoLuck / 2 % CUSTODIANS;
        uint256 n = again ? luck % _items.length : _items.length;
        // Who accepts an item again must be of its operator, else it is another item (C1).
        if (again) who = who % 3 + (_ghosts[_items[n]].origin - 1) * 3;
        _accept(n, who, _time(_luck(luck, 1)), luck);
    }

    function _accept(uint256 n, uint256 who, uint40 time, uint256 luck) private {
        Acceptance memory a =
            Acceptance(keccak256(abi.encode("commitment", n)), _custodian(who), time, 1, 0, 0, 0, new uint64[](0));
        bytes32 item = keccak256(abi.encode(_operatorOf(who), a.commitment));
        if (luck % 2 == 0) a.keys = keccak256(abi.encode(_keysOf(item)));
        uint256 key = _keyFor(who, time, _luck(luck, 2));
        bytes4 refusal = _ghosts[item].state == ItemState.Unknown ? bytes4(0) : ICustodyLedger.AlreadyAccepted.selector;
        if (refusal == 0) refusal = _refusesTime(time);
        if (refusal == 0) refusal = _refusesKey(who, time, key);
        bytes32 digest = ledgerDigests.digest(a);
        ICustodyLedger.SignedAcceptance memory signed = ICustodyLedger.SignedAcceptance(a, _sign(key, digest));
        if (!_record(ledger.acceptBatch.selector, abi.encodeCall(ledger.accept, (signed)), refusal)) return;
        if (refusal != 0) return;
        _items.push(item);
        _ghosts[item].origin = _operatorOf(who);
        if (a.keys != 0) _ghosts[item].recipientKey = _personOf(item, 1);
        _advance(item, a.custodian, time, digest, 0);
    }

    function _personOf(bytes32 item, uint256 role) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(item, role))) >> 8;
    }

    function _keysOf(bytes32 item) internal pure returns (DeliveryKeys memory) {
        return DeliveryKeys(vm.addr(_personOf(item, 1)), vm.addr(_personOf(item, 2)), item);
    }

    // --------------------------------------------------------------------------------------------------- the end (C4)

    function deliver(uint256 pick, uint256 luck) external {
        bytes32 item = _pick(pick);
        uint256 who = _actor(item, _luck(luck, 1));
        Delivery memory d;
        (d.item, d.giver, d.time) = (item, _custodian(who), _time(_luck(luck, 2)));
        d.number = _number(item, _luck(luck, 3));
        d.deadline = _deadline(d.time, _luck(luck, 4));
        // Recipient or sender; now and then somebody whom acceptance did not name, or nobody.
        uint256 person = _personOf(item, 1 + luck % 3 % 2);
        if (luck % 16 == 0) person = WRONG_KEY;
        d.recipient = luck % 32 == 1 ? address(0) : vm.addr(person);
        uint256 key = _keyFor(who, d.time, _luck(luck, 5));
        bytes32 digest = ledgerDigests.digest(d);
        ICustodyLedger.SignedDelivery memory signed =
            ICustodyLedger.SignedDelivery(d, _keysOf(item), _sign(key, digest), _sign(person, digest));
        bytes4 refusal = _refusesDelivery(d, who, key, person);
        bool taken = _record(ledger.deliverBatch.selector, abi.encodeCall(ledger.deliver, (signed)), refusal);
        if (taken && refusal == 0) _end(item, d.time, digest);
    }

    function _refusesDelivery(Delivery memory d, uint256 who, uint256 key, uint256 person)
        private
        view
        returns (bytes4 refusal)
    {
        Ghost memory its = _ghosts[d.item];
        refusal = _refusesHeld(its, who, d.number, d.time);
        if (refusal == 0 && _hasContents(its)) refusal = ICustodyLedger.HasContents.selector;
        bool named = its.recipientKey != 0 && person != WRONG_KEY && d.recipient != address(0);
        if (refusal == 0 && !named) refusal = ICustodyLedger.NotNamed.selector;
        if (refusal == 0) refusal = _refusesTime(d.time);
        if (refusal == 0) refusal = _refusesOffer(d.time, d.deadline);
        if (refusal == 0) refusal = _refusesKey(who, d.time, key);
    }

    function end(uint256 pick, uint256 luck) external {
        bytes32 item = _pick(pick);
        uint256 who = _actor(item, _luck(luck, 1));
        _endAlone(item, who, _number(item, _luck(luck, 3)), _time(_luck(luck, 2)), _luck(luck, 4));
    }

    function _endAlone(bytes32 item, uint256 who, uint32 number, uint40 time, uint256 luck) internal {
        End memory e = End(item, number, _custodian(who), time, 1, 0);
        Ghost memory its = _ghosts[item];
        uint256 key = _keyFor(who, time, luck);
        bytes4 refusal = _refusesHeld(its, who, number, time);
        if (refusal == 0 && _hasContents(its)) refusal = ICustodyLedger.HasContents.selector;
        if (refusal == 0) refusal = _refusesTime(time);
        if (refusal == 0) refusal = _refusesKey(who, time, key);
        bytes32 digest = ledgerDigests.digest(e);
        ICustodyLedger.SignedEnd memory signed = ICustodyLedger.SignedEnd(e, _sign(key, digest));
        bool taken = _record(ledger.endBatch.selector, abi.encodeCall(ledger.end, (signed)), refusal);
        if (taken && refusal == 0) _end(item, time, digest);
    }

    // ---------------------------------------------------------------------------------------- take-up, recall, report

    function takeUp(uint256 pick, uint256 luck) external {
        // Rarer than the rest: it takes everything apart.
        if (luck % 2 == 0) return;
        _takeUp(_pick(pick), (luck >> 8) % CUSTODIANS, _time(_luck(luck, 2)), _luck(luck, 3));
    }

    function _takeUp(bytes32 item, uint256 who, uint40 time, uint256 luck) internal {
        // Few reasons, so that the same is said twice now and then (C11).
        TakeUp memory t = TakeUp(item, _custodian(who), time, uint16(luck % 2), 0, 0);
        uint256 key = _keyFor(who, time, _luck(luck, 1));
        bytes32 digest = ledgerDigests.digest(t);
        bytes4 refusal = _refusesOrder(_ghosts[item], time);
        if (refusal == 0 && _recorded[digest]) refusal = ICustodyLedger.AlreadyRecorded.selector;
        if (refusal == 0 && _ghosts[item].holder == t.custodian) refusal = ICustodyLedger.AlreadyHolder.selector;
        if (refusal == 0) refusal = _refusesTime(time);
        if (refusal == 0) refusal = _refusesKey(who, time, key);
        ICustodyLedger.SignedTakeUp memory signed = ICustodyLedger.SignedTakeUp(t, _sign(key, digest));
        bool taken = _record(ledger.takeUpBatch.selector, abi.encodeCall(ledger.takeUp, (signed)), refusal);
        if (!taken || refusal != 0) return;
        _recorded[digest] = true;
        _advance(item, t.custodian, time, digest, 0);
    }

    function recall(uint256 pick, uint256 luck) external {
        bytes32 item = _pick(pick);
        uint256 who = _actor(item, _luck(luck, 1));
        Recall memory r = Recall(item, _number(item, _luck(luck, 3)), _custodian(who), _time(_luck(luck, 2)));
        uint256 key = _keyFor(who, r.time, _luck(luck, 4));
        bytes4 refusal = _refusesHeld(_ghosts[item], who, r.number, r.time);
        if (refusal == 0) refusal = _refusesTime(r.time);
        if (refusal == 0) refusal = _refusesKey(who, r.time, key);
        bytes32 digest = ledgerDigests.digest(r);
        ICustodyLedger.SignedRecall memory signed = ICustodyLedger.SignedRecall(r, _sign(key, digest));
        bool taken = _record(ledger.recallBatch.selector, abi.encodeCall(ledger.recall, (signed)), refusal);
        if (taken && refusal == 0) _advance(item, r.custodian, r.time, digest, 0);
    }

    function report(uint256 pick, uint256 luck) external {
        bytes32 item = _pick(pick);
        uint256 who = (luck >> 8) % CUSTODIANS;
        Report memory r;
        (r.item, r.code, r.time) = (item, uint16(luck % 2), _time(_luck(luck, 2)));
        r.corrects = uint32(_luck(luck, 3) % (uint256(_ghosts[item].records) + 2));
        // Reporter 0 is the recipient.
        bool byRecipient = luck % 5 == 0;
        if (!byRecipient) r.reporter = _custodian(who);
        uint256 key = byRecipient ? _personOf(item, 1) : _keyFor(who, r.time, _luck(luck, 4));
        bytes32 digest = ledgerDigests.digest(r);
        bytes4 refusal = _refusesReport(r, digest);
        if (refusal == 0 && !byRecipient) refusal = _refusesKey(who, r.time, key);
        ICustodyLedger.SignedReport memory signed;
        (signed.report, signed.keys, signed.signature) = (r, _keysOf(item), _sign(key, digest));
        bool taken = _record(ledger.reportBatch.selector, abi.encodeCall(ledger.report, (signed)), refusal);
        if (!taken || refusal != 0) return;
        _recorded[digest] = true;
        _append(item, digest, 0);
    }

    function _refusesReport(Report memory r, bytes32 digest) private view returns (bytes4 refusal) {
        Ghost memory its = _ghosts[r.item];
        refusal = _refusesOrder(its, r.time);
        if (refusal == 0 && _recorded[digest]) refusal = ICustodyLedger.AlreadyRecorded.selector;
        if (refusal == 0 && r.corrects > its.records) refusal = ICustodyLedger.NoSuchRecord.selector;
        if (refusal == 0) refusal = _refusesTime(r.time);
        if (refusal == 0 && r.reporter == 0 && its.recipientKey == 0) refusal = ICustodyLedger.NotNamed.selector;
    }
}
