// The room on screen: creates its parts and passes the server's frames to them, until another room takes its place.
// A message goes from the composer to the sender, over the connection, and back into the message list.
import {
  countWideMention,
  startCommandAutocomplete,
  startEmojiAutocomplete,
  startMentionAutocomplete,
} from '../composer/completion.js';
import { Composer, isExitCommand, isSlashCommand, literalText } from '../composer/composer.js';
import { startComposerTools, startFormatKeys } from '../composer/composer-tools.js';
import { createTypingIndicator } from '../composer/typing-indicator.js';
import { dispatchFrame } from '../connection/frame-handlers.js';
import { byId, partOf, query, queryAll } from '../core/dom.js';
import { parseHtml } from '../core/http.js';
import { pluralize, withNumber } from '../core/i18n.js';
import { startEmojiButton } from '../emoji/emoji.js';
import { Attachments } from '../files/attachments.js';
import { startMessageActions } from '../message-actions/toolbar.js';
import { Draft } from '../outbox/draft.js';
import { PendingMessages } from '../outbox/pending-messages.js';
import { startKeyboardNavigation } from './keyboard-navigation.js';
import { countPin, MemberList, removeFiles, searchMembers, startFavourite, updateRoomHeader } from './member-list.js';
import { MessageList } from './message-list.js';
import { Pagination, startMessageLinks } from './pagination.js';
import { claimReadMarking, countMentions, createReadMarker, isPageActive, UnreadDivider } from './read-marker.js';
import { ScrollAnchor } from './scroll-anchor.js';

const DEFAULT_TIMEOUT = 15_000;

/**
 * @typedef {object} RoomOptions
 * @property {AppData} user whose page it is
 * @property {boolean} isOffline
 * @property {SendFrame} sendFrame
 * @property {import('../outbox/sender.js').Sender} sender
 * @property {import('../shell/sidebar.js').Sidebar} sidebar
 * @property {import('../shell/notices.js').Announcer} announcer
 * @property {import('../navigation/page-navigation.js').PageNavigation['post']} postCommand
 * @property {(address: string) => void} goTo
 * @property {(address: string) => void} openThread
 * @property {() => void} onLive everything missed has arrived
 * @property {(isAnswered: boolean) => void} onHistoryResponse
 * @property {() => void} reloadPage
 */

export class Room {
  id;
  created;
  /** A page of older history stays as it is; so does a direct message without messages. Only members are live. */
  isLive;
  memberList;
  scrollAnchor;
  pendingMessages;
  composer;
  #options;
  #lastRead; // when the page was rendered; negative for a reader who isn't a member
  #isMember;
  /** Everything that changed up to this revision is on the page. */
  #rev;
  /**
   * The message that made it, from which the server knows whether this is the history that it knows, too.
   * @type {string | undefined}
   */
  #lastId;
  #hasCaughtUp = false;
  #confirmed = ''; // the text that the user wants to post although it mentions many
  #wasAtEnd = false; // when catching up began
  #readBefore = 0; // how far the user had read then
  #namesReactions = false;
  #closing = new AbortController();
  #element;
  #log;
  #list;
  /** @type {BodyForm} */
  #form;
  #messageList;
  #pagination;
  #unreadDivider;
  #readMarker;
  #typingIndicator;
  /** @type {FrameHandlers} */
  #handlers = {
    message: (frame) => this.#onMessage(frame),
    head: (frame) => this.showHead(frame),
    opened: (frame) => this.#onOpened(frame),
    live: () => this.#onLive(),
    resync: (frame) => this.#onResync(frame),
    read: ({ seq, back }) => (back ? this.#showUnread(seq) : this.#readMarker.advance(seq)),
    typing: ({ user }) => this.#typingIndicator.show(user),
    posted: (frame) => this.#onPosted(frame),
    draft: (frame) => this.composer.receiveDraft(frame),
  };

  /**
   * @param {RoomElement} element the main part of the page
   * @param {RoomOptions} options
   */
  constructor(element, options) {
    const { room, created, tail, lastRead, rev, thread } = element.dataset;
    this.#element = element;
    this.#log = this.#part('log');
    this.#list = this.#part('messages');
    this.#form = this.#part('composer');
    this.#options = options;
    this.created = created;
    this.#lastRead = Number(lastRead);
    this.id = Number(room);
    this.isLive = tail === 'true' && this.id > 0;
    this.#isMember = this.#lastRead >= 0;
    this.#rev = Number(rev);
    // A thread lists no members.
    this.memberList = thread === undefined ? new MemberList(this.id, this.#signal) : null;
    this.#lastId = query(this.#list, `article[data-rev="${this.#rev}"]`)?.dataset.id;
    this.#messageList = new MessageList(this.#list, options.user.me, (it) => this.#enhance(it), this.#signal);
    this.scrollAnchor = this.#createScrollAnchor();
    this.#pagination = this.#createPagination();
    this.#unreadDivider = this.#createUnreadDivider();
    this.#readMarker = this.#createReadMarker();
    this.pendingMessages = this.#createPendingMessages();
    this.composer = this.#createComposer();
    this.#typingIndicator = this.#createTypingIndicator();
    this.pendingMessages.setOffline(options.isOffline);
    this.#startInteractions();
    if (this.isLive) {
      this.scrollAnchor.updateBelow(() => options.sender.attachRoom(this.id, this.pendingMessages));
    }
  }

  /**
   * @template {HTMLElement} T
   * @param {string} id
   * @returns {T}
   */
  #part(id) {
    return partOf(this.#element, id);
  }

  get #signal() {
    return this.#closing.signal;
  }

  /**
   * Reactions, blocks of code and tables get what needs a script.
   * @param {MessageElement} article
   */
  async #enhance(article) {
    if (article.querySelector('.reaction')) this.#startReactionNames();
    if (article.querySelector('.message__body a[target]')) this.#quoteLinks(article);
    if (!article.querySelector('.message__body :is(pre, .table)')) return;
    const { enhanceBlocks } = await import('./code-blocks.js');
    const { announce } = this.#options.announcer;
    const template = /** @type {HTMLTemplateElement} */ (byId('code-block'));
    this.scrollAnchor.updateBelow(() => enhanceBlocks(article, { template, announce, pluralize }));
  }

  /** @param {MessageElement} article */
  async #quoteLinks(article) {
    const links = /** @type {HTMLAnchorElement[]} */ (queryAll(article, '.message__body a[target]'));
    if (!links.some((link) => link.origin === location.origin)) return;
    const { quoteLinks } = await import('./linked-quotes.js');
    quoteLinks(article, (change) => this.scrollAnchor.updateBelow(change), this.#signal);
  }

  async #startReactionNames() {
    if (this.#namesReactions) return;
    this.#namesReactions = true;
    const { startReactionNames } = await import('../message-actions/reaction-names.js');
    startReactionNames(this.#log, this.#signal);
  }

  #createScrollAnchor() {
    return new ScrollAnchor({
      log: this.#log,
      list: this.#list,
      newMessagesButton: this.#part('pill'),
      hasNewest: () => this.#messageList.hasNewest,
      loadNewest: () => this.#pagination.loadNewest(),
    });
  }

  /** @returns {Pagination} */
  #createPagination() {
    return new Pagination({
      log: this.#log,
      messageList: this.#messageList,
      scrollAnchor: this.scrollAnchor,
      timeout: Number(this.#options.user.patience ?? DEFAULT_TIMEOUT),
      onResponse: this.#options.onHistoryResponse,
      signal: this.#signal,
    });
  }

  #createUnreadDivider() {
    return new UnreadDivider({
      log: this.#log,
      messageList: this.#messageList,
      loadAround: (seq) => this.#pagination.loadAround(seq),
      signal: this.#signal,
    });
  }

  /** A page of older history never counts as read; for a reader who isn't a member everything on the page does. */
  #createReadMarker() {
    const readOnPage = this.#isMember ? this.#lastRead : this.#messageList.newestSeq;
    return createReadMarker({
      seq: this.isLive ? readOnPage : Infinity,
      newestSeq: () => this.#messageList.newestSeq,
      isAtEnd: () => this.scrollAnchor.isAtEnd(),
      onRead: (seq) => this.#options.sidebar.updateCounts(this.id, { read: seq }),
      sendRead: (seq) => this.#isMember && this.#options.sendFrame({ type: 'read', room: this.id, seq }),
      signal: this.#signal,
    });
  }

  #createPendingMessages() {
    const { sender } = this.#options;
    return new PendingMessages(byId('waiting'), this.#messageList, this.#options.user.me, (action, nonce) => {
      if (action === 'retry') this.scrollAnchor.updateBelow(() => sender.retry(nonce));
      else sender.remove(nonce);
      this.composer.field.focus();
    });
  }

  #createComposer() {
    // A direct message without messages has no id; its draft is stored under the path it is posted to.
    const target = this.id || (this.#form.getAttribute('action') ?? '');
    return new Composer(this.#form, {
      error: this.#part('composer-error'),
      draft: new Draft('draft', target),
      room: this.isLive ? this.id : 0,
      created: this.created,
      attachments: this.#createAttachments(target),
      onSend: (text) => this.#send(text),
      onSendLater: ({ body, nonce, isLiteral, replyTo, files }) => {
        const more = { reply_to: replyTo, also: this.#takeAlso(), files };
        if (this.isLive) this.#options.sender.post(this.id, isLiteral ? body : literalText(body), nonce, more);
      },
      isMessage: (text) => this.#isMessage(text),
      signal: this.#signal,
    });
  }

  /** @param {string | number} target */
  #createAttachments(target) {
    return new Attachments({
      element: this.#element,
      form: this.#form,
      target,
      announce: this.#options.announcer.announce,
      onFailure: () => this.#showFailure(),
      onResume: () => this.composer.resume(),
      signal: this.#signal,
    });
  }

  #showFailure() {
    this.composer.showError(this.#part('acts').dataset.failed ?? '');
  }

  #createTypingIndicator() {
    return createTypingIndicator({
      element: this.#part('typing'),
      field: this.composer.field,
      sendTyping: () => this.isLive && this.#options.sendFrame({ type: 'typing', room: this.id }),
      signal: this.#signal,
    });
  }

  #startInteractions() {
    const { me } = this.#options.user;
    const field = this.composer.field;
    startCommandAutocomplete(this.#form, this.#part('command-menu'));
    startMentionAutocomplete(this.#form, this.#part('mention-menu'), me, (text) => this.#searchMembers(text));
    startEmojiAutocomplete(this.#form, this.#part('emoji-menu'));
    startEmojiButton(this.#form, () => this.#showFailure());
    startComposerTools(this.#form);
    startFormatKeys(this.#element, this.#signal);
    startKeyboardNavigation({ log: this.#log, field, scrollToEnd: () => this.scrollAnchor.scrollToEnd() });
    startMessageActions({
      log: this.#log,
      messageList: this.#messageList,
      composerField: field,
      me,
      updateBelow: (change) => this.scrollAnchor.updateBelow(change),
      error: this.#part('composer-error'),
      reply: (article) => {
        this.composer.reply.show(article);
        field.focus();
      },
      isMember: () => this.#isMember,
      showUnread: (seq) => this.#showUnread(seq),
      goTo: this.#options.goTo,
      openThread: this.#isThread ? null : this.#options.openThread,
      announce: this.#options.announcer.announce,
      signal: this.#signal,
    });
    if (!this.#isThread) startFavourite(() => this.#showFailure());
    startMessageLinks({
      log: this.#log,
      room: this.id,
      loadAround: (seq) => this.#pagination.loadAround(seq),
      scrollAnchor: this.scrollAnchor,
      goTo: this.#options.goTo,
    });
    this.#log.addEventListener('scroll', () => this.#readMarker.update(), { passive: true });
    this.#form.parentElement?.addEventListener('submit', (event) => this.#onInvite(event), { signal: this.#signal });
    if (this.#isThread) this.#startThread();
    this.#options.sidebar.markThreads(this.#list);
  }

  /** The room of the thread; NaN for other rooms. */
  get parent() {
    return Number(this.#element.dataset.parent);
  }

  get #isThread() {
    return this.#element.dataset.thread !== undefined;
  }

  #startThread() {
    // The button changes when the server says that the user follows the thread, or does no longer.
    this.#element.querySelector('.thread-follow')?.addEventListener('submit', async (event) => {
      event.preventDefault();
      const { form, name, value } = /** @type {HTMLButtonElement} */ (/** @type {SubmitEvent} */ (event).submitter);
      const body = new URLSearchParams({ [name]: value });
      const response = await fetch(/** @type {HTMLFormElement} */ (form).action, { method: 'POST', body }).catch(
        () => null,
      );
      if (!response?.ok) this.#showFailure();
    });
  }

  /**
   * A thread has the members of its room, of whom this page may know none.
   * @param {string} text
   */
  #searchMembers(text) {
    const { parent } = this.#element.dataset;
    return parent === undefined
      ? /** @type {MemberList} */ (this.memberList).search(text)
      : searchMembers(`/rooms/${Number(parent)}/members`, text, this.#signal);
  }

  /** The box that sends a copy to the room. It is off again after each reply. */
  #takeAlso() {
    /** @type {HTMLInputElement | null} */
    const box = this.#element.querySelector('.thread-also input');
    const isOn = box?.checked === true;
    if (box) box.checked = false;
    return isOn;
  }

  /**
   * Slash commands and the first text of a direct message are posted as a form.
   * @param {string} body
   */
  #isMessage(body) {
    return this.isLive && !isSlashCommand(body.trim());
  }

  /**
   * True if the text is in the outbox now. Otherwise a page is on its way, and the composer keeps the text until then.
   * @param {import('../composer/composer.js').Outgoing} text
   */
  #send(text) {
    const { body, nonce, isLiteral = false, replyTo, files = [] } = text;
    if (isLiteral ? !this.isLive : !this.#isMessage(body)) {
      this.#postAsForm(text);
      return false;
    }
    const reached = body === this.#confirmed || this.#isThread ? 0 : countWideMention(body);
    if (reached > Number(this.#part('mention-notice').dataset.asksAbove)) {
      this.#askBeforeMany(reached, body);
      return false;
    }
    this.#part('answer')?.remove(); // of an earlier slash command
    const more = { reply_to: replyTo, also: this.#takeAlso(), files };
    this.#options.sender.post(this.id, isLiteral ? body : literalText(body), nonce, more);
    this.#typingIndicator.messageSent();
    this.scrollAnchor.scrollToEnd();
    return true;
  }

  /**
   * @param {number} reached
   * @param {string} body
   */
  async #askBeforeMany(reached, body) {
    const { askBeforeMany } = await import('../composer/mention-notices.js');
    askBeforeMany(this.#element, reached, this.composer.field, () => {
      this.#confirmed = body;
      this.#form.requestSubmit();
    });
  }

  /** @param {PostedFrame} frame */
  async #onPosted({ not_in_room: users }) {
    if (users.length === 0) return;
    const { showOutsiders } = await import('../composer/mention-notices.js');
    if (!this.#signal.aborted) showOutsiders(this.#element, this.id, users);
  }

  /** @param {SubmitEvent} event */
  #onInvite(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.dataset.invite === undefined) return;
    event.preventDefault();
    this.#options.postCommand(form.action, new FormData(form, event.submitter), {
      onAccepted: () => {},
      onRefused: (reason) => this.composer.showError(reason || (this.#part('acts').dataset.failed ?? '')),
      isSignOut: false,
    });
  }

  /** @param {import('../composer/composer.js').Outgoing} text */
  #postAsForm({ body, nonce, isLiteral = false, files = [] }) {
    const fields = new FormData(this.#form);
    fields.set('body', body);
    fields.set('nonce', nonce);
    if (isLiteral) fields.set('literal', 'true');
    for (const { id } of files) fields.append('file', id);
    const { failed = '' } = this.#part('acts').dataset;
    this.#options.postCommand(this.#form.action, fields, {
      onAccepted: () => this.composer.clearDraft(files.length > 0),
      onRefused: (reason) => this.composer.showError(reason || failed),
      isSignOut: !isLiteral && isExitCommand(body.trim()),
    });
  }

  /** False while there is no connection. */
  #sendOpen() {
    this.#hasCaughtUp = false;
    const lastId = this.#lastId === undefined ? undefined : Number(this.#lastId);
    return this.#options.sendFrame({ type: 'open', room: this.id, since_rev: this.#rev, since_id: lastId });
  }

  /**
   * The user marked what follows this number as unread.
   * @param {number} seq
   */
  #showUnread(seq) {
    this.#readMarker.goBack(seq);
    this.#unreadDivider.moveTo(seq);
  }

  /** @param {MessageFrame} frame */
  #onMessage({ rev, html }) {
    /** @type {MessageElement} */
    const article = query(parseHtml(html), 'article');
    const { id, author, nonce, seq: seqText } = article.dataset;
    const seq = Number(seqText);
    const isOwn = author === this.#options.user.me;
    if (rev >= this.#rev) {
      this.#rev = rev;
      this.#lastId = id;
    }
    this.#typingIndicator.stopped(Number(author));
    this.composer.reply.update(article);
    if (!this.#isThread) countPin(article);
    if (article.matches('.message--deleted')) removeFiles(id);
    const wasAbove = !this.scrollAnchor.isAtEnd();
    let isNew = false;
    this.scrollAnchor.updateBelow(() => {
      isNew = this.#messageList.upsert(article);
      if (isNew && !isOwn && !isPageActive()) this.#unreadDivider.markAfter(this.#readMarker.seq);
      if (isOwn && nonce) {
        this.#options.sender.remove(nonce);
        this.composer.onSent(nonce);
      }
    });
    this.#pagination.onMessageAdded();
    this.#options.sidebar.markThreads(article);
    if (isOwn) this.#readMarker.advance(seq);
    this.#readMarker.update();
    this.#updateSidebar(seq, isOwn);
    if (!isNew || isOwn || article.matches('.message--deleted')) return;
    if (wasAbove) this.scrollAnchor.countUnseen();
    if (this.#hasCaughtUp) this.#options.announcer.announceMessage(article);
  }

  /**
   * The message that a thread belongs to counts its replies.
   * @param {{ html: string }} frame
   */
  showHead({ html }) {
    /** @type {MessageElement} */
    const article = query(parseHtml(html), 'article');
    if (article.dataset.id !== this.#element.dataset.thread) return;
    const count = query(this.#element, '.thread__count');
    const replies = article.querySelector('.thread-line__count');
    count.textContent = replies?.textContent ?? withNumber(count.dataset.other, 0);
    this.scrollAnchor.updateBelow(() => this.#messageList.upsert(article));
  }

  /**
   * @param {number} seq
   * @param {boolean} isOwn
   */
  #updateSidebar(seq, isOwn) {
    const { seq: read } = this.#readMarker;
    const hasUnread = this.#messageList.newestSeq > read;
    const mentions = hasUnread ? countMentions(this.#log, this.#options.user.name, read) : 0;
    this.#options.sidebar.updateCounts(this.id, { last: seq, read: isOwn ? seq : 0, mentions });
  }

  /** @param {OpenedFrame} frame */
  #onOpened({ last_seq: lastSeq }) {
    this.#wasAtEnd = this.scrollAnchor.isAtEnd();
    this.#readBefore = this.#readMarker.seq;
    const skipped = this.#messageList.skipTo(lastSeq);
    if (skipped && !this.#wasAtEnd) this.scrollAnchor.countUnseen(skipped);
  }

  #onLive() {
    const messageList = this.#messageList;
    this.#hasCaughtUp = true;
    this.#options.onLive();
    claimReadMarking();
    this.#pagination.retry();
    this.#options.sender.roomIsLive(this.id);
    this.#readMarker.resume();
    messageList.refreshDayLabels();
    if (messageList.latestSeq > this.#readBefore && !this.#isFirstUnreadVisible()) {
      this.#unreadDivider.markAfter(this.#readBefore);
    }
    if (this.#wasAtEnd && !messageList.hasNewest) this.#skipToEnd();
  }

  #isFirstUnreadVisible() {
    const article = this.#messageList.firstAfter(this.#readBefore);
    return (
      Number(article?.dataset.seq) === this.#readBefore + 1 &&
      Number(article?.getBoundingClientRect().bottom) > this.#log.getBoundingClientRect().top
    );
  }

  /** More was missed than the list holds: a reader who was at the end gets to the new end. */
  async #skipToEnd() {
    await this.scrollAnchor.scrollToEnd();
    this.#readMarker.update();
  }

  /** @param {ResyncFrame} frame */
  #onResync({ reset }) {
    // In answer to `open`, it says that the server knows less than this page, or another history, after a restore:
    // only a fresh page is right then. Unsent text stays.
    if (!this.#hasCaughtUp || reset || !this.#sendOpen()) this.#options.reloadPage();
  }

  /** @param {ServerFrame} frame */
  handleFrame(frame) {
    if (frame.type === 'member') this.memberList?.updateMember(frame);
    else if (this.isLive) dispatchFrame(this.#handlers, frame);
  }

  /**
   * The room was renamed, or its user has joined or left it.
   * @param {RoomFrame} frame
   */
  update({ room, html }) {
    this.#isMember = html !== '';
    this.showArchived(room.archived_at !== null);
    if (room.parent) {
      this.#showFollowing();
      return;
    }
    updateRoomHeader(room, this.#isMember);
    this.#options.sidebar.title.setPage(room.name);
  }

  /**
   * Nothing is written in an archived room, and in its threads.
   * @param {boolean} isArchived
   */
  showArchived(isArchived) {
    this.#part('archived-bar').hidden = !isArchived;
    this.#form.hidden = isArchived;
    this.#element.querySelector('.thread-also')?.toggleAttribute('hidden', isArchived);
  }

  #showFollowing() {
    /** @type {HTMLFormElement | null} */
    const form = this.#element.querySelector('.thread-follow');
    if (!form) return;
    /** @type {HTMLButtonElement} */
    const button = query(form, 'button');
    button.value = String(!this.#isMember);
    button.textContent = (this.#isMember ? form.dataset.unfollow : form.dataset.follow) ?? '';
  }

  /** @param {SavedFrame} frame */
  setSaved({ message, saved }) {
    this.#messageList.setSaved(message, saved);
  }

  /** What to ask for over HTTP where there is no WebSocket. */
  pollQuery() {
    if (!this.isLive) return {};
    const lastId = this.#lastId;
    const { seq: read } = this.#readMarker;
    return {
      room: this.id,
      since_rev: this.#rev,
      ...(lastId && { since_id: lastId }),
      ...(this.#isMember && read > 0 && { read }),
    };
  }

  /**
   * Whether a change is on the page.
   * @param {number} rev
   */
  hasRev(rev) {
    return rev <= this.#rev;
  }

  /**
   * Scrolls to where the user left the room, or to the end.
   * @param {ScrollPosition | null} [position]
   */
  start(position) {
    if (position && !document.getElementById(position.id)) {
      this.#pagination.loadAround(position.seq).then(() => this.scrollAnchor.restore(position));
    } else if (position) this.scrollAnchor.restore(position);
    this.#unreadDivider.start(this.isLive && this.#isMember ? this.#lastRead : -1);
  }

  connected() {
    if (this.isLive) this.#sendOpen();
    else this.#options.onLive();
  }

  disconnected() {
    this.#hasCaughtUp = false;
    this.#typingIndicator.clear();
  }

  close() {
    this.#closing.abort();
    if (!this.isLive) return;
    this.#options.sender.detachRoom(this.id);
    this.#options.sendFrame({ type: 'close', room: this.id });
  }
}
