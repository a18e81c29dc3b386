// Preloaded into a command: sends it SIGINT as soon as what it has printed matches the pattern in this module's address.

const pattern = new RegExp(new URL(import.meta.url).searchParams.get('pattern') ?? '');
const write = process.stdout.write.bind(process.stdout);
let printed = '';
let isSent = false;
Object.assign(process.stdout, {
  write(...given: Parameters<typeof write>): boolean {
    const isTaken = write(...given);
    if (isSent) return isTaken;
    printed += given[0];
    isSent = pattern.test(printed);
    if (isSent) process.kill(process.pid, 'SIGINT');
    return isTaken;
  },
});
