// Turns HTML that this site's server rendered into nodes. The page allows one Trusted Types policy; nothing else may use it.
const policy = globalThis.trustedTypes?.createPolicy('patio', { createHTML: (html) => html });

export function parse(html) {
  const template = document.createElement('template');
  template.innerHTML = policy ? policy.createHTML(html) : html;
  return template.content;
}
