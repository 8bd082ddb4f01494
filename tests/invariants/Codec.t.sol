// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "../../contracts/interfaces/ICryptoStamp.sol";
import "../../contracts/interfaces/ICustodyLedger.sol";
import {KeyKind} from "../../contracts/interfaces/IPostalNetwork.sol";
import {Signatures} from "../../contracts/libraries/Signatures.sol";
import {Digests} from "./Digests.sol";
import {vm} from "./Vm.sol";

/// @notice The hashes of what is signed against forge's own EIP-712 encoder, for any values.
contract DigestsTest {
    string private constant LINE = "Line(bytes32 item,uint32 number,uint16 condition,bytes32 evidence)";

    Digests private immutable _digests = new Digests("CustodyLedger", address(1));

    function _same(bytes32 digest, string memory type_, bytes memory encoded) private view {
        bytes32 hash = vm.eip712HashStruct(type_, encoded);
        require(digest == keccak256(abi.encodePacked(hex"1901", _digests.domain(), hash)), type_);
    }

    function testFuzz_acceptance(Acceptance calldata a) external view {
        _same(
            _digests.digest(a),
            "Acceptance(bytes32 commitment,uint40 custodian,uint40 time,uint16 source,bytes32 keys,bytes32 previous,bytes32 evidence,uint64[] stamps)",
            abi.encode(a)
        );
    }

    function testFuzz_release(Release calldata r) external view {
        string memory head = "Release(uint40 giver,uint40 receiver,uint40 time,uint40 deadline,Line[] lines)";
        _same(_digests.digest(r), string.concat(head, LINE), abi.encode(r));
    }

    function testFuzz_forcedRelease(ForcedRelease calldata r) external view {
        string memory head = "ForcedRelease(uint40 giver,uint40 receiver,uint40 time,uint16 reason,Line[] lines)";
        _same(_digests.digest(r), string.concat(head, LINE), abi.encode(r));
    }

    function testFuzz_receipt(Receipt calldata r) external view {
        string memory head = "Receipt(bytes32 release,uint40 time,uint256[] received,Finding[] findings)";
        _same(
            _digests.digest(r),
            string.concat(head, "Finding(uint16 line,uint16 condition,bytes32 evidence)"),
            abi.encode(r)
        );
    }

    function testFuzz_delivery(Delivery calldata d) external view {
        _same(
            _digests.digest(d),
            "Delivery(bytes32 item,uint32 number,uint40 giver,address recipient,uint40 time,uint40 deadline,uint16 condition,bytes32 evidence)",
            abi.encode(d)
        );
    }

    function testFuzz_end(End calldata e) external view {
        _same(
            _digests.digest(e),
            "End(bytes32 item,uint32 number,uint40 custodian,uint40 time,uint16 mode,bytes32 evidence)",
            abi.encode(e)
        );
    }

    function testFuzz_takeUp(TakeUp calldata t) external view {
        _same(
            _digests.digest(t),
            "TakeUp(bytes32 item,uint40 custodian,uint40 time,uint16 reason,uint16 condition,bytes32 evidence)",
            abi.encode(t)
        );
    }

    function testFuzz_recall(Recall calldata r) external view {
        _same(_digests.digest(r), "Recall(bytes32 item,uint32 number,uint40 custodian,uint40 time)", abi.encode(r));
    }

    function testFuzz_report(Report calldata r) external view {
        _same(
            _digests.digest(r),
            "Report(bytes32 item,uint16 code,uint16 reason,uint32 corrects,uint40 reporter,uint40 time,bytes32 evidence)",
            abi.encode(r)
        );
    }

    function testFuzz_packing(Packing calldata p) external view {
        _same(
            _digests.digest(p),
            "Packing(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] items)",
            abi.encode(p)
        );
    }

    function testFuzz_closing(Closing calldata c) external view {
        _same(
            _digests.digest(c),
            "Closing(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,uint32 count,bytes32 contents,bytes32 evidence)",
            abi.encode(c)
        );
    }

    function testFuzz_opening(Opening calldata o) external view {
        _same(
            _digests.digest(o),
            "Opening(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] missing,uint256[] found,bytes32 evidence)",
            abi.encode(o)
        );
    }

    function testFuzz_cancel(Cancel calldata c) external view {
        _same(
            _digests.digest(c),
            "Cancel(uint40 custodian,uint40 time,uint16 kind,bytes32 item,uint64[] stamps)",
            abi.encode(c)
        );
    }

    function testFuzz_claim(Claim calldata c) external view {
        _same(_digests.digest(c), "Claim(uint64 stamp,address to,uint40 deadline)", abi.encode(c));
    }

    function testFuzz_original(Original calldata o) external view {
        _same(_digests.digest(o), "Original(uint64 stamp,uint40 deadline)", abi.encode(o));
    }
}

/// @notice N3, G2: whatever bytes come as a signature, a check answers and never reverts, and only the key's own is good.
contract SignaturesTest {
    function check(KeyKind kind, address key, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes memory)
    {
        return Signatures.check(kind, key, digest, signature);
    }

    function testFuzz_no_bytes_revert_and_none_are_good(
        uint8 kind,
        address key,
        bytes32 digest,
        bytes calldata signature
    ) external view {
        require(this.check(KeyKind(kind % 4), key, digest, signature).length != 0, "N3 a stranger's bytes are good");
    }

    /// @dev A passkey's shape: two words, then what WebAuthn encodes, with lengths and offsets from anywhere.
    function testFuzz_no_assertion_reverts(
        bytes32[2] calldata point,
        uint256[4] calldata numbers,
        bytes calldata authenticator,
        string calldata client,
        bytes32 cut
    ) external view {
        bytes memory assertion = abi.encode(
            bytes32(numbers[0]), bytes32(numbers[1]), numbers[2], numbers[3], authenticator, client
        );
        // One word of it is something else: an offset or a length that leads nowhere.
        assembly ("memory-safe") {
            mstore(add(add(assertion, 32), mul(32, mod(cut, 12))), cut)
        }
        bytes memory signature = bytes.concat(abi.encode(point), assertion);
        require(this.check(KeyKind.Passkey, address(1), 0, signature).length != 0, "N3 a stranger's assertion is good");
    }

    function testFuzz_the_keys_own_is_good_and_no_other_form_of_it(uint256 secret, bytes32 digest, uint256 bit)
        external
        view
    {
        secret = 1 + secret % (2 ** 255);
        (bytes32 r, bytes32 vs) = vm.signCompact(secret, digest);
        bytes memory signature = abi.encodePacked(r, vs);
        address key = vm.addr(secret);
        require(this.check(KeyKind.Secp256k1, key, digest, signature).length == 0, "N3 the key's own is not good");
        signature[bit % 512 / 8] ^= bytes1(uint8(1 << (bit % 8)));
        require(this.check(KeyKind.Secp256k1, key, digest, signature).length != 0, "N3 a changed one is good");
    }
}
