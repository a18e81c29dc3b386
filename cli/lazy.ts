// Commands whose code comes when they are called or explain themselves: `--help` need not wait for tensors.

import type {CommandModule} from 'yargs';

/** A command by name and line of help, which stand where it is listed; `load` brings its options and what it does. */
export function lazy<A>(
  command: string,
  describe: string,
  load: () => Promise<CommandModule<object, A>>,
): CommandModule<object, A> {
  return {
    command,
    describe,
    builder: async yargs => {
      const {builder} = await load();
      if (typeof builder !== 'function') throw new Error(`the command ${command} must have a builder`);
      return builder(yargs);
    },
    handler: async argv => {
      const [{handler}, {enableProdMode}] = await Promise.all([load(), import('@tensorflow/tfjs-core')]);
      enableProdMode();
      await handler(argv);
    },
  };
}
