// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asked} from "./Asked.sol";
import {ICustodyLedger, Item, ItemState, Receptacle} from "../../contracts/interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "../../contracts/interfaces/IPostalNetwork.sol";
import {IRecords} from "../../contracts/interfaces/IRecords.sol";
import {CustodyHandler} from "./CustodyHandler.sol";
import {CustodyModel} from "./CustodyModel.sol";
import {Sending} from "./Sending.sol";
import {FuzzSelector} from "./Vm.sol";

/// @notice Invariants of the CustodyLedger. All are asked after every call, in this order, in one campaign: what is first
/// broken is named. For each, tests/mutants has a mutant of the contracts that breaks it.
contract CustodyTest is Asked {
    CustodyHandler private _handler;
    ICustodyLedger private _ledger;

    function setUp() external {
        _handler = new CustodyHandler();
        _ledger = _handler.ledger();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _handler.selectors());
    }

    function invariant_custody() external view {
        _askForbiddenTransitions();
        _must(_handler.batchesApart() == 0, "G2 a batch refuses in the words of the single call and changes nothing");
        _must(_handler.gaps() == 0, "CE1 record numbers in the logs have no gaps");
        _must(_handler.evidenceChangedState() == 0, "C10 evidence of equivocation changes no item");
        for (uint256 i = 0; i < _handler.receptacles(); ++i) {
            _askReceptacle(uint48(2 ** 40 + i));
        }
        bytes32[] memory items = new bytes32[](_handler.count());
        for (uint256 i = 0; i < items.length; ++i) {
            items[i] = _handler.itemAt(i);
            _askItem(items[i]);
        }
        bytes32[] memory heads = _ledger.headsOf(items);
        for (uint256 i = 0; i < items.length; ++i) {
            _must(heads[i] == _ledger.headOf(items[i]), "C6 heads asked together are those asked alone");
        }
        (bytes4 call,) = _handler.surprise();
        _must(call == 0, "what the rules take is taken");
        (call,) = _handler.unrefused();
        _must(call == 0, "what the rules refuse is refused, with its error");
    }

    // ------------------------------------------------------------------------------- transitions that must never happen

    function _never(bytes4 refusal, string memory rule) private view {
        _must(_handler.notRefused(refusal) == 0, rule);
    }

    function _askForbiddenTransitions() private view {
        _never(ICustodyLedger.StaleNumber.selector, "C3 a stale offer is never accepted");
        _never(ICustodyLedger.NotHolder.selector, "C3 only the holder gives an item away");
        _never(ICustodyLedger.CustodyEnded.selector, "C4 after the end there are only reports and take-ups");
        _never(ICustodyLedger.UnknownItem.selector, "C1 nothing happens to an item before its acceptance");
        _never(ICustodyLedger.AlreadyAccepted.selector, "C1 an item is accepted once");
        _never(ICustodyLedger.AlreadyRecorded.selector, "C8 C10 C11 the same record counts once");
        _never(ICustodyLedger.AlreadyHolder.selector, "C11 who holds an item does not take it up");
        _never(ICustodyLedger.NotNamed.selector, "C4 only a key that acceptance named confirms");
        _never(ICustodyLedger.NoSuchRecord.selector, "C8 a correction names a record that exists");
        _askForbiddenTimes();
        _askForbiddenSigners();
        _askForbiddenHandOffs();
        _askForbiddenJourneys();
    }

    function _askForbiddenTimes() private view {
        _never(IRecords.TimeTooOld.selector, "C5 no event lies more than 14 days before the block");
        _never(IRecords.TimeAhead.selector, "C5 no event lies more than 5 minutes after the block");
        _never(ICustodyLedger.TimeBeforeLatest.selector, "C5 no event lies more than 15 minutes before the latest");
        _never(ICustodyLedger.ReceiptBeforeRelease.selector, "C5 no receipt lies 15 minutes before its release");
        _never(IRecords.DeadlineTooFar.selector, "C5 no deadline lies more than 14 days after the event");
        _never(IRecords.PastDeadline.selector, "C5 nothing is taken past its deadline");
    }

    function _askForbiddenSigners() private view {
        _never(IRecords.WrongSignature.selector, "G1 nobody signs for another");
        _never(IPostalNetwork.NoRight.selector, "N3 nobody signs without a right at the event time");
        _never(IPostalNetwork.CustodianIsSuspended.selector, "N4 a suspended custodian records nothing");
        _never(IPostalNetwork.OperatorIsSuspended.selector, "N4 a suspended operator records nothing");
        _never(ICustodyLedger.GiverCanSign.selector, "C9 nobody stands in for who can sign");
        _never(IPostalNetwork.NotSubmitter.selector, "C9 only the giver's operator stands in");
        _never(IPostalNetwork.NotGovernor.selector, "C9 only the governor stands in for a suspended operator");
    }

    function _askForbiddenHandOffs() private view {
        _never(ICustodyLedger.GiverIsReceiver.selector, "C2 nobody hands off to itself");
        _never(ICustodyLedger.OtherRelease.selector, "C2 a receipt is over its release");
        _never(ICustodyLedger.ReceivedOutOfPlace.selector, "C2 a receipt receives lines of its release");
        _never(ICustodyLedger.FindingOutOfPlace.selector, "C2 findings are of received lines");
        _never(ICustodyLedger.NoEquivocation.selector, "C10 what is no equivocation is refused");
    }

    function _askForbiddenJourneys() private view {
        _never(ICustodyLedger.NotClosed.selector, "C7 an open receptacle with contents does not move");
        _never(ICustodyLedger.IsClosed.selector, "C7 a closed receptacle takes nothing more");
        _never(ICustodyLedger.WasOpened.selector, "C7 a receptacle is one journey");
        _never(ICustodyLedger.HasContents.selector, "C7 custody of a receptacle with contents does not end");
        _never(ICustodyLedger.ContentCount.selector, "C7 counts fit the contents");
        _never(ICustodyLedger.OtherContents.selector, "C7 a closing is over what was really packed");
        _never(ICustodyLedger.TooDeep.selector, "C7 receptacles lie at most four deep");
    }

    // --------------------------------------------------------------------------------------------------------- of an item

    function _askItem(bytes32 item) private view {
        Item memory its = _ledger.itemOf(item);
        CustodyModel.Ghost memory told = _handler.ghost(item);
        bool held = its.state == ItemState.Held;
        _must(held || its.state == ItemState.Ended, "C1 an accepted item stays known");
        _must(held == (its.holder != 0), "C7 an item has one holder or has ended");
        _askNesting(its);
        _must(held == (_ledger.custodianOf(item) != 0), "C7 a custodian answers for every item under custody");
        _must(its.state == told.state, "C4 custody ends only by a delivery or an end");
        _must(its.holder == told.holder, "C3 the holder changes only by the listed transitions");
        _must(its.number == told.number, "C3 the custody number counts what changes custody or voids offers");
        _must(its.records == told.records, "C3 the record number counts every record");
        _must(its.time == told.time, "C5 the latest event time never falls and a report leaves it");
        _must(its.origin == told.origin, "C1 the origin stays");
        _must(_ledger.keysOf(item) == _handler.keysOf(item), "C1 the named keys stay");
        _must(_ledger.headOf(item) == told.head, "C6 the head is the running hash of the records");
        _must(
            its.receptacle == told.receptacle && its.closed == told.closed && its.height == told.height,
            "C7 a receptacle is what it was packed, closed and opened to be"
        );
        _askLogs(item, its);
    }

    /// @dev C7: each receptacle on the way up is higher than what lies in it, none higher than four: so the way ends, with a
    /// custodian.
    function _askNesting(Item memory its) private view {
        _must(its.height <= 4, "C7 at most four deep");
        while (its.holder >= 2 ** 40) {
            uint256 height = its.height;
            its = _ledger.itemOf(_ledger.receptacleOf(its.holder).item);
            _must(its.height <= 4, "C7 at most four deep");
            _must(its.height > height, "C7 no receptacle lies in itself");
        }
    }

    /// @dev CE1, CE7, CE10: what the logs alone say, with a stay that is not written yet.
    function _askLogs(bytes32 item, Item memory its) private view {
        Sending.Logged memory logs = _handler.logged(item);
        bytes32 stay = _ledger.receptacleOf(_ledger.lyingIn(item)).headAtOpening;
        if (stay != 0) (logs.records, logs.head) = (logs.records + 1, keccak256(abi.encode(logs.head, stay, 0)));
        _must(logs.records == its.records, "CE1 every record is one event");
        _must(logs.head == _ledger.headOf(item), "CE7 the logs replayed give the head");
    }

    // -------------------------------------------------------------------------------------------------- of a receptacle

    function _askReceptacle(uint48 number) private view {
        Receptacle memory its = _ledger.receptacleOf(number);
        CustodyModel.Journey memory told = _handler.journey(number);
        _must(its.count == told.packed.length, "C7 the count is of what was really packed");
        _must(its.contents == told.contents, "C7 the contents' hash is of what was really packed");
        _must(its.closedBy == told.closedBy, "C7 who closed a receptacle answers for what is missing");
        if (its.headAtOpening != 0 || !_ledger.itemOf(its.item).closed) return;
        for (uint256 i = 0; i < told.packed.length; ++i) {
            // By a take-up only (C11), which the model knows.
            bool alone = _ledger.lyingIn(told.packed[i]) != number && _handler.ghost(told.packed[i]).holder == number;
            _must(!alone, "C7 contents of a closed receptacle never move alone");
        }
    }
}

/// @notice Liveness: from every state that the same stories reach, those who rightfully act bring every item to an end.
contract LivenessTest is Asked {
    CustodyHandler private _handler;

    function setUp() external {
        _handler = new CustodyHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _handler.selectors());
    }

    /// @dev Nothing on the way; what is asked is asked at its end.
    function invariant_liveness() external view {}

    function afterInvariant() external {
        _handler.bringAllToAnEnd();
        for (uint256 i = 0; i < _handler.count(); ++i) {
            ItemState state = _handler.ledger().itemOf(_handler.itemAt(i)).state;
            _must(state == ItemState.Ended, "liveness: every item can be brought to an end");
        }
    }
}
