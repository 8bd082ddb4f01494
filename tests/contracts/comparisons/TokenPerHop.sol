// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title An item is a token, a hop is its transfer: no release, no receipt, no conditions
contract TokenPerHop is ERC721("Items", "ITEM") {
    function mint(address to, uint256 item) external {
        _mint(to, item);
    }
}
