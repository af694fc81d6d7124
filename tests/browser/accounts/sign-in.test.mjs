// Registration, sign-in and sign-out.
import assert from 'node:assert/strict';
import { emailOf, eventually, PASSWORD, story } from '../support.mjs';

const role = async (visitor) => (await visitor.page.locator('.current-user__role').allTextContents()).join();

story('the first user is an administrator, the second is not', async ({ newUser }) => {
  const ana = await newUser('ana');
  assert.equal(await ana.page.locator('.current-user__name').textContent(), 'ana');
  assert.equal(await role(ana), 'Administrator');

  const tom = await newUser('tom');
  assert.equal(await tom.page.locator('.current-user__name').textContent(), 'tom');
  assert.equal(await role(tom), '');
  assert.equal(await tom.page.locator('.member small').textContent(), 'Administrator'); // ana
});

story('an empty installation asks its first visitor to register and explains why', async ({ visitor }) => {
  const ana = await visitor();
  await ana.go('/');
  await ana.arrives('/register');
  assert.match(await ana.page.locator('.auth__lead').textContent(), /administrator/);
});

story('a wrong password is refused and the right one accepted', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const ana = await visitor();
  await ana.go('/login');
  await ana.signIn('ana', 'wrong tomato garden');
  assert.equal(await ana.page.getByRole('alert').textContent(), 'Wrong name or password.');
  assert.equal(await ana.field('login').inputValue(), 'ana');
  assert.equal(await ana.field('password').inputValue(), '');

  await ana.field('password').fill(PASSWORD);
  await ana.submit();
  await ana.arrives('/rooms/1');
});

story(
  'sign-in accepts the email address; unknown user and wrong password look the same',
  async ({ patio, visitor }) => {
    await patio.apiClient('ana');
    const ana = await visitor();
    await ana.go('/login');
    await ana.signIn('nobody');
    assert.equal(await ana.page.getByRole('alert').textContent(), 'Wrong name or password.');
    await ana.signIn(emailOf('ana'));
    await ana.arrives('/rooms/1');
  },
);

story('each registration error is shown beside its field, and the input stays', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const mistakes = [
    [{ password: 'password1' }, 'password', 'This is easy to guess. Add another word or two.'],
    [{ password: 'short' }, 'password', 'Use 8 to 256 characters.'],
    [{ name: 'ANA' }, 'name', 'This name, or one that looks like it, is taken.'],
    [{ name: 'two words' }, 'name', 'Only letters, digits, “.”, “_” and “-”, starting with a letter or digit.'],
    [{ email: emailOf('ana') }, 'email', 'There is already an account with this address.'],
    [{ password_confirmation: 'quiet tomato house' }, 'password_confirmation', 'The passwords do not match.'],
  ];
  const tom = await visitor();
  await tom.go('/register');
  for (const [mistake, field, complaint] of mistakes) {
    await Promise.all([tom.page.waitForEvent('load'), tom.register('tom', mistake)]);
    const about = `${field}: ${JSON.stringify(mistake)}`;
    await eventually(async () => assert.equal(await tom.descriptionOf(field), complaint, about));
    assert.equal(await tom.field(field).getAttribute('aria-invalid'), 'true', about);
    assert.equal(await tom.page.locator('[aria-invalid=true]').count(), 1, about);
    assert.equal(await tom.field('name').inputValue(), mistake.name ?? 'tom');
    assert.equal(await tom.field('email').inputValue(), mistake.email ?? emailOf('tom'));
    assert.equal(await tom.field('password').inputValue(), '');
    assert.equal(await tom.field('password_confirmation').inputValue(), '');
  }
  await tom.register('tom');
  await tom.arrives('/rooms/1');
});

story('several errors are shown at the same time', async ({ visitor }) => {
  const tom = await visitor();
  await tom.go('/register');
  await tom.register('t', { email: 'tom@nowhere', password: 'short', password_confirmation: 'other' });
  await eventually(async () => assert.equal(await tom.descriptionOf('name'), 'Use 2 to 32 characters.'));
  assert.equal(await tom.descriptionOf('password'), 'Use 8 to 256 characters.');
  assert.equal(await tom.descriptionOf('password_confirmation'), 'The passwords do not match.');
});

story('availability of name and address is shown while typing', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const tom = await visitor();
  await tom.go('/register');
  const hint = await tom.descriptionOf('name');
  const says = (field, text) => eventually(async () => assert.equal(await tom.descriptionOf(field), text));
  await tom.field('name').pressSequentially('ANA');
  await says('name', 'This name, or one that looks like it, is taken.');
  assert.equal(await tom.field('name').getAttribute('aria-invalid'), 'true');
  await tom.field('name').pressSequentially('bel');
  await says('name', '✓ Available');
  assert.equal(await tom.field('name').getAttribute('aria-invalid'), null);
  await tom.field('name').fill('a'); // too short to check
  await says('name', hint);
  await tom.field('email').fill(emailOf('ana'));
  await tom.field('email').press('Tab'); // leaving the field checks it without delay
  await says('email', 'There is already an account with this address.');
  await tom.go('/register?lang=es');
  await tom.field('name').fill('ana');
  await says('name', 'Este nombre, o uno que se le parece, ya está en uso.');
});

story('a late availability response is ignored if the field has changed', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const tom = await visitor();
  await tom.go('/register');
  let release;
  const held = new Promise((resolve) => {
    release = resolve;
  });
  await tom.page.route('**/register/available?name=ana', async (route) => {
    await held;
    await route.fallback().catch(() => {});
  });
  const asked = tom.page.waitForRequest('**/register/available?name=ana');
  await tom.field('name').fill('ana');
  await asked;
  await tom.field('name').fill('anabel');
  await eventually(async () => assert.equal(await tom.descriptionOf('name'), '✓ Available'));
  release();
  await tom.field('email').fill('tom@huerto.example');
  await eventually(async () => assert.equal(await tom.descriptionOf('email'), '✓ Available'));
  assert.equal(await tom.descriptionOf('name'), '✓ Available');
});

story('a different repeated password is reported while typing, once it can differ', async ({ visitor }) => {
  const tom = await visitor();
  await tom.go('/register');
  const says = (text) => eventually(async () => assert.equal(await tom.descriptionOf('password_confirmation'), text));
  await tom.field('password').fill(PASSWORD);
  await tom.field('password_confirmation').pressSequentially('quiet');
  await says('');
  await tom.field('password_confirmation').pressSequentially('ly');
  await says('The passwords do not match.');
  await tom.field('password_confirmation').fill('quiet');
  await says('');
  await tom.field('password_confirmation').press('Tab');
  await says('The passwords do not match.');
  await tom.field('password').fill('quiet');
  await says('');
});

story(
  'after too many availability checks, registration still works',
  { RATE_LIMIT: 'on' },
  async ({ patio, visitor, tolerate }) => {
    tolerate(/^429 .*available/);
    await Promise.all(Array.from({ length: 121 }, () => fetch(`${patio.origin}/register/available?name=eva`)));
    const tom = await visitor();
    await tom.go('/register');
    const hint = await tom.descriptionOf('name');
    const refused = tom.page.waitForResponse((answer) => answer.status() === 429);
    await tom.field('name').fill('tom');
    await refused;
    assert.equal(await tom.descriptionOf('name'), hint);
    await tom.register('tom');
    await tom.arrives('/rooms/1');
  },
);

story('without scripts a different repetition is reported before a weak password', async ({ visitor }) => {
  const tom = await visitor({ javaScriptEnabled: false });
  await tom.go('/register');
  await tom.register('tom', { password: 'password1', password_confirmation: 'password2' });
  await eventually(async () =>
    assert.equal(await tom.descriptionOf('password_confirmation'), 'The passwords do not match.'),
  );
  await tom.register('tom', { password: 'password1', password_confirmation: 'password1' });
  await eventually(async () =>
    assert.equal(await tom.descriptionOf('password'), 'This is easy to guess. Add another word or two.'),
  );
});

story('a returning user is in the last visited room', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.makeRoom('Huerto');
  await ana.signOut();
  await ana.arrives('/login');
  await ana.signIn('ana');
  await ana.arrives('/rooms/2');
  await ana.isIn('Huerto');
  await ana.post('/lobby');
  await ana.isIn('lobby');
  await ana.go('/');
  await ana.arrives('/rooms/1');
});

story('after sign-in the user gets to the requested page', async ({ newUser }) => {
  const ana = await newUser('ana');
  await ana.signOut();
  await ana.arrives('/login');

  await ana.go('/rooms/1?before=7');
  await ana.arrives(`/login?next=${encodeURIComponent('/rooms/1?before=7')}`);
  await ana.signIn('ana');
  await ana.arrives('/rooms/1?before=7');
});

story(
  'the requested page survives a wrong password, the registration page and a language change',
  async ({ patio, visitor }) => {
    await patio.apiClient('ana');
    const ana = await visitor();
    await ana.go('/rooms/1?before=7');
    await ana.page.getByRole('link', { name: 'Español' }).click();
    await ana.page.getByRole('link', { name: 'Crear una cuenta' }).click();
    await ana.page.getByRole('link', { name: 'Entrar' }).click();
    await ana.signIn('ana', 'wrong tomato garden');
    await ana.page.getByRole('alert').waitFor();
    await ana.signIn('ana');
    await ana.arrives('/rooms/1?before=7');
  },
);

story('sign-in never redirects to another site', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const ana = await visitor();
  await ana.go('/login?next=https://evil.example/');
  await ana.signIn('ana');
  await ana.arrives('/rooms/1');
});

story('a password can be revealed', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const ana = await visitor();
  await ana.go('/login');
  await ana.field('password').fill(PASSWORD);
  const button = ana.page.getByRole('button', { name: 'Show password' });
  assert.equal(await ana.field('password').getAttribute('type'), 'password');
  await button.click();
  assert.equal(await ana.field('password').getAttribute('type'), 'text');
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  await button.click();
  assert.equal(await ana.field('password').getAttribute('type'), 'password');
});

story(
  'with closed sign-up only the first account can be created',
  { SIGNUP: 'closed' },
  async ({ newUser, visitor, tolerate }) => {
    tolerate(/^403 .*available/); // requested while the first account was being created
    await newUser('ana');
    const tom = await visitor();
    await tom.go('/register');
    assert.equal(await tom.page.locator('form').count(), 0);
    assert.match(await tom.page.locator('main').textContent(), /New accounts cannot be created/);
    await tom.go('/login');
    assert.equal(await tom.page.getByRole('link', { name: 'Create an account' }).count(), 0);
  },
);

story('a note about a field does not move the button away under the pointer', async ({ patio, visitor }) => {
  await patio.apiClient('ana');
  const tom = await visitor();
  await tom.go('/register');
  await tom.fill({ name: 'tom', email: emailOf('tom'), password: PASSWORD });
  // Their notes appear later and would move the button, too.
  for (const name of ['name', 'email']) await tom.page.locator(`#${name}-note.field__note--success`).waitFor();
  const repetition = tom.page.locator('#password_confirmation');
  await repetition.pressSequentially(PASSWORD.slice(0, 5)); // so far it may become right
  const button = tom.page.locator('#register button[type=submit]');
  const before = await button.boundingBox();
  // Near its upper edge: a note of one line would move it away.
  await tom.page.mouse.move(before.x + before.width / 2, before.y + 3);
  await tom.page.mouse.down();
  assert.equal((await button.boundingBox()).y, before.y);
  const posted = tom.page.waitForRequest((request) => request.method() === 'POST');
  await tom.page.mouse.up();
  await posted;
  await tom.page.getByText('The passwords do not match.').waitFor();
});
