// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC2309} from "@openzeppelin/contracts/interfaces/IERC2309.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {
    Cancel,
    Claim,
    Edition,
    ICryptoStamp,
    Issue,
    Original,
    Twin,
    Void
} from "./interfaces/ICryptoStamp.sol";
import {ICustodyLedger, Item} from "./interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "./interfaces/IPostalNetwork.sol";
import {StampTypes} from "./libraries/StampTypes.sol";
import {SignedRecords} from "./SignedRecords.sol";

/// @title CryptoStamp: stamps and their twins
/// @dev Bitmaps keep 256 stamps a word: stamp `s` is bit s % 256 of word s / 256. Uses keep eight stamps a word, 32 bits
/// each: the block of use or void, the top bit for void. Serials never leave their edition's words: a stamp's lower 32
/// bits are its serial.
contract CryptoStamp is ICryptoStamp, IERC2309, ERC721, SignedRecords {
    uint256 private constant NOTICE_OF_WITHDRAWAL = 90 days;
    uint32 private constant LONGEST_RANGE = 65_536;
    uint32 private constant VOID = 1 << 31;
    uint256 private constant USE_BITS = 32;
    /// @dev Times this, a use stands in each of the eight places of a word.
    uint256 private constant EIGHT_TIMES = 0x0000000100000001000000010000000100000001000000010000000100000001;

    ICustodyLedger public immutable ledger;

    mapping(uint32 number => Edition) private _editions;
    mapping(uint256 word => uint256) private _issued;
    mapping(uint256 word => uint256) private _uses;
    /// @dev Void before issue: asked at the issue, where reading {_uses} would cost 32 times as much.
    mapping(uint256 word => uint256) private _neverIssued;
    mapping(uint256 word => uint256) private _shown;

    /// @dev The two contracts name each other: the deployer computes the address of the one that comes second.
    constructor(IPostalNetwork network_, ICustodyLedger ledger_)
        ERC721("Posthorn crypto-stamp", "STAMP")
        SignedRecords("CryptoStamp", network_)
    {
        ledger = ledger_;
    }

    // ------------------------------------------------------------------------------------------------ editions (S1)

    /// @inheritdoc ICryptoStamp
    function createEdition(uint32 number, Edition calldata terms) external {
        if (uint16(number) == 0) revert InvalidEdition(number);
        if (_editions[number].supply != 0) revert EditionExists(number);
        _orRevert(network.maySend(_operatorOfEdition(number), msg.sender));
        _checkValue(terms);
        Edition memory fixedTerms = terms;
        fixedTerms.withdrawnFrom = 0;
        fixedTerms.createdAt = uint40(block.timestamp);
        _editions[number] = fixedTerms;
        emit EditionCreated(number, fixedTerms);
    }

    function _checkValue(Edition calldata terms) private pure {
        bool money = terms.faceValue != 0 && terms.currency != 0 && terms.service == 0;
        bool service = terms.faceValue == 0 && terms.currency == 0 && terms.service != 0;
        if (terms.supply == 0 || !(money || service)) {
            revert InvalidValue(terms.supply, terms.faceValue, terms.currency, terms.service);
        }
    }

    /// @inheritdoc ICryptoStamp
    function withdrawEdition(uint32 number, uint40 from) external {
        Edition storage terms = _editions[number];
        if (terms.supply == 0) revert UnknownEdition(number);
        _orRevert(network.maySend(_operatorOfEdition(number), msg.sender));
        if (terms.withdrawnFrom != 0) revert AlreadyWithdrawn(number, terms.withdrawnFrom);
        uint256 earliest = block.timestamp + NOTICE_OF_WITHDRAWAL;
        if (from < earliest) revert WithdrawalTooEarly(from, uint40(earliest));
        terms.withdrawnFrom = from;
        emit EditionWithdrawn(number, from);
    }

    // --------------------------------------------------------------------------------------------------- issue (S3)

    /// @inheritdoc ICryptoStamp
    function issue(Issue calldata range) external {
        _orRevert(_issue(range));
    }

    /// @inheritdoc ICryptoStamp
    function issueBatch(Issue[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            bytes memory reason = _issue(batch[i]);
            _orRefuse(i, _hashTypedDataV4(StampTypes.hash(batch[i])), reason);
        }
    }

    function _issue(Issue calldata range) private returns (bytes memory reason) {
        uint256 first = _stampOf(range.edition, range.first);
        uint256 last = _stampOf(range.edition, range.last);
        reason = _checkRange(range.edition, range.first, range.last);
        if (reason.length == 0) reason = _checkSeller(range.edition, range.custodian);
        if (reason.length == 0) reason = _checkIssuable(first, last);
        if (reason.length != 0) return reason;

        for (uint256 word = first >> 8; word <= last >> 8; ++word) {
            _issued[word] |= _mask(word, first, last);
        }
        _increaseBalance(address(this), uint128(last - first + 1));
        emit Issued(range.edition, range.custodian, range.first, range.last);
        emit ConsecutiveTransfer(first, last, address(0), address(this));
    }

    function _checkSeller(uint32 number, uint40 custodian) private view returns (bytes memory reason) {
        if (_operatorOfCustodian(custodian) != _operatorOfEdition(number)) {
            return abi.encodeWithSelector(NotOwnCustodian.selector, number, custodian);
        }
        // Sold is sold: not asked is whether the custodian could sign today.
        if (network.custodian(custodian).keyHolder == 0) {
            return abi.encodeWithSelector(IPostalNetwork.UnknownCustodian.selector, custodian);
        }
    }

    function _checkIssuable(uint256 first, uint256 last) private view returns (bytes memory reason) {
        for (uint256 word = first >> 8; word <= last >> 8; ++word) {
            uint256 taken = (_issued[word] | _neverIssued[word]) & _mask(word, first, last);
            if (taken != 0) {
                // Safety: a stamp has 64 bits, and its lowest set bit lies within the word.
                uint64 stamp = uint64((word << 8) + _lowest(taken));
                if (_has(_issued, stamp)) return abi.encodeWithSelector(AlreadyIssued.selector, stamp);
                return _checkUnused(stamp);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- void (S5)

    /// @inheritdoc ICryptoStamp
    function voidRange(Void calldata range) external {
        _orRevert(_void(range));
    }

    /// @inheritdoc ICryptoStamp
    function voidBatch(Void[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            bytes memory reason = _void(batch[i]);
            _orRefuse(i, _hashTypedDataV4(StampTypes.hash(batch[i])), reason);
        }
    }

    function _void(Void calldata range) private returns (bytes memory reason) {
        uint256 first = _stampOf(range.edition, range.first);
        uint256 last = _stampOf(range.edition, range.last);
        reason = _checkRange(range.edition, range.first, range.last);
        if (reason.length == 0) reason = _checkAllUnused(first, last);
        if (reason.length != 0) return reason;

        (uint256 firstBit, uint256 lastBit) = _useBits(first, last);
        uint256 uses = (VOID | _blockNumber()) * EIGHT_TIMES;
        for (uint256 word = firstBit >> 8; word <= lastBit >> 8; ++word) {
            _uses[word] |= uses & _mask(word, firstBit, lastBit);
        }
        for (uint256 word = first >> 8; word <= last >> 8; ++word) {
            uint256 unissued = _mask(word, first, last) & ~_issued[word];
            if (unissued != 0) _neverIssued[word] |= unissued;
        }
        emit Voided(range.edition, range.reason, range.first, range.last, msg.sender);
    }

    function _checkAllUnused(uint256 first, uint256 last) private view returns (bytes memory reason) {
        (uint256 firstBit, uint256 lastBit) = _useBits(first, last);
        for (uint256 word = firstBit >> 8; word <= lastBit >> 8; ++word) {
            uint256 taken = _uses[word] & _mask(word, firstBit, lastBit);
            // Safety: the word's number and the place within it make a stamp's number.
            if (taken != 0) return _checkUnused(uint64((word << 3) + _lowest(taken) / USE_BITS));
        }
    }

    // -------------------------------------------------------------------------------------------------- franking (S4)

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

    // ---------------------------------------------------------------------------------------------- cancellation (S4)

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

    // --------------------------------------------------------------------------------------- claim, original (S6, S9)

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
        claimKey = _signerOf(digest, signature);
        bytes32 root = _editions[_editionOf(stamp)].claimRoot;
        bool proven = MerkleProof.verifyCalldata(proof, root, StampTypes.leaf(stamp, claimKey));
        if (claimKey == address(0) || !proven) {
            reason = abi.encodeWithSelector(NotClaimKey.selector, stamp, claimKey);
        }
    }

    // ------------------------------------------------------------------------------------------------- checks, effects

    /// @dev The range lies within the edition, and the caller may send for its operator.
    function _checkRange(uint32 number, uint32 first, uint32 last) private view returns (bytes memory reason) {
        uint32 supply = _editions[number].supply;
        if (supply == 0) return abi.encodeWithSelector(UnknownEdition.selector, number);
        if (first == 0 || first > last || last > supply || last - first >= LONGEST_RANGE) {
            return abi.encodeWithSelector(InvalidRange.selector, number, first, last);
        }
        return network.maySend(_operatorOfEdition(number), msg.sender);
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

    function _checkUnused(uint64 stamp) private view returns (bytes memory reason) {
        (uint32 blockNumber, bool isVoid) = useOf(stamp);
        if (isVoid) return abi.encodeWithSelector(VoidStamp.selector, stamp, blockNumber);
        if (blockNumber != 0) return abi.encodeWithSelector(AlreadyUsed.selector, stamp, blockNumber);
    }

    function _use(uint64 stamp) private {
        _uses[stamp >> 3] |= _blockNumber() << ((stamp & 7) * USE_BITS);
    }

    /// @dev Safety: 31 bits hold the blocks of 68 years at one a second.
    function _blockNumber() private view returns (uint256) {
        return block.number & (VOID - 1);
    }

    // --------------------------------------------------------------------------------------------------- tokens (S7)

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

    // --------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ICryptoStamp
    function edition(uint32 number) external view returns (Edition memory) {
        return _editions[number];
    }

    /// @inheritdoc ICryptoStamp
    function issued(uint64 stamp) external view returns (bool) {
        return _has(_issued, stamp);
    }

    /// @inheritdoc ICryptoStamp
    function useOf(uint64 stamp) public view returns (uint32 blockNumber, bool isVoid) {
        // Safety: cut to the 32 bits of the stamp.
        uint32 its = uint32(_uses[stamp >> 3] >> ((stamp & 7) * USE_BITS));
        return (its & (VOID - 1), its & VOID != 0);
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

    // ------------------------------------------------------------------------------------------------ numbers and bits

    // Safety, for all of these: a number carries its edition and operator in its upper bits, so each cut fits.

    function _editionOf(uint64 stamp) private pure returns (uint32) {
        return uint32(stamp >> 32);
    }

    function _operatorOfStamp(uint64 stamp) private pure returns (uint16) {
        return uint16(stamp >> 48);
    }

    function _operatorOfEdition(uint32 number) private pure returns (uint16) {
        return uint16(number >> 16);
    }

    function _operatorOfCustodian(uint40 custodian) private pure returns (uint16) {
        return uint16(custodian >> 24);
    }

    function _stampOf(uint32 number, uint32 serial) private pure returns (uint256) {
        return (uint256(number) << 32) | serial;
    }

    function _has(mapping(uint256 word => uint256) storage bitmap, uint256 stamp) private view returns (bool) {
        return (bitmap[stamp >> 8] >> (stamp & 255)) & 1 == 1;
    }

    /// @dev The bits of a range of stamps in the words of uses.
    function _useBits(uint256 first, uint256 last) private pure returns (uint256 firstBit, uint256 lastBit) {
        return (first * USE_BITS, last * USE_BITS + USE_BITS - 1);
    }

    /// @dev The bits `first` to `last` as far as they lie in the 256 bits of `word`.
    function _mask(uint256 word, uint256 first, uint256 last) private pure returns (uint256 mask) {
        mask = type(uint256).max;
        if (word == first >> 8) mask <<= first & 255;
        if (word == last >> 8) mask &= type(uint256).max >> (255 - (last & 255));
    }

    /// @dev The place of the lowest bit set. Warning: loops for ever on 0.
    function _lowest(uint256 bits) private pure returns (uint256 place) {
        while ((bits >> place) & 1 == 0) ++place;
    }
}
