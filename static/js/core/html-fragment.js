// Turns HTML that the server rendered into nodes. The page allows a single Trusted Types policy, which only this file
// uses.
const policy = window.trustedTypes?.createPolicy('patio', { createHTML: (html) => html });

/** @param {string} html */
export function parseHtml(html) {
  const template = document.createElement('template');
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}
