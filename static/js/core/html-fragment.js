// Turns HTML that the server rendered into nodes. The page allows a single Trusted Types policy, which only this file
// and htmx (core/hypermedia.js) use. It takes HTML and no scripts.
const rules = { createHTML: (/** @type {string} */ html) => html, createScript: () => '' };

export const policy = window.trustedTypes?.createPolicy('patio', rules) ?? rules;

/** @param {string} html */
export function parseHtml(html) {
  const template = document.createElement('template');
  template.innerHTML = policy.createHTML(html);
  return template.content;
}
