// Rules that browser and server share: the word after an @, and the normalization of names.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MENTION } from '../../../static/js/composer/completion.js';
import { foldText } from '../../../static/js/core/fuzzy-match.js';

const cases = JSON.parse(readFileSync(new URL('../../cases/mentions.json', import.meta.url), 'utf8'));

for (const [text, word] of cases) {
  test(`${text} ${word ? 'mentions' : 'mentions no user'} ${word ?? ''}`, () => {
    assert.equal(MENTION.exec(text)?.[1] ?? null, word);
  });
}

for (const [name, folded] of JSON.parse(readFileSync(new URL('../../cases/folding.json', import.meta.url), 'utf8'))) {
  test(`${name} is looked up as ${folded}`, () => assert.equal(foldText(name), folded));
}
