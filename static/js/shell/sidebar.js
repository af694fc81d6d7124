// The sidebar: which rooms one has, in which order, who is there to talk to, and what is unread in each.
import { parse } from '../core/html-fragment.js';
import { createTitle } from './document-title.js';

const LISTS = ['rooms', 'direct'];
const byId = (id) => document.getElementById(id);

export function createSidebar(side) {
  const marks = new Map(); // room → { last, read, unread, mentions }, two seqs and two counts beyond `read`, while the server keeps them up to date
  let current = Number(side.querySelector('[data-room]:has([aria-current])')?.dataset.room);

  const rowOf = (room) => side.querySelector(`[data-room="${Number(room)}"]`);
  const title = createTitle();

  function draw(room) {
    const row = rowOf(room);
    const mark = marks.get(room);
    if (row && mark) {
      const { unread } = mark;
      const badge = row.querySelector('.badge');
      row.querySelector('.room').classList.toggle('room--unread', unread > 0);
      badge.classList.toggle('badge--you', mark.mentions > 0);
      badge.querySelector('.badge__count').textContent = mark.mentions || unread;
      badge.dataset.unread = unread;
      badge.hidden = unread === 0;
    }
    sum();
  }

  /** All rooms together: in the title, and on the button that opens this where it is a drawer. */
  function sum() {
    const badges = Array.from(side.querySelectorAll('.badge:not([hidden])'));
    const add = (numbers) => numbers.reduce((total, number) => total + Number(number), 0);
    const mentions = add(
      badges
        .filter((badge) => badge.matches('.badge--you'))
        .map((badge) => badge.querySelector('.badge__count').textContent),
    );
    title.setTotal(add(badges.map((badge) => badge.dataset.unread)));
    byId('mention-count').textContent = mentions;
    document.querySelector('.menu-button__mentions').hidden = mentions === 0;
  }

  /** Seqs only grow, whoever tells them first. Of the counts the last word of the server counts; what came after it is unread too, what was deleted is not, and nothing is left where all is read. */
  function raise(room, { last = 0, read = 0, unread, mentions }) {
    const mark = marks.get(room);
    if (!mark) return;
    const next = {
      last: Math.max(mark.last, last),
      read: Math.max(mark.read, read),
      mentions: mentions ?? mark.mentions,
    };
    const counted =
      unread === undefined ? mark.unread + next.last - mark.last : unread + next.last - (last || next.last);
    next.unread = Math.max(0, Math.min(counted, next.last - next.read));
    if (next.read >= next.last) next.mentions = 0;
    marks.set(room, next);
    draw(room);
  }

  function point(room) {
    current = room;
    side.querySelector('.room[aria-current]')?.removeAttribute('aria-current');
    rowOf(room)?.querySelector('.room').setAttribute('aria-current', 'page');
  }

  /** Of many rooms the one at hand is in sight. */
  function show() {
    side.querySelector('.room[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }

  function remove(room) {
    marks.delete(room);
    rowOf(room)?.remove();
    point(current);
    sum();
  }

  /** By name; before all others comes the lobby, which everybody is in. */
  function place(row, { visibility, lobby }) {
    const list = byId(visibility === 'direct' ? 'direct' : 'rooms');
    const others = Array.from(list.children);
    const later = (other) =>
      other.dataset.sort > row.dataset.sort ||
      (other.dataset.sort === row.dataset.sort && Number(other.dataset.room) > Number(row.dataset.room));
    const next = lobby ? others[0] : others.slice(visibility === 'direct' ? 0 : 1).find(later);
    list.insertBefore(row, next ?? null);
  }

  show();
  side.addEventListener('toggle', show); // a drawer has nothing to scroll before it is open

  return {
    title,
    /** Of a room that one has; else undefined. */
    nameOf: (room) => rowOf(room)?.querySelector('.room__name').textContent,
    createdOf: (room) => rowOf(room)?.dataset.created,
    point,
    raise,
    remove,
    rows: () => Array.from(side.querySelectorAll('.room')),

    /** The server tells of all rooms. */
    ready(rooms) {
      marks.clear();
      for (const { id, last_seq: last, last_read_seq: read, unread, mentions } of rooms) {
        marks.set(id, { last, read, unread, mentions });
        draw(id);
      }
    },

    /** From here on nobody keeps the numbers up to date. */
    lost() {
      marks.clear();
    },

    /** A room appeared or changed; without a row it is not one's own. */
    room({ room, html }) {
      const known = rowOf(room.id);
      if (!html) {
        marks.delete(room.id);
        if (room.id !== current) remove(room.id);
        return;
      }
      const focused = known?.contains(document.activeElement);
      known?.remove();
      const row = parse(html).querySelector('li');
      place(row, room);
      point(current);
      if (focused) row.querySelector('.room').focus();
      if (!marks.has(room.id)) marks.set(room.id, { last: 0, read: 0, unread: 0, mentions: 0 });
      raise(room.id, { last: room.last_seq, read: room.last_read_seq, unread: room.unread, mentions: room.mentions });
    },

    presence(here) {
      for (const avatar of side.querySelectorAll('#direct .av[data-user]')) {
        avatar.querySelector('.presence').classList.toggle('presence--off', !here.has(Number(avatar.dataset.user)));
      }
    },

    /** Takes the rows of another page over. */
    take(page, room) {
      for (const id of LISTS) byId(id).replaceChildren(...page.querySelector(`#${id}`).children);
      side.querySelector('.me').replaceWith(page.querySelector('.me')); // its language links lead to the room at hand
      current = room;
      point(current);
      show();
      for (const known of marks.keys()) draw(known);
      sum();
    },
  };
}
