// What the scripts add to the content of pages other than rooms, whenever it has come on screen.
import { localizePage } from '../core/local-time.js';
import { showRevealButtons, startLengthChecks } from '../forms/fields.js';
import { activate } from '../hypermedia/bridge.js';
import { startEditPage } from '../message-actions/edit-message.js';
import { loadRecord, saveRecord } from '../outbox/storage.js';
import { nameKeys } from './keys.js';

/**
 * What can be done before the content is on screen.
 * @param {ParentNode} content
 */
export function prepareContent(content) {
  localizePage(content);
  showRevealButtons(content);
  nameKeys(content);
}

/**
 * Content that is on screen, whole or in part new.
 * @param {ParentNode} content
 */
export function startContent(content) {
  startLengthChecks(content);
  startRecentSearches();
  const chooser = /** @type {HTMLFormElement | null} */ (content.querySelector('[data-chooser]'));
  if (chooser) import('../people/chooser.js').then(({ startChooser }) => startChooser(chooser));
}

/** @param {HTMLElement} content */
export function enhanceContent(content) {
  prepareContent(content);
  startContent(content);
  startEditPage();
  activate(content);
}

// The last searches, offered on the empty search page. They stay in this browser, as long as its other texts.

const MAX_SEARCHES = 8;

function startRecentSearches() {
  const section = document.getElementById('recent-searches');
  const results = document.querySelector('.results');
  const sought = /** @type {HTMLInputElement | null} */ (document.querySelector('#search [name=q]'))?.value.trim();
  const known = loadRecord('searches', '') ?? [];
  // Only what has found something, and the last of what was typed letter by letter.
  if (results && sought) {
    const others = known.filter((search, at) => search !== sought && !(at === 0 && sought.startsWith(search)));
    saveRecord('searches', '', [sought, ...others].slice(0, MAX_SEARCHES));
  }
  if (!section || known.length === 0) return;
  const items = known.map((search) => {
    const link = Object.assign(document.createElement('a'), { className: 'chip', dir: 'auto', textContent: search });
    link.href = `/search?q=${encodeURIComponent(search)}`;
    const item = document.createElement('li');
    item.append(link);
    return item;
  });
  section.querySelector('ul')?.replaceChildren(...items);
  section.hidden = false;
}
