// What the scripts add to the content of pages other than rooms, whenever it has come on screen.
import { localizePage } from '../core/local-time.js';
import { startLengthChecks } from '../forms/field-length.js';
import { startPasswordReveal } from '../forms/password-reveal.js';
import { startEditPage } from '../message-actions/edit-page.js';

/** @param {ParentNode} content */
export function enhanceContent(content) {
  localizePage(content);
  startPasswordReveal(content);
  startLengthChecks(content);
  startEditPage();
}
