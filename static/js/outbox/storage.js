// Stores unsent text: drafts, pending and refused messages, open edits. It belongs to one account of one installation
// and survives closed tabs, crashes, expired sessions and restores of the server. Text is deleted only when its author
// sends or discards it or signs out on purpose, or when another account signs in.
const PREFIX = 'patio:';
const SIGNING_OUT = `${PREFIX}leaving`;
/**
 * What the browser refused to store, because storage is full or forbidden: it lasts as long as the page.
 * @type {Map<string, unknown>}
 */
const fallback = new Map();
let account = '';

/** @typedef {'localStorage' | 'sessionStorage'} StorageName */

/**
 * @param {RecordKind} kind
 * @param {string} id
 */
const keyOf = (kind, id) => `${PREFIX}${kind}:${account}:${id}`;

/** @param {StorageName} storage */
function keysIn(storage) {
  try {
    return Object.keys(globalThis[storage]).filter((key) => key.startsWith(PREFIX));
  } catch {
    return [];
  }
}

/**
 * @param {StorageName} storage
 * @param {string} key
 */
function getItem(storage, key) {
  try {
    return globalThis[storage].getItem(key);
  } catch {
    return null;
  }
}

/**
 * @param {StorageName} storage
 * @param {string} key
 */
function removeItem(storage, key) {
  try {
    globalThis[storage].removeItem(key);
  } catch {}
}

/** @param {string | null} text */
function parseJson(text) {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/**
 * @template {RecordKind} K
 * @param {K} kind
 * @param {string} id
 * @param {StoredRecords[K]} record
 */
export function saveRecord(kind, id, record) {
  const key = keyOf(kind, id);
  try {
    localStorage.setItem(key, JSON.stringify(record));
    fallback.delete(key);
  } catch {
    fallback.set(key, record);
  }
}

/**
 * @param {RecordKind} kind
 * @param {string} id
 */
export function removeRecord(kind, id) {
  fallback.delete(keyOf(kind, id));
  removeItem('localStorage', keyOf(kind, id));
}

/**
 * @template {RecordKind} K
 * @param {K} kind
 * @param {string} id
 * @returns {StoredRecords[K] | null}
 */
export function loadRecord(kind, id) {
  const key = keyOf(kind, id);
  return /** @type {StoredRecords[K]} */ (fallback.get(key)) ?? parseJson(getItem('localStorage', key));
}

/**
 * The ids of all records of a kind that start with a prefix.
 * @param {RecordKind} kind
 */
export function recordIds(kind, prefix = '') {
  const start = keyOf(kind, '').length;
  const keys = new Set([...keysIn('localStorage'), ...fallback.keys()]);
  return [...keys].filter((key) => key.startsWith(keyOf(kind, prefix))).map((key) => key.slice(start));
}

/**
 * Calls back when another tab has removed a record of this kind.
 * @template {RecordKind} K
 * @param {K} kind
 * @param {(id: string, removed: StoredRecords[K] | null) => void} onRemoved
 * @param {AbortSignal} [signal]
 */
export function watchRemovals(kind, onRemoved, signal) {
  const start = keyOf(kind, '');
  addEventListener(
    'storage',
    ({ key, newValue, oldValue }) => {
      if (newValue === null && key?.startsWith(start)) onRemoved(key.slice(start.length), parseJson(oldValue));
    },
    { signal },
  );
}

/**
 * This account is signed in now: what another one left in this browser is deleted.
 * @param {{ account: string, epoch?: string, me?: string }} user
 */
export function openStorage(user) {
  account = user.account;
  cancelSigningOut();
  if (user.epoch) migrateOldRecords(`${user.epoch}:${user.me}:`);
  for (const key of keysIn('localStorage')) if (key.split(':')[2] !== account) removeItem('localStorage', key);
}

/**
 * Earlier versions of Patio stored drafts as plain text, and for each room a list of this tab's pending messages.
 * @param {string} owner
 */
function migrateOldRecords(owner) {
  for (const key of keysIn('localStorage')) {
    const [, room] = key.split(`${PREFIX}draft:${owner}`);
    if (room) saveRecord('draft', `${room}:`, { text: getItem('localStorage', key) ?? '', at: 0 });
  }
  for (const key of keysIn('sessionStorage')) {
    const [, room] = key.split(`${PREFIX}outbox:${owner}`);
    if (!room) continue;
    /** @type {OutboxEntry[]} */
    const entries = parseJson(getItem('sessionStorage', key)) ?? [];
    entries.forEach((entry, at) => {
      saveRecord('outbox', entry.nonce, { ...entry, room: Number(room), at });
    });
    removeItem('sessionStorage', key);
  }
}

/**
 * The user signs out on purpose. Their text is deleted on the next page without a user and not before, because the
 * server may be unreachable.
 */
export function markSigningOut() {
  try {
    sessionStorage.setItem(SIGNING_OUT, '1');
  } catch {}
}

/** The user stays signed in: they changed their mind, or signing out failed. */
export function cancelSigningOut() {
  removeItem('sessionStorage', SIGNING_OUT);
}

/** For pages without a user. An expired session leads to them too, and then nothing is deleted. */
export function clearAfterSignOut() {
  if (!getItem('sessionStorage', SIGNING_OUT)) return;
  for (const storage of /** @type {const} */ (['sessionStorage', 'localStorage'])) {
    for (const key of keysIn(storage)) removeItem(storage, key);
  }
}
