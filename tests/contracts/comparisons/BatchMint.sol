// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Minting as ERC721A does it: one owner's slot for a range, one Transfer for each token
/// @dev Only what a mint costs; ownership of the tokens between is found by looking back.
contract BatchMint {
    mapping(uint256 token => uint256 ownerAndTime) private _owners;
    mapping(address owner => uint256) public balanceOf;
    uint256 private _next = 1;

    event Transfer(address indexed from, address indexed to, uint256 indexed token);

    function mint(address to, uint256 count) external {
        uint256 token = _next;
        _owners[token] = uint256(uint160(to)) | (block.timestamp << 160);
        balanceOf[to] += count;
        uint256 end = token + count;
        while (token != end) {
            emit Transfer(address(0), to, token);
            unchecked {
                // Safety: below `end`, which did not overflow.
                ++token;
            }
        }
        _next = end;
    }
}
