// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Acceptance,
    Closing,
    Delivery,
    End,
    ForcedRelease,
    Line,
    Opening,
    Packing,
    Recall,
    Receipt,
    Release,
    Report,
    TakeUp
} from "../interfaces/ICustodyLedger.sol";

/// @title EIP-712 hashes of what is signed for the {CustodyLedger}
/// @dev A struct of value types is encoded by `abi.encode` exactly as EIP-712 wants it: each member in a word.
library LedgerTypes {
    bytes32 private constant LINE_TYPE =
        keccak256("Line(bytes32 item,uint32 number,uint16 condition,bytes32 evidence)");
    bytes32 private constant FINDING_TYPE = keccak256("Finding(uint16 line,uint16 condition,bytes32 evidence)");
    bytes32 private constant ACCEPTANCE_TYPE = keccak256(
        "Acceptance(bytes32 commitment,uint40 custodian,uint40 time,uint16 source,bytes32 keys,"
        "bytes32 previous,bytes32 evidence,uint64[] stamps)"
    );
    bytes32 private constant RELEASE_TYPE = keccak256(
        "Release(uint40 giver,uint40 receiver,uint40 time,uint40 deadline,Line[] lines)"
        "Line(bytes32 item,uint32 number,uint16 condition,bytes32 evidence)"
    );
    bytes32 private constant RECEIPT_TYPE = keccak256(
        "Receipt(bytes32 release,uint40 time,uint256[] received,Finding[] findings)"
        "Finding(uint16 line,uint16 condition,bytes32 evidence)"
    );
    bytes32 private constant DELIVERY_TYPE = keccak256(
        "Delivery(bytes32 item,uint32 number,uint40 giver,address recipient,uint40 time,uint40 deadline,"
        "uint16 condition,bytes32 evidence)"
    );
    bytes32 private constant END_TYPE =
        keccak256("End(bytes32 item,uint32 number,uint40 custodian,uint40 time,uint16 mode,bytes32 evidence)");
    bytes32 private constant TAKE_UP_TYPE =
        keccak256("TakeUp(bytes32 item,uint40 custodian,uint40 time,uint16 reason,uint16 condition,bytes32 evidence)");
    bytes32 private constant RECALL_TYPE = keccak256("Recall(bytes32 item,uint32 number,uint40 custodian,uint40 time)");
    bytes32 private constant REPORT_TYPE = keccak256(
        "Report(bytes32 item,uint16 code,uint16 reason,uint32 corrects,uint40 reporter,uint40 time,bytes32 evidence)"
    );

    bytes32 private constant FORCED_RELEASE_TYPE = keccak256(
        "ForcedRelease(uint40 giver,uint40 receiver,uint40 time,uint16 reason,Line[] lines)"
        "Line(bytes32 item,uint32 number,uint16 condition,bytes32 evidence)"
    );
    bytes32 private constant PACKING_TYPE =
        keccak256("Packing(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] items)");
    bytes32 private constant CLOSING_TYPE = keccak256(
        "Closing(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,uint32 count,bytes32 contents,"
        "bytes32 evidence)"
    );
    bytes32 private constant OPENING_TYPE = keccak256(
        "Opening(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] missing,uint256[] found,"
        "bytes32 evidence)"
    );

    function hash(Acceptance calldata a) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                ACCEPTANCE_TYPE,
                a.commitment,
                a.custodian,
                a.time,
                a.source,
                a.keys,
                a.previous,
                a.evidence,
                keccak256(abi.encodePacked(a.stamps))
            )
        );
    }

    /// @dev `lines` are the hashes of the release's lines, from {hashLines}.
    function hash(Release calldata r, bytes32[] memory lines) internal pure returns (bytes32) {
        return keccak256(abi.encode(RELEASE_TYPE, r.giver, r.receiver, r.time, r.deadline, _hash(lines)));
    }

    function hashLines(Line[] calldata lines) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](lines.length);
        for (uint256 i = 0; i < lines.length; ++i) {
            hashes[i] = _hash(lines[i]);
        }
    }

    /// @dev keccak256(abi.encode(LINE_TYPE, line)), once for each line of a list.
    function _hash(Line calldata line) private pure returns (bytes32 value) {
        bytes32 kind = LINE_TYPE;
        // Safety: writes five words behind the free memory pointer and leaves it there. A line is four words in a row. Bits
        // above a member's width are hashed as they came; where such a line is received, reading it reverts.
        // slither-disable-next-line assembly
        assembly ("memory-safe") { // solhint-disable-line no-inline-assembly
            let free := mload(0x40)
            mstore(free, kind)
            calldatacopy(add(free, 32), line, 128)
            value := keccak256(free, 160)
        }
    }

    /// @dev keccak256(abi.encodePacked(words)) without a copy.
    function _hash(bytes32[] memory words) private pure returns (bytes32 value) {
        // Safety: reads the words, which lie behind their count.
        // slither-disable-next-line assembly
        assembly ("memory-safe") { // solhint-disable-line no-inline-assembly
            value := keccak256(add(words, 32), shl(5, mload(words)))
        }
    }

    function hash(Receipt calldata r) internal pure returns (bytes32) {
        bytes32[] memory findings = new bytes32[](r.findings.length);
        for (uint256 i = 0; i < findings.length; ++i) {
            findings[i] = keccak256(abi.encode(FINDING_TYPE, r.findings[i]));
        }
        return keccak256(
            abi.encode(RECEIPT_TYPE, r.release, r.time, keccak256(abi.encodePacked(r.received)), _hash(findings))
        );
    }

    function hash(Delivery calldata d) internal pure returns (bytes32) {
        return keccak256(abi.encode(DELIVERY_TYPE, d));
    }

    function hash(End calldata e) internal pure returns (bytes32) {
        return keccak256(abi.encode(END_TYPE, e));
    }

    function hash(TakeUp calldata t) internal pure returns (bytes32) {
        return keccak256(abi.encode(TAKE_UP_TYPE, t));
    }

    function hash(Recall calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECALL_TYPE, r));
    }

    function hash(Report calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(REPORT_TYPE, r));
    }

    /// @dev `lines` are the hashes of the release's lines, from {hashLines}.
    function hash(ForcedRelease calldata r, bytes32[] memory lines) internal pure returns (bytes32) {
        return keccak256(abi.encode(FORCED_RELEASE_TYPE, r.giver, r.receiver, r.time, r.reason, _hash(lines)));
    }

    function hash(Packing calldata p) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                PACKING_TYPE, p.receptacle, p.number, p.custodian, p.time, keccak256(abi.encodePacked(p.items))
            )
        );
    }

    function hash(Closing calldata c) internal pure returns (bytes32) {
        return keccak256(abi.encode(CLOSING_TYPE, c));
    }

    function hash(Opening calldata o) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                OPENING_TYPE,
                o.receptacle,
                o.number,
                o.custodian,
                o.time,
                keccak256(abi.encodePacked(o.missing)),
                keccak256(abi.encodePacked(o.found)),
                o.evidence
            )
        );
    }
}
