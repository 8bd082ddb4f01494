// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cancel, Claim, ICryptoStamp, Issue, Original, Void} from "../../contracts/interfaces/ICryptoStamp.sol";
import {Acceptance, ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "../../contracts/interfaces/IPostalNetwork.sol";
import {IRecords} from "../../contracts/interfaces/IRecords.sol";
import {EditionHandler} from "./EditionHandler.sol";
import {vm, Vm} from "./Vm.sol";

interface IERC721 {
    function approve(address to, uint256 tokenId) external;
    function balanceOf(address owner) external view returns (uint256);
    function getApproved(uint256 tokenId) external view returns (address);
    function ownerOf(uint256 tokenId) external view returns (address);
    function transferFrom(address from, address to, uint256 tokenId) external;
}

/// @notice Two editions of eight stamps, one for each operator: sold, franked, cancelled, spoilt, claimed, passed on and
/// shown by anybody at any time. A model of S1-S10 says what must come of it.
contract StampHandler is EditionHandler {
    struct Ghost {
        bool issued;
        bool used;
        bool isVoid;
        uint256 usedIn;
        address owner;
        bool shown;
    }

    /// @dev What the logs alone say of a stamp (SE1, SE3).
    struct StampLogs {
        uint256 issues;
        uint256 uses;
        uint256 voids;
        uint256 claims;
        uint256 closures;
    }

    address[3] public collectors = [address(0xC1), address(0xC2), address(0xC3)];

    mapping(uint64 stamp => Ghost) internal _ghosts;
    mapping(uint64 stamp => StampLogs) internal _loggedStamps;
    bytes32[] internal _items;
    mapping(bytes32 item => uint40) internal _holders;

    /// @notice Twins, sealed or not, that moved without claim or owner.
    uint256 public movedByStrangers;
    /// @notice Acceptances that were refused and used a stamp, or took fewer stamps than they named.
    uint256 public halfFranked;

    function selectors() external pure returns (bytes4[] memory all) {
        bytes4[19] memory each = [
            this.issue.selector,
            this.issue.selector,
            this.frank.selector,
            this.cancel.selector,
            this.voidRange.selector,
            this.claim.selector,
            this.claim.selector,
            this.showOriginal.selector,
            this.passOn.selector,
            this.meddle.selector,
            this.withdraw.selector,
            this.create.selector,
            this.closeClaims.selector,
            this.closeClaims.selector,
            this.replaceClaimRoot.selector,
            this.timePasses.selector,
            this.monthsPass.selector,
            this.suspension.selector,
            this.grant.selector
        ];
        all = new bytes4[](each.length);
        for (uint256 i = 0; i < each.length; ++i) {
            all[i] = each[i];
        }
    }

    // ------------------------------------------------------------------------------------------------ issue, void (S3, S5)

    function issue(uint256 luck) external {
        (uint16 operator, uint32 first, uint32 last) = _range(luck);
        Issue memory range = Issue(_editionOf(operator), first, last, _custodian((operator - 1) * 3));
        if (luck % 32 == 1) range.custodian = _custodian((2 - operator) * 3);
        if (luck % 32 == 3) range.custodian += 0xff;
        if (luck % 32 == 4) ++range.edition;
        address sender = luck % 16 == 2 ? STRANGER : _submitter(operator);
        bytes4 refusal = luck % 32 == 4 ? ICryptoStamp.UnknownEdition.selector : bytes4(0);
        if (refusal == 0) refusal = _refusesRange(operator, first, last, sender);
        if (refusal == 0 && luck % 32 == 1) refusal = ICryptoStamp.NotOwnCustodian.selector;
        if (refusal == 0 && luck % 32 == 3) refusal = IPostalNetwork.UnknownCustodian.selector;
        if (refusal == 0) refusal = _refusesIssue(operator, first, last);
        if (!_send(sender, address(stamps), stamps.issueBatch.selector, abi.encodeCall(stamps.issue, (range)), refusal)) return;
        for (uint32 serial = first; refusal == 0 && serial <= last; ++serial) {
            Ghost storage its = _ghosts[_firstOf(operator) - 1 + serial];
            (its.issued, its.owner) = (true, address(stamps));
        }
    }

    function _refusesIssue(uint16 operator, uint32 first, uint32 last) private view returns (bytes4) {
        for (uint32 serial = first; serial <= last; ++serial) {
            Ghost storage its = _ghosts[_firstOf(operator) - 1 + serial];
            if (its.issued) return ICryptoStamp.AlreadyIssued.selector;
            if (its.isVoid) return ICryptoStamp.VoidStamp.selector;
        }
        return 0;
    }

    function voidRange(uint256 luck) external {
        // Rarer than the rest: it takes stamps out of the story.
        if (luck % 3 != 0) return;
        (uint16 operator, uint32 first, uint32 last) = _range(luck);
        Void memory range = Void(_editionOf(operator), first, last, 1);
        address sender = luck % 16 == 2 ? STRANGER : _submitter(operator);
        bytes4 refusal = _refusesRange(operator, first, last, sender);
        for (uint32 serial = first; refusal == 0 && serial <= last; ++serial) {
            refusal = _refusesUse(_firstOf(operator) - 1 + serial);
        }
        if (!_send(sender, address(stamps), stamps.voidBatch.selector, abi.encodeCall(stamps.voidRange, (range)), refusal)) return;
        for (uint32 serial = first; refusal == 0 && serial <= last; ++serial) {
            Ghost storage its = _ghosts[_firstOf(operator) - 1 + serial];
            (its.isVoid, its.usedIn) = (true, block.number);
        }
    }

    function _refusesUse(uint64 stamp) private view returns (bytes4) {
        if (_ghosts[stamp].isVoid) return ICryptoStamp.VoidStamp.selector;
        if (_ghosts[stamp].used) return ICryptoStamp.AlreadyUsed.selector;
        return 0;
    }

    // -------------------------------------------------------------------------------------------------------- postage (S4)

    function _refusesPostage(uint64 stamp) private view returns (bytes4 refusal) {
        refusal = _refusesUse(stamp);
        if (refusal == 0 && !_ghosts[stamp].issued) refusal = ICryptoStamp.NotIssued.selector;
        bool isEarly = _now() < _firstDay(uint16(stamp >> 48));
        if (refusal == 0 && isEarly) refusal = ICryptoStamp.NotYetValid.selector;
        uint40 withdrawn = withdrawnFrom[uint32(stamp >> 32)];
        bool isOver = withdrawn != 0 && _now() >= withdrawn;
        if (refusal == 0 && isOver) refusal = ICryptoStamp.WithdrawnFromPostage.selector;
    }

    /// @dev An acceptance with one to three stamps: all are used or nothing is recorded.
    function frank(uint256 luck) external {
        uint256 who = luck % CUSTODIANS;
        Acceptance memory a;
        (a.commitment, a.custodian, a.time) = (keccak256(abi.encode(_items.length)), _custodian(who), _now());
        a.stamps = new uint64[](1 + (luck >> 8) % 3);
        for (uint256 i = 0; i < a.stamps.length; ++i) {
            a.stamps[i] = _stamp(_luck(luck, i));
            // Mostly of the own operator, and rising by chance.
            if (luck % 8 != 0) a.stamps[i] = _firstOf(_operatorOf(who)) - 1 + uint32(a.stamps[i]);
        }
        if (luck % 4 == 1) {
            a.stamps = new uint64[](1);
            a.stamps[0] = _freshStamp(_operatorOf(who), luck >> 8);
        }
        uint256 key = _keyFor(who, a.time, _luck(luck, 8));
        bytes4 refusal = _refusesKey(who, a.time, key);
        if (refusal == 0) refusal = _refusesFranking(who, a.stamps);
        ICustodyLedger.SignedAcceptance memory signed =
            ICustodyLedger.SignedAcceptance(a, _sign(key, ledgerDigests.digest(a)));
        bytes memory call = abi.encodeCall(ledger.accept, (signed));
        bool taken = _send(address(this), address(ledger), ledger.acceptBatch.selector, call, refusal);
        _franked(keccak256(abi.encode(_operatorOf(who), a.commitment)), a, taken, refusal);
    }

    /// @dev One that was sold and not used, if there is any.
    function _freshStamp(uint16 operator, uint256 luck) private view returns (uint64 stamp) {
        for (uint256 n = 0; n < SUPPLY; ++n) {
            stamp = _firstOf(operator) + uint64((luck + n) % SUPPLY);
            if (_ghosts[stamp].issued && _refusesUse(stamp) == 0) break;
        }
    }

    function _refusesFranking(uint256 who, uint64[] memory list) private view returns (bytes4 refusal) {
        uint64 before = 0;
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] <= before) return ICryptoStamp.StampsNotRising.selector;
            if (list[i] >> 48 != _operatorOf(who)) return ICryptoStamp.ForeignStamp.selector;
            refusal = _refusesPostage(list[i]);
            if (refusal != 0) return refusal;
            before = list[i];
        }
    }

    function _franked(bytes32 item, Acceptance memory a, bool taken, bytes4 refusal) private {
        for (uint256 i = 0; i < a.stamps.length; ++i) {
            (uint32 usedIn, bool isVoid) = stamps.useOf(a.stamps[i]);
            Ghost storage its = _ghosts[a.stamps[i]];
            bool touched = usedIn != its.usedIn || isVoid != its.isVoid;
            if (touched != taken) ++halfFranked;
            if (taken && refusal == 0) (its.used, its.usedIn) = (true, block.number);
        }
        if (!taken || refusal != 0) return;
        _items.push(item);
        _holders[item] = a.custodian;
    }

    function cancel(uint256 luck) external {
        uint256 who = luck % CUSTODIANS;
        Cancel memory c;
        (c.custodian, c.time, c.kind) = (_custodian(who), _now(), uint16(luck % 2));
        if (_items.length != 0 && luck % 2 == 0) c.item = _items[(luck >> 8) % _items.length];
        c.stamps = new uint64[](luck % 32 == 3 ? 0 : 1 + (luck >> 16) % 2);
        for (uint256 i = 0; i < c.stamps.length; ++i) {
            c.stamps[i] = _stamp(_luck(luck, i));
        }
        uint256 key = _keyFor(who, c.time, _luck(luck, 8));
        bytes4 refusal = c.stamps.length == 0 ? ICryptoStamp.NoStamps.selector : bytes4(0);
        if (refusal == 0) refusal = _refusesKey(who, c.time, key);
        if (refusal == 0) refusal = _refusesCancelAll(c);
        ICryptoStamp.SignedCancel memory signed = ICryptoStamp.SignedCancel(c, _sign(key, stampDigests.digest(c)));
        bytes memory call = abi.encodeCall(stamps.cancel, (signed));
        bool taken = _send(address(this), address(stamps), stamps.cancelBatch.selector, call, refusal);
        for (uint256 i = 0; taken && refusal == 0 && i < c.stamps.length; ++i) {
            Ghost storage its = _ghosts[c.stamps[i]];
            if (_refusesCancel(c, c.stamps[i]) == 0) (its.used, its.usedIn) = (true, block.number);
        }
    }

    /// @dev Another operator's stamp only on an item that this operator accepted and the custodian holds.
    function _refusesCancel(Cancel memory c, uint64 stamp) private view returns (bytes4) {
        if (stamp >> 48 != c.custodian >> 24) {
            if (c.item == 0) return ICryptoStamp.ForeignStamp.selector;
            bool origin = _holders[c.item] >> 24 == stamp >> 48;
            if (_holders[c.item] != c.custodian || !origin) return ICryptoStamp.NotMissedOn.selector;
        }
        return _refusesPostage(stamp);
    }

    function _refusesCancelAll(Cancel memory c) private view returns (bytes4 first) {
        for (uint256 i = 0; i < c.stamps.length; ++i) {
            bytes4 refusal = _refusesCancel(c, c.stamps[i]);
            if (refusal == 0) return 0;
            if (first == 0) first = refusal;
        }
    }

    // ------------------------------------------------------------------------------------------------------ twins (S6-S9)

    function claim(uint256 luck) external {
        Claim memory c = Claim(_stamp(luck), collectors[(luck >> 24) % 3], _now() + 1 hours);
        if (luck % 16 == 1) c.deadline = _now() - 1;
        if (luck % 16 == 2) c.to = luck % 32 == 2 ? address(0) : address(stamps);
        (uint64 keyOf, uint256 tree) = _claimKey(c.stamp, luck);
        bytes4 refusal = _refusesClaim(c);
        if (refusal == 0 && _isShort(luck)) refusal = IRecords.SignatureLength.selector;
        if (refusal == 0) refusal = _refusesClaimKey(c.stamp, keyOf, tree);
        bytes memory signature = _signClaim(keyOf, tree, stampDigests.digest(c), luck);
        ICryptoStamp.SignedClaim memory signed = ICryptoStamp.SignedClaim(c, _proof(keyOf, tree), signature);
        bytes memory call = abi.encodeCall(stamps.claim, (signed));
        bool taken = _send(STRANGER, address(stamps), stamps.claimBatch.selector, call, refusal);
        if (taken && refusal == 0) _ghosts[c.stamp].owner = c.to;
    }

    function _refusesClaim(Claim memory c) private view returns (bytes4) {
        Ghost storage its = _ghosts[c.stamp];
        if (c.to == address(0) || c.to == address(stamps)) return ICryptoStamp.InvalidRecipient.selector;
        if (!its.issued) return ICryptoStamp.NotIssued.selector;
        if (its.isVoid) return ICryptoStamp.VoidStamp.selector;
        if (its.owner != address(stamps)) return ICryptoStamp.AlreadyClaimed.selector;
        if (c.deadline < _now()) return IRecords.PastDeadline.selector;
        return 0;
    }

    /// @dev Mostly one that was used, if there is any.
    function _usedStamp(uint256 luck) private view returns (uint64 stamp) {
        for (uint256 n = 0; n < 2 * SUPPLY; ++n) {
            stamp = _stamp(_luck(luck, n));
            if (_ghosts[stamp].used) break;
        }
    }

    function showOriginal(uint256 luck) external {
        Original memory o = Original(_usedStamp(luck), _now() + 1 hours);
        if (luck % 16 == 1) o.deadline = _now() - 1;
        (uint64 keyOf, uint256 tree) = _claimKey(o.stamp, luck);
        Ghost storage its = _ghosts[o.stamp];
        bytes4 refusal = its.isVoid ? ICryptoStamp.VoidStamp.selector : bytes4(0);
        if (refusal == 0 && !its.used) refusal = ICryptoStamp.NotUsed.selector;
        if (refusal == 0 && its.shown) refusal = ICryptoStamp.AlreadyShown.selector;
        if (refusal == 0 && o.deadline < _now()) refusal = IRecords.PastDeadline.selector;
        if (refusal == 0 && _isShort(luck)) refusal = IRecords.SignatureLength.selector;
        if (refusal == 0) refusal = _refusesClaimKey(o.stamp, keyOf, tree);
        bytes memory signature = _signClaim(keyOf, tree, stampDigests.digest(o), luck);
        ICryptoStamp.SignedOriginal memory signed = ICryptoStamp.SignedOriginal(o, _proof(keyOf, tree), signature);
        bytes memory call = abi.encodeCall(stamps.showOriginal, (signed));
        bool taken = _send(STRANGER, address(stamps), stamps.showOriginalBatch.selector, call, refusal);
        if (taken && refusal == 0) its.shown = true;
    }

    /// @dev S7: a collector's twin is an ordinary token.
    function passOn(uint256 luck) external {
        uint64 stamp = _stamp(luck);
        address owner = _ghosts[stamp].owner;
        if (owner == address(0) || owner == address(stamps)) return;
        address to = collectors[(luck >> 24) % 3];
        vm.prank(owner);
        IERC721(address(stamps)).transferFrom(owner, to, stamp);
        _ghosts[stamp].owner = to;
        _readLogs();
    }

    /// @dev S3: whoever has no right to a twin tries to move or to approve it, the operators and the contracts included;
    /// and its owner tries to seal it again.
    function meddle(uint256 luck) external {
        uint64 stamp = _stamp(luck);
        address owner = _ghosts[stamp].owner;
        address[7] memory who =
            [STRANGER, _governor, _admins[1], _submitter(2), address(ledger), collectors[0], collectors[1]];
        address sender = who[(luck >> 24) % 7];
        if (sender == owner) return;
        IERC721 token = IERC721(address(stamps));
        vm.prank(sender);
        try token.approve(sender, stamp) {
            ++movedByStrangers;
        } catch {}
        vm.prank(sender);
        try token.transferFrom(owner, sender, stamp) {
            ++movedByStrangers;
        } catch {}
        uint64[] memory one = new uint64[](1);
        one[0] = stamp;
        if (sender != address(ledger)) {
            bytes memory call = abi.encodeCall(stamps.frank, (bytes32(0), _custodian(0), _now(), one));
            _send(sender, address(stamps), 0, call, ICryptoStamp.NotLedger.selector);
        }
        if (owner == address(0) || owner == address(stamps)) return;
        vm.prank(owner);
        try token.transferFrom(owner, address(stamps), stamp) {
            ++movedByStrangers;
        } catch (bytes memory reason) {
            // ERC-6093's ERC721InvalidReceiver(address)
            if (bytes4(reason) != 0x64a0ae92) ++movedByStrangers;
        }
    }

    // --------------------------------------------------------------------------------------------------------- the logs

    function _readStamps(Vm.Log memory log) internal override {
        bytes32 kind = log.topics[0];
        if (kind == ICryptoStamp.Issued.selector) {
            (uint32 first, uint32 last) = abi.decode(log.data, (uint32, uint32));
            for (uint32 serial = first; serial <= last; ++serial) {
                ++_loggedStamps[_numberOf(log.topics[1], serial)].issues;
            }
        } else if (kind == ICryptoStamp.Voided.selector) {
            (uint32 first, uint32 last) = abi.decode(log.data, (uint32, uint32));
            for (uint32 serial = first; serial <= last; ++serial) {
                ++_loggedStamps[_numberOf(log.topics[1], serial)].voids;
            }
        } else if (kind == ICryptoStamp.ClaimsClosed.selector) {
            (uint32 first, uint32 last,) = abi.decode(log.data, (uint32, uint32, address));
            for (uint32 serial = first; serial <= last; ++serial) {
                ++_loggedStamps[_numberOf(log.topics[1], serial)].closures;
            }
        } else if (kind == ICryptoStamp.Franked.selector || kind == ICryptoStamp.StampCancelled.selector) {
            ++_loggedStamps[uint64(uint256(log.topics[1]))].uses;
        } else if (kind == ICryptoStamp.Claimed.selector) {
            ++_loggedStamps[uint64(uint256(log.topics[1]))].claims;
        }
    }

    function _numberOf(bytes32 edition, uint32 serial) private pure returns (uint64) {
        return uint64((uint256(edition) << 32) | serial);
    }

    // -------------------------------------------------------------------------------------------------------- the model

    /// @notice All stamps, with what the model and the logs say of each.
    function everyStamp() external view returns (uint64[] memory list, Ghost[] memory told, StampLogs[] memory logs) {
        (list, told, logs) = (new uint64[](2 * SUPPLY), new Ghost[](2 * SUPPLY), new StampLogs[](2 * SUPPLY));
        for (uint256 n = 0; n < 2 * SUPPLY; ++n) {
            list[n] = _firstOf(uint16(1 + n / SUPPLY)) + uint64(n % SUPPLY);
            (told[n], logs[n]) = (_ghosts[list[n]], _loggedStamps[list[n]]);
        }
    }
}
