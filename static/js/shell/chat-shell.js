// The chat page: one connection for the whole visit, the sidebar, and one room on screen after the other. Frames of the
// server are passed to whichever part they concern.
import { literalText } from '../composer/slash-commands.js';
import { Connection } from '../connection/connection.js';
import { createBanner } from '../connection/connection-banner.js';
import { PageFrameHandlers } from '../connection/frame-handlers.js';
import { pollFrames, postOverHttp } from '../connection/http-fallback.js';
import { byId, query } from '../core/dom.js';
import { createInterimComposer } from '../navigation/interim-composer.js';
import { cancelGuarded } from '../navigation/navigation-guard.js';
import { PageNavigation } from '../navigation/page-navigation.js';
import { startRoomSwitching } from '../navigation/room-switching.js';
import { rememberScroll, takeRememberedScroll } from '../navigation/scroll-restoration.js';
import { afterSignOut } from '../navigation/sign-out.js';
import { Sender } from '../outbox/sender.js';
import { Room } from '../room/room.js';
import { createAnnouncer } from './announcer.js';
import { closeDrawer } from './drawers.js';
import { showCarriedNotice } from './room-closed-notice.js';
import { Sidebar } from './sidebar.js';

const RETRY_DELAY = 2_000; // of a navigation without an answer, while there is a connection

/** @param {ParentNode} page */
const languageOf = (page) => query(page, '.user-menu [aria-current]')?.lang;
/** @param {ParentNode} page */
const scriptOf = (page) => query(page, 'script[type="module"]')?.getAttribute('src');

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
  #sidebar = new Sidebar(byId('side'));
  #banner;
  #sender;
  #interimComposer;
  #navigation;
  #room;
  #frameHandlers;
  #connection;
  /**
   * Goes to another room or direct message.
   * @type {(address: string, room: number) => void}
   */
  goTo;

  /** @param {AppElement} app */
  constructor(app) {
    const { me, epoch } = app.dataset;
    this.#app = app;
    this.#me = me;
    this.#epoch = epoch;
    this.#banner = createBanner(byId('banner'), this.#setting('banner', 2_000));
    this.#sender = this.#createSender();
    this.#interimComposer = createInterimComposer({
      post: (room, body) => this.#sender.post(room, literalText(body)),
      returnText: (text) => this.#room.composer.append(text),
    });
    this.#navigation = new PageNavigation({
      canShow: (page) => this.#canShow(page),
      showPage: (page, isRequested) => this.#showPage(page, isRequested),
      onStart: (pending) => this.#onNavigationStart(pending),
      onWait: () => this.#onNavigationWait(),
      onCancel: (reason) => this.#onNavigationCancel(reason),
    });
    this.#room = this.#openRoom();
    this.#frameHandlers = this.#createFrameHandlers();
    showCarriedNotice(this.#announcer);
    this.#room.start(takeRememberedScroll(this.#room));
    this.goTo = startRoomSwitching({
      sidebar: this.#sidebar,
      navigation: this.#navigation,
      onStay: () => this.#room.composer.field.focus(),
    });
    this.#banner.showAfterDelay('away');
    this.#connection = this.#connect();
    byId('retry').addEventListener('click', () => this.#connection.retryNow());
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
      roomCreated: (room) =>
        room === Number(this.#app.dataset.room) ? this.#app.dataset.created : this.#sidebar.roomCreated(room),
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
      reloadPage: () => this.#reload(),
    });
  }

  #openRoom() {
    return new Room(this.#app, {
      sendFrame: (frame) => this.#connection.send(frame),
      sender: this.#sender,
      sidebar: this.#sidebar,
      announcer: this.#announcer,
      postCommand: (action, fields, callbacks) => this.#navigation.post(action, fields, callbacks),
      onLive: () => this.#onRoomLive(),
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
    return { since: this.#frameHandlers.since, ...this.#room.pollQuery() };
  }

  /** @param {ServerFrame} frame */
  #dispatch(frame) {
    this.#frameHandlers.handle(frame);
    if (frame.room === this.#room.id) this.#room.handleFrame(frame);
  }

  /** @param {ServerFrame} frame */
  #onFrame(frame) {
    this.#dispatch(frame);
    if (frame.type !== 'ready') return;
    if (frame.epoch !== this.#epoch || String(frame.me.id) !== this.#me) return; // the page is reloading
    this.#isConnected = true;
    this.#sender.connected();
    this.#room.connected();
  }

  #onDisconnected() {
    this.#isConnected = false;
    this.#app.dataset.line = 'away';
    this.#sidebar.forgetCounts();
    this.#sender.disconnected();
    this.#room.disconnected();
    this.#room.pendingMessages.setOffline(true);
    this.#updateBanner();
  }

  #onPolling() {
    this.#app.dataset.line = 'polling';
    this.#room.pendingMessages.setOffline(false);
    this.#updateBanner();
    this.#sender.useHttp();
    this.#navigation.resume();
  }

  /** The room has received everything it had missed. */
  #onRoomLive() {
    if (!this.#isConnected) return; // over HTTP
    delete this.#app.dataset.line;
    this.#banner.hide();
    this.#room.pendingMessages.setOffline(false);
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

  /** Reloads the page without the user having asked for it. */
  #reload() {
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
   * A room of the same user, in the same language, of the same release.
   * @param {DocumentFragment} page
   */
  #canShow(page) {
    const next = /** @type {AppElement | null} */ (page.querySelector('#app'));
    return (
      next?.dataset.me === this.#me &&
      next.dataset.epoch === this.#epoch &&
      languageOf(page) === languageOf(document) &&
      scriptOf(page) === scriptOf(document)
    );
  }

  /** @param {PendingNavigation} pending */
  #onNavigationStart(pending) {
    cancelGuarded();
    this.#interimComposer.start(pending);
    this.#sidebar.setCurrent(pending.room || this.#room.id);
  }

  /** Without an answer, the navigation stays pending, and with it the text that is written for its target. */
  #onNavigationWait() {
    this.#updateBanner();
    if (this.#app.dataset.line !== 'away') setTimeout(() => this.#navigation.resume(), RETRY_DELAY);
  }

  /**
   * Everything is as before; what was typed since is appended to what was in the composer.
   * @param {string} reason
   */
  #onNavigationCancel(reason) {
    const text = this.#interimComposer.cancel();
    this.#sidebar.setCurrent(this.#room.id);
    this.#room.composer.append(text);
    if (reason) this.#room.composer.showError(reason);
    this.#updateBanner();
  }

  /**
   * @param {DocumentFragment} page
   * @param {boolean} isRequested
   */
  #showPage(page, isRequested) {
    /** @type {AppElement} */
    const next = query(page, '#app');
    const id = Number(next.dataset.room);
    const typed = this.#interimComposer.finish(isRequested);
    const wasTyping = typed.hasFocus || document.activeElement === this.#room.composer.field;
    if (this.#room.isLive) {
      this.#scrollPositions.set(this.#room.id, this.#room.id === id ? null : this.#room.scrollAnchor.position());
    }
    this.#room.close();
    closeDrawer('side');
    this.#replaceContent(page, next, id);
    this.#room = this.#openRoom();
    this.#room.start(this.#room.isLive ? this.#scrollPositions.get(id) : null);
    this.#scrollPositions.delete(id);
    this.#sidebar.title.update();
    this.#frameHandlers.showMembersOnline();
    if (this.#isConnected) this.#room.connected();
    else this.#connection.pollNow();
    // On a touch screen the keyboard would cover the messages, unless the user is typing anyway.
    const focusComposer = wasTyping || !matchMedia('(pointer: coarse)').matches;
    (focusComposer ? this.#room.composer.field : byId('room-h')).focus();
    this.#room.composer.takeTypedAhead(typed);
    const answer = document.getElementById('answer');
    if (answer) this.#announcer.announce(answer.textContent.trim());
  }

  /**
   * @param {DocumentFragment} page
   * @param {AppElement} next
   * @param {number} id
   */
  #replaceContent(page, next, id) {
    const app = this.#app;
    query(next, '#banner').replaceWith(byId('banner')); // the banner stays, as the connection does
    Object.assign(app.dataset, next.dataset);
    app.ariaBusy = null;
    this.#updateBanner();
    this.#sidebar.replaceRows(next, id);
    for (const part of ['.main', '.aside']) query(app, part).replaceWith(query(next, part));
    byId('acts').replaceWith(query(page, '#acts')); // the user's rights differ from room to room
  }
}
