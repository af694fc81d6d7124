// A visitor with their own browser: actions and observations.
import { emailOf, PASSWORD } from './patio.mjs';

export class Visitor {
  constructor(patio, context, page) {
    Object.assign(this, { patio, context, page });
  }

  async go(where) {
    const to = new URL(where, this.patio.origin);
    await this.carryCookies(to.port);
    return this.page.goto(to.href);
  }

  /** Cookie names contain the port. Copies them, so that a visitor is also signed in through a proxy on another port. */
  async carryCookies(port) {
    const known = await this.context.cookies();
    const carried = known.map((cookie) => ({ ...cookie, name: cookie.name.replace(/_\d+$/, `_${port}`) }));
    await this.context.addCookies(carried.filter(({ name }) => !known.some((cookie) => cookie.name === name)));
  }

  /** Goes to a page as a link on it would. */
  async follow(path) {
    await this.page.evaluate((href) => {
      const link = Object.assign(document.createElement('a'), { href });
      document.querySelector('.main').append(link);
      link.click();
      link.remove();
    }, path);
    await this.arrives(path);
    await this.page.locator('#app:not([aria-busy])').waitFor();
  }

  async arrives(where) {
    await this.page.waitForURL((url) => url.pathname + url.search === where);
  }

  async newTab(where = '/rooms/1') {
    const tab = new Visitor(this.patio, this.context, await this.context.newPage());
    await tab.go(where);
    return tab;
  }

  // --- Registration and sign-in

  async fill(fields) {
    for (const [name, value] of Object.entries(fields)) await this.field(name).fill(value);
  }

  async register(name, other = {}) {
    await this.fill({
      name,
      email: emailOf(name),
      password: PASSWORD,
      password_confirmation: other.password ?? PASSWORD,
      ...other,
    });
    await this.submit();
  }

  /** Posts the form of the registration without its page. The browser has the cookies afterwards. */
  async registerDirectly(name) {
    const form = { name, email: emailOf(name), password: PASSWORD, password_confirmation: PASSWORD };
    const headers = { 'user-agent': await this.page.evaluate(() => navigator.userAgent) };
    const answer = await this.context.request.post(`${this.patio.origin}/register`, { form, headers, maxRedirects: 0 });
    if (answer.status() !== 303) throw new Error(`registration of ${name}: ${answer.status()}`);
  }

  async signIn(login, password = PASSWORD) {
    await this.fill({ login, password });
    await this.submit();
  }

  async submit() {
    await this.page.locator('.auth__card button[type=submit]').click();
  }
  async openMenu() {
    await this.page.locator('[popovertarget=me-menu]').click();
  }

  async signOut() {
    await this.openMenu();
    await this.page.locator('form[action="/logout"] button').click();
  }

  field(name) {
    return this.page.locator(`[name="${name}"]`);
  }

  /** The description that assistive technology reads after the field's name. */
  async descriptionOf(name) {
    const id = await this.field(name).getAttribute('aria-describedby');
    return id && this.page.locator(`#${id}`).textContent(); // there is none while the page is loading
  }

  // --- Messages

  get composer() {
    return this.page.locator('#body');
  }
  get log() {
    return this.page.locator('#log');
  }
  get banner() {
    return this.page.locator('#banner');
  }
  get pill() {
    return this.page.locator('#pill');
  }

  async post(text) {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  message(text) {
    return this.page.locator('.message').filter({ has: this.page.locator('.message__body', { hasText: text }) });
  }

  /** Waits until the message is shown as stored. */
  async sees(text) {
    await this.page.locator('.message[data-seq]').filter({ hasText: text }).first().waitFor();
  }

  async texts() {
    return this.page.locator('.message__body').evaluateAll((bodies) =>
      bodies.map((body) => {
        const copy = body.cloneNode(true);
        copy.querySelector('.message__edited')?.remove();
        return copy.textContent.trim();
      }),
    );
  }

  /** All visible details of the message log, row by row: day dividers and messages. */
  async outline() {
    return this.page.locator('#messages :is(.day-divider, .message)').evaluateAll((rows) =>
      rows.map((row) =>
        row.matches('.day-divider')
          ? { day: row.textContent, date: row.querySelector('time').dateTime }
          : {
              id: row.id,
              by: row.querySelector('.message__author').textContent,
              at: row.querySelector('.message__time')?.textContent,
              body: row.querySelector('.message__body').innerHTML.replace(/ tabindex="-?\d"/g, ''), // where the focus is
              look: [...row.classList].sort(),
              under: [...row.querySelectorAll('.message__edited, .reaction')].map((part) => part.textContent.trim()),
            },
      ),
    );
  }

  // --- Rooms

  get title() {
    return this.page.locator('#room-h');
  }
  get answer() {
    return this.page.locator('#answer');
  }
  row(name) {
    return this.page.locator('.sidebar .room', { hasText: name });
  }

  /** The unread count of a room in the sidebar; '' if there is none. */
  async badge(name) {
    const badge = this.row(name).locator('.badge');
    return (await badge.isVisible()) ? badge.locator('.badge__count').textContent() : '';
  }

  async isIn(name) {
    await this.title.filter({ hasText: name }).waitFor();
  }

  async makeRoom(name) {
    await this.post(`/create ${name}`);
    await this.isIn(name);
  }

  async open(name) {
    await this.row(name).click();
    await this.isIn(name);
  }

  /** Marks this page, so that a page load can be detected. */
  async markPage() {
    await this.page.evaluate(() => {
      globalThis.marked = true;
    });
  }
  async isSamePage() {
    return this.page.evaluate(() => globalThis.marked === true);
  }

  /** The submit button of the form that writes to this address. */
  button(action) {
    return this.page.locator(`form[method="post"][action="${action}"] button[type=submit]`);
  }

  // --- Members

  async online() {
    return this.page.locator('#online .member__name bdi').allTextContents();
  }
  async offline() {
    return this.page.locator('#offline .member__name bdi').allTextContents();
  }
}
