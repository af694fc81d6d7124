// What a response says: whether it came from Patio at all (a proxy or a captive portal may have answered), whether the
// session has ended, and why a request was refused.
import { query } from './dom.js';

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
