// The frame of all pages of a signed-in user: one connection for the whole visit, the sidebar, and one room or other page
// on screen after the other. Frames of the server are passed to whichever part they concern.
import { literalText } from '../composer/composer.js';
import { Connection, pollFrames, postOverHttp } from '../connection/connection.js';
import { PageFrameHandlers } from '../connection/frame-handlers.js';
import { byId, closestTo, hasModifier, mainElement, query, queryAll } from '../core/dom.js';
import { pageRestored } from '../hypermedia/bridge.js';
import { createInterimComposer } from '../navigation/interim-composer.js';
import { afterSignOut, cancelGuarded } from '../navigation/navigation-guard.js';
import { startPageLinks } from '../navigation/page-links.js';
import { KeptPages, PageNavigation } from '../navigation/page-navigation.js';
import { Sender } from '../outbox/sender.js';
import { Room } from '../room/room.js';
import { rememberScroll, takeRememberedScroll } from '../room/scroll-anchor.js';
import { createAnnouncer, createBanner, showCarriedNotice, showStatus } from './notices.js';
import { enhanceContent } from './page-content.js';
import { closeDrawer, Sidebar } from './sidebar.js';

const RETRY_DELAY = 2_000; // of a navigation without an answer, while there is a connection
const WIDE = matchMedia('(width >= 67.5em)'); // has space for a thread beside the room
const TEXT_FIELDS = '.page :is(textarea, input:not([type="hidden"], [type="search"]))';
/** Where in the page a room stands whose number isn't known yet. */
const DIRECT_OR_HOME = /^\/(?:direct\/.*)?$/;

/** @param {ParentNode} page */
const languageOf = (page) => query(page, '.user-menu [aria-current]')?.lang;
/** @param {ParentNode} page */
const themeOf = (page) =>
  queryAll(page, 'meta[name="theme-color"]')
    .map((meta) => meta.getAttribute('content'))
    .join();
/** @param {ParentNode} page */
const scriptOf = (page) => query(page, 'script[type="module"]')?.getAttribute('src');

/** @param {PendingNavigation} pending */
const leadsToRoom = ({ address, room }) => room > 0 || !address || DIRECT_OR_HOME.test(new URL(address).pathname);

/** Whether the user has typed something that only this page has. */
const hasTypedText = () =>
  queryAll(document, TEXT_FIELDS).some((field) => {
    const { value, defaultValue } = /** @type {TextField} */ (field);
    return value !== defaultValue;
  });

/** A page that was left while its filter was asked for shows what its field says. */
function repeatFilter() {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector('[hx-get] [name="q"]'));
  const shown = new URLSearchParams(location.search).get('q') ?? '';
  if (field && field.value !== shown) field.dispatchEvent(new Event('input', { bubbles: true }));
}

export class ChatShell {
  #app;
  #me;
  #epoch;
  #isConnected = false; // the server has sent `ready` over the connection of the moment
  /**
   * Where the user left rooms after scrolling up.
   * @type {Map<number, ScrollPosition | null>}
   */
  #scrollPositions = new Map();
  #announcer = createAnnouncer(byId('announcer'));
  #sidebar;
  #banner;
  #keptPages = new KeptPages();
  #isOutdated = false; // the next navigation has to load the page
  #sender;
  #interimComposer;
  #navigation;
  /**
   * Null while another page is on screen.
   * @type {Room | null}
   */
  #room = null;
  /**
   * A thread of the room, on wide screens.
   * @type {import('../room/thread-beside.js').ThreadBeside | null}
   */
  #beside = null;
  #frameHandlers;
  #connection;
  /**
   * Goes to another page.
   * @type {(address: string, room?: number) => void}
   */
  goTo;

  /** @param {AppElement} app */
  constructor(app) {
    const { me, epoch, unread } = app.dataset;
    this.#app = app;
    this.#me = me;
    this.#epoch = epoch;
    this.#sidebar = new Sidebar(byId('side'), unread);
    this.#banner = createBanner(byId('banner'), this.#setting('banner', 2_000));
    this.#sender = this.#createSender();
    this.#interimComposer = createInterimComposer({
      post: (room, body) => this.#sender.post(room, literalText(body)),
      returnText: (text) => this.#room?.composer.append(text),
    });
    this.#navigation = new PageNavigation({
      hasLiveSidebar: () => this.#isConnected,
      canShow: (page) => this.#canShow(page),
      showPage: (page, isRequested, hash) => this.#showPage(page, isRequested, hash),
      onLeave: (index) => this.#leave(index),
      isKept: (index) => this.#keptPages.has(index) && !this.#isOutdated,
      restorePage: (index) => this.#restorePage(index),
      onStart: (pending) => this.#onNavigationStart(pending),
      onWait: () => this.#onNavigationWait(),
      onCancel: (reason) => this.#onNavigationCancel(reason),
    });
    this.#room = this.#openMain();
    this.#frameHandlers = this.#createFrameHandlers();
    showCarriedNotice(this.#announcer);
    this.#room?.start(takeRememberedScroll(this.#room));
    this.goTo = startPageLinks({
      sidebar: this.#sidebar,
      navigation: this.#navigation,
      onStay: () => this.#focusMain(true),
    });
    this.#banner.showAfterDelay('away');
    this.#connection = this.#connect();
    byId('retry').addEventListener('click', () => this.#connection.retryNow());
    this.#startThreads();
  }

  /** For forms and filters whose answer is put into the page on screen. */
  get pageChanges() {
    return {
      goTo: (/** @type {string} */ address) => this.goTo(address),
      replaceAddress: (/** @type {string} */ address) => {
        this.#navigation.replaceAddress(address);
        this.#sidebar.updateLanguageLinks(this.#navigation.shownAddress);
      },
      shownAddress: () => this.#navigation.shownAddress,
      adoptTitle: (/** @type {ParentNode} */ page) => this.#sidebar.title.adopt(page),
    };
  }

  /**
   * Says that a page load waits for the server.
   * @param {boolean} isWaiting
   */
  showWaiting(isWaiting) {
    if (isWaiting) this.#banner.showNavigationWaits();
    else this.#showConnectionState();
  }

  /**
   * Tests set shorter times.
   * @param {string} name
   * @param {number} fallback
   */
  #setting(name, fallback) {
    return Number(this.#app.dataset[name] ?? fallback);
  }

  #createSender() {
    const me = this.#me;
    return new Sender({
      me,
      epoch: this.#epoch,
      sendFrame: (frame) => this.#connection.send(frame),
      roomName: (room) => this.#sidebar.roomName(room),
      roomCreated: (room) => this.#shown(room)?.created ?? this.#sidebar.roomCreated(room),
      postOverHttp: (entry) => postOverHttp(entry, me, () => this.#onSignedOut()),
      onPostedOverHttp: () => this.#connection.pollNow(),
    });
  }

  #createFrameHandlers() {
    return new PageFrameHandlers({
      app: this.#app,
      sidebar: this.#sidebar,
      sender: this.#sender,
      navigation: this.#navigation,
      announcer: this.#announcer,
      currentRoom: () => this.#room,
      shownRoom: (room) => this.#shown(room),
      shownThread: (room) => this.#rooms.find(({ parent }) => parent === room),
      closeBeside: (room) => {
        if (room === this.#beside?.room?.id || room === this.#beside?.head.room) this.#beside?.close();
      },
      reloadPage: (isOtherUser) => this.#reload(isOtherUser),
    });
  }

  #openMain() {
    const main = mainElement();
    if (main.dataset.room === undefined) {
      enhanceContent(main);
      return null;
    }
    return this.#openRoom(/** @type {RoomElement} */ (main), (action, fields, callbacks) =>
      this.#navigation.post(action, fields, callbacks),
    );
  }

  /**
   * @param {RoomElement} element
   * @param {PageNavigation['post']} postCommand
   */
  #openRoom(element, postCommand) {
    return new Room(element, {
      user: this.#app.dataset,
      isOffline: this.#app.dataset.line === 'away',
      sendFrame: (frame) => this.#connection.send(frame),
      goTo: (address) => this.goTo(address),
      openThread: (address) => this.#openThread(address),
      sender: this.#sender,
      sidebar: this.#sidebar,
      announcer: this.#announcer,
      postCommand,
      onLive: () => this.#onLive(),
      onHistoryResponse: (isAnswered) => this.#onHistoryResponse(isAnswered),
      reloadPage: () => this.#reload(),
    });
  }

  #connect() {
    return new Connection({
      url: () => {
        const url = new URL(`/api/v1/live?since=${this.#frameHandlers.since}`, location.href);
        url.protocol = url.protocol.replace('http', 'ws');
        return url;
      },
      poll: (onFrame) =>
        pollFrames(
          () => this.#pollQuery(),
          onFrame,
          () => this.#onSignedOut(),
        ),
      timing: {
        ping: this.#setting('ping', 20_000),
        dead: this.#setting('dead', 25_000),
        retry: this.#setting('retry', 400),
        restart: this.#setting('restart', 1_600),
        poll: this.#setting('poll', 3_000),
        blocked: this.#setting('blocked', 60_000),
      },
      onFrame: (frame) => this.#onFrame(frame),
      onPolledFrame: (frame) => this.#dispatch(frame),
      onDisconnected: () => this.#onDisconnected(),
      onPolling: () => this.#onPolling(),
      onFrameTooLarge: () => this.#sender.frameTooLarge(),
      onSignedOut: () => this.#onSignedOut(),
    });
  }

  /** @returns {PollQuery} */
  #pollQuery() {
    return { since: this.#frameHandlers.since, ...this.#room?.pollQuery() };
  }

  /** @param {ServerFrame} frame */
  #dispatch(frame) {
    this.#frameHandlers.handle(frame);
    if (typeof frame.room === 'number') this.#shown(frame.room)?.handleFrame(frame);
    if (frame.type === 'message') this.#beside?.updateHead(frame);
    if (frame.type === 'saved') for (const room of this.#rooms) room.setSaved(frame);
  }

  /**
   * The room with this id, if it is on screen.
   * @param {number} room
   */
  #shown(room) {
    return this.#rooms.find(({ id }) => id === room);
  }

  /** What is on screen: a room, and a thread beside it. */
  get #rooms() {
    return [this.#room, this.#beside?.room ?? null].filter((room) => room !== null);
  }

  /** On wide screens, the thread of a message opens beside the room; on others, its link leads to its page. */
  #startThreads() {
    WIDE.addEventListener('change', () => this.#beside?.close());
    this.#app.addEventListener('click', (event) => {
      /** @type {HTMLAnchorElement | null} */
      const link = closestTo(event, '.message a.thread-line');
      const isInRoom = this.#room !== null && link !== null && mainElement().contains(link);
      if (!isInRoom || !WIDE.matches || event.button !== 0 || hasModifier(event)) return;
      event.preventDefault();
      this.#openThread(link.href);
    });
  }

  /**
   * On narrow screens and without an answer, the thread's page is shown, which waits for one.
   * @param {string} address
   */
  async #openThread(address) {
    const room = this.#room;
    if (!WIDE.matches) return this.goTo(address);
    try {
      const { ThreadBeside } = await import('../room/thread-beside.js');
      this.#beside?.close();
      if (room !== this.#room) return;
      const beside = new ThreadBeside(address, {
        openRoom: (element, post) => this.#openRoom(element, post),
        onClose: () => {
          if (this.#beside === beside) this.#beside = null;
        },
      });
      this.#beside = beside;
      await beside.open();
      if (this.#isConnected) beside.room?.connected();
    } catch {
      if (room === this.#room) this.goTo(address);
    }
  }

  /** @param {ServerFrame} frame */
  #onFrame(frame) {
    this.#dispatch(frame);
    if (frame.type !== 'ready') return;
    if (frame.epoch !== this.#epoch || String(frame.me.id) !== this.#me) return; // the page is reloading
    this.#isConnected = true;
    this.#sender.connected();
    this.#showConnected();
  }

  /** A room says when it is live, which it is once it has received what it missed. */
  #showConnected() {
    for (const room of this.#rooms) room.connected();
    if (!this.#room) this.#onLive();
  }

  #onDisconnected() {
    this.#isConnected = false;
    this.#app.dataset.line = 'away';
    this.#sidebar.forgetCounts();
    this.#sender.disconnected();
    for (const room of this.#rooms) {
      room.disconnected();
      room.pendingMessages.setOffline(true);
    }
    this.#updateBanner();
  }

  #onPolling() {
    this.#app.dataset.line = 'polling';
    this.#beside?.close(); // one room is polled
    this.#room?.pendingMessages.setOffline(false);
    this.#updateBanner();
    this.#sender.useHttp();
    this.#navigation.resume();
  }

  /** What is on screen has received everything it had missed. */
  #onLive() {
    if (!this.#isConnected) return; // over HTTP
    delete this.#app.dataset.line;
    this.#banner.hide();
    for (const room of this.#rooms) room.pendingMessages.setOffline(false);
    this.#navigation.resume();
  }

  /** @param {boolean} isAnswered */
  #onHistoryResponse(isAnswered) {
    if (!isAnswered) this.#banner.showOffline();
    else if (this.#isConnected) this.#banner.hide();
  }

  #onSignedOut() {
    if (this.#navigation.isPosting()) return;
    afterSignOut(() => {
      rememberScroll(this.#room);
      location.assign('/login');
    });
  }

  /**
   * Reloads the page without the user having asked for it. Where that would lose what they have typed, the next
   * navigation loads a page; but nothing is typed on in the name of another user.
   */
  #reload(isOtherUser = false) {
    if (!isOtherUser && !this.#room && hasTypedText()) {
      this.#isOutdated = true;
      this.#isConnected = true; // nothing is wrong with the connection
      this.#onLive();
      return;
    }
    rememberScroll(this.#room);
    location.reload();
  }

  #showConnectionState() {
    if (this.#isConnected) this.#banner.hide();
    else this.#banner.showAfterDelay(this.#app.dataset.line === 'polling' ? 'polling' : 'away');
  }

  /** The banner is about a navigation that waits, or else about the connection. */
  #updateBanner() {
    if (this.#navigation.isWaiting()) this.#banner.showNavigationWaits();
    else this.#showConnectionState();
  }

  /**
   * A page of the same user, in the same language and colours, of the same release.
   * @param {DocumentFragment} page
   */
  #canShow(page) {
    const next = /** @type {AppElement | null} */ (page.querySelector('#app'));
    return (
      !this.#isOutdated &&
      next?.dataset.me === this.#me &&
      next.dataset.epoch === this.#epoch &&
      languageOf(page) === languageOf(document) &&
      themeOf(page) === themeOf(document) &&
      scriptOf(page) === scriptOf(document)
    );
  }

  /** @param {PendingNavigation} pending */
  #onNavigationStart(pending) {
    cancelGuarded();
    // On the way to another page, the room stays as it is: what is typed there is its draft.
    if (this.#room && leadsToRoom(pending)) this.#interimComposer.start(pending);
    else {
      this.#interimComposer.leave();
      this.#app.ariaBusy = 'true';
    }
    this.#sidebar.setCurrent(pending.room || this.#shownRoom);
  }

  get #shownRoom() {
    return this.#room?.id ?? 0;
  }

  /** What was typed for another room on the way there becomes part of the draft of the room on screen. */
  #keepTyped() {
    this.#room?.composer.append(this.#interimComposer.cancel());
  }

  /** Without an answer, the navigation stays pending, and with it the text that is written for its target. */
  #onNavigationWait() {
    closeDrawer('side'); // it would cover the banner
    this.#updateBanner();
    if (this.#app.dataset.line !== 'away') setTimeout(() => this.#navigation.resume(), RETRY_DELAY);
  }

  /**
   * Everything is as before; what was typed since is appended to what was in the composer.
   * @param {string} reason
   */
  #onNavigationCancel(reason) {
    this.#keepTyped();
    this.#app.ariaBusy = null;
    this.#sidebar.setCurrent(this.#shownRoom);
    if (reason && this.#room) this.#room.composer.showError(reason);
    else showStatus(reason, true);
    this.#updateBanner();
  }

  /**
   * Where the user was in what is on screen is remembered.
   * @param {number} index of the page in the tab's history
   */
  #leave(index) {
    this.#keptPages.forget(index);
    if (this.#room?.isLive) this.#scrollPositions.set(this.#room.id, this.#room.scrollAnchor.position());
    else if (!this.#room) {
      this.#keptPages.keep(index, mainElement(), query(document, '.skip-link'), this.#sidebar.title.page);
    }
  }

  /**
   * @param {DocumentFragment} page
   * @param {boolean} isRequested
   * @param {string} hash
   */
  #showPage(page, isRequested, hash) {
    const next = query(page, '.main');
    const room = Number(next.dataset.room ?? 0);
    if (next.dataset.room === undefined) this.#keepTyped();
    const typed = this.#interimComposer.finish(isRequested);
    const wasTyping = typed.hasFocus || document.activeElement === this.#room?.composer.field;
    // What is typed on goes nowhere: it was meant for a field of the page, a password perhaps.
    const wasFillingForm = document.activeElement?.matches('.page :is(textarea, input)') === true;
    if (this.#room?.id === room) this.#scrollPositions.delete(room);
    this.#room?.close();
    this.#sidebar.replaceRows(page, room);
    this.#sidebar.showPlace(page.querySelector('.place[aria-current]')?.getAttribute('href') ?? '/');
    this.#sidebar.title.adopt(page);
    this.#replaceMain(next, query(page, '.skip-link'), page.querySelector('.aside'));
    this.#room = this.#openMain();
    this.#room?.start(this.#room.isLive ? this.#scrollPositions.get(room) : null);
    this.#scrollPositions.delete(room);
    this.#afterReplacement();
    if (wasFillingForm) query(mainElement(), 'h1').focus();
    else this.#focusMain(wasTyping, hash);
    showStatus(query(page, '#status').textContent.trim());
    this.#room?.composer.takeTypedAhead(typed);
    const answer = document.getElementById('answer');
    if (answer) this.#announcer.announce(answer.textContent.trim());
  }

  /** @param {number} index in the tab's history */
  #restorePage(index) {
    this.#room?.close();
    this.#room = null;
    this.#sidebar.setCurrent(0);
    const title = this.#keptPages.restore(index, (main, skipLink) => this.#replaceMain(main, skipLink, null));
    this.#sidebar.title.restore(title);
    this.#sidebar.showPlace(location.pathname);
    this.#sidebar.updateLanguageLinks(new URL(location.href));
    this.#afterReplacement();
    showStatus('');
    repeatFilter();
    pageRestored();
  }

  /**
   * The banner stays, as the connection does.
   * @param {HTMLElement} main
   * @param {HTMLElement} skipLink
   * @param {Element | null} aside
   */
  #replaceMain(main, skipLink, aside) {
    const banner = byId('banner');
    this.#beside?.close();
    for (const popover of queryAll(document, ':popover-open')) popover.hidePopover();
    for (const dialog of document.querySelectorAll('dialog[open]')) /** @type {HTMLDialogElement} */ (dialog).close();
    main.querySelector('#banner')?.remove();
    query(main, '.page-header').after(banner);
    this.#app.querySelector('.aside')?.remove();
    mainElement().replaceWith(main);
    if (aside) main.after(aside);
    query(document, '.skip-link').replaceWith(skipLink);
    this.#app.ariaBusy = null;
    this.#updateBanner();
  }

  #afterReplacement() {
    this.#sidebar.showTotals(); // also in the main part
    this.#frameHandlers.showPresence();
    if (this.#isConnected) this.#showConnected();
    else this.#connection.pollNow();
  }

  /**
   * The focus goes to what the address names, to the composer or to the heading. On a touch screen the keyboard would
   * cover the messages, unless the user is typing anyway.
   * @param {boolean} wasTyping
   */
  #focusMain(wasTyping, hash = '') {
    const named = hash && document.getElementById(hash.slice(1));
    const field = wasTyping || !matchMedia('(pointer: coarse)').matches ? this.#room?.composer.field : null;
    const target = named || field || mainElement().querySelector('[autofocus]') || query(mainElement(), 'h1');
    const element = /** @type {HTMLElement} */ (target);
    if (!element.matches('a, button, input, textarea, [tabindex]')) element.tabIndex = -1;
    element.focus({ preventScroll: true });
    if (named) named.scrollIntoView({ block: 'center' });
  }
}
