// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What every signed record has in common
/// @notice A record is what one EIP-712 digest covers (G2). It is recorded whole or not at all. The single call of a
/// record reverts with a typed error; the batch call emits {Refused} with the very same bytes and goes on.
/// @dev Signatures of secp256k1 keys are 64 bytes, r and vs as in EIP-2098, s in the lower half; those of other keys see
/// {Signatures}. A digest identifies a record, a signature never does.
///
/// Reasons may be errors of any of the three contracts: a custodian that may not sign is refused in the words of
/// {IPostalNetwork}, a stamp that may not frank in the words of {ICryptoStamp}. Decode with all three ABIs.
interface IRecords {
    /// @notice A record of a batch was not recorded.
    /// @dev Promise R1: nothing of the record was recorded; the record may still be good later, or in another order.
    /// Promise R2: `reason` is ABI-encoded as the revert data of the single call would be.
    /// @dev Warning: `digest` is whatever the caller sent. Never show a refusal under an item or a stamp.
    event Refused(uint256 indexed index, bytes32 indexed digest, bytes reason);

    /// @notice A signature has not the length of its key's kind: 64 bytes (r, vs), for P-256 128.
    error SignatureLength(uint256 length);
    /// @notice The signature over `digest` is not by `key`, the one that had to sign.
    error WrongSignature(address key, bytes32 digest);

    /// @notice C5: the event lies more than 14 days before the block; `oldest` is the earliest time taken.
    error TimeTooOld(uint40 time, uint40 oldest);
    /// @notice C5: the event lies more than 5 minutes after the block; `latest` is the latest time taken.
    error TimeAhead(uint40 time, uint40 latest);
    /// @notice The deadline had passed when the block was made.
    error PastDeadline(uint40 deadline, uint40 blockTime);
    /// @notice C5: a deadline lies at most 14 days after the event; `latest` is the latest one taken.
    error DeadlineTooFar(uint40 deadline, uint40 latest);
}
