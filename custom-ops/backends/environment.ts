// Where the code runs: what a message tells to do differs between Node and a page.

/** Whether this is Node, where there are packages to install and commands to run. */
export const isNode = typeof process !== 'undefined' && typeof process.versions?.node === 'string';
