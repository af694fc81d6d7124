// The uploads of this tab, by the composer that they belong to. Each goes on while another room is on screen, waits for
// the network, and continues where it was cut off; after a reload it needs its file again. It must not know the page.

import { posterOf } from './pictures.js';

const CLIENT = new URL('./tus.js', import.meta.url).href;
const ENDPOINT = new URL('/uploads', location.href).href;
const PROTOCOL = { 'tus-resumable': '1.0.0' };
const FIRST_DELAYS = [300, 1_000, 2_000, 4_000, 8_000];
const LAST_DELAY = 15_000;
const ATTEMPTS = 5_000; // a network may be away for a night
const DELAYS = Array.from({ length: ATTEMPTS }, (_, n) => FIRST_DELAYS[n] ?? LAST_DELAY);
const RETRYABLE = [408, 409, 423, 429, 500, 502, 503, 504];
const REFUSED = 422; // of the bytes, once the upload has started
const GONE = [403, 404, 410];
const CHECK_EVERY = 5_000;
const SILENT_AFTER = 20_000; // without progress: the connection is dead without being closed
const RATE_AFTER = 3_000; // until then the speed is a guess

/**
 * `lost`: the page that had the file is gone, so it has to be chosen again.
 * @typedef {'queued' | 'uploading' | 'done' | 'failed' | 'lost'} UploadState
 *
 * @typedef {object} FileUpload
 * @property {string} key
 * @property {File | null} file
 * @property {string} name
 * @property {number} size
 * @property {string} type as the browser guesses it
 * @property {number} modified
 * @property {string} alt
 * @property {boolean} isAltStored
 * @property {string} url of the upload, once the server knows it
 * @property {UploadState} state
 * @property {string} reason of a failure
 * @property {number} status of a failure, 0 without an answer
 * @property {boolean} isFinal the server refused the bytes, and would do so again
 * @property {number} sent in bytes
 * @property {number} progressAt
 * @property {{ at: number, sent: number } | null} start of this attempt, to know the speed
 * @property {import('tus-js-client').Upload | null} client
 */

/** @type {Promise<typeof import('./tus.js')> | null} */
let client = null;
let attempts = 0;

/** Browsers remember that a module did not load, by its address. */
function loadClient() {
  client ??= import(attempts ? `${CLIENT}?${attempts}` : CLIENT).catch((error) => {
    client = null;
    attempts += 1;
    throw error;
  });
  return client;
}

/** @param {TrayFile} file */
const restored = ({ isDone, ...file }) => ({
  ...file,
  file: null,
  isAltStored: file.alt === '', // perhaps the page ended before it was
  state: /** @type {UploadState} */ (isDone ? 'done' : 'lost'),
  reason: '',
  status: 0,
  isFinal: false,
  sent: isDone ? file.size : 0,
  progressAt: 0,
  start: null,
  client: null,
});

/** @param {FileUpload} item */
const stored = ({ key, name, size, type, modified, alt, url, state }) => ({
  ...{ key, name, size, type, modified, alt, url },
  isDone: state === 'done',
});

/**
 * A film gets a picture that stands for it, if there is one.
 * @param {FileUpload} item
 */
async function sendPoster({ file, url }) {
  const body = file && (await posterOf(file));
  if (body)
    await fetch(`${url}/poster`, { method: 'PUT', body, signal: AbortSignal.timeout(SILENT_AFTER) }).catch(() => {});
}

/** @typedef {import('./attachments.js').Attachments} Attachments */

/**
 * @typedef {object} Storage
 * @property {typeof import('../outbox/storage.js').loadRecord} loadRecord
 * @property {typeof import('../outbox/storage.js').saveRecord} saveRecord
 * @property {typeof import('../outbox/storage.js').removeRecord} removeRecord
 * @property {typeof import('../outbox/storage.js').recordIds} recordIds
 * @property {typeof import('../outbox/draft.js').liveTabIds} liveTabIds
 * @property {string} tabId
 * @property {() => string} newKey
 */

/** @type {Map<string, UploadQueue>} */
const queues = new Map();

export class UploadQueue {
  /** @type {FileUpload[]} */
  items = [];
  /** The tray on screen, if there is one. */
  onChange = (/** @type {FileUpload} */ _item) => {};
  /**
   * Stops a text from waiting for these uploads.
   * @type {(() => void) | null}
   */
  stopWaiting = null;
  #target;
  #storage;
  #reasonIn;
  #timer = 0;
  /** A text may be sent now, or cannot be. */
  #onSettled = () => {};

  /**
   * The one queue of a composer.
   * @param {string} target
   * @param {Storage} storage
   * @param {(html: string) => string} reasonIn
   */
  static of(target, storage, reasonIn) {
    const queue = queues.get(target) ?? new UploadQueue(target, storage, reasonIn);
    queues.set(target, queue);
    return queue;
  }

  /**
   * @param {string} target
   * @param {Storage} storage
   * @param {(html: string) => string} reasonIn
   */
  constructor(target, storage, reasonIn) {
    this.#target = target;
    this.#storage = storage;
    this.#reasonIn = reasonIn;
    addEventListener('online', () => {
      this.#continueSilent(0);
      for (const item of this.items) if (item.state === 'failed' && item.status === 0) this.retry(item);
    });
  }

  /** What is still on its way. */
  get isBusy() {
    return this.items.some(({ state }) => state === 'queued' || state === 'uploading');
  }

  /** A file that did not arrive, and needs the user. */
  get failed() {
    return this.items.find(({ state }) => state === 'failed' || state === 'lost');
  }

  get #id() {
    return `${this.#target}:${this.#storage.tabId}`;
  }

  /** What this tab had before a reload, or else what a closed tab has left. */
  async restore() {
    const { loadRecord } = this.#storage;
    if (this.items.length) return;
    const files = loadRecord('tray', this.#id)?.files ?? (await this.#takeOrphan());
    if (this.items.length) return;
    this.items = files.map(restored);
    this.#save();
    await Promise.all(this.items.map((item) => this.#check(item)));
  }

  async #takeOrphan() {
    const { loadRecord, recordIds, removeRecord, liveTabIds } = this.#storage;
    const prefix = `${this.#target}:`;
    const liveTabs = await liveTabIds();
    const [newest] = recordIds('tray', prefix)
      .filter((id) => id !== this.#id && !liveTabs?.has(id.slice(prefix.length)))
      .flatMap((id) => ({ id, at: 0, files: [], ...loadRecord('tray', id) }))
      .sort((one, other) => other.at - one.at);
    if (!newest) return [];
    removeRecord('tray', newest.id);
    return newest.files;
  }

  /**
   * The server keeps a file without a message for some time only.
   * @param {FileUpload} item
   */
  async #check(item) {
    if (item.state !== 'done') return;
    const answer = await fetch(item.url, { method: 'HEAD', headers: PROTOCOL }).catch(() => null);
    if (!answer || !GONE.includes(answer.status)) return;
    Object.assign(item, { state: 'lost', url: '', sent: 0 });
    this.#changed(item);
  }

  /**
   * @param {File} file
   * @returns {FileUpload}
   */
  add(file) {
    const { name, size, type, lastModified: modified } = file;
    const known = this.items.find(
      (item) => item.state === 'lost' && item.name === name && item.size === size && item.modified === modified,
    );
    if (known) {
      Object.assign(known, { file, state: 'queued' });
      this.#changed(known);
      this.#next();
      return known;
    }
    const key = this.#storage.newKey();
    const item = { ...restored({ key, name, size, type, modified, alt: '', url: '', isDone: false }), file };
    item.state = 'queued';
    this.items.push(item);
    this.#save();
    this.#next();
    return item;
  }

  /** @param {FileUpload} item */
  retry(item) {
    Object.assign(item, { state: 'queued', reason: '' });
    this.#changed(item);
    this.#next();
  }

  /** @param {FileUpload} item */
  remove(item) {
    this.items = this.items.filter((other) => other !== item);
    if (item.client) item.client.abort(true).catch(() => {});
    else if (item.url) fetch(item.url, { method: 'DELETE', headers: PROTOCOL, keepalive: true }).catch(() => {});
    this.#save();
    this.#next();
    this.#onSettled();
  }

  /** They belong to a message now. */
  clear() {
    this.items = [];
    this.#save();
  }

  /**
   * @param {FileUpload} item
   * @param {string} alt
   */
  describe(item, alt) {
    if (item.alt === alt) return;
    Object.assign(item, { alt, isAltStored: false });
    this.#changed(item);
  }

  /** Sends what the pictures show that have arrived. True if the server has it. */
  async storeDescriptions() {
    const open = this.items.filter(({ isAltStored, state }) => !isAltStored && state === 'done');
    const answers = await Promise.all(
      open.map(async (item) => {
        const { alt } = item;
        const body = new URLSearchParams({ alt });
        const answer = await fetch(`${item.url}/alt`, { method: 'POST', body }).catch(() => null);
        if (answer?.ok) item.isAltStored = item.alt === alt;
        return answer?.ok === true;
      }),
    );
    return answers.every(Boolean);
  }

  /**
   * Waits until the server has everything, with its descriptions. It stops with the first file that does not arrive.
   * @returns {Promise<'done' | 'failed' | 'stopped'>}
   */
  wait() {
    this.stopWaiting?.();
    return new Promise((resolve) => {
      const end = (/** @type {'done' | 'failed' | 'stopped'} */ result) => {
        this.stopWaiting = null;
        this.#onSettled = () => {};
        resolve(result);
      };
      const stop = () => end('stopped');
      this.stopWaiting = stop;
      this.#onSettled = async () => {
        if (this.failed) end('failed');
        else if (!this.isBusy) {
          const isStored = await this.storeDescriptions();
          if (this.stopWaiting === stop) end(isStored ? 'done' : 'failed');
        }
      };
      this.#onSettled();
    });
  }

  /**
   * Seconds, once the speed is known.
   * @param {FileUpload} item
   */
  secondsLeft({ start, sent, size }) {
    const passed = start ? performance.now() - start.at : 0;
    if (!start || passed < RATE_AFTER || sent <= start.sent) return null;
    return Math.ceil((((size - sent) / (sent - start.sent)) * passed) / 1000);
  }

  #next() {
    if (this.items.some(({ state }) => state === 'uploading')) return;
    const item = this.items.find(({ state }) => state === 'queued');
    if (item) this.#upload(item);
  }

  /** @param {FileUpload} item */
  async #upload(item) {
    Object.assign(item, { state: 'uploading', reason: '', start: null, progressAt: performance.now() });
    this.#changed(item);
    try {
      const { Upload } = await loadClient();
      if (!this.items.includes(item)) return;
      item.client = new Upload(/** @type {File} */ (item.file), this.#optionsFor(item));
      item.client.start();
      this.#timer ||= setInterval(() => this.#continueSilent(SILENT_AFTER), CHECK_EVERY);
    } catch {
      this.#fail(item, 0, '');
    }
  }

  /**
   * @param {FileUpload} item
   * @returns {import('tus-js-client').UploadOptions}
   */
  #optionsFor(item) {
    const { name, alt } = item;
    if (!item.url) item.isAltStored = true; // it goes with the rest
    return {
      endpoint: ENDPOINT,
      uploadUrl: item.url || null,
      metadata: { filename: name, ...(alt && { alt }) },
      retryDelays: DELAYS,
      storeFingerprintForResuming: false, // it would do so for all accounts and tabs
      onShouldRetry: ({ originalResponse: answer }) => {
        const status = answer?.getStatus() ?? 0;
        if (status === 0) this.#checkFile(item);
        return status === 0 || RETRYABLE.includes(status);
      },
      onUploadUrlAvailable: () => {
        item.url = item.client?.url ?? '';
        this.#save();
      },
      onProgress: (sent) => this.#onProgress(item, sent),
      onSuccess: async () => {
        item.client = null;
        await sendPoster(item);
        if (!this.items.includes(item)) return;
        Object.assign(item, { state: 'done', sent: item.size, client: null });
        this.#settled(item);
      },
      onError: (error) => {
        const answer = 'originalResponse' in error ? error.originalResponse : null;
        this.#fail(item, answer?.getStatus() ?? 0, this.#reason(answer?.getBody() ?? ''));
      },
    };
  }

  /**
   * A file that was moved or deleted looks like a broken connection.
   * @param {FileUpload} item
   */
  async #checkFile(item) {
    const isReadable = await item.file
      ?.slice(0, 1)
      .arrayBuffer()
      .then(
        () => true,
        () => false,
      );
    if (isReadable || item.state !== 'uploading') return;
    item.client?.abort();
    Object.assign(item, { state: 'lost', file: null, client: null });
    this.#settled(item);
  }

  /** @param {string} body of a refusal */
  #reason(body) {
    try {
      return JSON.parse(body).detail ?? '';
    } catch {
      return this.#reasonIn(body);
    }
  }

  /**
   * @param {FileUpload} item
   * @param {number} sent
   */
  #onProgress(item, sent) {
    const now = performance.now();
    if (sent > item.sent) item.progressAt = now;
    item.start ??= { at: now, sent };
    item.sent = sent;
    this.onChange(item);
  }

  /**
   * @param {FileUpload} item
   * @param {number} status
   * @param {string} reason
   */
  #fail(item, status, reason) {
    const isFinal = status === REFUSED && item.url !== '';
    Object.assign(item, { state: 'failed', status, reason, isFinal, client: null, ...(status && { url: '' }) });
    this.#settled(item);
  }

  /** @param {FileUpload} item */
  #settled(item) {
    this.#changed(item);
    this.#next();
    this.#onSettled();
    if (this.isBusy) return;
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  /**
   * Starts again what makes no progress, from where the server has it.
   * @param {number} patience in ms
   */
  #continueSilent(patience) {
    const now = performance.now();
    for (const item of this.items) {
      if (!item.client || now - item.progressAt < patience) continue;
      Object.assign(item, { progressAt: now, start: null });
      const { client: upload } = item;
      upload.abort().then(() => upload === item.client && upload.start());
    }
  }

  /** @param {FileUpload} item */
  #changed(item) {
    if (this.items.includes(item)) this.#save();
    this.onChange(item);
  }

  #save() {
    const { saveRecord, removeRecord } = this.#storage;
    if (this.items.length) saveRecord('tray', this.#id, { files: this.items.map(stored), at: Date.now() });
    else removeRecord('tray', this.#id);
  }
}
