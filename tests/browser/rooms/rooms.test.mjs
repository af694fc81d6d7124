// Rooms: creating, joining, managing and leaving them, with and without scripts.
import assert from 'node:assert/strict';
import { eventually, story } from '../support.mjs';

const MODES = [
  ['with scripts', {}],
  ['without scripts', { javaScriptEnabled: false }],
];
const LOBBY = 'lobby';

async function fillIn(visitor, { visibility, ...fields }) {
  await visitor.go('/rooms');
  await visitor.fill(fields);
  if (visibility) await visitor.page.locator(`[name=visibility][value=${visibility}]`).check();
  await visitor.button('/rooms').click();
}

async function makePrivate(visitor, name) {
  await fillIn(visitor, { name, visibility: 'private' });
  await visitor.isIn(name);
  await visitor.page.waitForLoadState(); // its scripts run from here on
}

const code = (owner) => owner.page.locator('.invitation__code').textContent();

async function enter(visitor, typed) {
  await visitor.go('/rooms');
  await visitor.field('code').fill(typed);
  await visitor.button('/join').click();
}

for (const [mode, options] of MODES) {
  story(`a public room is created on the rooms page and joined by button, ${mode}`, async ({ newUser }) => {
    const ana = await newUser('ana', options);
    await fillIn(ana, { name: 'Huerto', topic: 'Beans and roses' });
    await ana.arrives('/rooms/2');
    assert.equal(await ana.page.locator('.page-header__subtitle').textContent(), 'Beans and roses');
    assert.equal(await ana.row('Huerto').getAttribute('aria-current'), 'page');

    const tom = await newUser('tom', options);
    await tom.go('/rooms');
    const entry = tom.page.locator('.item-list__item', { hasText: 'Huerto' });
    assert.match(await entry.textContent(), /Beans and roses.*1 member · .*owner: ana/s);
    await tom.page.getByRole('button', { name: 'Join Huerto' }).click();
    await tom.arrives('/rooms/2');
    await tom.row('Huerto').waitFor();
    await tom.go('/rooms');
    assert.match(await entry.textContent(), /2 members/);
    assert.equal(await entry.getByRole('button').count(), 0);
  });

  story(`a private room is not listed; its code in any notation lets users in, ${mode}`, async ({ newUser }) => {
    const ana = await newUser('ana', options);
    await makePrivate(ana, 'Junta');
    await ana.go('/rooms/2/settings');
    await ana.page.locator('.invitation__qr svg').waitFor();
    const tom = await newUser('tom', options);
    await tom.go('/rooms');
    assert.equal(await tom.page.locator('.item-list', { hasText: 'Junta' }).count(), 0);
    assert.equal((await tom.go('/rooms/2')).status(), 404);

    await enter(tom, 'ABCD-EFGH-JKMN');
    await eventually(async () => assert.equal(await tom.descriptionOf('code'), 'No room has this code.'));
    assert.equal(await tom.field('code').inputValue(), 'ABCD-EFGH-JKMN');
    await enter(tom, `  ${(await code(ana)).toLowerCase().replaceAll('-', ' ')} `);
    await tom.arrives('/rooms/2');
    await tom.isIn('Junta');
  });

  story(`an invitation link names the room and asks before joining, ${mode}`, async ({ newUser }) => {
    const ana = await newUser('ana', options);
    await makePrivate(ana, 'Junta');
    await ana.go('/rooms/2/settings');
    const link = await ana.page.locator('.invitation a').getAttribute('href');
    const tom = await newUser('tom', options);
    await tom.go(new URL(link).pathname);
    assert.equal(await tom.page.locator('h1').textContent(), 'Junta');
    await tom.page.getByRole('button', { name: 'Join' }).click();
    await tom.arrives('/rooms/2');
    await tom.row('Junta').waitFor();
  });

  story(`a taken name is refused with a field error, and the input stays, ${mode}`, async ({ newUser }) => {
    const ana = await newUser('ana', options);
    await fillIn(ana, { name: 'Huerto' });
    await ana.isIn('Huerto');
    await fillIn(ana, { name: 'HUERTO', topic: 'Beans', visibility: 'public' });
    await eventually(async () =>
      assert.equal(await ana.descriptionOf('name'), 'There is already a room with this name.'),
    );
    assert.equal(await ana.field('name').inputValue(), 'HUERTO');
    assert.equal(await ana.field('topic').inputValue(), 'Beans');
    await makePrivate(ana, 'Huerto'); // a private name must not be revealed, so only public names are unique
  });

  story(`renewing the code invalidates the old one, ${mode}`, async ({ newUser }) => {
    const ana = await newUser('ana', options);
    await makePrivate(ana, 'Junta');
    await ana.go('/rooms/2/settings');
    const old = await code(ana);
    await ana.button('/rooms/2/code').click();
    await eventually(async () => assert.notEqual(await code(ana), old));
    const tom = await newUser('tom', options);
    await enter(tom, old);
    await eventually(async () => assert.equal(await tom.descriptionOf('code'), 'No room has this code.'));
    assert.equal((await tom.go(`/join/${old}`)).status(), 404);
    await enter(tom, await code(ana));
    await tom.arrives('/rooms/2');
  });

  story(`an owner passes on the room and leaves, ${mode}`, async ({ newUser }) => {
    const ana = await newUser('ana', options);
    await fillIn(ana, { name: 'Huerto' });
    await ana.arrives('/rooms/2');
    const tom = await newUser('tom', options);
    await tom.go('/rooms/2');
    await tom.page.locator('.join-bar button').click();
    await tom.row('Huerto').waitFor();
    await tom.go('/rooms/2/settings');
    assert.equal(await tom.button('/rooms/2/settings').count(), 0);

    await ana.go('/rooms/2/settings');
    await ana.page.getByRole('button', { name: 'Hand over to tom' }).click();
    await ana.button('/rooms/2/settings').waitFor({ state: 'detached' });
    await tom.go('/rooms/2/settings');
    assert.match(await tom.page.locator('.item-list__item', { hasText: 'Owner' }).textContent(), /tom/);
    assert.equal(await tom.button('/rooms/2/settings').count(), 1);

    await ana.button('/rooms/2/leave').click();
    await ana.isIn(LOBBY);
    assert.equal(await ana.row('Huerto').count(), 0);
    await tom.go('/rooms/2/settings');
    assert.equal(await tom.page.locator('.page .item-list__item').count(), 1);
  });
}

story('a new name and topic are shown to all members immediately', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await ana.makeRoom('Huerto');
  await tom.post('/join Huerto');
  await tom.isIn('Huerto');
  await tom.markPage();
  await ana.go('/rooms/2/settings');
  await ana.fill({ name: 'Jardín', topic: 'Roses only' });
  await ana.button('/rooms/2/settings').click();
  await tom.isIn('Jardín');
  await tom.row('Jardín').waitFor();
  await eventually(async () =>
    assert.equal(await tom.page.locator('.page-header__subtitle').textContent(), 'Roses only'),
  );
  await eventually(async () => assert.equal(await tom.page.title(), 'Jardín · Patio'));
  assert.equal(await tom.isSamePage(), true);
});

story('a user removed from a private room is in the lobby and sees the reason', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await makePrivate(ana, 'Junta');
  await ana.post('/invite tom');
  await tom.open('Junta');
  await ana.go('/rooms/2/settings');
  await ana.page.getByRole('button', { name: 'Remove tom from the room' }).click();
  await tom.isIn(LOBBY);
  await tom.arrives('/rooms/1');
  assert.equal(await tom.row('Junta').count(), 0);
  await eventually(async () =>
    assert.match(await tom.page.locator('#notice').textContent(), /You were removed from Junta/),
  );
  await tom.page.reload();
  assert.equal(await tom.page.locator('#notice').isVisible(), false, 'the notice is shown once');
});

story('when the open room is deleted, the next page states it', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await ana.makeRoom('Huerto');
  await tom.post('/join Huerto');
  await tom.isIn('Huerto');
  await ana.go('/rooms/2/settings');
  await ana.page.locator('form[action="/rooms/2/delete"] button').click();
  await tom.isIn(LOBBY);
  await eventually(async () =>
    assert.equal(await tom.page.locator('#notice').textContent(), 'The room Huerto was deleted.'),
  );
});

story('a user removed from a room in the background sees a notice', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await ana.makeRoom('Huerto');
  await ana.post('/invite tom');
  await tom.row('Huerto').waitFor();
  await ana.post('/kick tom');
  await eventually(async () =>
    assert.match(await tom.page.locator('#notice').textContent(), /You were removed from Huerto/),
  );
  await tom.isIn(LOBBY);
  await tom.row('Huerto').waitFor({ state: 'detached' });
});

story('a user removed from a public room can read there and sees why they cannot write', async ({ newUser }) => {
  const [ana, tom] = [await newUser('ana'), await newUser('tom')];
  await ana.makeRoom('Huerto');
  await tom.post('/join Huerto');
  await tom.isIn('Huerto');
  await ana.post('/kick tom');
  await eventually(async () =>
    assert.match(await tom.page.locator('.join-bar').textContent(), /You were removed from this room/),
  );
  await tom.isIn('Huerto');
});

story('a new room is sorted like on the server: numbers by value, accents and case last', async ({ newUser }) => {
  const ana = await newUser('ana');
  const names = ['Room 140', 'Room 9', 'room 139', 'Ñandú', 'zumba', 'Ángel', 'Room 14'];
  for (const name of names) await ana.makeRoom(name);
  const rows = () => ana.page.locator('#rooms .room__name').allTextContents();
  const live = await rows();
  assert.deepEqual(live, ['lobby', 'Ángel', 'Ñandú', 'Room 9', 'Room 14', 'room 139', 'Room 140', 'zumba']);
  await ana.page.reload();
  assert.deepEqual(await rows(), live);
});
