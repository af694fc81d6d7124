// Frames for the page as a whole: users, rooms and their unread counts, the fate of messages.
// Frames that only concern the room on screen are handled there.
import { appElement, query, queryAll } from '../core/dom.js';
import { updateCustomEmoji } from '../emoji/emoji.js';
import { updateStatus } from '../people/status.js';
import { followList } from '../shell/followed-list.js';
import { carryNotice, showRoomClosed } from '../shell/notices.js';

// Passes a frame to the handler of its type.

/**
 * @param {FrameHandlers} handlers
 * @param {ServerFrame} frame
 */
export function dispatchFrame(handlers, frame) {
  // A handler found under the frame's own type takes that type, which the checker can't follow.
  const handler = /** @type {((frame: ServerFrame) => void) | undefined} */ (handlers[frame.type]);
  handler?.(frame);
}

// Keeps users up to date wherever the page shows them: who is online, and another name or picture.

/** @param {UserFrame} frame */
function updateUser({ user, initials, photo }) {
  const { id, display_name: name } = user;
  /**
   * @param {Element} parent
   * @param {string} avatarSelector
   * @param {string} nameSelector
   */
  function update(parent, avatarSelector, nameSelector) {
    query(parent, nameSelector).textContent = name;
    const avatar = query(parent, avatarSelector);
    const text = /** @type {Text} */ (avatar.firstChild);
    text.data = initials; // a presence dot beside it stays
    avatar.querySelector('.avatar__photo')?.remove();
    if (photo) text.after(createPhoto(photo));
  }

  for (const message of queryAll(document, `.message[data-author="${Number(id)}"]`))
    update(message, '.avatar', '.message__author');
  for (const quote of queryAll(document, `.quote[data-author="${Number(id)}"]`))
    update(quote, '.avatar', '.quote__author');
  for (const member of queryAll(document, `.member[data-user="${Number(id)}"]`)) {
    member.dataset.name = name;
    update(member, '.avatar', 'bdi');
  }
  for (const avatar of queryAll(document, `[data-room] .avatar[data-user="${Number(id)}"]`)) {
    update(/** @type {Element} */ (avatar.closest('.room')), '.avatar', '.room__name');
  }
  for (const pinner of queryAll(document, `[data-pinner="${Number(id)}"]`)) pinner.textContent = name;
  const app = appElement();
  if (Number(app.dataset.me) === id) update(query(app, '.current-user'), '.avatar', '.current-user__name bdi');
  updateStatus(user);
}

/** @param {Set<number>} online */
export function showPresence(online) {
  for (const dot of queryAll(document, '.avatar[data-user] .presence')) {
    const { user } = /** @type {HTMLElement} */ (dot.parentElement).dataset;
    dot.classList.toggle('presence--off', !online.has(Number(user)));
  }
}

/** @param {string} name */
function createPhoto(name) {
  const image = new Image(38, 38);
  image.className = 'avatar__photo';
  image.alt = '';
  image.src = `/avatars/${name}`;
  return image;
}

/**
 * @typedef {object} PageFrameHandlersOptions
 * @property {AppElement} app
 * @property {import('../shell/sidebar.js').Sidebar} sidebar
 * @property {import('../outbox/sender.js').Sender} sender
 * @property {import('../navigation/page-navigation.js').PageNavigation} navigation
 * @property {import('../shell/notices.js').Announcer} announcer
 * @property {() => import('../room/room.js').Room | null} currentRoom null while another page is on screen
 * @property {(room: number) => import('../room/room.js').Room | undefined} shownRoom that, or the thread beside it
 * @property {(room: number) => import('../room/room.js').Room | undefined} shownThread the thread on screen that
 *   belongs to the room
 * @property {(room: number) => void} closeBeside closes the thread beside the room, if it is this or belongs to this
 * @property {(isOtherUser?: boolean) => void} reloadPage
 */

export class PageFrameHandlers {
  /** The server's time up to which users and rooms on this page are up to date. */
  since;
  #options;
  #me;
  #epoch;
  #readyAt; // the same once everything missed has arrived, which follows `ready`
  /**
   * Who is online, once the server has said so.
   * @type {Set<number> | null}
   */
  #online = null;

  /** @param {PageFrameHandlersOptions} options */
  constructor(options) {
    const { me, epoch, at } = options.app.dataset;
    this.#options = options;
    this.#me = me;
    this.#epoch = epoch;
    this.since = at;
    this.#readyAt = at;
  }

  /** @param {ServerFrame} frame */
  handle(frame) {
    dispatchFrame(this.#handlers, frame);
  }

  /** On a page that has just come on screen. */
  showPresence() {
    if (!this.#online) return;
    this.#options.currentRoom()?.memberList?.setOnline(this.#online);
    showPresence(this.#online);
  }

  /** @type {FrameHandlers} */
  #handlers = {
    ready: (frame) => this.#onReady(frame),
    posted: (frame) => this.#onPosted(frame),
    error: ({ nonce, ...error }) => {
      if (nonce) this.#options.sender.reject({ nonce, ...error });
    },
    live: () => {
      this.since = this.#readyAt;
    },
    present: (frame) => this.#onPresent(frame),
    presence: (frame) => this.#onPresence(frame),
    user: (frame) => this.#onUser(frame),
    emoji: updateCustomEmoji,
    // Too much was missed to be sent. With a room, the frame is for that room alone.
    resync: ({ room }) => {
      if (!room) this.#options.reloadPage();
    },
    unread: ({ room, last_seq: last, unread, mentions }) => {
      this.#options.sidebar.updateCounts(room, { last, unread, mentions });
    },
    read: ({ room, seq: read, unread, mentions, back }) => {
      this.#options.sidebar.updateCounts(room, { read, unread, mentions, back });
    },
    draft: ({ room, body }) => {
      this.#options.sidebar.setDraft(room, body !== '');
      followList('draft');
    },
    saved: () => followList('saved'),
    room: (frame) => this.#onRoom(frame),
    closed: (frame) => this.#onRoomClosed(frame),
  };

  /** @param {ReadyFrame} frame */
  #onReady({ epoch, me, at, rooms }) {
    const isOtherUser = String(me.id) !== this.#me;
    if (isOtherUser || epoch !== this.#epoch) {
      this.#options.reloadPage(isOtherUser);
      return;
    }
    this.#readyAt = at;
    this.#options.sidebar.resetCounts(rooms);
  }

  /** @param {UserFrame} frame */
  #onUser(frame) {
    updateUser(frame);
    this.#options.sidebar.rename(frame);
    this.#options.currentRoom()?.memberList?.rename(frame);
  }

  /** @param {PostedFrame} frame */
  #onPosted({ room, nonce, seq, rev }) {
    const { sidebar, sender, shownRoom } = this.#options;
    sidebar.updateCounts(room, { last: seq, read: seq }); // posting implies having read the room
    sender.acknowledge(nonce, shownRoom(room)?.hasRev(rev) ?? true);
  }

  /** @param {PresentFrame} frame */
  #onPresent({ users }) {
    this.since = this.#readyAt;
    this.#online = new Set(users);
    this.showPresence();
  }

  /** @param {PresenceFrame} frame */
  #onPresence({ user, online }) {
    if (online) this.#online?.add(user);
    else this.#online?.delete(user);
    this.#options.currentRoom()?.memberList?.setPresence(user, online);
    if (this.#online) showPresence(this.#online);
  }

  /** @param {RoomFrame} frame */
  #onRoom(frame) {
    const { sidebar, shownRoom, shownThread } = this.#options;
    sidebar.updateRoom(frame);
    if (this.#online) showPresence(this.#online);
    shownRoom(frame.room.id)?.update(frame);
    shownThread(frame.room.id)?.showArchived(frame.room.archived_at !== null);
  }

  /** @param {ClosedFrame} frame */
  #onRoomClosed({ room, reason }) {
    const { sidebar, navigation, announcer, currentRoom } = this.#options;
    // Replays may repeat the frame: then the room isn't in the sidebar any more.
    const name = sidebar.roomName(room);
    if (name) showRoomClosed(reason, name, announcer);
    sidebar.removeRoom(room);
    this.#options.closeBeside(room);
    // A user who has just asked to leave is on the way already.
    if (room !== currentRoom()?.id || navigation.isPosting()) return;
    carryNotice();
    location.assign('/');
  }
}
