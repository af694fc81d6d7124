// Requests to the server, and what its answers are: HTML as nodes, from Patio or from a proxy in its place, a refusal
// with its reason. A question is asked again until the server answers; a form is sent once.
import { query } from './dom.js';

// The page allows a single Trusted Types policy, which only this file and htmx (hypermedia/bridge.js) use. It takes HTML
// and no scripts.
const rules = { createHTML: (/** @type {string} */ html) => html, createScript: () => '' };

export const policy =
  /** @type {Window} */ (/** @type {unknown} */ (globalThis)).trustedTypes?.createPolicy('patio', rules) ?? rules;

/**
 * Turns HTML that the server rendered into nodes.
 * @param {string} html
 */
export function parseHtml(html) {
  const template = document.createElement('template');
  template.innerHTML = policy.createHTML(html);
  return template.content;
}

const ERRORS = '#composer-error:not(:empty), .field__note--error:not(:empty), .centered-page__card h1 + p';

/**
 * Every page of Patio loads its style sheet.
 * @param {ParentNode} page
 */
export const isPatioPage = (page) => page.querySelector('link[href*="/css/app.css"]') !== null;

/**
 * The reason for a refusal, as the returned page words it.
 * @param {ParentNode} page
 */
export const errorMessage = (page) => query(page, ERRORS)?.textContent ?? '';

/**
 * The session has ended: the sign-in page came instead, or what was posted came back.
 * @param {Response} response
 */
export const isSignedOut = (response) =>
  response.status === 401 || (response.redirected && new URL(response.url).pathname === '/login');

const QUESTION_TIMEOUT = 10_000;
const FORM_TIMEOUT = 120_000; // a picture may be on a slow line
const PAGE_TIMEOUT = 15_000;
const RETRY_DELAY = 2_000;

/**
 * As much of a response as htmx reads, with its text already there: a timeout covers the text, too.
 * @typedef {Pick<Response, 'status' | 'ok' | 'url' | 'redirected' | 'headers'> & { text: () => Promise<string> }} Answer
 *
 * @typedef {RequestInit & { signal: AbortSignal }} Request
 */

/** What ends a request that came to nothing. htmx says nothing about it. */
export const abandoned = () => new DOMException('', 'AbortError');

/**
 * @param {string} address
 * @param {Request} request
 * @param {number} limit in ms
 * @returns {Promise<{ answer: Answer, text: string } | null>} null without a network or in time
 */
async function fetchText(address, request, limit) {
  const attempt = new AbortController();
  const stop = () => attempt.abort();
  request.signal.addEventListener('abort', stop);
  const timer = setTimeout(stop, limit);
  try {
    const response = await fetch(address, { ...request, signal: attempt.signal });
    const text = await response.text();
    const { status, ok, url, redirected, headers } = response;
    return { answer: { status, ok, url, redirected, headers, text: async () => text }, text };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    request.signal.removeEventListener('abort', stop);
  }
}

/**
 * Asks until there is an answer, or until another question or another page has replaced this one.
 * @param {string} address
 * @param {Request} request
 * @param {(text: string) => boolean} isOurs whether Patio has answered, and not a proxy in its place
 * @param {() => boolean} isWanted whether the page that asks is still on screen
 * @param {(isWaiting: boolean) => void} showWaiting
 */
export async function ask(address, request, isOurs, isWanted, showWaiting) {
  for (;;) {
    const found = await fetchText(address, request, QUESTION_TIMEOUT);
    if (request.signal.aborted || !isWanted()) throw abandoned();
    const isAnswered = found !== null && isOurs(found.text);
    showWaiting(!isAnswered);
    if (isAnswered) return found.answer;
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_DELAY);
    });
  }
}

/**
 * Sends a form once: without an answer it may have been carried out.
 * @param {string} address
 * @param {Request} request
 * @param {(text: string) => boolean} isOurs
 * @returns {Promise<Answer | null>} null without an answer
 */
export async function submit(address, request, isOurs) {
  const found = await fetchText(address, request, FORM_TIMEOUT);
  return found && isOurs(found.text) ? found.answer : null;
}

/**
 * Asks once for a page, or posts for one.
 * @param {string} address
 * @param {Request} request
 * @returns {Promise<Answer | null>} null without an answer in time
 */
export async function fetchPage(address, request) {
  const headers = { ...request.headers, accept: 'text/html' };
  return (await fetchText(address, { ...request, headers }, PAGE_TIMEOUT))?.answer ?? null;
}
