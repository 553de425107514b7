import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { buildConsole } from '../../scripts/console.ts';
import { makeWorld, type ConsoleWorld } from './world.ts';

/** Debian's place; another browser of the family by its path. */
const CHROMIUM = process.env['HEADGATE_CHROMIUM'] ?? '/usr/bin/chromium';
/** Why the suite of pages is skipped here; false: it runs. */
export const noBrowser: string | false = existsSync(CHROMIUM)
  ? false
  : `${CHROMIUM} is not there: apt-get install chromium, or set HEADGATE_CHROMIUM`;

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Pictures of the pages are kept where somebody wants to look at them. */
const SHOTS = process.env['HEADGATE_SHOTS'];

export interface Looks {
  readonly colours?: 'light' | 'dark';
  readonly size?: 'wide' | 'phone';
}

export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained of: errors of scripts, of the content policy, of the network (but refused input). */
  readonly complaints: readonly string[];
  /** Goes to a page below /console/ and waits for its figures. */
  go(path: string): Promise<void>;
  shoot(name: string): Promise<void>;
  close(): Promise<void>;
}

const SIZES = { wide: { width: 1360, height: 900 }, phone: { width: 390, height: 844 } };

/** A page that is logged in, as a person gets it; `token`: default, the one of the first start. */
export async function openPage(
  browser: Browser,
  world: Pick<ConsoleWorld, 'gate'>,
  looks: Looks = {},
  token: string = world.gate.adminToken,
): Promise<OpenPage> {
  const { colours = 'light', size = 'wide' } = looks;
  const context = await browser.newContext({ colorScheme: colours, viewport: SIZES[size] });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 40[01]/.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${world.gate.url}/console/`);
  await page.fill('input[name=token]', token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('nav[aria-label=Pages]');
  return {
    page,
    context,
    complaints,
    go: async (path) => {
      await page.goto(`${world.gate.url}/console/${path}`);
      await page.waitForSelector('h1');
      await settled(page);
    },
    shoot: async (name) => {
      if (!SHOTS) return;
      mkdirSync(SHOTS, { recursive: true });
      await page.screenshot({ path: join(SHOTS, `${name}-${colours}-${size}.png`), fullPage: true });
    },
    close: () => context.close(),
  };
}

/** Asked by the debugger, since the page's policy lets nobody evaluate a text in it. */
async function settled(page: Page): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await page.evaluate('!/Reading …|Looking …/.test(document.body.innerText)')) return;
    await sleep(50);
  }
  throw new Error(`the page still waits: ${await page.innerText('body')}`);
}

export interface Stage {
  readonly browser: Browser;
  readonly world: ConsoleWorld;
}

/** A browser before a gate that has carried calls, for the tests of one suite. */
export function onStage(): Stage {
  const stage = {} as { -readonly [K in keyof Stage]: Stage[K] };
  before(async () => {
    await buildConsole();
    stage.world = await makeWorld();
    stage.browser = await launch();
  });
  after(async () => {
    await stage.browser?.close();
    await stage.world?.stop();
  });
  return stage;
}

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ARGS });

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Serious findings of axe. Evaluated by the debugger: the page's own policy allows no script from elsewhere. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = (await page.evaluate(`axe.run(document, { resultTypes: ['violations'] })`)) as {
    violations: Violation[];
  };
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html, failureSummary }) => `${html} ${failureSummary}`)
          .join('\n')}`,
    );
}
