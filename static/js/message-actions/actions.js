// What each action on a message does, and for which messages it is offered. The server's table (src/pages/messages/actions.rs)
// says how it is called and which key runs it: an action needs an entry in both.
import { query } from '../core/dom.js';
import { openEmojiPicker } from '../emoji/emoji.js';
import { fetchMessagePage, submitMessageForm } from './message-changes.js';

/**
 * @typedef {object} MessageAction
 * @property {(article: MessageElement) => boolean} [isAllowed] for which messages it is offered; without it, for all
 * @property {(article: MessageElement, button: HTMLElement) => unknown} run `button` started it, or the message itself
 *
 * @typedef {object} ActionOptions
 * @property {string} me
 * @property {boolean} moderates
 * @property {import('./edit-message.js').MessageEditor} editor
 * @property {{ start: (article: MessageElement) => void }} deleter
 * @property {(id: string, emoji: string) => void} toggleReaction
 * @property {(article: MessageElement) => void} reply
 * @property {(address: string) => void} goTo
 * @property {((address: string) => void) | null} openThread null in a thread
 * @property {(article: MessageElement) => void} showMessage
 * @property {() => boolean} isMember whether the user has a read marker here
 * @property {(seq: number) => void} showUnread what follows this number is unread now
 * @property {import('../room/message-list.js').MessageList} messageList
 * @property {(text: string) => void} announce
 * @property {{ copied: string, unread: string, saved: string }} texts
 */

/** @param {MessageElement} article */
const body = (article) => query(article, '.message__body');
/** @param {MessageElement} article */
const isPinned = (article) => article.matches('.message--pinned');
/** What belongs to another room than the thread that is on screen. @param {MessageElement} article */
const isHead = (article) => article.closest('.thread__head') !== null;
const hasClipboard = () => Boolean(navigator.clipboard); // missing on plain HTTP

/**
 * @param {ActionOptions} options
 * @returns {Record<string, MessageAction>}
 */
export function createActions({ me, moderates, messageList, showMessage, announce, texts, ...options }) {
  /** @param {MessageElement} article */
  const isOwn = ({ dataset }) => dataset.author === me;
  /**
   * The text may come later: the clipboard is asked at once, while the browser knows that the user wants it.
   * @param {Promise<string> | string} text
   */
  const copy = async (text) => {
    const blob = Promise.resolve(text).then((content) => new Blob([content], { type: 'text/plain' }));
    await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
    announce(texts.copied);
  };
  /** @param {'pin' | 'unpin'} action */
  const pinning =
    (action) =>
    async (/** @type {MessageElement} */ { dataset }) =>
      showMessage(await submitMessageForm(dataset.id, action, {}));

  /** @param {MessageElement} article */
  const isSaved = (article) => messageList.isSaved(article);
  /** @param {boolean} saved */
  const saving =
    (saved) =>
    async (/** @type {MessageElement} */ { dataset }) => {
      await submitMessageForm(dataset.id, 'saved', { saved: String(saved) });
      messageList.setSaved(dataset.id, saved);
      if (saved) announce(texts.saved);
    };

  return {
    quick: { run: ({ dataset }, { dataset: { emoji = '' } }) => options.toggleReaction(dataset.id, emoji) },
    react: {
      run: ({ dataset }, button) => openEmojiPicker(button, (emoji) => options.toggleReaction(dataset.id, emoji)),
    },
    reply: { isAllowed: (article) => !isHead(article), run: options.reply },
    thread: {
      isAllowed: () => options.openThread !== null,
      run: ({ dataset }) => options.openThread?.(`/threads/${dataset.id}`),
    },
    save: { isAllowed: (article) => !isSaved(article), run: saving(true) },
    unsave: { isAllowed: isSaved, run: saving(false) },
    copy: {
      isAllowed: hasClipboard,
      run: ({ dataset }) =>
        copy(fetchMessagePage(dataset.id).then((page) => query(page, '.message-source').textContent)),
    },
    // It shows what can be copied, and allows the user to take less.
    select: {
      isAllowed: () => !hasClipboard(),
      run: (article) => getSelection()?.selectAllChildren(body(article)),
    },
    link: {
      isAllowed: hasClipboard,
      run: ({ dataset }) => copy(`${location.origin}/messages/${dataset.id}/context`),
    },
    unread: {
      isAllowed: (article) => options.isMember() && !isHead(article),
      run: async ({ dataset }) => {
        await submitMessageForm(dataset.id, 'unread', {});
        options.showUnread(Number(dataset.seq) - 1);
        announce(texts.unread);
      },
    },
    page: { run: (article) => options.goTo(/** @type {HTMLAnchorElement} */ (query(article, '.message__link')).href) },
    pin: { isAllowed: (article) => !isPinned(article), run: pinning('pin') },
    unpin: { isAllowed: isPinned, run: pinning('unpin') },
    edit: { isAllowed: isOwn, run: (article) => options.editor.start(article) },
    delete: { isAllowed: (article) => moderates || isOwn(article), run: (article) => options.deleter.start(article) },
  };
}
