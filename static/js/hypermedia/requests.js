// Sends what htmx asks for, as patiently as the user would: a question is asked again until the server answers, a form
// is sent once, when the server is reachable. It knows neither htmx nor the page.
const QUESTION_TIMEOUT = 10_000;
const FORM_TIMEOUT = 120_000; // a picture may be on a slow line
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
 * Asks until there is an answer, or until another question has replaced this one.
 * @param {string} address
 * @param {Request} request
 * @param {(text: string) => boolean} isOurs whether Patio has answered, and not a proxy in its place
 * @param {(isWaiting: boolean) => void} showWaiting
 */
export async function ask(address, request, isOurs, showWaiting) {
  for (;;) {
    const found = await fetchText(address, request, QUESTION_TIMEOUT);
    if (request.signal.aborted) throw abandoned();
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
