// Formatting: Markdown as others see it, the bar and the keys, the preview, the counter, and blocks of code.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const MESSAGE = ['**Riego** de hoy:', '- norte', '- sur', '', '```rust', 'let litros = 90;', '```'].join('\n');

story('two people see bold, lists and code live, and copy the code', async ({ newUser }) => {
  const ana = await newUser('ana');
  const luis = await newUser('luis', { permissions: ['clipboard-read', 'clipboard-write'] });
  await ana.composer.fill(MESSAGE);
  await ana.page.keyboard.press('Enter');
  for (const { page } of [ana, luis]) {
    await page.locator('.message__body strong', { hasText: 'Riego' }).waitFor();
    await eventually(async () =>
      assert.deepEqual(await page.locator('.message__body li').allTextContents(), ['norte', 'sur']),
    );
    await page.locator('.code-block pre .k', { hasText: 'let' }).waitFor();
    assert.equal(await page.locator('.code-block__language').textContent(), 'rust');
    assert.equal(await page.locator('.code-block pre').getAttribute('aria-label'), 'Code, rust');
  }
  const copy = luis.page.locator('.code-block__tool');
  await luis.page.setViewportSize({ width: 390, height: 700 });
  const { x, width } = await copy.boundingBox();
  assert.ok(x + width < 390, 'on a phone, too, the button is in reach');
  await copy.click();
  await luis.page.locator('.code-block__tool', { hasText: 'Copied' }).waitFor();
  await eventually(async () => assert.equal(await luis.page.locator('#announcer').textContent(), 'Copied'));
  assert.equal(await luis.page.evaluate(() => navigator.clipboard.readText()), 'let litros = 90;');
  await luis.page.locator('.code-block__tool', { hasText: 'Copy' }).waitFor();
  const long = Array.from({ length: 30 }, (_, n) => `line ${n}`).join('\n');
  await ana.composer.fill(`\`\`\`\n${long}\n\`\`\``);
  await ana.page.keyboard.press('Enter');
  const more = luis.page.locator('.code-block__more button', { hasText: 'Show 10 more lines' });
  await more.click();
  assert.equal(await luis.page.locator('.code-block--folded').count(), 0);
});

story('keys and the bar put marks into the text, and the preview shows them', async ({ newUser }) => {
  const { page, composer } = await newUser('ana');
  const bar = page.locator('.composer__format');
  const text = (expected) => eventually(async () => assert.equal(await composer.inputValue(), expected));
  await composer.fill('hola');
  await composer.selectText();
  await page.keyboard.press('Control+b');
  await text('**hola**');
  await page.keyboard.press('Control+b');
  await text('hola');
  await page.keyboard.press('Control+i');
  await text('_hola_');
  await page.keyboard.press('Control+z');
  await text('hola');
  await composer.selectText();
  await page.keyboard.press('Control+e');
  await text('`hola`');
  await composer.fill('x');
  await composer.selectText();
  await page.keyboard.press('Control+Shift+U');
  await text('[x](https://)');

  assert.equal(await bar.isVisible(), false);
  await page.locator('[data-formatting]').click();
  await composer.fill('uno\ndos');
  await composer.selectText();
  await bar.locator('[data-format=list]').click();
  await text('- uno\n- dos');
  assert.equal(await bar.locator('[tabindex="0"]').count(), 1, 'one stop for Tab');
  await bar.locator('[data-format=bold]').focus();
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-format')), 'preview');
  await page.keyboard.press('Enter');
  await eventually(async () => assert.deepEqual(await page.locator('#preview li').allTextContents(), ['uno', 'dos']));
  await page.reload();
  await bar.waitFor();
});

story('the counter shows what is left, and over the limit the button to send is off', async ({ newUser }) => {
  const { page, composer } = await newUser('ana');
  const count = page.locator('.composer__count');
  const send = page.locator('.send-button');
  await composer.fill('a'.repeat(14_000));
  assert.equal(await count.textContent(), '');
  await composer.fill('a'.repeat(15_800));
  assert.equal(await count.textContent(), '200 left');
  assert.match((await count.getAttribute('class')) ?? '', /count--low/);
  await composer.fill('a'.repeat(16_012));
  assert.match((await count.textContent()) ?? '', /12 left/);
  assert.equal(await send.getAttribute('aria-disabled'), 'true');
  assert.equal(await send.getAttribute('aria-describedby'), 'composer-error');
  await send.focus();
  assert.equal(await send.evaluate((button) => button === document.activeElement), true);
  await composer.fill('a');
  assert.equal(await send.getAttribute('aria-disabled'), null);
});

story('without scripts, a message has its marks and a button shows the preview', async ({ newUser }) => {
  const { page, composer } = await newUser('ana', { javaScriptEnabled: false });
  await composer.fill(MESSAGE);
  await page.locator('button[name=preview]').click();
  assert.equal(await page.locator('#preview strong').textContent(), 'Riego');
  assert.equal(await composer.inputValue(), MESSAGE);
  assert.equal(await page.locator('.message').count(), 0);
  await page.locator('.send-button').click();
  assert.equal(await page.locator('.message__body pre code').textContent(), 'let litros = 90;');
  assert.equal(await page.locator('.code-block').count(), 0);
});
