// What the server's frames mean for the page as a whole: users, rooms and their unread counts, the fate of messages.
// Frames that only concern the room on screen are handled there.
import { dispatchFrame } from '../core/frames.js';
import { carryNotice, showRoomClosed } from '../shell/room-closed-notice.js';
import { showPresence, updateUser } from '../shell/user-updates.js';

/**
 * @typedef {object} PageFrameHandlersOptions
 * @property {AppElement} app
 * @property {import('../shell/sidebar.js').Sidebar} sidebar
 * @property {import('../outbox/sender.js').Sender} sender
 * @property {import('../navigation/page-navigation.js').PageNavigation} navigation
 * @property {import('../shell/announcer.js').Announcer} announcer
 * @property {() => import('../room/room.js').Room | null} currentRoom null while another page is on screen
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
    this.#options.currentRoom()?.memberList.setOnline(this.#online);
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
    user: updateUser,
    // Too much was missed to be sent. With a room, the frame is for that room alone.
    resync: ({ room }) => {
      if (!room) this.#options.reloadPage();
    },
    unread: ({ room, last_seq: last, unread, mentions }) => {
      this.#options.sidebar.updateCounts(room, { last, unread, mentions });
    },
    read: ({ room, seq: read, unread, mentions }) => {
      this.#options.sidebar.updateCounts(room, { read, unread, mentions });
    },
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

  /** @param {PostedFrame} frame */
  #onPosted({ room, nonce, seq, rev }) {
    const { sidebar, sender, currentRoom } = this.#options;
    sidebar.updateCounts(room, { last: seq, read: seq }); // posting implies having read the room
    const shown = currentRoom();
    sender.acknowledge(nonce, room !== shown?.id || shown.hasRev(rev));
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
    this.#options.currentRoom()?.memberList.setPresence(user, online);
    if (this.#online) showPresence(this.#online);
  }

  /** @param {RoomFrame} frame */
  #onRoom(frame) {
    const { sidebar, currentRoom } = this.#options;
    sidebar.updateRoom(frame);
    if (this.#online) showPresence(this.#online);
    const shown = currentRoom();
    if (frame.room.id === shown?.id) shown.update(frame);
  }

  /** @param {ClosedFrame} frame */
  #onRoomClosed({ room, reason }) {
    const { sidebar, navigation, announcer, currentRoom } = this.#options;
    // Replays may repeat the frame: then the room isn't in the sidebar any more.
    const name = sidebar.roomName(room);
    if (name) showRoomClosed(reason, name, announcer);
    sidebar.removeRoom(room);
    // A user who has just asked to leave is on the way already.
    if (room !== currentRoom()?.id || navigation.isPosting()) return;
    carryNotice();
    location.assign('/');
  }
}
