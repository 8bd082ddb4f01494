/** The signed types of the contracts (docs/custody.md) and the hashes that follow from them, as domain/typed_data.py. */

import { encodeAbiParameters, hashTypedData, keccak256, stringToHex } from "viem/utils";

const members = (text) =>
  text.split(",").map((member) => {
    const [type, name] = member.split(" ");
    return { type, name };
  });

const LINE = "bytes32 item,uint32 number,uint16 condition,bytes32 evidence";

export const TYPES = {
  Acceptance: members(
    "bytes32 commitment,uint40 custodian,uint40 time,uint16 source,bytes32 keys,bytes32 previous,bytes32 evidence,uint64[] stamps",
  ),
  Receipt: members("bytes32 release,uint40 time,uint256[] received,Finding[] findings"),
  Finding: members("uint16 line,uint16 condition,bytes32 evidence"),
  Delivery: members(
    "bytes32 item,uint32 number,uint40 giver,address recipient,uint40 time,uint40 deadline,uint16 condition,bytes32 evidence",
  ),
  End: members("bytes32 item,uint32 number,uint40 custodian,uint40 time,uint16 mode,bytes32 evidence"),
  TakeUp: members(
    "bytes32 item,uint40 custodian,uint40 time,uint16 reason,uint16 condition,bytes32 evidence",
  ),
  Recall: members("bytes32 item,uint32 number,uint40 custodian,uint40 time"),
  Report: members(
    "bytes32 item,uint16 code,uint16 reason,uint32 corrects,uint40 reporter,uint40 time,bytes32 evidence",
  ),
  Packing: members("bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] items"),
  Closing: members(
    "bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,uint32 count,bytes32 contents,bytes32 evidence",
  ),
  Opening: members(
    "bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] missing,uint256[] found,bytes32 evidence",
  ),
  PublicCode: members("uint64 stamp"),
  Claim: members("uint64 stamp,address to,uint40 deadline"),
  Original: members("uint64 stamp,uint40 deadline"),
};

const LINE_HASH = keccak256(stringToHex(`Line(${LINE})`));
const RELEASE_HASH = keccak256(
  stringToHex(`Release(uint40 giver,uint40 receiver,uint40 time,uint40 deadline,Line[] lines)Line(${LINE})`),
);
const FORCED_HASH = keccak256(
  stringToHex(`ForcedRelease(uint40 giver,uint40 receiver,uint40 time,uint16 reason,Line[] lines)Line(${LINE})`),
);

/** The EIP-712 domain of one contract on one chain. `name` is CustodyLedger or CryptoStamp. */
export function domainOf(name, chainId, verifyingContract) {
  return { name, version: "1", chainId, verifyingContract };
}

/** The digest of a signed struct: what its signer signs and what names the record. */
export function digestOf(domain, primaryType, message) {
  return hashTypedData({ domain, types: TYPES, primaryType, message });
}

/** The struct hash of one line of a release. */
export function lineHash(item, number, condition, evidence) {
  return words(
    ["bytes32", "bytes32", "uint32", "uint16", "bytes32"],
    [LINE_HASH, item, number, condition, evidence],
  );
}

/** The digest of a release from the struct hashes of its lines: what the giver signed. With `by` it is a forced one (C9). */
export function releaseDigest(domain, { giver, receiver, released, deadline, reason, by, lines }) {
  const list = keccak256(`0x${lines.map((line) => line.slice(2)).join("")}`);
  const struct = words(
    ["bytes32", "uint40", "uint40", "uint40", "uint40", "bytes32"],
    [by ? FORCED_HASH : RELEASE_HASH, giver, receiver, released, by ? reason : deadline, list],
  );
  return keccak256(`0x1901${separator(domain).slice(2)}${struct.slice(2)}`);
}

/** C6: head' = keccak256(abi.encode(head, digest, line)). */
export function nextHead(head, digest, line) {
  return words(["bytes32", "bytes32", "uint256"], [head, digest, BigInt(line)]);
}

/** C7: contents' = keccak256(abi.encode(contents, item)): what was really packed, in its order. */
export function nextContents(contents, item) {
  return words(["bytes32", "bytes32"], [contents, item]);
}

function separator({ name, version, chainId, verifyingContract }) {
  const type = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
  const text = (value) => keccak256(stringToHex(value));
  return words(
    ["bytes32", "bytes32", "bytes32", "uint256", "address"],
    [text(type), text(name), text(version), BigInt(chainId), verifyingContract],
  );
}

function words(types, values) {
  return keccak256(encodeAbiParameters(types.map((type) => ({ type })), values));
}
