// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Edition, ICryptoStamp} from "../../contracts/interfaces/ICryptoStamp.sol";
import {CustodyHandler} from "./CustodyHandler.sol";
import {World} from "./World.sol";
import {vm} from "./Vm.sol";

/// @notice Bounds that hardly any story of the invariants reaches.
contract BoundsTest is World {
    uint32 private constant EDITION = (1 << 16) | 9;

    /// @dev S10: a claim looks through them all, so there are at most 16.
    function test_an_edition_has_at_most_16_closures() external {
        Edition memory terms;
        (terms.supply, terms.faceValue, terms.currency, terms.claimRoot) = (17, 100, "EUR", keccak256("a root"));
        vm.prank(_submitter(1));
        stamps.createEdition(EDITION, terms);
        for (uint32 serial = 1; serial <= 16; ++serial) {
            require(bytes4(_close(serial)) == 0, "S10 an edition has 16 closures");
        }
        require(bytes4(_close(17)) == ICryptoStamp.TooManyClosures.selector, "S10 an edition has no more than 16 closures");
    }

    /// @dev C7: of six receptacles, each in the next, the fifth takes nothing that is four high already.
    function test_receptacles_are_at_most_four_deep() external {
        CustodyHandler handler = new CustodyHandler();
        uint256 good = 7;
        for (uint256 n = 0; n < 8; ++n) {
            handler.accept(good, 0);
        }
        handler.bag(0, 5);
        uint256 highest = 0;
        for (uint256 n = 0; n < 8; ++n) {
            uint8 height = handler.ledger().itemOf(handler.itemAt(n)).height;
            if (height > highest) highest = height;
        }
        require(highest == 4, "C7 four deep may be");
        (bytes4 call,) = handler.unrefused();
        require(call == 0, "C7 five deep may not be");
    }

    function _close(uint32 serial) private returns (bytes memory refused) {
        vm.prank(_submitter(1));
        (, refused) = address(stamps).call(abi.encodeCall(stamps.closeClaims, (EDITION, serial, serial, 1)));
    }
}
