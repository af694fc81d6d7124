// Fills a Patio with many users and rooms, and with texts that strain a layout: long names, endless words, right-to-left
// scripts.
import { emailOf, PASSWORD } from './patio.mjs';

export const LONGEST_TOPIC = `${'Todo lo que cabe en un tema y un poco más de lo que nadie leerá nunca. '.repeat(4)}`
  .slice(0, 250)
  .trim();
export const ENDLESS = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.slice(0, 64);

/** Handles and display names. */
export const ODD = [
  ['largo', ENDLESS],
  ['noor', 'نور الهدى بنت عبد الرحمن'],
  ['dvora', 'דבורה הנביאה'],
  ['emoji', '🌻🐈‍⬛🥘'],
  ['yuki', '田中由紀子'],
  ['zalgo', 'Z̷̢̛a̸l̵g̶o̷ e̵l̴ ̶a̷l̸t̵o̷'],
  ['espacios', 'Una persona con muchos apellidos de la Torre y Fernández de Córdoba'.slice(0, 64)],
];

const TALK = [
  ['noor', 'مرحبا بالجميع! هل يمكن لأحد أن يحضر السلّم الطويل إلى الفناء بعد الظهر؟'],
  ['noor', 'السعر 25 € في https://example.org/tienda والباب رقم 7.'],
  ['dvora', 'שלום לכולם, אני מביאה לימונדה ביום ראשון.'],
  ['emoji', '🎉'],
  ['largo', ENDLESS.repeat(12)],
  ['largo', `https://example.org/${'un-camino-sin-fin/'.repeat(30)}?q=${'x'.repeat(300)}`],
  ['zalgo', 'H̸̡̪̯ͨ͊̽̅̾̎Ȩ̬̩̾͛ͪ̈́̀́͘ ̶̧̨̱̹̭̯ͧ̾ͬC̷̙̲̝͖ͭ̏ͥͮ͟Oͮ͏̮̪̝͍M̲̖͊̒ͪͩͬ̚̚͜Ȇ̴̟̟͙̞ͩ͌͝S̨̥̫͎̭ͯ̿̔̀ͅ'],
  ['yuki', '日本語は空白がないので、とても長い文でもどこで改行するかはブラウザが決めます。'.repeat(4)],
  ['espacios', 'Una lista:\n\n1. corta\n2. '.concat('más larga '.repeat(30))],
];

/** Registers `users` users and creates `rooms` rooms. Returns their creator and the ids and names of the rooms. */
export async function seedLarge(patio, { users, rooms }) {
  const founder = await patio.apiClient('ana');
  const odd = {};
  for (const [name, shown] of ODD) {
    odd[name] = await patio.apiClient(name);
    await rename(patio, name, shown);
  }
  await inTurns(
    Array.from({ length: users }, (_, n) => `vecina${n}`),
    (name) => patio.api('users', { name, email: emailOf(name), password: PASSWORD }),
  );
  const names = Array.from({ length: rooms }, (_, n) =>
    n % 50 === 0 ? `${ENDLESS.slice(0, 60)}${n}` : `Sala ${String(n).padStart(3, '0')}`,
  );
  const ids = [];
  for (const [n, name] of names.entries()) {
    const { id } = await patio.api(
      'rooms',
      { name, topic: n % 10 === 0 ? LONGEST_TOPIC : '', visibility: n % 7 === 3 ? 'private' : 'public' },
      founder.token,
    );
    ids.push(id);
  }
  for (const [name, text] of TALK) await odd[name].post(text, ids[0]);
  for (const [name, text] of TALK) await odd[name].post(text);
  for (const [name] of ODD) {
    const { id } = await patio.api('direct', { name }, founder.token);
    await odd[name].post('👋', id);
  }
  return { founder, ids, names };
}

/** Runs eight at a time, because the server's queue for password hashing is bounded. */
async function inTurns(all, work) {
  const left = [...all];
  const turn = async () => {
    for (let next = left.pop(); next; next = left.pop()) await work(next);
  };
  await Promise.all(Array.from({ length: 8 }, turn));
}

async function rename(patio, name, shown) {
  const post = (path, fields, headers = {}) =>
    fetch(`${patio.origin}${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: patio.origin, ...headers },
      body: new URLSearchParams(fields),
    });
  const signedIn = await post('/login', { login: name, password: PASSWORD });
  const cookie = signedIn.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const renamed = await post('/settings/name', { display_name: shown }, { cookie });
  if (renamed.status !== 303) throw new Error(`${name} cannot be called ${shown}: ${renamed.status}`);
}
