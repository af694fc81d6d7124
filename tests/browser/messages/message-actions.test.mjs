// Editing, deleting and reacting in place, live for all users, with and without scripts.
import assert from 'node:assert/strict';
import { eventually, isSameTop, story, topOf } from '../support.mjs';

const PLAIN = { javaScriptEnabled: false };
const UNDO = 11_000; // more than the ten seconds in which a deletion can be undone

const bar = (visitor) => visitor.page.locator('.message-actions');
const act = (visitor, name) => bar(visitor).getByRole('button', { name, exact: true });
const menu = (visitor) => visitor.page.locator('#acts-sheet');
const choice = (visitor, name) => menu(visitor).getByRole('button', { name });
const chips = (visitor) => visitor.page.locator('#messages .reaction');
const edit = (visitor) => visitor.page.locator('#messages .edit-form textarea');
const press = (visitor, key) => visitor.page.keyboard.press(key);
const focused = (visitor) =>
  visitor.page.evaluate(
    () => document.activeElement.id || document.activeElement.getAttribute('value') || document.activeElement.ariaLabel,
  );

async function chipsAre(visitor, expected) {
  await eventually(async () =>
    assert.deepEqual(
      await chips(visitor).evaluateAll((all) => all.map((chip) => `${chip.textContent.trim()} ${chip.ariaPressed}`)),
      expected,
    ),
  );
}

async function textsAre(visitor, expected) {
  await eventually(async () => assert.deepEqual(await visitor.texts(), expected));
}

async function openMenu(visitor, text) {
  await visitor.message(text).hover();
  await act(visitor, 'More actions').click();
  await menu(visitor).waitFor();
}

async function choose(visitor, text, name) {
  await openMenu(visitor, text);
  await choice(visitor, name).click();
}

/** Deletes a message, and lets the time pass in which that can be undone. */
async function remove(visitor, text) {
  await visitor.page.clock.install();
  await choose(visitor, text, 'Delete message');
  await visitor.page.getByRole('button', { name: 'Undo' }).waitFor();
  await visitor.page.clock.fastForward(UNDO);
}

async function openEdit(visitor, text) {
  await visitor.sees(text);
  await choose(visitor, text, 'Edit message');
  await edit(visitor).waitFor();
}

story('a message is edited in place, and others see it', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.post('the log hose');
  await tom.sees('the log hose');
  await openEdit(ana, 'the log hose');
  assert.equal(await edit(ana).inputValue(), 'the log hose');
  assert.equal(await ana.message('the log hose').locator('.message__body').isVisible(), false);
  await edit(ana).fill('the long hose');
  await edit(ana).press('Shift+Enter');
  await ana.page.keyboard.type('is back');
  await edit(ana).press('Enter');
  for (const reader of [ana, tom]) {
    await textsAre(reader, ['the long hoseis back']);
    assert.equal(await reader.page.locator('.message__body br').count(), 1);
    assert.equal(await reader.page.locator('.message__edited').textContent(), '(edited)');
  }
  assert.equal(await edit(ana).count(), 0);
  assert.deepEqual(await ana.outline(), await tom.outline());
  assert.deepEqual(await (await tom.newTab()).outline(), await tom.outline());
});

story('arrow up in an empty field edits the last own message; Escape cancels', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  for (const text of ['first', 'second']) await ana.post(text);
  await ana.sees('second');
  await tom.post('from Tom');
  await ana.sees('from Tom');
  await ana.composer.fill('x');
  await press(ana, 'ArrowUp');
  await ana.composer.fill('');
  assert.equal(await edit(ana).count(), 0);
  await press(ana, 'ArrowUp');
  await edit(ana).waitFor();
  assert.equal(await edit(ana).inputValue(), 'second');
  await ana.page.keyboard.type(' thoughts');
  await press(ana, 'ArrowUp'); // handled by the field
  await press(ana, 'Escape');
  assert.equal(await focused(ana), 'body');
  assert.deepEqual(await ana.texts(), ['first', 'second', 'from Tom']);

  await press(ana, 'ArrowUp');
  await edit(ana).waitFor();
  await ana.page.keyboard.type(' thoughts');
  await press(ana, 'Enter');
  await textsAre(ana, ['first', 'second thoughts', 'from Tom']);
  await eventually(async () => assert.equal(await focused(ana), 'body'));
});

story('an open edit is restored when returning to the room', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  await ana.post('the log hose');
  await ana.sees('the log hose');
  await openEdit(ana, 'the log hose');
  await edit(ana).fill('the long hose');
  await ana.open('lobby');
  await ana.isIn('lobby');
  assert.equal(await edit(ana).count(), 0);
  await ana.open('Huerto');
  await edit(ana).waitFor();
  assert.equal(await edit(ana).inputValue(), 'the long hose');
  assert.equal(await focused(ana), 'body');
  await edit(ana).press('Enter');
  await textsAre(ana, ['the long hose']);
});

story(
  'an edit without text is refused in place, and changes of others do not disturb it',
  async ({ newUser, tolerate }) => {
    tolerate(/^422 .*\/edit$/);
    const ana = await newUser('ana');
    const tom = await newUser('tom');
    await ana.post('hello');
    await tom.sees('hello');
    await openEdit(ana, 'hello');
    await edit(ana).fill('   ');
    await edit(ana).press('Enter');
    await eventually(async () =>
      assert.equal(await ana.page.locator('#edit-note').textContent(), 'Write something first.'),
    );
    await edit(ana).fill('hello, all');

    await tom.message('hello').hover();
    await act(tom, 'React with 👍').click();
    await chipsAre(tom, ['👍 1 true']);
    await tom.post('a new one');
    await ana.sees('a new one');
    assert.equal(await edit(ana).inputValue(), 'hello, all');
    assert.equal(await focused(ana), 'edit-body');
    await press(ana, 'Escape');
    await chipsAre(ana, ['👍 1 false']);
    await textsAre(ana, ['hello', 'a new one']);
  },
);

story('a deletion can be undone for a moment and leaves a tombstone', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom', { locale: 'es-ES' });
  for (const text of ['stays', 'goes']) await ana.post(text);
  for (const reader of [ana, tom]) await reader.sees('goes');
  await choose(ana, 'stays', 'Delete message');
  await ana.page.locator('.message').getByText('It will be deleted in a moment.').waitFor();
  await ana.page.getByRole('button', { name: 'Undo' }).click();
  await ana.page.locator('.message').getByText('It will be deleted in a moment.').waitFor({ state: 'detached' });

  await remove(ana, 'goes');
  await textsAre(ana, ['stays', 'Message deleted']);
  await textsAre(tom, ['stays', 'Mensaje eliminado']);
  await ana.message('Message deleted').hover();
  assert.equal(await bar(ana).count(), 0);
  assert.equal(await ana.page.locator('.message--deleting').count(), 0);
});

story('only moderators are offered to delete messages of others', async ({ newUser }) => {
  const ana = await newUser('ana'); // the administrator
  const [tom, eva] = [await newUser('tom'), await newUser('eva')];
  await tom.post('goes');
  for (const reader of [ana, eva]) await reader.sees('goes');
  await openMenu(eva, 'goes');
  assert.equal(await choice(eva, 'Delete message').isVisible(), false);
  await openMenu(ana, 'goes');
  assert.equal(await choice(ana, 'Edit message').isVisible(), false);
  await press(ana, 'Escape');
  await remove(ana, 'goes');
  for (const reader of [ana, tom, eva]) await textsAre(reader, ['Removed by a moderator']);
});

story('only members are offered to mark messages as unread', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.makeRoom('Works');
  await ana.post('Cement is in the shed');
  await ana.sees('Cement');
  await tom.go('/rooms/2');
  await openMenu(tom, 'Cement');
  assert.equal(await choice(tom, 'Mark unread').isVisible(), false);
  await press(tom, 'Escape');
  await tom.page.getByRole('button', { name: 'Join' }).click();
  await tom.page.locator('.join-bar').waitFor({ state: 'hidden' });
  await openMenu(tom, 'Cement');
  await choice(tom, 'Mark unread').waitFor();
});

story('a deletion takes effect even if the room is left immediately', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.makeRoom('Shed');
  await ana.open('lobby');
  await ana.post('goes');
  for (const reader of [ana, tom]) await reader.sees('goes');
  await choose(ana, 'goes', 'Delete message');
  await ana.open('Shed');
  await textsAre(tom, ['Message deleted']);
});

story('reactions are shown to others, and own reactions are pressed', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.post('votes?');
  await tom.sees('votes?');
  await tom.message('votes?').hover();
  await act(tom, 'Add a reaction').click();
  await tom.page.locator('#emoji-picker').getByRole('button', { name: 'party popper' }).click();
  await chipsAre(tom, ['🎉 1 true']);
  await chipsAre(ana, ['🎉 1 false']);
  await chips(ana).click();
  await chipsAre(ana, ['🎉 2 true']);
  await chipsAre(tom, ['🎉 2 true']);
  await chips(tom).click();
  await chipsAre(tom, ['🎉 1 false']);
  await chipsAre(ana, ['🎉 1 true']);
  const fresh = await tom.newTab();
  await chipsAre(fresh, ['🎉 1 false']);
  assert.deepEqual(await fresh.outline(), await tom.outline());
});

story('all actions by keyboard: the toolbar follows the focus, and the focus stays', async ({ newUser }) => {
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  await ana.post('by keyboard');
  for (const reader of [ana, tom]) await reader.sees('by keyboard');
  await ana.log.focus();
  await press(ana, 'ArrowUp');
  const reach = async (name, key = 'Tab') =>
    eventually(async () => {
      await press(ana, key);
      assert.equal(await focused(ana), name);
    });
  await reach('Add a reaction');
  await press(ana, 'Enter');
  await eventually(async () => assert.equal(await focused(ana), 'emoji-field'));
  await ana.page.keyboard.type('red heart');
  await press(ana, 'Enter');
  await chipsAre(ana, ['❤️ 1 true']);
  await eventually(async () => assert.equal(await focused(ana), 'Add a reaction'));
  // The reaction comes before the toolbar in the tab order; another user's change keeps the focus on it.
  await reach('❤️', 'Shift+Tab');
  await chips(tom).click();
  await chipsAre(ana, ['❤️ 2 true']);
  assert.equal(await focused(ana), '❤️');
  await press(ana, 'Enter');
  await chipsAre(ana, ['❤️ 1 false']);
  await ana.message('by keyboard').focus();
  await press(ana, 'e');
  await edit(ana).waitFor();
  await ana.page.keyboard.type('!');
  await press(ana, 'Enter');
  for (const reader of [ana, tom]) await textsAre(reader, ['by keyboard!']);
  await eventually(async () => assert.match(await focused(ana), /^m\d+$/));
  await press(ana, 'Delete');
  assert.equal(await ana.page.evaluate(() => document.activeElement.textContent), 'Undo');
  await press(ana, 'Enter');
  await eventually(async () => assert.match(await focused(ana), /^m\d+$/));
});

story('a full message log is only a few tab stops', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  for (let n = 1; n <= 20; n++) await tom.post(`number ${n}`);
  const ana = await newUser('ana');
  await ana.message('number 20').hover();
  await act(ana, 'React with 👍').click();
  await chipsAre(ana, ['👍 1 true']);
  const stops = await ana.page
    .locator('#log')
    .evaluate(
      (log) =>
        [...log.querySelectorAll('a, button')].filter((stop) => stop.tabIndex >= 0 && !stop.closest('.message-actions'))
          .length,
    );
  assert.ok(stops <= 3, `${stops}`);
});

story('users can change only their own messages', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  const ana = await newUser('ana');
  await tom.post('from Tom');
  await ana.sees('from Tom');
  await openMenu(ana, 'from Tom');
  for (const name of ['Edit message', 'Delete message']) assert.equal(await choice(ana, name).isVisible(), false);
  await press(ana, 'Escape');
  await ana.composer.focus();
  await press(ana, 'ArrowUp');
  assert.equal(await edit(ana).count(), 0);
});

story('a client that was offline shows what a fresh page shows', async ({ newUser, tolerate }) => {
  tolerate(/ERR_INTERNET_DISCONNECTED|WebSocket/);
  const ana = await newUser('ana');
  const tom = await newUser('tom');
  for (const text of ['one', 'two', 'three', 'four']) await ana.post(text);
  await tom.sees('four');
  await tom.context.setOffline(true);
  await tom.banner.waitFor();

  await openEdit(ana, 'one');
  await edit(ana).fill('one, edited');
  await edit(ana).press('Enter');
  await ana.sees('one, edited');
  await ana.message('two').hover();
  await act(ana, 'React with 👍').click();
  await chipsAre(ana, ['👍 1 true']);
  await remove(ana, 'three');
  await textsAre(ana, ['one, edited', 'two', 'Message deleted', 'four']);
  await ana.post('five');

  await tom.context.setOffline(false);
  await tom.sees('five');
  await textsAre(tom, ['one, edited', 'two', 'Message deleted', 'four', 'five']);
  assert.deepEqual(await tom.outline(), await (await tom.newTab()).outline());
});

story('a failed change is reported', async ({ newUser, tolerate }) => {
  tolerate(/ERR_/);
  const ana = await newUser('ana');
  await ana.post('hello');
  await ana.sees('hello');
  await ana.page.route('**/messages/1/**', (route) => route.abort());
  await remove(ana, 'hello');
  await eventually(async () =>
    assert.equal(await ana.page.locator('#composer-error').textContent(), 'That did not work. Try again.'),
  );
  await textsAre(ana, ['hello']);
});

story('changes do not move a reader further up and are not announced', async ({ patio, newUser }) => {
  const tom = await patio.apiClient('tom');
  for (let n = 1; n <= 40; n++) await tom.post(`number ${n}`);
  const mei = await newUser('mei');
  const ana = await newUser('ana');
  await ana.page.evaluate(() => {
    document.getElementById('log').scrollTop = -400;
    globalThis.announced = [];
    const announcer = document.getElementById('announcer');
    new MutationObserver(() => globalThis.announced.push(announcer.textContent)).observe(announcer, {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  const before = await topOf(ana.message('number 25'));
  await mei.message('number 40').hover();
  await act(mei, 'React with 👍').click();
  await chipsAre(ana, ['👍 1 false']);
  isSameTop(await topOf(ana.message('number 25')), before);
  assert.equal(await ana.pill.isVisible(), false);
  await mei.post('a new one'); // the only one that is announced
  await eventually(async () =>
    assert.match((await ana.page.evaluate(() => globalThis.announced)).join(), /^mei: a new one,*$/),
  );
});

story('without scripts the time links to a page with all actions', async ({ newUser }) => {
  const ana = await newUser('ana', { ...PLAIN, locale: 'es-ES' });
  await ana.composer.fill('sin guion');
  await ana.page.getByRole('button', { name: 'Enviar' }).click();
  await ana.page.locator('.message__link').click();
  await ana.arrives('/messages/1');

  await ana.page.getByLabel('Editar el mensaje').fill('   ');
  await ana.page.getByRole('button', { name: 'Guardar', exact: true }).click();
  assert.equal(await ana.page.getByRole('alert').textContent(), 'Primero escribe algo.');
  await ana.page.getByLabel('Editar el mensaje').fill('sin guiones');
  await ana.page.getByRole('button', { name: 'Guardar', exact: true }).click();
  await ana.arrives('/messages/1');
  assert.deepEqual(await ana.texts(), ['sin guiones']);

  await ana.page.getByRole('button', { name: '🎉' }).click();
  assert.equal(
    await ana.page
      .locator('article .reaction')
      .textContent()
      .then((text) => text.trim()),
    '🎉 1',
  );
  await ana.page.getByRole('link', { name: 'Volver a la sala' }).first().click();
  await ana.page.waitForURL('**/rooms/1#m1');
  await chips(ana).click();
  await ana.arrives('/messages/1');
  assert.equal(await ana.page.locator('article .reaction').count(), 0);

  await ana.page.getByRole('button', { name: 'Eliminar el mensaje' }).click();
  await textsAre(ana, ['Mensaje eliminado']);
});

story('a moderator of one room is not offered deletion in another', async ({ patio, newUser }) => {
  const ana = await patio.apiClient('ana'); // an administrator
  const tom = await newUser('tom');
  await ana.post('in the lobby');
  await tom.makeRoom('Huerto');
  await ana.post('in the garden', 2);
  await tom.sees('in the garden');
  await openMenu(tom, 'in the garden');
  await choice(tom, 'Delete message').waitFor();
  await press(tom, 'Escape');
  await tom.open('lobby');
  await tom.sees('in the lobby');
  await openMenu(tom, 'in the lobby');
  assert.equal(await choice(tom, 'Delete message').isVisible(), false);
});
