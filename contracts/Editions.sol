// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC2309} from "@openzeppelin/contracts/interfaces/IERC2309.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

import {Closure, Edition, ICryptoStamp, Issue, Void} from "./interfaces/ICryptoStamp.sol";
import {IPostalNetwork} from "./interfaces/IPostalNetwork.sol";
import {StampTypes} from "./libraries/StampTypes.sol";
import {SignedRecords} from "./SignedRecords.sol";

/// @title Editions: what an operator does with its stamps, and what is kept of each stamp (S1, S3, S5, S10)
/// @dev Bitmaps keep 256 stamps a word: stamp `s` is bit s % 256 of word s / 256. Uses are kept eight stamps a word, 32
/// bits each: the block of use or void, the top bit for void. Stamps of two editions share no word: the lower 32 bits
/// of a stamp's number are its serial.
///
/// Safety, for casts of times: 40 bits hold seconds for 34,000 years.
abstract contract Editions is ICryptoStamp, IERC2309, ERC721, SignedRecords {
    uint256 private constant NOTICE_OF_WITHDRAWAL = 90 days;
    uint256 private constant CLAIMS_STAY_CLOSED = 30 days;
    /// @dev A claim looks through them.
    uint256 private constant MOST_CLOSURES = 16;
    /// @dev Stands where a claim reads the edition's root anyway: claims of some of its stamps were closed.
    bytes32 internal constant CLOSURES = keccak256("posthorn.closures");
    uint32 private constant LONGEST_RANGE = 65_536;
    uint32 private constant VOID = 1 << 31;
    uint256 private constant USE_BITS = 32;
    /// @dev Times this, a use stands in each of the eight places of a word.
    uint256 private constant EIGHT_TIMES = 0x0000000100000001000000010000000100000001000000010000000100000001;

    mapping(uint32 number => Edition) internal _editions;
    mapping(uint32 number => Closure[]) private _closures;
    /// @dev The edition's own root, where {CLOSURES} stands in its place.
    mapping(uint32 number => bytes32) private _ownRoots;
    mapping(uint256 word => uint256) internal _issued;
    mapping(uint256 word => uint256) private _uses;
    /// @dev Void before issue: asked at the issue, where reading {_uses} would cost 32 times as much.
    mapping(uint256 word => uint256) private _neverIssued;

    // --------------------------------------------------------------------------------------------------- editions (S1)

    /// @inheritdoc ICryptoStamp
    function createEdition(uint32 number, Edition calldata terms) external {
        if (uint16(number) == 0) revert InvalidEdition(number);
        if (_editions[number].supply != 0) revert EditionExists(number);
        _orRevert(network.maySend(_operatorOfEdition(number), msg.sender));
        _checkValue(terms);
        if (terms.claimRoot == CLOSURES) revert InvalidClaimRoot(number, CLOSURES);
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

    // ------------------------------------------------------------------------------------------------------ issue (S3)

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
        // Safety: a range has at most 65,536 stamps.
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

    // ------------------------------------------------------------------------------------------------------- void (S5)

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

    /// @dev The range lies within the edition, and the caller may send for its operator.
    function _checkRange(uint32 number, uint32 first, uint32 last) private view returns (bytes memory reason) {
        uint32 supply = _editions[number].supply;
        if (supply == 0) return abi.encodeWithSelector(UnknownEdition.selector, number);
        if (first == 0 || first > last || last > supply || last - first >= LONGEST_RANGE) {
            return abi.encodeWithSelector(InvalidRange.selector, number, first, last);
        }
        return network.maySend(_operatorOfEdition(number), msg.sender);
    }

    // ------------------------------------------------------------------------------------------- closing claims (S10)

    /// @inheritdoc ICryptoStamp
    function closeClaims(uint32 number, uint32 first, uint32 last, uint16 reason) external {
        _orRevert(_checkRange(number, first, last));
        Closure[] storage closed = _closures[number];
        if (closed.length == MOST_CLOSURES) revert TooManyClosures(number, MOST_CLOSURES);
        for (uint256 i = 0; i < closed.length; ++i) {
            (uint32 from, uint32 to) = (closed[i].first, closed[i].last);
            if (first <= to && from <= last) revert ClaimsOverlap(number, from, to);
        }
        if (closed.length == 0) {
            _ownRoots[number] = _editions[number].claimRoot;
            _editions[number].claimRoot = CLOSURES;
        }
        closed.push(Closure(first, last, uint40(block.timestamp), 0));
        emit ClaimsClosed(number, first, last, reason, msg.sender);
    }

    /// @inheritdoc ICryptoStamp
    function replaceClaimRoot(uint32 number, uint32 first, uint32 last, bytes32 root) external {
        _orRevert(_checkRange(number, first, last));
        if (root == 0) revert InvalidClaimRoot(number, root);
        Closure[] storage closed = _closures[number];
        uint256 place = _placeOf(closed, first);
        if (place == closed.length || closed[place].first != first || closed[place].last != last) {
            revert ClaimsNotClosed(number, first, last);
        }
        if (closed[place].root != 0) revert AlreadyReplaced(number, first, last, closed[place].root);
        uint256 earliest = closed[place].closedAt + CLAIMS_STAY_CLOSED;
        if (block.timestamp < earliest) revert ReplacementTooEarly(number, first, last, uint40(earliest));
        closed[place].root = root;
        emit ClaimRootReplaced(number, first, last, root, msg.sender);
    }

    /// @inheritdoc ICryptoStamp
    function claimRootOf(uint64 stamp) public view returns (bytes32 root, uint40 closedAt) {
        uint32 number = _editionOf(stamp);
        root = _editions[number].claimRoot;
        if (root != CLOSURES) return (root, 0);
        Closure[] storage closed = _closures[number];
        // Safety: cut to the serial.
        uint256 place = _placeOf(closed, uint32(stamp));
        if (place == closed.length) return (_ownRoots[number], 0);
        root = closed[place].root;
        if (root == 0) closedAt = closed[place].closedAt;
    }

    /// @dev Where the closure of a serial stands; how many there are, where there is none.
    function _placeOf(Closure[] storage closed, uint32 serial) private view returns (uint256 place) {
        while (place < closed.length && (serial < closed[place].first || serial > closed[place].last)) ++place;
    }

    // ---------------------------------------------------------------------------------------------------- use (S4, S5)

    function _checkUnused(uint64 stamp) internal view returns (bytes memory reason) {
        (uint32 blockNumber, bool isVoid) = useOf(stamp);
        if (isVoid) return abi.encodeWithSelector(VoidStamp.selector, stamp, blockNumber);
        if (blockNumber != 0) return abi.encodeWithSelector(AlreadyUsed.selector, stamp, blockNumber);
    }

    function _use(uint64 stamp) internal {
        _uses[stamp >> 3] |= _blockNumber() << ((stamp & 7) * USE_BITS);
    }

    /// @dev Safety: 31 bits hold the blocks of 68 years at one a second; later ones are told as the last, none as 0.
    function _blockNumber() private view returns (uint256) {
        return block.number < VOID ? block.number : VOID - 1;
    }

    // ----------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ICryptoStamp
    function edition(uint32 number) external view returns (Edition memory) {
        Edition memory terms = _editions[number];
        if (terms.claimRoot == CLOSURES) terms.claimRoot = _ownRoots[number];
        return terms;
    }

    /// @inheritdoc ICryptoStamp
    function closures(uint32 number) external view returns (Closure[] memory) {
        return _closures[number];
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

    // ------------------------------------------------------------------------------------------------ numbers and bits

    // Safety, for all cuts: a number carries its edition and its operator in its upper bits.

    function _editionOf(uint64 stamp) internal pure returns (uint32) {
        return uint32(stamp >> 32);
    }

    function _operatorOfStamp(uint64 stamp) internal pure returns (uint16) {
        return uint16(stamp >> 48);
    }

    function _operatorOfEdition(uint32 number) private pure returns (uint16) {
        return uint16(number >> 16);
    }

    function _operatorOfCustodian(uint40 custodian) internal pure returns (uint16) {
        return uint16(custodian >> 24);
    }

    function _stampOf(uint32 number, uint32 serial) private pure returns (uint256) {
        return (uint256(number) << 32) | serial;
    }

    function _has(mapping(uint256 word => uint256) storage bitmap, uint256 stamp) internal view returns (bool) {
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
