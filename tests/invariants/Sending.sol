// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICryptoStamp} from "../../contracts/interfaces/ICryptoStamp.sol";
import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {IRecords} from "../../contracts/interfaces/IRecords.sol";
import {vm, Vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice Sends records and keeps what came of them: whether the contracts took what the model refuses, refused what it
/// takes, and what their logs say (CE1).
abstract contract Sending is World {
    /// @dev What the logs alone say of an item (CE1, CE7).
    struct Logged {
        uint32 records;
        bytes32 head;
    }

    struct Surprise {
        bytes4 call;
        bytes4 refusal;
    }

    /// @notice How often a call that had to be refused with this error was taken, or refused for another reason.
    mapping(bytes4 refusal => uint256) public notRefused;
    /// @notice The first call that was refused and had to be taken, and with what.
    Surprise public surprise;
    /// @notice The first call that had to be refused, and with what, and was not, or for another reason.
    Surprise public unrefused;
    /// @notice How often a batch refused in other words than the single call, or changed something (G2).
    uint256 public batchesApart;
    /// @notice Records whose number in the log was not the next (CE1).
    uint256 public gaps;

    mapping(bytes32 item => Logged) internal _logged;

    /// @return taken whether the call counted, which it must where `refusal` is 0
    function _send(address sender, address to, bytes4 batch, bytes memory call, bytes4 refusal)
        internal
        returns (bool taken)
    {
        bytes memory answer;
        vm.prank(sender);
        (taken, answer) = to.call(call);
        if (refusal != 0 && (taken || bytes4(answer) != refusal)) {
            ++notRefused[refusal];
            if (unrefused.call == 0) unrefused = Surprise(bytes4(call), refusal);
        }
        if (refusal == 0 && !taken && surprise.call == 0) surprise = Surprise(bytes4(call), bytes4(answer));
        if (!taken && batch != 0) _sendBatch(sender, to, batch, call, answer);
        _readLogs();
    }

    /// @dev G2: the batch of one refuses with the very same bytes. A call with one struct becomes the call with a list of
    /// it: the list begins with its place and length and, where the struct is dynamic, the struct's place in it.
    function _sendBatch(address sender, address to, bytes4 batch, bytes memory single, bytes memory refused) private {
        vm.getRecordedLogs();
        bytes memory struct_;
        bool isDynamic;
        // Safety: what lies before the struct is not needed any more, and gives its place to the struct's length.
        assembly ("memory-safe") {
            isDynamic := eq(mload(add(single, 36)), 32)
            let skipped := add(4, mul(32, isDynamic))
            struct_ := add(single, skipped)
            mstore(struct_, sub(mload(single), skipped))
        }
        bytes memory head = isDynamic ? abi.encode(uint256(32), uint256(1), uint256(32)) : abi.encode(uint256(32), uint256(1));
        vm.prank(sender);
        (bool taken,) = to.call(bytes.concat(batch, head, struct_));
        if (!taken) ++batchesApart;
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        if (last.topics[0] != IRecords.Refused.selector) ++batchesApart;
        else if (keccak256(abi.decode(last.data, (bytes))) != keccak256(refused)) ++batchesApart;
    }

    function _readLogs() internal virtual {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == address(ledger)) _readLedger(logs[i]);
            else if (logs[i].emitter == address(stamps)) _readStamps(logs[i]);
        }
    }

    function _readStamps(Vm.Log memory log) internal virtual {}

    /// @dev CE1: the item is the first topic, the digest the second; where a line matters it comes first.
    function _readLedger(Vm.Log memory log) private {
        bytes32 kind = log.topics[0];
        if (kind == ICustodyLedger.Accepted.selector) return _readRecord(log, 1, 0);
        if (kind == ICustodyLedger.ItemHandedOff.selector || kind == ICustodyLedger.ItemMissing.selector) {
            (uint256 line, uint32 record) = abi.decode(log.data, (uint256, uint32));
            return _readRecord(log, record, line);
        }
        if (_isRecord(kind)) _readRecord(log, abi.decode(log.data, (uint32)), 0);
    }

    function _isRecord(bytes32 kind) private pure returns (bool) {
        return kind == ICustodyLedger.Stayed.selector || kind == ICustodyLedger.Packed.selector
            || kind == ICustodyLedger.Closed.selector || kind == ICustodyLedger.Opened.selector
            || kind == ICustodyLedger.Delivered.selector || kind == ICustodyLedger.Ended.selector
            || kind == ICustodyLedger.TakenUp.selector || kind == ICustodyLedger.Recalled.selector
            || kind == ICustodyLedger.Reported.selector;
    }

    function _readRecord(Vm.Log memory log, uint32 record, uint256 line) private {
        Logged storage its = _logged[log.topics[1]];
        if (record != ++its.records) ++gaps;
        its.head = keccak256(abi.encode(its.head, log.topics[2], line));
    }
}
