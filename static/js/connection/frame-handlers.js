// What the server's frames mean for the page as a whole: users, rooms and their unread counts, the fate of messages.
// Frames that only concern the room on screen are handled there.
import { dispatchFrame } from '../core/frames.js';
import { carryNotice, showRoomClosed } from '../shell/room-closed-notice.js';
import { updateUser } from '../shell/user-updates.js';

/**
 * @typedef {object} FrameHandlersOptions
 * @property {AppElement} app
 * @property {import('../shell/sidebar.js').Sidebar} sidebar
 * @property {import('../outbox/sender.js').Sender} sender
 * @property {import('../navigation/page-navigation.js').PageNavigation} navigation
 * @property {import('../shell/announcer.js').Announcer} announcer
 * @property {() => import('../room/room.js').Room} currentRoom
 * @property {() => void} reloadPage
 */

/**
 * @param {ClosedFrame} frame
 * @param {FrameHandlersOptions} options
 */
function onRoomClosed({ room, reason }, { sidebar, navigation, announcer, currentRoom }) {
  // Replays may repeat the frame: then the room isn't in the sidebar any more.
  const name = sidebar.roomName(room);
  if (name) showRoomClosed(reason, name, announcer);
  sidebar.removeRoom(room);
  // A user who has just asked to leave is on the way already.
  if (room !== currentRoom().id || navigation.isPosting()) return;
  carryNotice();
  location.assign('/');
}

/** @param {FrameHandlersOptions} options */
export function createFrameHandlers(options) {
  const { app, sidebar, sender, currentRoom, reloadPage } = options;
  const { me, epoch, at } = app.dataset;
  let since = at; // the server's time up to which users and rooms on this page are up to date
  let readyAt = at; // the same once everything missed has arrived, which follows `ready`
  /**
   * Who is online, once the server has said so.
   * @type {Set<number> | null}
   */
  let online = null;

  function showPresence() {
    if (online) sidebar.showPresence(online);
  }

  /** @type {FrameHandlers} */
  const handlers = {
    ready(frame) {
      if (frame.epoch !== epoch || String(frame.me.id) !== me) {
        reloadPage();
        return;
      }
      readyAt = frame.at;
      sidebar.resetCounts(frame.rooms);
    },
    posted({ room, nonce, seq, rev }) {
      sidebar.updateCounts(room, { last: seq, read: seq }); // whoever posts has read the room
      sender.acknowledge(nonce, room !== currentRoom().id || currentRoom().hasRev(rev));
    },
    error({ nonce, ...error }) {
      if (nonce) sender.reject({ nonce, ...error });
    },
    live() {
      since = readyAt;
    },
    present({ users }) {
      since = readyAt;
      online = new Set(users);
      currentRoom().memberList.setOnline(online);
      showPresence();
    },
    presence({ user, online: isOnline }) {
      if (isOnline) online?.add(user);
      else online?.delete(user);
      currentRoom().memberList.setPresence(user, isOnline);
      showPresence();
    },
    user: updateUser,
    // Too much was missed to be sent. With a room, the frame is for that room alone.
    resync({ room }) {
      if (!room) reloadPage();
    },
    unread({ room, last_seq: last, unread, mentions }) {
      sidebar.updateCounts(room, { last, unread, mentions });
    },
    read({ room, seq: read, unread, mentions }) {
      sidebar.updateCounts(room, { read, unread, mentions });
    },
    room(frame) {
      sidebar.updateRoom(frame);
      showPresence();
      if (frame.room.id === currentRoom().id) currentRoom().update(frame);
    },
    closed: (frame) => onRoomClosed(frame, options),
  };

  return {
    get since() {
      return since;
    },
    /** @param {ServerFrame} frame */
    handle(frame) {
      dispatchFrame(handlers, frame);
    },
    /** In the member list of a room that has just come on screen. */
    showMembersOnline() {
      if (online) currentRoom().memberList.setOnline(online);
    },
  };
}
