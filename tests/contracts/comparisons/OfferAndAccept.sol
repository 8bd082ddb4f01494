// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Two transactions for a hop: the giver offers, the receiver accepts
contract OfferAndAccept {
    mapping(bytes32 item => address) public holder;
    mapping(bytes32 item => address) public offeredTo;

    event Offered(bytes32 indexed item, address indexed from, address indexed to);
    event Taken(bytes32 indexed item, address indexed by);

    error NotYours(bytes32 item);

    function begin(bytes32 item) external {
        if (holder[item] != address(0)) revert NotYours(item);
        holder[item] = msg.sender;
    }

    function offer(bytes32 item, address to) external {
        if (holder[item] != msg.sender) revert NotYours(item);
        offeredTo[item] = to;
        emit Offered(item, msg.sender, to);
    }

    function accept(bytes32 item) external {
        if (offeredTo[item] != msg.sender) revert NotYours(item);
        delete offeredTo[item];
        holder[item] = msg.sender;
        emit Taken(item, msg.sender);
    }
}
