// The visitors of a test or a screenshot, each with their own browser context, and all errors of their pages.
import path from 'node:path';
import { chromium } from 'playwright-core';
import { Visitor } from './visitor.mjs';

// A folder created by `npm run build`, to test styles and scripts without building the executable.
const ASSETS = process.env.PATIO_ASSETS;
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const USUAL = {
  locale: 'en-GB',
  timezoneId: 'Europe/Madrid',
  viewport: { width: 1280, height: 800 },
  reducedMotion: 'reduce',
};

const WHOLE = process.env.WHOLE_CHROMIUM && { executablePath: process.env.WHOLE_CHROMIUM };

export const launch = (options) =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, ...options });

/** A form that came back with field errors, or a slash command with its reply: no error of the page. */
const isAnswered = (response) => response.status() === 422 && response.request().method() === 'POST';

export class TestContext {
  #browser;
  #own;
  #contexts = [];
  #errors = [];
  tolerated = [];

  constructor(browser, patio) {
    this.#browser = browser;
    this.patio = patio;
  }

  /** A signed-out browser. */
  async visitor(options = {}) {
    const context = await this.#browser.newContext({ ...USUAL, ...options });
    context.setDefaultTimeout(10_000);
    if (ASSETS)
      await context.route('**/assets/**', (route) =>
        route.fulfill({ path: path.join(ASSETS, ...new URL(route.request().url()).pathname.split('/').slice(3)) }),
      );
    this.#listen(context);
    this.#contexts.push(context);
    return new Visitor(this.patio, context, await context.newPage());
  }

  /** A new user who has just registered, without the page for it, and is in the lobby. */
  async newUser(name, options) {
    const visitor = await this.visitor(options);
    await visitor.registerDirectly(name);
    await visitor.go('/rooms/1');
    return visitor;
  }

  /** Script errors, violations of the content security policy, failed requests, and warnings of the server. */
  errors() {
    const network = /net::ERR_|WebSocket connection to/;
    const excused = (text) =>
      this.tolerated.some((pattern) => pattern.test(text)) || (this.patio.wasDown && network.test(text));
    const logged = this.patio.logs().split('\n').filter(Boolean);
    return [...this.#errors, ...logged].filter((text) => !excused(text));
  }

  /** Starts another browser with these options: the full one, because the headless shell lacks some features. */
  async launchOwn(options) {
    this.#browser = this.#own = await launch({ ...options, ...WHOLE });
  }

  async clear() {
    for (const context of this.#contexts) await context.close();
    await this.#own?.close();
  }

  #listen(context) {
    const report = (text) => this.#errors.push(text);
    context.on('weberror', (event) => report(String(event.error())));
    context.on('console', (message) => {
      // Many tests request pages with an error status. Other resources are checked below.
      if (message.type() === 'error' && !message.text().includes('server responded with a status'))
        report(message.text());
    });
    context.on('response', (response) => {
      if (response.status() >= 400 && !response.request().isNavigationRequest() && !isAnswered(response))
        report(`${response.status()} ${response.url()}`);
    });
  }
}
