// Colours code: lowlight has the grammars of highlight.js and builds nodes, so no text becomes HTML. Loaded with the
// first block that names a language. Its many scopes become the six classes of the style sheet.
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import elixir from 'highlight.js/lib/languages/elixir';
import go from 'highlight.js/lib/languages/go';
import haskell from 'highlight.js/lib/languages/haskell';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import markdown from 'highlight.js/lib/languages/markdown';
import nginx from 'highlight.js/lib/languages/nginx';
import perl from 'highlight.js/lib/languages/perl';
import php from 'highlight.js/lib/languages/php';
import python from 'highlight.js/lib/languages/python';
import r from 'highlight.js/lib/languages/r';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import scss from 'highlight.js/lib/languages/scss';
import shell from 'highlight.js/lib/languages/shell';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { createLowlight } from 'lowlight';

const grammars = {
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  dockerfile,
  elixir,
  go,
  haskell,
  ini,
  java,
  javascript,
  json,
  kotlin,
  lua,
  makefile,
  markdown,
  nginx,
  perl,
  php,
  python,
  r,
  ruby,
  rust,
  scss,
  shell,
  sql,
  swift,
  typescript,
  xml,
  yaml,
};
const lowlight = createLowlight(grammars);

/** @type {Record<string, string>} */
const CLASSES = {
  keyword: 'k',
  literal: 'k',
  name: 'k',
  section: 'k',
  'selector-tag': 'k',
  string: 's',
  regexp: 's',
  char: 's',
  symbol: 's',
  link: 's',
  number: 'n',
  bullet: 'n',
  title: 'f',
  built_in: 'f',
  attr: 'f',
  attribute: 'f',
  property: 'f',
  type: 't',
  class_: 't',
  'selector-class': 't',
  'selector-id': 't',
  comment: 'c',
  quote: 'c',
  meta: 'c',
  doctag: 'c',
  addition: 'add',
  deletion: 'del',
};

/**
 * @typedef {{ type: string, value?: string, properties?: { className?: unknown }, children?: Node[] }} Node
 */

/**
 * The class of the last scope that has one: `title class_` is a type.
 * @param {unknown} names
 */
function classOf(names) {
  const scopes = Array.isArray(names) ? names.map((name) => String(name).replace('hljs-', '')) : [];
  return scopes.reduce((found, scope) => CLASSES[scope] ?? found, '');
}

/**
 * @param {Node[]} children
 * @returns {DocumentFragment}
 */
function build(children) {
  const nodes = document.createDocumentFragment();
  for (const { value, properties, children: inner } of children) {
    if (!inner) {
      nodes.append(value ?? '');
      continue;
    }
    const name = classOf(properties?.className);
    const built = build(inner);
    if (name) nodes.append(Object.assign(document.createElement('span'), { className: name }));
    if (name) nodes.lastElementChild?.append(built);
    else nodes.append(built);
  }
  return nodes;
}

/**
 * @param {string} language as its author named it
 * @param {string} code
 * @returns {DocumentFragment | null} null without a grammar for it
 */
export function highlight(language, code) {
  if (!lowlight.registered(language)) return null;
  return build(/** @type {Node[]} */ (lowlight.highlight(language, code).children));
}
