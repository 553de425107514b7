import { readFileSync } from 'node:fs';
import { launch } from './browser.ts';
const { url, adminToken } = JSON.parse(readFileSync('/tmp/tp/gate.json', 'utf8'));
const [, , looks = 'light', width = '1280', ...paths] = process.argv;
const browser = await launch();
const context = await browser.newContext({
  colorScheme: looks as 'light',
  viewport: { width: Number(width), height: 860 },
});
const page = await context.newPage();
page.on('console', (m) => m.type() === 'error' && console.log('ERR', m.text()));
page.on('pageerror', (e) => console.log('PAGEERR', e.message, e.stack?.slice(0, 300)));
await page.goto(`${url}/console/`);
await page.fill('input[name=token]', adminToken);
await page.keyboard.press('Enter');
await page.waitForSelector('nav[aria-label=Pages]');
for (const path of paths) {
  const t = Date.now();
  await page.goto(`${url}/console/${path}`);
  for (let i = 0; i < 100; i++) {
    if (await page.evaluate('!!document.querySelector("h1") && !/Reading …|Looking …/.test(document.body.innerText)'))
      break;
    await new Promise((r) => setTimeout(r, 100));
  }
  const name = path.replace(/\W+/g, '-') || 'overview';
  console.log(
    path,
    Date.now() - t,
    'ms',
    await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
  );
  if (!(await page.$('h1'))) console.log((await page.innerText('body')).slice(0, 500));
  await page.screenshot({ path: `/tmp/tp/${name}-${looks}-${width}.png`, fullPage: false });
}
await browser.close();
