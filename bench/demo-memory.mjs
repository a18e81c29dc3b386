// Memory that the page Write holds while it writes on wasm: node bench/demo-memory.mjs [MINUTES] [TOKENS]. It writes TOKENS
// (100,000, the most that the page takes), marks what is kept of them, and goes on with the text. Once a minute garbage is
// collected, and what the page's scripts hold is read, and the resident memory of Chromium's renderers; on Linux.
import {readFileSync} from 'node:fs';
import {serveSite, visit} from '../dist/test/demo/site.js';
import {findChromium} from '../dist/test/support/browser.js';

const minutes = Number(process.argv[2] ?? 10);
const tokens = Number(process.argv[3] ?? 100_000);

const residentMB = id => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))[1]) / 1000;

async function measure(page, context) {
  for (const worker of page.workers()) await worker.evaluate(() => gc());
  // Workers do not say what they hold.
  const heap = await page.evaluate(() => {
    gc();
    return performance.memory.usedJSHeapSize / 1e6;
  });
  await page.waitForTimeout(1000);
  const session = await context.browser().newBrowserCDPSession();
  const {processInfo} = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const renderers = processInfo.filter(({type}) => type === 'renderer');
  return {
    pageHeapMB: Number(heap.toFixed(1)),
    residentMB: Math.round(renderers.reduce((sum, {id}) => sum + residentMB(id), 0)),
  };
}

const site = await serveSite();
try {
  await visit(
    {chromium: findChromium(), site},
    'write',
    async ({page, context}) => {
      const goOn = page.getByRole('button', {name: 'Go on'});
      let calls = 0;
      const status = page.getByText(/^\d+ tokens, /);
      const written = async () => Number(/^\d+/.exec(await status.textContent())[0]);
      await page.getByText('How it chooses').click();
      await page.getByLabel('max tokens').fill(String(tokens));
      await page.getByRole('button', {name: 'Write', exact: true}).click();
      await status.waitFor();
      const started = performance.now();
      for (let minute = 0; minute <= minutes; minute++) {
        // The first reading is behind some hundred tokens, when everything is compiled.
        const due = minute === 0 ? 10_000 : 60_000 * minute;
        while (performance.now() < started + due) {
          if (await goOn.isEnabled()) {
            await goOn.click();
            calls++;
          }
          await page.waitForTimeout(Math.min(500, Math.max(0, started + due - performance.now())));
        }
        console.log(
          JSON.stringify({
            minutes: Number(((performance.now() - started) / 60_000).toFixed(2)),
            tokens: tokens * calls + (await written()),
            ...(await measure(page, context)),
          }),
        );
      }
    },
    {webgpu: false, flags: ['--js-flags=--expose-gc', '--enable-precise-memory-info']},
  );
} finally {
  site.close();
}
process.exit();
