/** A basket: lines with a price in the minor unit and a quantity. */
export interface Line {
  sku: string;
  price: number;
  quantity: number;
}

export class EmptyBasket extends Error {}

/** The total in the minor unit. The ledger invariant: the sum of the lines is the total, to the unit. */
export function total(lines: Line[]): number {
  if (lines.length === 0) {
    throw new EmptyBasket("nothing to pay for");
  }
  return lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
}
