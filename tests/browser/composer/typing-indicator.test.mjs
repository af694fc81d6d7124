// The typing indicator.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const indicator = (reader) => reader.page.locator('#typing').textContent();
const says = (reader, text) =>
  eventually(async () => assert.equal((await indicator(reader)).replace(/[\u2068\u2069]/g, ''), text));

story('others see who is typing until the message arrives; the author does not', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom', { locale: 'es-ES' });
  await eventually(async () => {
    await ana.composer.fill('');
    await ana.composer.pressSequentially('Hol');
    assert.notEqual(await indicator(tom), '');
  });
  await says(tom, 'ana está escribiendo…');
  assert.equal(await indicator(ana), '');
  await ana.post('Hola.');
  await tom.sees('Hola.');
  await says(tom, '');
});

story('commands show no typing indicator, and two typing users are named together', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  const eva = await newUser('eva');
  await ana.post('ready');
  for (const reader of [ana, tom, eva]) await reader.sees('ready');
  await ana.composer.fill('/topic secret');
  await tom.composer.fill('one');
  await says(ana, 'tom is typing…');
  await eva.composer.fill('two');
  await says(ana, 'tom and eva are typing…');
  await says(tom, 'eva is typing…');
});
