// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {Editions} from "./Editions.sol";
import {Cancel, Claim, Edition, ICryptoStamp, Original, Twin} from "./interfaces/ICryptoStamp.sol";
import {ICustodyLedger, Item} from "./interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "./interfaces/IPostalNetwork.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {StampTypes} from "./libraries/StampTypes.sol";
import {SignedRecords} from "./SignedRecords.sol";

/// @title CryptoStamp: stamps and their twins
contract CryptoStamp is Editions {
    ICustodyLedger public immutable ledger;

    mapping(uint256 word => uint256) private _shown;

    /// @dev The two contracts name each other: the deployer computes the address of the one that comes second.
    constructor(IPostalNetwork network_, ICustodyLedger ledger_)
        ERC721("Posthorn crypto-stamp", "STAMP")
        SignedRecords("CryptoStamp", network_)
    {
        ledger = ledger_;
    }

    // --------------------------------------------------------------------------------------------------- franking (S4)

    /// @inheritdoc ICryptoStamp
    function frank(bytes32 item, uint40 custodian, uint40 time, uint64[] calldata stamps)
        external
        returns (bytes memory reason)
    {
        if (msg.sender != address(ledger)) revert NotLedger(msg.sender);
        uint64 before = 0;
        for (uint256 i = 0; i < stamps.length; ++i) {
            uint64 stamp = stamps[i];
            if (stamp <= before) return abi.encodeWithSelector(StampsNotRising.selector, before, stamp);
            if (_operatorOfStamp(stamp) != _operatorOfCustodian(custodian)) {
                return abi.encodeWithSelector(ForeignStamp.selector, stamp, custodian);
            }
            reason = _checkPostage(stamp, time);
            if (reason.length != 0) return reason;
            before = stamp;
        }
        for (uint256 i = 0; i < stamps.length; ++i) {
            _use(stamps[i]);
            emit Franked(stamps[i], item, custodian, time);
        }
    }

    // ----------------------------------------------------------------------------------------------- cancellation (S4)

    /// @inheritdoc ICryptoStamp
    function cancel(SignedCancel calldata signed) external {
        (, bytes memory reason) = _cancel(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICryptoStamp
    function cancelBatch(SignedCancel[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _cancel(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _cancel(SignedCancel calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Cancel calldata c = signed.cancel;
        digest = _hashTypedDataV4(StampTypes.hash(c));
        if (c.stamps.length == 0) return (digest, abi.encodeWithSelector(NoStamps.selector));
        reason = _checkTime(c.time);
        if (reason.length == 0) reason = _checkCustodian(c.custodian, c.time, digest, signed.signature);
        if (reason.length == 0) reason = _cancelStamps(digest, c);
        if (reason.length == 0) emit Cancelled(digest, c.custodian, c, signed.signature);
    }

    /// @dev Uses the stamps that count and tells of those that do not.
    /// @return refused empty if any counts, else the reason of the first
    function _cancelStamps(bytes32 digest, Cancel calldata c) private returns (bytes memory refused) {
        bool any = false;
        for (uint256 i = 0; i < c.stamps.length; ++i) {
            uint64 stamp = c.stamps[i];
            bytes memory reason = _checkMayCancel(stamp, c);
            if (reason.length == 0) reason = _checkPostage(stamp, c.time);
            if (reason.length == 0) {
                any = true;
                _use(stamp);
                emit StampCancelled(stamp, digest, c.custodian, c.time, c.kind);
            } else {
                emit StampRefused(digest, i, reason);
                if (refused.length == 0) refused = reason;
            }
        }
        if (any) refused = "";
    }

    /// @dev Another operator's stamp can only have been missed on an item that its operator accepted. Without that, a
    /// custodian with an item of its own making could use up every stamp of the others.
    function _checkMayCancel(uint64 stamp, Cancel calldata c) private view returns (bytes memory reason) {
        uint16 operator = _operatorOfStamp(stamp);
        if (operator == _operatorOfCustodian(c.custodian)) return "";
        if (c.item == 0) return abi.encodeWithSelector(ForeignStamp.selector, stamp, c.custodian);
        Item memory its = ledger.itemOf(c.item);
        if (its.holder != c.custodian || its.origin != operator) {
            return abi.encodeWithSelector(NotMissedOn.selector, c.item, stamp);
        }
    }

    /// @dev S1, S4: the stamp pays at this time: issued, neither used nor void, between first day and withdrawal.
    function _checkPostage(uint64 stamp, uint40 time) private view returns (bytes memory reason) {
        reason = _checkUnused(stamp);
        if (reason.length != 0) return reason;
        if (!_has(_issued, stamp)) return abi.encodeWithSelector(NotIssued.selector, stamp);
        Edition storage terms = _editions[_editionOf(stamp)];
        (uint40 firstDay, uint40 withdrawnFrom) = (terms.firstDay, terms.withdrawnFrom);
        if (time < firstDay) return abi.encodeWithSelector(NotYetValid.selector, stamp, firstDay);
        if (withdrawnFrom != 0 && time >= withdrawnFrom) {
            return abi.encodeWithSelector(WithdrawnFromPostage.selector, stamp, withdrawnFrom);
        }
    }

    // ---------------------------------------------------------------------------------------- claim, original (S6, S9)

    /// @inheritdoc ICryptoStamp
    function claim(SignedClaim calldata signed) external {
        (, bytes memory reason) = _claim(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICryptoStamp
    function claimBatch(SignedClaim[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _claim(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _claim(SignedClaim calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Claim calldata c = signed.claim;
        digest = _hashTypedDataV4(StampTypes.hash(c));
        reason = _checkClaim(c);
        if (reason.length != 0) return (digest, reason);
        address claimKey;
        (claimKey, reason) = _claimKeyOf(c.stamp, digest, signed.proof, signed.signature);
        if (reason.length != 0) return (digest, reason);

        _update(c.to, c.stamp, address(0));
        emit Claimed(c.stamp, digest, c, claimKey, signed.signature);
    }

    function _checkClaim(Claim calldata c) private view returns (bytes memory reason) {
        if (c.to == address(0) || c.to == address(this)) {
            return abi.encodeWithSelector(InvalidRecipient.selector, c.to);
        }
        if (!_has(_issued, c.stamp)) return abi.encodeWithSelector(NotIssued.selector, c.stamp);
        (uint32 blockNumber, bool isVoid) = useOf(c.stamp);
        if (isVoid) return abi.encodeWithSelector(VoidStamp.selector, c.stamp, blockNumber);
        address collector = super._ownerOf(c.stamp);
        if (collector != address(0)) return abi.encodeWithSelector(AlreadyClaimed.selector, c.stamp, collector);
        return _checkDeadline(c.deadline);
    }

    /// @inheritdoc ICryptoStamp
    function showOriginal(SignedOriginal calldata signed) external {
        (, bytes memory reason) = _showOriginal(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICryptoStamp
    function showOriginalBatch(SignedOriginal[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _showOriginal(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _showOriginal(SignedOriginal calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Original calldata o = signed.original;
        digest = _hashTypedDataV4(StampTypes.hash(o));
        reason = _checkOriginal(o);
        if (reason.length != 0) return (digest, reason);
        address claimKey;
        (claimKey, reason) = _claimKeyOf(o.stamp, digest, signed.proof, signed.signature);
        if (reason.length != 0) return (digest, reason);

        _shown[o.stamp >> 8] |= 1 << (o.stamp & 255);
        emit OriginalShown(o.stamp, digest, o, claimKey, signed.signature);
    }

    function _checkOriginal(Original calldata o) private view returns (bytes memory reason) {
        (uint32 blockNumber, bool isVoid) = useOf(o.stamp);
        if (isVoid) return abi.encodeWithSelector(VoidStamp.selector, o.stamp, blockNumber);
        if (blockNumber == 0) return abi.encodeWithSelector(NotUsed.selector, o.stamp);
        if (_has(_shown, o.stamp)) return abi.encodeWithSelector(AlreadyShown.selector, o.stamp);
        return _checkDeadline(o.deadline);
    }

    /// @dev S1: who signed `digest`, if that is the stamp's claim key. The leaf is made here, from the stamp.
    function _claimKeyOf(uint64 stamp, bytes32 digest, bytes32[] calldata proof, bytes calldata signature)
        private
        view
        returns (address claimKey, bytes memory reason)
    {
        if (signature.length != 64) {
            return (claimKey, abi.encodeWithSelector(SignatureLength.selector, signature.length));
        }
        claimKey = Signatures.signerOf(digest, signature);
        bytes32 root = _editions[_editionOf(stamp)].claimRoot;
        if (root == CLOSURES) (root,) = claimRootOf(stamp);
        bool proven = MerkleProof.verifyCalldata(proof, root, StampTypes.leaf(stamp, claimKey));
        if (claimKey == address(0) || !proven) reason = _notClaimKey(stamp, claimKey);
    }

    /// @dev S10: while claims are closed no root is there, and no key is proven.
    function _notClaimKey(uint64 stamp, address claimKey) private view returns (bytes memory reason) {
        (, uint40 closedAt) = claimRootOf(stamp);
        if (closedAt != 0) return abi.encodeWithSelector(ClaimsAreClosed.selector, stamp, closedAt);
        return abi.encodeWithSelector(NotClaimKey.selector, stamp, claimKey);
    }

    // ------------------------------------------------------------------------------------------------- tokens (S3, S7)

    /// @dev S3: an issued twin that nobody has claimed belongs to this contract.
    function _ownerOf(uint256 tokenId) internal view override returns (address owner) {
        owner = super._ownerOf(tokenId);
        if (owner == address(0) && _has(_issued, tokenId)) owner = address(this);
    }

    /// @dev S3: sealed is what the contract owns, so nothing comes back to it.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address) {
        if (to == address(this)) revert ERC721InvalidReceiver(to);
        return super._update(to, tokenId, auth);
    }

    /// @inheritdoc ICryptoStamp
    function twinOf(uint64 stamp) external view returns (Twin) {
        address owner = _ownerOf(stamp);
        if (owner == address(0)) return Twin.None;
        return owner == address(this) ? Twin.Sealed : Twin.Claimed;
    }

    /// @inheritdoc ICryptoStamp
    function originalShown(uint64 stamp) external view returns (bool) {
        return _has(_shown, stamp);
    }
}
