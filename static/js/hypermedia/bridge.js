// Pages and forms: what carries hx-* attributes is sent without a page load, and the answer takes the place of the part
// that it names. The only file that imports htmx, once a page has something for it; it says what htmx may do: no
// expressions, no scripts, no history and no Trusted Types policy of its own. CONTRIBUTING.md has the rules for
// templates.
import { byId } from '../core/dom.js';
import { abandoned, ask, errorMessage, fetchPage, parseHtml, policy, submit } from '../core/http.js';
import { locale } from '../core/i18n.js';
import { whenReleased } from '../forms/fields.js';
import { showStatus } from '../shell/notices.js';
import { askAgain, keepFocus, sentValues, showFirstError, showResult, showReturnedValues } from './form-state.js';

/**
 * @typedef {import('../core/http.js').Answer} Answer
 * @typedef {import('../core/http.js').Request} Request
 *
 * What htmx knows of a request, as far as it is used here. Ours are `onAnswer`,
 * `asked`, `fields`, `result`, `sent`, `said` and `giveFocusBack`.
 * @typedef {object} Context
 * @property {HTMLElement} sourceElement
 * @property {Event} sourceEvent
 * @property {HTMLElement} target
 * @property {string | undefined} replace `hx-replace-url`
 * @property {string} text
 * @property {string} title
 * @property {Request & { action: string, method: string, timeout: number, form: HTMLFormElement | null,
 *   headers: Record<string, string> }} request
 * @property {{ raw: Answer, status: number }} response
 * @property {(address: string, request: Request) => Promise<Answer>} fetch
 * @property {(answer: Answer) => void} [onAnswer] of a visit
 * @property {string} [asked]
 * @property {string} [fields]
 * @property {string | null} [result]
 * @property {import('./form-state.js').SentValues} [sent]
 * @property {string} [said]
 * @property {() => void} [giveFocusBack]
 *
 * @typedef {object} SwapTask
 * @property {'main' | 'oob' | 'partial'} type
 * @property {DocumentFragment} fragment
 * @property {HTMLElement | null} target
 *
 * @typedef {object} Options
 * @property {() => Promise<void>} reachServer waits until the server answers
 * @property {(isWaiting: boolean) => void} showWaiting
 * @property {(fragment: ParentNode) => void} prepareContent called before content is inserted
 * @property {(region: HTMLElement) => void} startContent called when it has been, more than once
 *
 * What the frame has to know of. By default the browser does it.
 * @property {(address: string) => void} [goTo] shows another page, as after a form that leads there or a sign-out
 * @property {(address: string) => void} [replaceAddress] the page on screen has another address
 * @property {() => URL} [shownAddress] of the page on screen
 * @property {(page: ParentNode) => void} [adoptTitle] the page on screen has the title of this one
 */

const isForm = (/** @type {Context} */ { request }) => request.method !== 'GET';
/** What the frame puts into a page, and the server doesn't know of. */
const KEPT = '#banner, #notice';
const scriptAddress = () => document.querySelector('script[type="module"]')?.getAttribute('src') ?? '';

/** @type {Required<Options>} */
let options;

/**
 * Whether an answer has the part that it is to replace.
 * @param {Context} ctx
 * @param {string} text
 */
const hasPart = ({ target }, text) => text.includes(`id="${target.id}"`);

/**
 * A whole page, or the part that was asked for; else a proxy has answered.
 * @param {Context} ctx
 */
const isOurs = (ctx) => (/** @type {string} */ text) => text.includes('/css/app.css"') || hasPart(ctx, text);

/**
 * What is asked at the moment. An answer to anything else comes too late.
 * @param {HTMLElement} element
 */
const question = (element) =>
  element instanceof HTMLFormElement
    ? new URLSearchParams(/** @type {any} */ (new FormData(element))).toString()
    : /** @type {HTMLInputElement} */ (element).value;

/**
 * Shows the page that the answer belongs to, if that is another one than the one on screen.
 * @param {Context} ctx
 */
function leave(ctx) {
  const { raw } = ctx.response;
  const { pathname, search } = options.shownAddress();
  const address = new URL(raw.url, location.href);
  if (raw.redirected && address.pathname !== pathname) {
    const isBareSignIn = address.pathname === '/login' && !address.search;
    options.goTo(isBareSignIn ? `${address}?next=${encodeURIComponent(pathname + search)}` : raw.url);
    return true;
  }
  // Of another user or a newer Patio: the frame has to change, too. A form whose own answer comes from a newer Patio is
  // shown nevertheless, since loading the page would lose what it says.
  const { account } = document.body.dataset;
  const isPage = ctx.text.includes('<!doctype');
  const isForeign = isPage && account !== undefined && !ctx.text.includes(`data-account="${account}"`);
  const isNewer = isPage && !ctx.text.includes(`"${scriptAddress()}"`);
  const mayLoad = raw.ok && (raw.redirected || !isForm(ctx));
  if (!(raw.ok && isForeign) && !(mayLoad && (isNewer || !hasPart(ctx, ctx.text)))) return false;
  location.assign(mayLoad ? raw.url : location.href);
  return true;
}

/**
 * "Try again in 30 seconds."
 * @param {Answer} answer
 */
function retryHint({ headers }) {
  const seconds = Number(headers.get('retry-after'));
  if (!seconds) return '';
  const format = new Intl.RelativeTimeFormat(locale);
  const when = seconds < 100 ? format.format(seconds, 'second') : format.format(Math.ceil(seconds / 60), 'minute');
  return document.getElementById('status')?.dataset.retry?.replace('{when}', when) ?? '';
}

/**
 * Says what an answer says that is not shown.
 * @param {Answer} answer
 * @param {string} text
 */
function showVerdict(answer, text) {
  const page = parseHtml(text);
  const said = ['#status', '.centered-page__id'].map((place) => page.querySelector(place)?.textContent ?? '');
  const sentences = [said[0], errorMessage(page), retryHint(answer), said[1]].map((part) => part.trim());
  showStatus(sentences.filter(Boolean).join(' ') || (answer.ok ? '' : failed()), !answer.ok);
}

const failed = () => document.getElementById('status')?.dataset.failed ?? '';

/**
 * The address follows a filter, and a form that leads to another place of its page. What only says that something was
 * saved is not a part of it.
 * @param {Context} ctx
 */
function updateAddress({ replace, response: { raw } }) {
  if (!raw.redirected && replace !== 'true') return;
  const url = new URL(raw.url);
  for (const [name, value] of [...url.searchParams]) if (name === 'saved' || !value) url.searchParams.delete(name);
  const address = url.pathname + url.search;
  const shown = options.shownAddress();
  if (address !== shown.pathname + shown.search) options.replaceAddress(address);
}

/**
 * What each part of a page has sent last.
 * @type {WeakMap<HTMLElement, Promise<Answer | null>>}
 */
const latestAnswers = new WeakMap();

/**
 * Sends the forms of a page one after the other: each answer shows what the forms before it have changed, and what was
 * sent without a connection is sent once there is one.
 * @param {Context} ctx
 * @param {string} address
 * @param {Request} request
 */
function sendInTurn(ctx, address, request) {
  const answer = Promise.resolve(latestAnswers.get(ctx.target)).then(async () => {
    showStatus('');
    await options.reachServer();
    return submit(address, request, isOurs(ctx));
  });
  latestAnswers.set(ctx.target, answer);
  return answer;
}

/**
 * What waits for its page to be back on screen.
 * @type {Set<() => void>}
 */
const leftBehind = new Set();

/** A page that was left is on screen again: it gets the answers that came in the meantime. */
export function pageRestored() {
  for (const check of leftBehind) check();
}

/**
 * @param {HTMLElement} target
 * @returns {Promise<void>}
 */
const restored = (target) =>
  new Promise((resolve) => {
    function check() {
      if (!target.isConnected) return;
      leftBehind.delete(check);
      resolve();
    }
    leftBehind.add(check);
  });

/**
 * @param {Context} ctx
 * @returns {Context['fetch']}
 */
const sender = (ctx) => async (address, request) => {
  if (!isForm(ctx)) {
    const isWanted = () => ctx.target.isConnected;
    const answer = await ask(address, request, isOurs(ctx), isWanted, options.showWaiting);
    await whenReleased();
    return answer;
  }
  const answer = await sendInTurn(ctx, address, request);
  if (!answer) {
    showStatus(failed(), true);
    throw abandoned();
  }
  if (!ctx.target.isConnected) {
    showVerdict(answer, await answer.text());
    await restored(ctx.target);
  }
  return answer;
};

/**
 * What each form sends at the moment, or sends next.
 * @type {WeakMap<HTMLFormElement, Context>}
 */
const latestSubmits = new WeakMap();

/**
 * What a form sends, and to where. Of a file, its name and size stand for it.
 * @param {Context} ctx
 */
function fieldsOf({ request: { action, body } }) {
  const fields = [.../** @type {FormData} */ (body)].map(([name, value]) =>
    value instanceof File ? [name, value.name, value.size] : [name, value],
  );
  return JSON.stringify([action, fields]);
}

/** @param {Context} ctx */
function afterRequest(ctx) {
  const { form } = ctx.request;
  if (form && latestSubmits.get(form) === ctx) latestSubmits.delete(form);
}

/**
 * @param {HTMLElement} element
 * @param {Context} ctx
 */
function beforeRequest(element, ctx) {
  if (/** @type {InputEvent} */ (ctx.sourceEvent).isComposing) return false;
  ctx.request.timeout = 0; // it would run while the server is awaited
  if (ctx.onAnswer) return true;
  ctx.fetch = sender(ctx);
  if (!isForm(ctx)) {
    ctx.asked = question(element);
    return true;
  }
  // The server refuses it if another tab has signed in as another user.
  const { account } = document.body.dataset;
  if (account) ctx.request.headers['Patio-Account'] = encodeURIComponent(account);
  if (!(element instanceof HTMLFormElement)) return true;
  ctx.fields = fieldsOf(ctx);
  ctx.result = resultIn(ctx.target)?.textContent;
  // Clicked once more before the answer.
  if (latestSubmits.get(element)?.fields === ctx.fields) return false;
  latestSubmits.set(element, ctx);
  ctx.sent = sentValues(element);
  return true;
}

/** @param {ParentNode} region */
const resultIn = (region) => region.querySelector('[data-result]');

/**
 * What is only shown once, and came after the form was sent, stays: the answer to the form would take it away, unseen.
 * @param {Context} ctx
 * @param {SwapTask[]} tasks
 */
function keepsResult(ctx, [{ fragment }]) {
  const shown = resultIn(ctx.target);
  if (!isForm(ctx) || !shown || shown.textContent === ctx.result) return false;
  const added = resultIn(fragment);
  if (added) shown.before(added);
  showVerdict(ctx.response.raw, ctx.text);
  return true;
}

/**
 * @param {Context} ctx
 * @param {SwapTask[]} tasks
 */
function beforeSwap(ctx, tasks) {
  if (ctx.asked !== undefined && ctx.asked !== question(ctx.sourceElement)) return false;
  if (leave(ctx)) return false;
  // Error pages are not put in place; a form that came back is.
  if (!hasPart(ctx, ctx.text)) {
    showVerdict(ctx.response.raw, ctx.text);
    return false;
  }
  if (keepsResult(ctx, tasks)) return false;
  const said = tasks.findIndex(({ target }) => target?.id === 'status');
  if (said >= 0) ctx.said = tasks.splice(said, 1)[0].fragment.textContent?.trim();
  for (const { fragment } of tasks) options.prepareContent(fragment);
  ctx.title = ''; // htmx would set it without the frame's knowing
  ctx.giveFocusBack = keepFocus(ctx.target);
  return true;
}

/** @param {Context} ctx */
function afterSwap(ctx) {
  const region = document.getElementById(ctx.target.id);
  if (!region) return;
  if (ctx.sent) showReturnedValues(ctx.sent);
  options.startContent(region);
  ctx.giveFocusBack?.();
  if (!ctx.response.raw.ok) {
    showStatus(retryHint(ctx.response.raw), true);
    showFirstError(ctx.sourceElement);
    return;
  }
  if (ctx.said !== undefined) showStatus(ctx.said);
  if (ctx.text.includes('<title>')) options.adoptTitle(parseHtml(ctx.text));
  updateAddress(ctx);
  if (!isForm(ctx)) return;
  showResult(region);
  askAgain(region);
}

/**
 * What the user has opened stays open.
 * @param {Element} element
 * @param {{ attrName: string, newValue: string | null }} change
 */
const mayChange = (element, { attrName, newValue }) =>
  !(element instanceof HTMLDetailsElement && attrName === 'open' && newValue === null);

/**
 * The page of a visit is handed over as it came.
 * @param {Context} ctx
 */
function beforeResponse({ onAnswer, response }) {
  onAnswer?.(response.raw);
  return onAnswer === undefined;
}

/** @typedef {{ ctx: Context }} Detail */

const createExtension = () => ({
  /** @param {{ initSecurity: (policy: HtmlPolicy, ...evaluators: Function[]) => void }} internals */
  init({ initSecurity }) {
    const refuse = function Refused() {
      throw new Error('expressions are off');
    };
    initSecurity(policy, refuse, refuse);
  },
  htmx_before_on_init: () => false,
  htmx_config_request: (/** @type {HTMLElement} */ element, /** @type {Detail} */ { ctx }) =>
    beforeRequest(element, ctx),
  htmx_before_response: (/** @type {HTMLElement} */ _, /** @type {Detail} */ { ctx }) => beforeResponse(ctx),
  htmx_before_swap: (/** @type {HTMLElement} */ _, /** @type {Detail & { tasks: SwapTask[] }} */ { ctx, tasks }) =>
    beforeSwap(ctx, tasks),
  htmx_before_morph_attr: mayChange,
  htmx_after_swap: (/** @type {HTMLElement} */ _, /** @type {Detail} */ { ctx }) => afterSwap(ctx),
  htmx_finally_request: (/** @type {HTMLElement} */ _, /** @type {Detail} */ { ctx }) => afterRequest(ctx),
});

/**
 * Clicks that follow at once on the button of a form belong to the first one, even if the answer has come between them
 * and another button is there now.
 */
function ignoreDoubleClicks() {
  document.addEventListener(
    'click',
    (event) => {
      const button = /** @type {Element} */ (event.target).closest('form[hx-boost] button');
      if (button && event.detail > 1) event.preventDefault();
    },
    true,
  );
}

/** @type {Promise<import('htmx.org').Htmx> | undefined} */
let loading;
/** @type {import('htmx.org').Htmx | undefined} */
let loaded;

async function loadHtmx() {
  const { default: htmx } = await import('htmx.org');
  Object.assign(htmx.config, { history: false, prefix: '', morphSkip: KEPT });
  // It would walk over the whole page, with all messages.
  Object.assign(htmx, { initialize() {} });
  Reflect.deleteProperty(window, 'htmx');
  htmx.registerExtension('patio', createExtension());
  return htmx;
}

/** Undefined without a network. */
async function htmxIfThere() {
  loading ??= loadHtmx();
  try {
    loaded = await loading;
  } catch {
    loading = undefined;
  }
  return loaded;
}

/**
 * Makes the attributes in an element work. Without htmx its forms are plain forms. Never for messages and rows of
 * lists, which come by the thousand.
 * @param {Element} region
 */
export async function activate(region) {
  if (region.querySelector('[hx-boost], [hx-get]')) (await htmxIfThere())?.process(region);
}

/**
 * Fetches a page that the caller shows. A later visit replaces an earlier one.
 * @param {string} address
 * @param {{ signal: AbortSignal, headers: Record<string, string> }} own
 * @returns {Promise<Answer | null>} null without an answer in time
 */
export async function visit(address, own) {
  if (!loaded) {
    htmxIfThere(); // for the next one: this one doesn't wait
    return fetchPage(address, own);
  }
  /** @type {Answer | null} */
  let answer = null;
  const options = {
    source: byId('app'),
    target: document.body,
    onAnswer: (/** @type {Answer} */ given) => {
      answer = given;
    },
    fetch: async (/** @type {string} */ url, /** @type {Request} */ request) => {
      const headers = { .../** @type {Record<string, string>} */ (request.headers), ...own.headers };
      const found = await fetchPage(url, { ...request, ...own, headers });
      if (found) return found;
      throw abandoned();
    },
  };
  await loaded.ajax('GET', address, options);
  return answer;
}

/** @param {Options} given */
export function startHypermedia(given) {
  options = {
    goTo: (address) => location.assign(address),
    replaceAddress: (address) => history.replaceState(history.state, '', address),
    shownAddress: () => new URL(location.href),
    adoptTitle: (page) => {
      document.title = page.querySelector('title')?.textContent ?? '';
    },
    ...given,
  };
  ignoreDoubleClicks();
}
