// Pictures of a page of the demo at 390 and 1,280 pixels, light and dark: node scripts/demo-screenshots.mjs PAGE OUT-FOLDER
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';

const [page = 'microscope', out = 'build/screenshots'] = process.argv.slice(2);
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
  for (const width of [390, 1280])
    for (const colorScheme of ['light', 'dark'])
      await visit(
        chromium,
        site,
        page,
        async visited => {
          await visited.page.waitForTimeout(5000);
          const path = join(out, `${page.replace(/\W+/g, '-')}-${width}-${colorScheme}.png`);
          await visited.page.screenshot({path, fullPage: true});
          console.log(path);
        },
        {width, colorScheme},
      );
} finally {
  site.close();
}
