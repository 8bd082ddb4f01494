// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A hop is a struct with texts in a list: one sender, no receipt
contract StructPerHop {
    struct Hop {
        address by;
        uint256 time;
        string place;
        string status;
        string remark;
    }

    mapping(string number => Hop[]) private _hops;

    function add(string calldata number, string calldata place, string calldata status, string calldata remark)
        external
    {
        _hops[number].push(Hop(msg.sender, block.timestamp, place, status, remark));
    }
}
