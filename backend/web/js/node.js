/** One node, asked over JSON-RPC. Whatever keeps it from answering is NoAnswer, which says nothing about a record. */

import { decodeEventLog, decodeFunctionResult, encodeFunctionData, numberToHex } from "viem/utils";

const TIMEOUT_MS = 8000;
const MOST_IN_BATCH = 40;

/** The node did not answer, or not in a form that can be read. */
export class NoAnswer extends Error {}

export class Node {
  constructor(url, fetcher = globalThis.fetch.bind(globalThis)) {
    this.url = url;
    this.fetcher = fetcher;
  }

  /** Answers to `[method, params]` pairs, in their order. Throws NoAnswer. */
  async ask(questions) {
    const answers = [];
    for (let at = 0; at < questions.length; at += MOST_IN_BATCH) {
      answers.push(...(await this.#batch(questions.slice(at, at + MOST_IN_BATCH))));
    }
    return answers;
  }

  async #batch(questions) {
    const body = questions.map(([method, params], id) => ({ jsonrpc: "2.0", id, method, params }));
    let answers;
    try {
      const response = await this.fetcher(this.url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        credentials: "omit",
      });
      answers = await response.json();
    } catch (error) {
      throw new NoAnswer(`the node does not answer (${error.message})`);
    }
    if (!Array.isArray(answers)) throw new NoAnswer(reason(answers));
    const byId = new Map(answers.map((answer) => [answer.id, answer]));
    return questions.map((_, id) => {
      const answer = byId.get(id);
      if (answer?.result === undefined) throw new NoAnswer(reason(answer));
      return answer.result;
    });
  }

  /** What the views `[contract, abi, name, args]` return, in their order. Throws NoAnswer. */
  async views(calls) {
    const questions = calls.map(([to, abi, functionName, args]) => [
      "eth_call",
      [{ to, data: encodeFunctionData({ abi, functionName, args }) }, "latest"],
    ]);
    const answers = await this.ask(questions);
    return answers.map((data, i) => {
      const [, abi, functionName] = calls[i];
      try {
        return decodeFunctionResult({ abi, functionName, data });
      } catch {
        throw new NoAnswer("there is no such contract on this node");
      }
    });
  }

  /** Events `[contract, abi, blockHash, topics]` of whole blocks: one list for each question. Throws NoAnswer. */
  async events(questions) {
    const answers = await this.ask(
      questions.map(([address, , blockHash, topics]) => ["eth_getLogs", [{ address, blockHash, topics }]]),
    );
    return answers.map((logs, i) => logs.map((log) => decode(questions[i][1], log)).filter(Boolean));
  }

  /** Events of a contract from the first block on, where the node gives so many. Throws NoAnswer. */
  async history(address, abi, topics) {
    const [logs] = await this.ask([["eth_getLogs", [{ address, topics, fromBlock: "0x0", toBlock: "latest" }]]]);
    return logs.map((log) => decode(abi, log)).filter(Boolean);
  }

  /** Chain id and the number of the newest block. Throws NoAnswer. */
  async whereabouts() {
    const [chain, block] = await this.ask([
      ["eth_chainId", []],
      ["eth_blockNumber", []],
    ]);
    return { chainId: Number(chain), block: Number(block) };
  }

  /** The hash of a block by its number. Throws NoAnswer. */
  async blockHash(number) {
    const [block] = await this.ask([["eth_getBlockByNumber", [numberToHex(number), false]]]);
    if (!block) throw new NoAnswer(`block ${number} is not there yet`);
    return block.hash;
  }
}

function decode(abi, log) {
  try {
    const { eventName, args } = decodeEventLog({ abi, topics: log.topics, data: log.data });
    const place = { block: Number(log.blockNumber), index: Number(log.logIndex), blockHash: log.blockHash, transaction: log.transactionHash };
    return { ...args, name: eventName, ...place };
  } catch {
    return null; // an event that these pages do not read
  }
}

function reason(answer) {
  return answer?.error?.message ?? answer?.detail ?? "the node gave no answer";
}
