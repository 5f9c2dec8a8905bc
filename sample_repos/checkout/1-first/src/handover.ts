import { Line, total } from "./basket.js";

/** Hands an order to payments; a refund of it is asked for there, and retried there. */
export async function handOver(lines: Line[], send: (amount: number) => Promise<string>): Promise<string> {
  const amount = total(lines);
  return send(amount);
}
