// What users keep for themselves, on all their devices: drafts, saved messages, favourites; and archived rooms.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

async function device(visitor, name, options) {
  const other = await visitor(options);
  await other.go('/login');
  await other.signIn(name);
  await other.arrives('/rooms/1');
  return other;
}

const writes = (visitor, text) =>
  eventually(async () => assert.equal(await visitor.composer.inputValue(), text, 'the text in the composer'));

const names = (visitor, list) => visitor.page.locator(`${list} .room__name`).allTextContents();

const lists = (visitor, list, expected) =>
  eventually(async () => assert.deepEqual(await names(visitor, list), expected));

story('a draft is on all devices of its author until one of them sends it', async ({ newUser, visitor }) => {
  const desk = await newUser('ana');
  const phone = await device(visitor, 'ana');
  const strip = desk.page.locator('#other-draft');

  await desk.composer.fill('Buy string');
  await writes(phone, 'Buy string');
  assert.equal(await desk.composer.inputValue(), 'Buy string', 'the echo changes nothing');

  // What was typed here stays here, and the other text is offered.
  await phone.composer.pressSequentially(' and stakes');
  await strip.waitFor();
  assert.equal(await desk.composer.inputValue(), 'Buy string');
  assert.match(await strip.textContent(), /another device.*Buy string and stakes/s);
  await strip.getByRole('button', { name: 'Keep mine' }).click();
  await phone.page.locator('#other-draft').getByRole('button', { name: 'Use it' }).click();
  await writes(phone, 'Buy string');
  await phone.composer.pressSequentially(', please');
  await strip.getByRole('button', { name: 'Use it' }).click();
  await writes(desk, 'Buy string, please');
  await strip.waitFor({ state: 'hidden' });

  // Another device that comes later has it, too, and a reload loses nothing.
  await desk.page.reload();
  await writes(desk, 'Buy string, please');
  await desk.composer.press('Enter');
  await desk.sees('Buy string, please');
  await writes(phone, '');
  await desk.page.reload();
  await writes(desk, '');

  // In the other rooms a pencil tells of it.
  await desk.makeRoom('Shed');
  await phone.row('Shed').waitFor();
  await desk.composer.fill('The key');
  await phone.row('Shed').locator('.room__draft').waitFor();
  await phone.go('/drafts');
  await phone.page.locator('.result', { hasText: 'The key' }).waitFor();
  await phone.page.getByRole('button', { name: 'Delete the draft in Shed' }).click();
  await phone.page.locator('.empty-state').waitFor();
  await writes(desk, '');
  await phone.page.getByRole('button', { name: 'Undo' }).click();
  await writes(desk, 'The key');
  await phone.page.locator('.result', { hasText: 'The key' }).waitFor();
  await phone.page.getByRole('link', { name: 'Go on writing in Shed' }).click();
  await writes(phone, 'The key');
});

story('the draft of a thread is on all devices, on its page and beside the room', async ({ newUser, visitor }) => {
  const desk = await newUser('ana');
  const phone = await device(visitor, 'ana');
  await desk.post('The bean arches are up.');
  await desk.sees('The bean arches are up.');
  await desk.post('/thread');
  await desk.page.waitForURL(/\/threads\/1$/);
  await desk.post('They look like a door.');
  await desk.sees('They look like a door.');
  await phone.page.locator('a.thread-line[data-thread]').click();
  const beside = phone.page.locator('.main--beside textarea');
  await desk.composer.fill('To the');
  await eventually(async () => assert.equal(await beside.inputValue(), 'To the'));
  assert.equal(await phone.composer.inputValue(), '', 'the room has another draft');

  // What was typed in each is offered in the thread, not in the room beside it.
  await desk.composer.pressSequentially(' shed');
  await eventually(async () => assert.equal(await beside.inputValue(), 'To the shed'));
  await beside.pressSequentially('!');
  await desk.page.locator('#other-draft').waitFor();
  await desk.page.locator('#other-draft').getByRole('button', { name: 'Keep mine' }).click();
  await phone.page.locator('#thread-other-draft').getByRole('button', { name: 'Use it' }).click();
  await eventually(async () => assert.equal(await beside.inputValue(), 'To the shed'));
  assert.equal(await phone.page.locator('#other-draft').isVisible(), false);

  await beside.press('Enter');
  await desk.sees('To the shed');
  await writes(desk, '');
});

story('saved messages and favourites are on all devices of a user', async ({ newUser, visitor }) => {
  const desk = await newUser('ana');
  const tom = await newUser('tom');
  await tom.post('The pump key hangs behind the door');
  const phone = await device(visitor, 'ana');
  const message = desk.message('pump key');
  await desk.sees('pump key');
  await message.hover();
  await message.locator('[data-act="save"]').click();
  await message.locator('.saved-mark').waitFor();
  await phone.message('pump key').locator('.saved-mark').waitFor();
  assert.equal(await tom.page.locator('.message .saved-mark').count(), 0);
  await phone.page.reload();
  await phone.message('pump key').locator('.saved-mark').waitFor();
  assert.equal(await phone.page.locator('.chunk > .saved-mark').count(), 0, 'it stands in the message');

  await phone.page.getByRole('link', { name: 'Saved' }).click();
  await phone.page.locator('.result', { hasText: 'pump key' }).waitFor();
  assert.equal(await phone.page.locator('.places [aria-current]').textContent(), 'Saved');
  await message.hover();
  await message.locator('[data-act="unsave"]').click();
  await phone.page.locator('.empty-state').waitFor();
  await message.hover();
  await message.locator('[data-act="save"]').click();
  assert.match(await phone.page.locator('.result__link').textContent(), /^\d\d:\d\d$/, 'the time of today');
  await phone.page.getByRole('button', { name: /^Remove from saved: message by tom/ }).click();
  await message.locator('.saved-mark').waitFor({ state: 'detached' });
  await phone.page.getByRole('button', { name: 'Undo' }).click();
  await message.locator('.saved-mark').waitFor();
  await phone.page.locator('.result__link').click();
  await phone.isIn('lobby');

  await desk.makeRoom('Shed');
  const star = desk.page.getByRole('button', { name: 'Favourite' });
  await star.click();
  await desk.page.locator('#favourite [aria-pressed="true"]').waitFor();
  await lists(phone, '#favourites', ['Shed']);
  await lists(phone, '#rooms', ['lobby']);
  await phone.open('Shed');
  await phone.page.getByRole('button', { name: 'Favourite' }).click();
  await lists(desk, '#rooms', ['lobby', 'Shed']);
  assert.equal(await desk.page.locator('[data-list="favourites"]').isVisible(), false);
  await desk.page.getByRole('link', { name: 'Room settings' }).click();
  await desk.page.locator('#section').fill('Garden');
  await desk.page.locator('#place button').click();
  await lists(phone, '[data-section="Garden"]', ['Shed']);
  // A list that was shut stays so, in this browser.
  await phone.page.locator('summary', { hasText: 'Garden' }).click();
  await phone.page.reload();
  await phone.page.locator('[data-section="Garden"] details:not([open])').waitFor();
  await desk.page.locator('[data-section="Garden"] details[open]').waitFor();
});

story('an archived room is read by all and written in by none', async ({ newUser, tolerate }) => {
  tolerate(/409/);
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.makeRoom('Works');
  await tom.go('/rooms/2');
  await tom.post('Cement is in the shed');
  await ana.sees('Cement');
  await ana.page.getByRole('link', { name: 'Room settings' }).click();
  await ana.page.getByRole('button', { name: 'Archive the room' }).click();
  await ana.isIn('Works');
  for (const visitor of [ana, tom]) {
    await visitor.page.locator('#archived-bar').waitFor();
    await visitor.composer.waitFor({ state: 'hidden' });
    await lists(visitor, '#archived', ['Works']);
    await visitor.sees('Cement');
  }
  assert.equal(await tom.page.locator('#archived-bar button').count(), 0);
  await ana.page.getByRole('button', { name: 'Use the room again' }).click();
  await tom.composer.waitFor();
  await tom.post('Back again');
  await ana.sees('Back again');
});

story('archiving a room closes its open threads, and using it again opens them', async ({ newUser }) => {
  const ana = await newUser('ana');
  const [tom, eva] = [await newUser('tom'), await newUser('eva')];
  await ana.makeRoom('Works');
  for (const text of ['Cement is in the shed', 'Sand is in the yard']) {
    await ana.post(text);
    await ana.sees(text);
  }
  // Neither tom nor eva is a member. He reads a thread on its page, she has one without replies beside the room.
  await ana.post('/thread');
  await ana.page.waitForURL(/\/threads\/2$/);
  await ana.post('And the key?');
  await ana.sees('And the key?');
  await tom.go('/threads/2');
  await eva.go('/rooms/2');
  await eva.sees('Cement');
  await eva.message('Cement').focus();
  await eva.page.keyboard.press('t');
  await eva.page.locator('.main--beside').waitFor();

  const parts = [tom.page.locator('.main--thread'), eva.page.locator('.main--beside')];
  const shows = async (isArchived) => {
    for (const part of parts) {
      await part.locator('.archived-bar').waitFor({ state: isArchived ? 'visible' : 'hidden' });
      for (const writing of ['.composer', '.thread-also']) {
        await part.locator(writing).waitFor({ state: isArchived ? 'hidden' : 'visible' });
      }
    }
  };
  await shows(false);
  await ana.go('/rooms/2/settings');
  await ana.page.getByRole('button', { name: 'Archive the room' }).click();
  await ana.isIn('Works');
  await shows(true);
  await ana.page.getByRole('button', { name: 'Use the room again' }).click();
  await shows(false);
});

story('saving, drafts and favourites work without scripts', async ({ newUser, visitor }) => {
  const ana = await newUser('ana', { javaScriptEnabled: false });
  const tom = await newUser('tom');
  await tom.post('The pump key');
  await tom.sees('The pump key');
  await ana.go('/rooms/1');
  await ana.page.locator('.message__link').click();
  await ana.page.getByRole('button', { name: 'Save for later' }).click();
  await ana.page.getByRole('button', { name: 'Remove from saved' }).waitFor();
  await ana.go('/rooms/1');
  assert.equal(await ana.page.locator('.saved-mark').textContent(), 'Saved');
  await ana.page.getByRole('link', { name: 'Saved' }).click();
  await ana.page.getByRole('button', { name: /^Remove from saved/ }).click();
  await ana.page.locator('.empty-state').waitFor();
  await ana.page.getByRole('button', { name: 'Undo' }).click();
  await ana.page.locator('.result', { hasText: 'pump key' }).waitFor();

  // Tom's draft waits for him on a device without scripts, and is none after it is sent from there.
  await tom.composer.fill('Half a');
  const plain = await device(visitor, 'tom', { javaScriptEnabled: false });
  await eventually(async () => {
    await plain.go('/drafts');
    assert.equal(await plain.page.locator('.result', { hasText: 'Half a' }).count(), 1);
  });
  await plain.page.getByRole('link', { name: 'Go on writing in lobby' }).click();
  assert.equal(await plain.composer.inputValue(), 'Half a');
  await plain.composer.fill('Half a dozen');
  await plain.page.getByRole('button', { name: 'Send' }).click();
  await plain.arrives('/rooms/1');
  await tom.sees('Half a dozen');
  await writes(tom, '');
  await plain.go('/drafts');
  await plain.page.locator('.empty-state').waitFor();
  await plain.go('/rooms/1');
  await plain.page.getByRole('button', { name: 'Favourite' }).click();
  await plain.arrives('/rooms/1');
  await lists(plain, '#favourites', ['lobby']);
  assert.equal(await plain.page.getByRole('button', { name: 'Favourite' }).getAttribute('aria-pressed'), 'true');
});
