// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asked} from "./Asked.sol";
import {IPostalNetwork, SigningRight, StampSigner} from "../../contracts/interfaces/IPostalNetwork.sol";
import {NetworkHandler} from "./NetworkHandler.sol";
import {Parties} from "./Parties.sol";
import {FuzzSelector, vm} from "./Vm.sol";

/// @notice Invariants of the PostalNetwork, asked as those of {CustodyTest}.
contract NetworkTest is Asked {
    NetworkHandler private _handler;
    IPostalNetwork private _network;

    function setUp() external {
        _handler = new NetworkHandler();
        _network = _handler.network();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), _handler.selectors());
    }

    function invariant_network() external view {
        _askForbidden();
        _askGovernor();
        for (uint16 number = 1; number <= 4; ++number) {
            _askOperator(number);
        }
        if (_handler.touched() < 6) _askRights(_handler.touched());
        for (uint256 who = 0; who < 6; ++who) {
            _askSuspension(who);
        }
        (,, bytes memory reason) = _network.keyAt(_handler.custodian(0) + 0xff, uint40(block.timestamp));
        _must(bytes4(reason) == IPostalNetwork.UnknownCustodian.selector, "N2 who is not enrolled signs nothing");
        (bytes4 call,) = _handler.surprise();
        _must(call == 0, "what the rules take is taken");
        (call,) = _handler.unrefused();
        _must(call == 0, "what the rules refuse is refused, with its error");
    }

    /// @dev After every call the rights of one custodian are asked, which may have changed; here all.
    function afterInvariant() external view {
        for (uint256 who = 0; who < 6; ++who) {
            _askRights(who);
        }
    }

    function _never(bytes4 refusal, string memory rule) private view {
        _must(_handler.notRefused(refusal) == 0, rule);
    }

    function _askForbidden() private view {
        _never(IPostalNetwork.NotGovernor.selector, "N1 the governor alone admits and hands over");
        _never(IPostalNetwork.NotOfferedGovernor.selector, "N1 nobody takes a role that was not offered");
        _never(IPostalNetwork.TooEarlyToAccept.selector, "N1 the governor's role is handed over after a delay");
        _never(IPostalNetwork.OperatorExists.selector, "N1 an operator's number is given once");
        _never(IPostalNetwork.InvalidOperator.selector, "N1 operators start at 1");
        _never(IPostalNetwork.ZeroAddress.selector, "N1 no role is nobody's");
        _never(IPostalNetwork.NotAdmin.selector, "N1 an admin acts only for its own operator");
        _never(IPostalNetwork.NotOfferedAdmin.selector, "N1 nobody takes an admin's role that was not offered");
        _never(IPostalNetwork.StampSignerExists.selector, "S8 a stamp signer is added once");
        _never(IPostalNetwork.UnknownStampSigner.selector, "S8 a stamp signer is revoked once");
        _never(IPostalNetwork.EmptyRight.selector, "N3 a right ends after it begins");
        _never(IPostalNetwork.KeyInUse.selector, "N3 a key serves one custodian of an operator");
        _never(IPostalNetwork.KeyIsCompromised.selector, "N3 a compromised key is never granted again");
        _never(IPostalNetwork.CustodianExists.selector, "N2 a custodian's number is given once");
        _never(IPostalNetwork.UnknownKey.selector, "N3 a key is compromised by whom it served");
    }

    function _askGovernor() private view {
        _must(_network.governor() == _handler.governor(), "N1 roles change only by offer and acceptance");
        _must(_network.offeredGovernor() == _handler.offeredGovernor(), "N1 an offer stands until it is taken");
        _must(_network.governorAcceptableFrom() == _handler.acceptableFrom(), "N1 the delay is two days");
    }

    function _askOperator(uint16 number) private view {
        _must(
            _network.operator(number).admin == _handler.adminOf(number), "N1 an admin changes only by its own offer"
        );
        bool suspended = _network.operator(number).suspended;
        _must(suspended == _handler.isOperatorSuspended(number), "N1 the governor alone suspends operators");
        for (uint256 n = 0; n < 3; ++n) {
            address its = _handler.candidate(n);
            bool mayBe = _handler.isSubmitter(number, its);
            _must(_network.isSubmitter(number, its) == mayBe, "N1 submitters are whom the admin named");
            bool may = _network.maySend(number, its).length == 0;
            bool should = !suspended && (mayBe || its == _handler.adminOf(number));
            _must(may == should, "N4 submitters of a suspended operator may not send");
            (uint256 addedBlock, uint256 revokedBlock) = _handler.signers(number, its);
            StampSigner memory signer = _network.stampSigner(number, its);
            bool same = signer.addedBlock == addedBlock && signer.revokedBlock == revokedBlock;
            _must(same, "S8 a stamp signer's blocks never change");
        }
    }

    /// @dev N3, at the edges of every right that the custodian ever had.
    function _askRights(uint256 who) private view {
        uint40 number = _handler.custodian(who);
        Parties.Right[] memory rights = _handler.rights(who);
        Parties.Right memory last = rights[rights.length - 1];
        SigningRight memory latest = _network.latestRight(number);
        _must(latest.from == last.from && latest.until == last.until, "N3 the latest right is the last that was granted");
        for (uint256 i = 0; i < rights.length; ++i) {
            _askCovers(number, rights[i]);
            if (_handler.isCompromised(rights[i].key)) _askCompromised(number, rights[i]);
        }
        for (uint256 i = 0; i < rights.length; ++i) {
            uint40[3] memory times = _edges(rights[i]);
            for (uint256 j = 0; j < 3; ++j) {
                address key = _network.rightAt(number, times[j]).key;
                _must(key == _handler.keyAt(who, times[j]), "N3 the newest right that was not cut short decides");
            }
        }
    }

    function _edges(Parties.Right memory right) private pure returns (uint40[3] memory) {
        return [right.from, right.from - 1, right.until - 1];
    }

    function _askCovers(uint40 number, Parties.Right memory told) private view {
        uint40[3] memory times = _edges(told);
        for (uint256 j = 0; j < 3; ++j) {
            SigningRight memory right = _network.rightAt(number, times[j]);
            bool covers = right.key == address(0) || (right.from <= times[j] && times[j] < right.until);
            _must(covers, "N3 a right covers its times");
        }
    }

    function _askCompromised(uint40 number, Parties.Right memory right) private view {
        bytes memory signature = _handler.signature(right.key, "digest");
        bool asked = _network.checkRight(number, right.from, "digest", signature).length != 0;
        _must(asked, "N3 nothing signed with a compromised key counts, whatever time it bears");
    }

    /// @dev N4: judged at the block; what was signed stays provable.
    function _askSuspension(uint256 who) private view {
        (,, bytes memory reason) = _network.keyAt(_handler.custodian(who), uint40(block.timestamp));
        bytes4 suspension = _handler.suspensionOf(who);
        if (suspension != 0) _must(bytes4(reason) == suspension, "N4 who is suspended may sign nothing new");
        bool may = _handler.keyAt(who, uint40(block.timestamp)) != address(0);
        if (suspension == 0) _must((reason.length == 0) == may, "N3 N4 else the right of this moment decides");
    }
}
