// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPostalNetwork, KeyKind} from "../../contracts/interfaces/IPostalNetwork.sol";
import {Parties} from "./Parties.sol";
import {Sending} from "./Sending.sol";
import {vm} from "./Vm.sol";

/// @notice What the governor, admins and strangers try with the network (N1-N4). Rights, suspensions and compromised keys
/// come from {Parties}.
contract NetworkHandler is Parties, Sending {
    struct Signer {
        uint256 addedBlock;
        uint256 revokedBlock;
    }

    address[3] private _candidates = [address(0x61), address(0x62), address(0x63)];
    address public offeredGovernor;
    uint40 public acceptableFrom;
    uint16 public operators = 2;

    mapping(uint16 operator => address) public offeredAdmin;
    mapping(uint16 operator => mapping(address account => bool)) public isSubmitter;
    mapping(uint16 operator => mapping(address signer => Signer)) public signers;
    uint40[] private _moments;

    constructor() {
        (isSubmitter[1][_submitter(1)], isSubmitter[2][_submitter(2)]) = (true, true);
        _moments.push(_now());
    }

    function selectors() external pure returns (bytes4[] memory all) {
        bytes4[14] memory each = [
            this.offerGovernor.selector,
            this.acceptGovernor.selector,
            this.admit.selector,
            this.nobody.selector,
            this.offerAdmin.selector,
            this.acceptAdmin.selector,
            this.submitter.selector,
            this.stampSigner.selector,
            this.askForRight.selector,
            this.askForCustodian.selector,
            this.timePasses.selector,
            this.suspension.selector,
            this.grant.selector,
            this.compromise.selector
        ];
        all = new bytes4[](each.length);
        for (uint256 i = 0; i < each.length; ++i) {
            all[i] = each[i];
        }
    }

    function _try(address sender, bytes memory call, bytes4 refusal) private returns (bool) {
        touched = CUSTODIANS;
        return _send(sender, address(network), 0, call, refusal) && refusal == 0;
    }

    /// @dev Mostly the one whose role it is.
    function _somebody(address rightful, uint256 luck) private view returns (address) {
        if (luck % 3 != 0) return rightful == address(0) ? STRANGER : rightful;
        address[7] memory all =
            [STRANGER, _governor, _admins[1], _admins[2], _submitter(1), _candidates[0], _candidates[1]];
        return all[(luck >> 8) % 7];
    }

    // ----------------------------------------------------------------------------------------------------- roles (N1)

    function offerGovernor(uint256 luck) external {
        address sender = _somebody(_governor, luck);
        address next = luck % 16 == 1 ? address(0) : _candidates[(luck >> 16) % 3];
        bytes4 refusal = sender == _governor ? bytes4(0) : IPostalNetwork.NotGovernor.selector;
        if (!_try(sender, abi.encodeCall(network.offerGovernor, (next)), refusal)) return;
        (offeredGovernor, acceptableFrom) = (next, _now() + 2 days);
    }

    function acceptGovernor(uint256 luck) external {
        address sender = luck % 16 == 5 ? address(0) : _somebody(offeredGovernor, luck);
        bytes4 refusal = 0;
        if (sender == address(0) && offeredGovernor == address(0)) {
            // Nobody can send as 0; if somebody could, the network would still not be without a governor.
            refusal = _now() < acceptableFrom ? IPostalNetwork.TooEarlyToAccept.selector : IPostalNetwork.ZeroAddress.selector;
        } else if (sender != offeredGovernor) refusal = IPostalNetwork.NotOfferedGovernor.selector;
        else if (_now() < acceptableFrom) refusal = IPostalNetwork.TooEarlyToAccept.selector;
        if (!_try(sender, abi.encodeCall(network.acceptGovernor, ()), refusal)) return;
        (_governor, offeredGovernor, acceptableFrom) = (sender, address(0), 0);
    }

    function admit(uint256 luck) external {
        address sender = _somebody(_governor, luck);
        // Operators 3 and 4 may come, the others are there.
        uint16 number = uint16(luck % 8 == 0 ? (luck >> 16) % 3 : operators + 1);
        address admin = luck % 16 == 3 ? address(0) : address(uint160(0xA0) + number);
        if (number > 4 && admin != address(0)) return;
        bytes4 refusal = sender == _governor ? bytes4(0) : IPostalNetwork.NotGovernor.selector;
        if (refusal == 0 && number == 0) refusal = IPostalNetwork.InvalidOperator.selector;
        if (refusal == 0 && admin == address(0)) refusal = IPostalNetwork.ZeroAddress.selector;
        if (refusal == 0 && number <= operators) refusal = IPostalNetwork.OperatorExists.selector;
        if (!_try(sender, abi.encodeCall(network.admitOperator, (number, admin, "another")), refusal)) return;
        (operators, _admins[number]) = (number, admin);
    }

    /// @dev Operators and custodians that nobody has admitted.
    function nobody(uint256 luck) external {
        uint40 custodian_ = _custodian(luck % CUSTODIANS) + 0xff;
        address admin = _admins[_operatorOf(luck % CUSTODIANS)];
        bytes4 none = IPostalNetwork.UnknownOperator.selector;
        uint256 choice = (luck >> 8) % 5;
        if (choice == 0) _try(_governor, abi.encodeCall(network.suspendOperator, (99)), none);
        if (choice == 1) _try(_governor, abi.encodeCall(network.reinstateOperator, (99)), none);
        none = IPostalNetwork.UnknownCustodian.selector;
        if (choice == 2) _try(admin, abi.encodeCall(network.suspendCustodian, (custodian_)), none);
        if (choice == 3) _try(admin, abi.encodeCall(network.reinstateCustodian, (custodian_)), none);
        Right memory right = Right(++_keys, _now(), FOR_EVER);
        if (choice == 4) _try(admin, abi.encodeCall(network.grantRight, (custodian_, _asked(right))), none);
    }

    function offerAdmin(uint256 luck) external {
        uint16 number = uint16(1 + (luck >> 16) % 5);
        address sender = _somebody(_admins[number], luck);
        address next = _candidates[(luck >> 24) % 3];
        bytes4 refusal = _refusesAdmin(number, sender);
        if (_try(sender, abi.encodeCall(network.offerAdmin, (number, next)), refusal)) offeredAdmin[number] = next;
    }

    function _refusesAdmin(uint16 number, address sender) private view returns (bytes4) {
        return sender == _admins[number] ? bytes4(0) : IPostalNetwork.NotAdmin.selector;
    }

    function acceptAdmin(uint256 luck) external {
        uint16 number = uint16(1 + (luck >> 16) % 4);
        address sender = _somebody(offeredAdmin[number], luck);
        bytes4 refusal = sender == offeredAdmin[number] ? bytes4(0) : IPostalNetwork.NotOfferedAdmin.selector;
        if (!_try(sender, abi.encodeCall(network.acceptAdmin, (number)), refusal)) return;
        (_admins[number], offeredAdmin[number]) = (sender, address(0));
    }

    function submitter(uint256 luck) external {
        uint16 number = uint16(1 + (luck >> 16) % 3);
        address sender = _somebody(_admins[number], luck);
        address its = _candidates[(luck >> 24) % 3];
        bool adds = luck % 2 == 0;
        bytes memory call = adds
            ? abi.encodeCall(network.addSubmitter, (number, its))
            : abi.encodeCall(network.removeSubmitter, (number, its));
        if (_try(sender, call, _refusesAdmin(number, sender))) isSubmitter[number][its] = adds;
    }

    /// @dev S8: added once, revoked once, never back.
    function stampSigner(uint256 luck) external {
        uint16 number = uint16(1 + (luck >> 16) % 2);
        address sender = _somebody(_admins[number], luck);
        address its = _candidates[(luck >> 24) % 3];
        Signer storage told = signers[number][its];
        bytes4 refusal = _refusesAdmin(number, sender);
        bool adds = luck % 2 == 0;
        bool out = told.addedBlock == 0 || told.revokedBlock != 0;
        if (adds && luck % 16 == 4) its = address(0);
        if (refusal == 0 && its == address(0)) refusal = IPostalNetwork.ZeroAddress.selector;
        if (refusal == 0 && adds && told.addedBlock != 0) refusal = IPostalNetwork.StampSignerExists.selector;
        if (refusal == 0 && !adds && out) refusal = IPostalNetwork.UnknownStampSigner.selector;
        bytes memory call = adds
            ? abi.encodeCall(network.addStampSigner, (number, its))
            : abi.encodeCall(network.revokeStampSigner, (number, its));
        if (!_try(sender, call, refusal)) return;
        if (adds) told.addedBlock = block.number;
        else told.revokedBlock = block.number;
    }

    // --------------------------------------------------------------------------------------------------- rights (N2, N3)

    /// @dev What no admin may grant, and nobody else at all.
    function askForRight(uint256 who, uint256 luck) external {
        who %= CUSTODIANS;
        Right memory right = Right(++_keys, _now(), FOR_EVER);
        bytes4 wrong;
        uint256 choice = (luck >> 16) % 6;
        if (choice == 0) (right.until, wrong) = (_now(), IPostalNetwork.EmptyRight.selector);
        if (choice == 1) (right.key, wrong) = (_colleagues(who), IPostalNetwork.KeyInUse.selector);
        if (choice == 2) right.key = _rights[who][(luck >> 24) % _rights[who].length].key;
        if (choice == 2 && !_compromised[right.key]) return;
        if (_compromised[right.key]) wrong = IPostalNetwork.KeyIsCompromised.selector;
        IPostalNetwork.RightRequest memory asked = _asked(right);
        if (choice == 3) (asked.kind, wrong) = (KeyKind.None, IPostalNetwork.UnsupportedKeyKind.selector);
        if (choice == 4) (asked.keyHolder, wrong) = (3, IPostalNetwork.InvalidKeyHolder.selector);
        if (choice == 5) (asked.key, wrong) = (address(0), IPostalNetwork.ZeroAddress.selector);
        _ask(who, luck, abi.encodeCall(network.grantRight, (_custodian(who), asked)), wrong);
    }

    /// @dev The first key of the next custodian of the same operator.
    function _colleagues(uint256 who) private view returns (uint256) {
        return _rights[who % 3 == 2 ? who - 2 : who + 1][0].key;
    }

    function _ask(uint256 who, uint256 luck, bytes memory call, bytes4 wrong) private {
        address sender = _somebody(_admins[_operatorOf(who)], luck);
        bytes4 refusal = _refusesAdmin(_operatorOf(who), sender);
        _try(sender, call, refusal == 0 ? wrong : refusal);
    }

    /// @dev Custodians that cannot be enrolled, keys that cannot be marked.
    function askForCustodian(uint256 who, uint256 luck) external {
        who %= CUSTODIANS;
        uint40 number = _custodian(who);
        Right memory right = Right(++_keys, _now(), FOR_EVER);
        IPostalNetwork.RightRequest memory asked = _asked(right);
        bytes memory call = abi.encodeCall(network.compromise, (number, asked.key));
        bytes4 wrong = IPostalNetwork.UnknownKey.selector;
        uint256 had = _rights[who][(luck >> 24) % _rights[who].length].key;
        if (_compromised[had]) {
            call = abi.encodeCall(network.compromise, (number, _addressOf[had]));
            wrong = IPostalNetwork.KeyIsCompromised.selector;
        }
        if ((luck >> 16) % 3 == 0) {
            (call, wrong) = (
                abi.encodeCall(network.enrol, (number, 1, "there", asked)), IPostalNetwork.CustodianExists.selector
            );
        }
        if ((luck >> 16) % 3 == 1) {
            number = number >> 24 << 24;
            (call, wrong) = (
                abi.encodeCall(network.enrol, (number, 1, "there", asked)), IPostalNetwork.InvalidCustodian.selector
            );
        }
        _ask(who, luck, call, wrong);
    }

    // ----------------------------------------------------------------------------------------------------------- the model

    function governor() external view returns (address) {
        return _governor;
    }

    function adminOf(uint16 number) external view returns (address) {
        return _admins[number];
    }

    function candidate(uint256 n) external view returns (address) {
        return _candidates[n];
    }

    function custodian(uint256 who) external pure returns (uint40) {
        return _custodian(who);
    }

    function rights(uint256 who) external view returns (Right[] memory) {
        return _rights[who];
    }

    function keyAt(uint256 who, uint40 time) external view returns (address) {
        uint256 key = _keyAt(who, time);
        return _addressOf[key];
    }

    function suspensionOf(uint256 who) external view returns (bytes4) {
        return _suspension(who);
    }

    function isCompromised(uint256 key) external view returns (bool) {
        return _compromised[key];
    }

    function isOperatorSuspended(uint16 number) external view returns (bool) {
        return _operatorSuspended[number];
    }

    function signature(uint256 key, bytes32 digest) external pure returns (bytes memory) {
        return _sign(key, digest);
    }
}
