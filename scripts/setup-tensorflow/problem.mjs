/** Something the user can put right: printed without a stack. */
export class Problem extends Error {}
