// What the scripts add to the content of pages other than rooms, whenever it has come on screen.
import { localizePage } from '../core/local-time.js';
import { showRevealButtons, startLengthChecks } from '../forms/fields.js';
import { activate } from '../hypermedia/bridge.js';
import { startEditPage } from '../message-actions/edit-message.js';

/**
 * What can be done before the content is on screen.
 * @param {ParentNode} content
 */
export function prepareContent(content) {
  localizePage(content);
  showRevealButtons(content);
}

/** @param {HTMLElement} content */
export function enhanceContent(content) {
  prepareContent(content);
  startLengthChecks(content);
  startEditPage();
  activate(content);
}
