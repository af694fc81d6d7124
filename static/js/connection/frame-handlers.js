// What the server's frames mean for the page as a whole: people, rooms and their counts, what became of messages. What concerns the room on screen alone goes to that.

import { carryNotice, tellClosed } from '../shell/room-closed-notice.js';
import { rename } from '../shell/user-updates.js';

/** `room()` is the one on screen; `renew()` shows the page anew. */
export function createFrameHandlers({ app, sidebar, sender, visits, renew, room, announcer }) {
  const { me, epoch } = app.dataset;
  let { at } = app.dataset; // up to then, by the server's clock, people and rooms are as the page has them
  let greetedAt = at; // the same, once what was missed is here, which comes behind `ready`
  let here = null; // who is there, as far as the server has told

  const handlers = {
    ready(frame) {
      if (frame.epoch !== epoch || String(frame.me.id) !== me) {
        renew();
        return;
      }
      greetedAt = frame.at;
      sidebar.ready(frame.rooms);
    },
    posted(frame) {
      sidebar.raise(frame.room, { last: frame.seq, read: frame.seq }); // who writes has read
      sender.posted(frame, frame.room !== room().id || room().has(frame.rev));
    },
    error(frame) {
      if (frame.nonce) sender.refused(frame);
    },
    live() {
      at = greetedAt;
    },
    present({ users }) {
      at = greetedAt;
      here = new Set(users);
      room().people.snapshot(here);
      sidebar.presence(here);
    },
    presence({ user, online }) {
      if (online) here?.add(user);
      else here?.delete(user);
      room().people.presence(user, online);
      if (here) sidebar.presence(here);
    },
    user: rename,
    resync({ room: id }) {
      if (!id) renew();
    }, // away for too long to be told all of it
    unread({ room: id, last_seq: last, unread, mentions }) {
      sidebar.raise(id, { last, unread, mentions });
    },
    read({ room: id, seq: read, unread, mentions }) {
      sidebar.raise(id, { read, unread, mentions });
    },
    room(frame) {
      sidebar.room(frame);
      if (here) sidebar.presence(here);
      if (frame.room.id === room().id) room().change(frame);
    },
    closed(frame) {
      const name = sidebar.nameOf(frame.room); // none when it is told once more: a page asks from a little earlier on
      if (name) tellClosed(frame.reason, name, announcer);
      sidebar.remove(frame.room);
      // Who has just asked to leave is on the way already.
      if (frame.room !== room().id || visits.isPosting()) return;
      carryNotice();
      location.assign('/');
    },
  };

  return {
    get at() {
      return at;
    },
    take(frame) {
      handlers[frame.type]?.(frame);
    },
    /** In a room that has just come on screen. */
    showPeople() {
      if (here) room().people.snapshot(here);
    },
  };
}
