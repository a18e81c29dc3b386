// What stands for no rows in all forms of retrievedAttention.

/** logSumExp of a query that sees no row: its exponential is 0 in every precision. */
export const NO_ROWS = -1e4;
