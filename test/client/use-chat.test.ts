import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { startFaultProxy, type FaultProxy } from '#lab/fault-proxy/fault-proxy.ts';
import { launch, noBrowser } from '../console/browser.ts';
import { noReact, startUseChat } from './use-chat-page.ts';
import { answerOf, clientWorld, TEXT, type ClientWorld } from './world.ts';

interface Shown {
  readonly messages: readonly { readonly role: string; readonly text: string }[];
  readonly status: string;
  readonly errors: readonly string[];
}

describe(
  'useChat of @ai-sdk/react in Chromium, on another origin than the gate',
  { skip: noBrowser || noReact },
  () => {
    const world = {} as { app: Awaited<ReturnType<typeof startUseChat>>; of: ClientWorld; browser: Browser };
    before(async () => {
      world.app = await startUseChat();
      world.of = await clientWorld(`cors: { origins: ["${world.app.origin}"] }`);
      world.browser = await launch();
    });
    after(async () => {
      await world.browser?.close();
      await world.of?.stop();
      world.app?.close();
    });

    async function opened(chat: string, { url = world.of.gate.url, resume = false } = {}): Promise<Page> {
      const tab = await world.browser.newPage();
      const asked = new URLSearchParams({ gate: url, key: world.of.gate.key, chat, resume: String(resume) });
      await tab.goto(`${world.app.origin}/?${asked}`);
      await tab.waitForFunction('window.chat');
      return tab;
    }
    const shown = (tab: Page): Promise<Shown> =>
      tab.evaluate(() => ({
        messages: [...(globalThis as any).document.querySelectorAll('p')].map((p: any) => ({
          role: p.dataset.role,
          text: p.textContent,
        })),
        status: (globalThis as any).chat.status,
        errors: (globalThis as any).chat.errors,
      }));
    const until = (tab: Page, condition: string): Promise<unknown> =>
      tab.waitForFunction(condition, undefined, { timeout: 20_000 });
    const READY = 'window.chat.status === "ready" && window.chat.messages.length > 1';
    const send = (tab: Page): Promise<void> => tab.evaluate(() => (globalThis as any).chat.send('hi'));

    test('an answer is shown with its exact text', async () => {
      world.of.up.answer(answerOf(5));
      const tab = await opened('plain');
      await send(tab);
      await until(tab, READY);
      const { messages, errors } = await shown(tab);
      await tab.close();
      assert.deepEqual(messages, [
        { role: 'user', text: 'hi' },
        { role: 'assistant', text: TEXT },
      ]);
      assert.deepEqual(errors, []);
    });

    test('a connection that breaks twice: the stream is taken up, generated once, its text exact', async (t) => {
      world.of.up.answer(answerOf(60));
      const asked = world.of.up.seen.length;
      // By request, since a browser keeps connections: each is cut at a place of its own.
      const proxy: FaultProxy = await startFaultProxy({
        target: world.of.gate.url,
        plan: (index) => ({ toClient: { cutAfterBytes: [2_500, 3_500][index] ?? 1_000_000 } }),
      });
      t.after(() => proxy.close());
      const tab = await opened('cut', { url: proxy.url });
      await send(tab);
      await until(tab, READY);
      const { messages, errors } = await shown(tab);
      await tab.close();
      assert.deepEqual(messages, [
        { role: 'user', text: 'hi' },
        { role: 'assistant', text: TEXT },
      ]);
      assert.ok(errors.length >= 1, JSON.stringify(errors));
      assert.equal(world.of.up.seen.length - asked, 1);
    });

    test('a page that is loaded again in mid-answer goes on with it', async () => {
      world.of.up.answer(answerOf(60));
      const tab = await opened('reload');
      await send(tab);
      await until(tab, 'document.body.innerText.includes("wörd5")');
      await tab.close();
      const again = await opened('reload', { resume: true });
      await until(again, 'window.chat.status === "ready" && window.chat.messages.length === 1');
      const { messages } = await shown(again);
      await again.close();
      assert.deepEqual(messages, [{ role: 'assistant', text: TEXT }]);
    });

    test('a cancel from the page ends the call at the provider', async () => {
      world.of.up.answer(answerOf(200));
      const tab = await opened('cancel');
      await send(tab);
      await until(tab, 'document.body.innerText.includes("wörd2")');
      assert.equal(await tab.evaluate(() => (globalThis as any).chat.cancel()), 200);
      await world.of.gate.until('the provider is told', () => world.of.up.seen.at(-1)!.closedAtMs !== null);
      await tab.close();
      // The newest entry may still be that of the call before: entries reach the ledger a moment after their end.
      await world.of.gate.until('the entry', async () => {
        const { calls } = await world.of.gate.admin('GET', '/calls?limit=1');
        return calls[0]?.status === 'cancelled';
      });
    });

    test('a page of an origin that is not listed gets nothing', async (t) => {
      const other = await startUseChat();
      t.after(() => other.close());
      const tab = await world.browser.newPage();
      const asked = new URLSearchParams({ gate: world.of.gate.url, key: world.of.gate.key, chat: 'foreign' });
      await tab.goto(`${other.origin}/?${asked}`);
      await tab.waitForFunction('window.chat');
      const before = world.of.up.seen.length;
      await send(tab);
      await until(tab, 'window.chat.status === "error"');
      await tab.close();
      assert.equal(world.of.up.seen.length, before, 'the preflight stopped it');
    });
  },
);
