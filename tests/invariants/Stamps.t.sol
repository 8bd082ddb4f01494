// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asked} from "./Asked.sol";
import {Edition, ICryptoStamp, Twin} from "../../contracts/interfaces/ICryptoStamp.sol";
import {IERC721, StampHandler} from "./StampHandler.sol";
import {IPostalNetwork} from "../../contracts/interfaces/IPostalNetwork.sol";
import {IRecords} from "../../contracts/interfaces/IRecords.sol";
import {FuzzSelector} from "./Vm.sol";

/// @notice Invariants of the CryptoStamp, asked as those of {CustodyTest}.
contract StampsTest is Asked {
    StampHandler private _handler;
    ICryptoStamp private _stamps;

    function setUp() external {
        _handler = new StampHandler();
        _stamps = _handler.stamps();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _handler.selectors());
    }

    function invariant_stamps() external view {
        _must(
            _handler.movedByStrangers() == 0, "S3 S7 only its claim moves a sealed twin, only its owner a claimed one"
        );
        _must(_handler.halfFranked() == 0, "S4 an acceptance uses all its stamps or none");
        _askForbidden();
        _must(_handler.batchesApart() == 0, "G2 a batch refuses in the words of the single call and changes nothing");
        (uint64[] memory list, StampHandler.Ghost[] memory told, StampHandler.StampLogs[] memory logs) =
            _handler.everyStamp();
        for (uint256 n = 0; n < list.length; ++n) {
            _askUse(list[n], told[n], logs[n]);
            _askTwin(list[n], told[n], logs[n]);
            _askClaimKeys(list[n], logs[n]);
        }
        _askBalances(told);
        _askEdition(list[0]);
        _askEdition(list[list.length - 1]);
        (bytes4 call,) = _handler.surprise();
        _must(call == 0, "what the rules take is taken");
        (call,) = _handler.unrefused();
        _must(call == 0, "what the rules refuse is refused, with its error");
    }

    function _never(bytes4 refusal, string memory rule) private view {
        _must(_handler.notRefused(refusal) == 0, rule);
    }

    function _askForbidden() private view {
        _never(ICryptoStamp.AlreadyUsed.selector, "S4 a stamp is used once, for ever");
        _never(ICryptoStamp.VoidStamp.selector, "S5 S6 a void stamp is neither used, issued, voided nor claimed");
        _never(ICryptoStamp.NotIssued.selector, "S3 S6 what was not issued neither pays nor can be claimed");
        _never(ICryptoStamp.AlreadyIssued.selector, "S3 a stamp is issued once");
        _never(ICryptoStamp.InvalidRange.selector, "S2 serials are 1 to the supply");
        _never(ICryptoStamp.NotOwnCustodian.selector, "S3 stamps are sold at their own operator's");
        _never(IPostalNetwork.NotSubmitter.selector, "S1 S5 G1 an operator's acts are sent by its submitter");
        _never(IPostalNetwork.OperatorIsSuspended.selector, "N4 a suspended operator records nothing");
        _never(IRecords.WrongSignature.selector, "G1 nobody signs for another");
        _never(ICryptoStamp.StampsNotRising.selector, "S4 a franking names a stamp once");
        _never(ICryptoStamp.ForeignStamp.selector, "S4 only the own operator's stamps pay");
        _never(ICryptoStamp.NotMissedOn.selector, "S4 a foreign stamp is cancelled only where it was missed");
        _never(ICryptoStamp.WithdrawnFromPostage.selector, "S1 what is withdrawn does not pay");
        _never(ICryptoStamp.InvalidEdition.selector, "S2 no edition has the number 0");
        _never(ICryptoStamp.UnknownEdition.selector, "S1 nothing is done to an edition that is not there");
        _never(ICryptoStamp.EditionExists.selector, "S1 an edition's number is used once");
        _never(ICryptoStamp.InvalidValue.selector, "S1 an edition has stamps, and one value");
        _never(ICryptoStamp.NotYetValid.selector, "S1 nothing pays before its first day");
        _never(IRecords.SignatureLength.selector, "S6 S9 a claim key signs 64 bytes");
        _never(ICryptoStamp.AlreadyWithdrawn.selector, "S1 an edition is withdrawn once");
        _never(ICryptoStamp.WithdrawalTooEarly.selector, "S1 a withdrawal lies 90 days ahead");
        _never(ICryptoStamp.NotLedger.selector, "S4 only the ledger franks");
        _never(ICryptoStamp.AlreadyClaimed.selector, "S6 a twin is claimed at most once");
        _never(ICryptoStamp.NotClaimKey.selector, "S1 S6 one stamp's key claims no other");
        _never(ICryptoStamp.InvalidRecipient.selector, "S6 nothing is claimed to nobody or to the contract");
        _never(IRecords.PastDeadline.selector, "S6 S9 nothing is taken past its deadline");
        _never(ICryptoStamp.NotUsed.selector, "S9 the original is shown of a used stamp");
        _never(ICryptoStamp.AlreadyShown.selector, "S9 the original is shown once");
        _never(ICryptoStamp.ClaimsAreClosed.selector, "S10 while claims are closed nothing is claimed or shown");
        _never(ICryptoStamp.ClaimsOverlap.selector, "S10 claims of a stamp are closed once");
        _never(ICryptoStamp.ClaimsNotClosed.selector, "S10 only a closed range gets new keys");
        _never(ICryptoStamp.AlreadyReplaced.selector, "S10 a range gets new keys once");
        _never(ICryptoStamp.ReplacementTooEarly.selector, "S10 claims stay closed for thirty days");
        _never(ICryptoStamp.InvalidClaimRoot.selector, "S10 no range goes without keys");
    }

    function _askUse(uint64 stamp, StampHandler.Ghost memory told, StampHandler.StampLogs memory logs) private view {
        (uint32 usedIn, bool isVoid) = _stamps.useOf(stamp);
        _must(logs.uses + logs.voids <= 1, "SE1 a stamp is used at most once and never both used and void");
        _must(logs.issues <= 1, "SE1 a stamp is issued at most once");
        _must((usedIn != 0) == (logs.uses + logs.voids == 1), "SE1 every use is one event");
        _must(isVoid == told.isVoid && usedIn == told.usedIn, "S4 S5 a use keeps its block and never changes");
        _must(_stamps.issued(stamp) == told.issued, "S3 a stamp is issued by an issue only, for ever");
        _must(_stamps.originalShown(stamp) == told.shown, "S9 what was shown stays shown");
    }

    function _askTwin(uint64 stamp, StampHandler.Ghost memory told, StampHandler.StampLogs memory logs) private view {
        IERC721 token = IERC721(address(_stamps));
        Twin twin = _stamps.twinOf(stamp);
        _must((twin == Twin.None) == !told.issued, "S3 a twin exists from the issue on");
        _must(
            (twin == Twin.Sealed) == (told.owner == address(_stamps)), "S3 a sealed twin never moves but by its claim"
        );
        _must(logs.claims == (twin == Twin.Claimed ? 1 : 0), "SE3 a twin is claimed at most once");
        if (twin == Twin.None) return;
        _must(token.ownerOf(stamp) == told.owner, "S7 a twin belongs to whom it was claimed for or passed on to");
        _must(token.getApproved(stamp) == address(0), "S3 nobody is approved whom no owner approved");
    }

    function _askClaimKeys(uint64 stamp, StampHandler.StampLogs memory logs) private view {
        (bytes32 root, uint40 closedAt) = _stamps.claimRootOf(stamp);
        (bytes32 told, uint40 toldAt) = _handler.claimRootOf(stamp);
        _must(root == told && closedAt == toldAt, "S10 claim keys change by a closing and a replacement only");
        _must(logs.closures <= 1, "SE8 claims of a stamp are closed at most once");
    }

    /// @dev The sum of balances is what was issued, and each is what its owner owns.
    function _askBalances(StampHandler.Ghost[] memory told) private view {
        IERC721 token = IERC721(address(_stamps));
        address[4] memory owners =
            [address(_stamps), _handler.collectors(0), _handler.collectors(1), _handler.collectors(2)];
        for (uint256 i = 0; i < owners.length; ++i) {
            uint256 owned = 0;
            for (uint256 n = 0; n < told.length; ++n) {
                if (told[n].issued && told[n].owner == owners[i]) ++owned;
            }
            _must(token.balanceOf(owners[i]) == owned, "ERC-721 balances are what was issued");
        }
    }

    function _askEdition(uint64 stamp) private view {
        Edition memory terms = _stamps.edition(uint32(stamp >> 32));
        bool same = terms.supply == _handler.SUPPLY() && terms.faceValue == 100
            && terms.claimRoot == _handler.firstRoot(uint16(stamp >> 48));
        _must(same, "S1 an edition's terms are fixed for ever");
        bytes memory closures = abi.encode(_stamps.closures(uint32(stamp >> 32)));
        _must(
            keccak256(closures) == keccak256(abi.encode(_handler.closures(uint32(stamp >> 32)))),
            "S10 closures are listed as they were made"
        );
        _must(
            terms.withdrawnFrom == _handler.withdrawnFrom(uint32(stamp >> 32)), "S1 a withdrawal is as it was announced"
        );
        uint64 zero = (stamp >> 32) << 32;
        _must(!_stamps.issued(zero) && !_stamps.issued(zero + terms.supply + 1), "S2 serials are 1 to the supply");
    }
}
