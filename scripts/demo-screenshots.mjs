// Pictures of a page of the demo at 390 and 1,280 pixels, light and dark: node scripts/demo-screenshots.mjs PAGE OUT-FOLDER.
// With --readme instead: docs/microscope.png, which the README opens with.
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';

const forReadme = process.argv.includes('--readme');
const [page = 'microscope', out = 'build/screenshots'] = forReadme
  ? ['microscope', 'docs']
  : process.argv.slice(2);
const {serveSite, visit} = await import('../dist/test/demo/site.js');
const {findChromium} = await import('../dist/test/support/browser.js');
const chromium = findChromium();
if (chromium === undefined) {
  console.error('no Chromium found: install it or set BMOJO_CHROMIUM to its executable');
  process.exit(1);
}
mkdirSync(out, {recursive: true});
const site = await serveSite();
try {
  for (const width of forReadme ? [1280] : [390, 1280])
    for (const colorScheme of forReadme ? ['light'] : ['light', 'dark'])
      await visit(
        {chromium, site},
        page,
        async visited => {
          await visited.page.waitForFunction(
            () =>
              ![...document.querySelectorAll('[role=status]')].some(({textContent}) =>
                textContent.endsWith('...'),
              ),
          );
          await visited.page.waitForTimeout(2000);
          const name = page.replace(/\W+/g, '-');
          const path = join(out, forReadme ? `${name}.png` : `${name}-${width}-${colorScheme}.png`);
          // As far as what the chosen token reads.
          const reads = visited.page.getByRole('region', {name: 'What it reads'});
          const end = forReadme ? await reads.boundingBox() : null;
          if (end !== null)
            await visited.page.screenshot({
              path,
              clip: {x: 0, y: 0, width: 1280, height: Math.ceil(end.y + end.height + 24)},
              fullPage: true,
            });
          else await visited.page.screenshot({path, fullPage: true});
          console.log(path);
        },
        // On wasm: software in the place of a GPU takes minutes to compile its pipelines.
        {width, colorScheme, webgpu: false},
      );
} finally {
  site.close();
}
