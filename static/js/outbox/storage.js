// Where unsent text is kept: drafts, waiting and refused messages, open edits. It belongs to one account of one installation and survives closed tabs, crashes, ended sessions and restores.
// Only this deletes it: its author sends or discards that text, or signs out on purpose, or another account signs in with this browser.
const PREFIX = 'patio:';
const LEAVING = 'leaving';
const unkept = new Map(); // what the browser refused to keep, because storage is full or forbidden: it lasts as long as the page
let account = '';

/** `kind` is `draft`, `edit` or `outbox`; `id` names one text of that kind. */
const keyOf = (kind, id) => `${PREFIX}${kind}:${account}:${id}`;

function keysOf(storage) {
  try {
    return Object.keys(globalThis[storage]).filter((key) => key.startsWith(PREFIX));
  } catch {
    return [];
  }
}

function access(storage, method, ...given) {
  try {
    return globalThis[storage][method](...given);
  } catch {
    return null;
  }
}

export function keep(kind, id, record) {
  const key = keyOf(kind, id);
  try {
    localStorage.setItem(key, JSON.stringify(record));
    unkept.delete(key);
  } catch {
    unkept.set(key, record);
  }
}

export function discard(kind, id) {
  unkept.delete(keyOf(kind, id));
  access('localStorage', 'removeItem', keyOf(kind, id));
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

export function kept(kind, id) {
  const key = keyOf(kind, id);
  return unkept.get(key) ?? parsed(access('localStorage', 'getItem', key));
}

/** The ids of all texts of a kind that begin so. */
export function idsOf(kind, beginning = '') {
  const whole = keyOf(kind, beginning);
  const start = keyOf(kind, '').length;
  const keys = new Set([...keysOf('localStorage'), ...unkept.keys()]);
  return [...keys].filter((key) => key.startsWith(whole)).map((key) => key.slice(start));
}

/** Calls `then(id, old)` when another tab has removed a text of this kind. */
export function onDiscarded(kind, then, signal) {
  addEventListener(
    'storage',
    ({ key, newValue, oldValue }) => {
      if (newValue === null && key?.startsWith(keyOf(kind, '')))
        then(key.slice(keyOf(kind, '').length), parsed(oldValue));
    },
    { signal },
  );
}

/** This account is signed in now: what another one left in this browser goes. */
export function openStorage({ account: mine, epoch, me }) {
  account = mine;
  stayAfterAll();
  if (epoch) takeOld(`${epoch}:${me}:`);
  for (const key of keysOf('localStorage'))
    if (key.split(':')[2] !== account) access('localStorage', 'removeItem', key);
}

/** Takes over what an earlier version of Patio kept: drafts as bare text, and one list for each room of what waited in this tab. */
function takeOld(owner) {
  for (const key of keysOf('localStorage')) {
    const [, room] = key.split(`${PREFIX}draft:${owner}`);
    if (room) keep('draft', `${room}:`, { text: access('localStorage', 'getItem', key), at: 0 });
  }
  for (const key of keysOf('sessionStorage')) {
    const [, room] = key.split(`${PREFIX}outbox:${owner}`);
    if (!room) continue;
    const entries = parsed(access('sessionStorage', 'getItem', key)) ?? [];
    entries.forEach((entry, at) => keep('outbox', entry.nonce, { ...entry, room: Number(room), at }));
    access('sessionStorage', 'removeItem', key);
  }
}

/** The author signs out: on the next page of the gate all of it goes, and not before, since the server may be away. */
export function signOutOnPurpose() {
  access('sessionStorage', 'setItem', PREFIX + LEAVING, '1');
}

/** The author does not sign out: that was given up, or came to nothing. */
export function stayAfterAll() {
  access('sessionStorage', 'removeItem', PREFIX + LEAVING);
}

/** A page that is shown to nobody signed in: with an ended session too, which is no reason to forget anything. */
export function forgetIfSignedOut() {
  if (!access('sessionStorage', 'getItem', PREFIX + LEAVING)) return;
  for (const storage of ['sessionStorage', 'localStorage'])
    for (const key of keysOf(storage)) access(storage, 'removeItem', key);
}
