// The chat: one line to the server for the whole visit, the sidebar, and one room on screen after the other. The server's frames go to whom they concern.
import { createAnnouncer } from './announcer.js';
import { createBanner } from './banner.js';
import { closeDrawer } from './drawers.js';
import { createElsewhere } from './elsewhere.js';
import { openLive } from './live.js';
import { rename } from './names.js';
import { openRoom } from './room.js';
import { createSidebar } from './sidebar.js';
import { startSwitching } from './switching.js';
import { forgetUnsent } from './unsent.js';
import { createVisits } from './visits.js';

const byId = (id) => document.getElementById(id);
const languageOf = (page) => page.querySelector('.me-menu [aria-current]')?.lang;
const scriptOf = (page) => page.querySelector('script[type="module"]')?.getAttribute('src');

/** Answers with the way to another room or person: `go(address, room)`. */
export function startChat(app) {
  const { me, epoch } = app.dataset;
  let { at } = app.dataset; // up to then, by the server's clock, people and rooms are as the page has them
  let greetedAt = at; // the same, once what was missed is here, which comes behind `ready`
  const setting = (name, usual) => Number(app.dataset[name] ?? usual);
  const places = new Map(); // where somebody who read further up left a room
  const announcer = createAnnouncer(byId('announcer'));
  const banner = createBanner(byId('banner'), setting('banner', 2_000));
  const sidebar = createSidebar(byId('side'));
  const transmit = (frame) => live.send(frame);
  const visits = createVisits({ fits, show });
  const elsewhere = createElsewhere({ epoch, me, transmit, onScreen: () => room.isLive && room.id });
  let greeted = false; // by the server, on the line that is there now
  let isLeaving = false; // by the form that signs out: only its answer takes the cookie away
  let here = null; // who is there, as far as the server has told
  let room = open();

  function open() {
    return openRoom(app, { transmit, command: visits.post, onLive: connected, sidebar, announcer });
  }

  /** A room of the same person, in the same language, of the same release. */
  function fits(page) {
    const next = page.querySelector('#app');
    return next?.dataset.me === me && next.dataset.epoch === epoch && languageOf(page) === languageOf(document) && scriptOf(page) === scriptOf(document);
  }

  function show(page) {
    const next = page.querySelector('#app');
    const id = Number(next.dataset.room);
    // Somebody who writes wants to go on; on a touch screen the keyboard would cover what others have to come to read.
    const writes = document.activeElement === room.composer || !matchMedia('(pointer: coarse)').matches;
    if (room.isLive) places.set(room.id, room.id === id ? null : room.place());
    room.close();
    closeDrawer('side');
    next.querySelector('#banner').replaceWith(byId('banner')); // it goes along, as the line does
    Object.assign(app.dataset, next.dataset);
    sidebar.take(next, id);
    for (const part of ['.main', '.aside']) app.querySelector(part).replaceWith(next.querySelector(part));
    room = open();
    room.start(room.isLive && places.get(id));
    places.delete(id);
    sidebar.title.draw();
    if (here) room.people.snapshot(here);
    if (greeted) room.greeted();
    elsewhere.offerSoon();
    (writes ? room.composer : byId('room-h')).focus();
    const answer = byId('answer');
    if (answer) announcer.say(answer.textContent.trim());
  }

  function connected() {
    delete app.dataset.line;
    banner.hide();
    room.setAway(false);
  }

  const anywhere = {
    ready(frame) {
      if (frame.epoch !== epoch) { forgetUnsent(); location.reload(); return; }
      greeted = true;
      greetedAt = frame.at;
      sidebar.ready(frame.rooms);
      room.greeted();
      elsewhere.offer();
    },
    posted(frame) {
      sidebar.raise(frame.room, { last: frame.seq, read: frame.seq }); // who writes has read
      (frame.room === room.id ? room : elsewhere).posted(frame);
    },
    error(frame) { if (frame.nonce) (frame.room === room.id ? room : elsewhere).refused(frame); },
    live() { at = greetedAt; },
    present({ users }) {
      at = greetedAt;
      here = new Set(users);
      room.people.snapshot(here);
      sidebar.presence(here);
    },
    presence({ user, online }) {
      if (online) here?.add(user);
      else here?.delete(user);
      room.people.presence(user, online);
      if (here) sidebar.presence(here);
    },
    user: rename,
    resync({ room: id }) { if (!id) location.reload(); }, // away for too long to be told all of it
    unread({ room: id, last_seq: last, mentions }) { sidebar.raise(id, { last, mentions }); },
    read({ room: id, seq: read, mentions }) { sidebar.raise(id, { read, mentions }); },
    room(frame) {
      sidebar.room(frame);
      if (here) sidebar.presence(here);
      if (frame.room.id === room.id) room.change(frame);
    },
    closed(frame) {
      sidebar.remove(frame.room);
      // Who has just asked to leave is on the way already.
      if (frame.room === room.id && !visits.isPosting()) location.assign('/');
    },
  };

  room.start();
  const go = startSwitching({ sidebar, visits, stay: () => room.composer.focus() });
  banner.showSoon();
  const live = openLive({
    address() {
      const address = new URL(`/api/v1/live?since=${at}`, location.href);
      address.protocol = address.protocol.replace('http', 'ws');
      return address;
    },
    timing: { ping: setting('ping', 20_000), dead: setting('dead', 45_000), retry: setting('retry', 400) },
    onFrame(frame) {
      anywhere[frame.type]?.(frame);
      if (frame.room === room.id) room.receive(frame);
    },
    onLost() {
      greeted = false;
      app.dataset.line = 'away';
      sidebar.lost();
      room.lost();
      room.setAway(true);
      banner.showSoon();
    },
    onSignedOut() { if (!isLeaving && !visits.isPosting()) location.assign('/login'); },
  });
  document.addEventListener('submit', ({ target }) => { isLeaving = target.matches('form[action="/logout"]'); });
  addEventListener('pageshow', () => { isLeaving = false; });
  byId('retry').addEventListener('click', live.retryNow);
  return go;
}
