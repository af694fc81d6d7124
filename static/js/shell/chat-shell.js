// The chat: one line to the server for the whole visit, the sidebar, and one room on screen after the other. The server's frames go to whom they concern.

import { literal } from '../composer/slash-commands.js';
import { Live } from '../connection/connection.js';
import { createBanner } from '../connection/connection-banner.js';
import { createFrameHandlers } from '../connection/frame-handlers.js';
import { poll, postForm } from '../connection/http-fallback.js';
import { createHolding } from '../navigation/interim-composer.js';
import { forgetWish } from '../navigation/navigation-guard.js';
import { createVisits } from '../navigation/page-navigation.js';
import { startSwitching } from '../navigation/room-switching.js';
import { rememberedPlace, rememberPlace } from '../navigation/scroll-restoration.js';
import { unlessLeaving } from '../navigation/sign-out.js';
import { Sender } from '../outbox/sender.js';
import { openRoom } from '../room/room.js';
import { createAnnouncer } from './announcer.js';
import { closeDrawer } from './drawers.js';
import { showCarried } from './room-closed-notice.js';
import { createSidebar } from './sidebar.js';

const AGAIN = 2_000; // where there was no answer although the line is there
const byId = (id) => document.getElementById(id);
const languageOf = (page) => page.querySelector('.me-menu [aria-current]')?.lang;
const scriptOf = (page) => page.querySelector('script[type="module"]')?.getAttribute('src');

/** Answers with the way to another room or person, `go(address, room)`, and how to say that a page waits for the server. */
export function startChat(app) {
  const { me, epoch } = app.dataset;
  const setting = (name, usual) => Number(app.dataset[name] ?? usual);
  const places = new Map(); // where somebody who read further up left a room
  const announcer = createAnnouncer(byId('announcer'));
  const banner = createBanner(byId('banner'), setting('banner', 2_000));
  const sidebar = createSidebar(byId('side'));
  const transmit = (frame) => live.send(frame);
  const createdOf = (id) => (id === Number(app.dataset.room) ? app.dataset.created : sidebar.createdOf(id));
  const sender = new Sender({
    me,
    epoch,
    transmit,
    nameOf: sidebar.nameOf,
    createdOf,
    postForm: (entry) => postForm(entry, me, signedOut),
    onPosted: () => live.pollSoon(),
  });
  const holding = createHolding({
    post: (id, body) => sender.post(id, literal(body)),
    putBack: (text) => room.append(text),
  });
  const visits = createVisits({ fits, show, begin, wait, giveUp });
  let greeted = false; // by the server, on the line that is there now
  let room = open();
  const heard = createFrameHandlers({ app, sidebar, sender, visits, renew, room: () => room, announcer });

  function open() {
    return openRoom(app, {
      transmit,
      sender,
      command: visits.post,
      onLive: connected,
      onAnswer: answered,
      renew,
      sidebar,
      announcer,
    });
  }

  /** A room of the same person, in the same language, of the same release. */
  function fits(page) {
    const next = page.querySelector('#app');
    return (
      next?.dataset.me === me &&
      next.dataset.epoch === epoch &&
      languageOf(page) === languageOf(document) &&
      scriptOf(page) === scriptOf(document)
    );
  }

  function begin(wish) {
    forgetWish();
    holding.start(wish);
    sidebar.point(wish.room || room.id);
  }

  /** There was no answer: the wish stays, and with it what is written for where it leads. */
  function wait() {
    settle();
    if (app.dataset.line !== 'away') setTimeout(visits.resume, AGAIN);
  }

  /** All is as it was before; what was typed meanwhile stands behind what stood there. */
  function giveUp(why) {
    const text = holding.cancel();
    sidebar.point(room.id);
    room.append(text);
    if (why) room.complain(why);
    settle();
  }

  /** The strip tells of a wish that waits, else of the line. */
  function settle() {
    if (visits.isWaiting()) banner.showGoing();
    else if (greeted) banner.hide();
    else banner.showSoon(app.dataset.line === 'polling' ? 'polling' : 'away');
  }

  function show(page, isAsked) {
    const next = page.querySelector('#app');
    const id = Number(next.dataset.room);
    const held = holding.finish(isAsked);
    // Somebody who writes wants to go on; on a touch screen the keyboard would cover what others have to come to read.
    const writes = held.writes || document.activeElement === room.composer || !matchMedia('(pointer: coarse)').matches;
    if (room.isLive) places.set(room.id, room.id === id ? null : room.place());
    room.close();
    closeDrawer('side');
    next.querySelector('#banner').replaceWith(byId('banner')); // it goes along, as the line does
    Object.assign(app.dataset, next.dataset);
    app.ariaBusy = null;
    settle();
    sidebar.take(next, id);
    for (const part of ['.main', '.aside']) app.querySelector(part).replaceWith(next.querySelector(part));
    byId('acts').replaceWith(page.querySelector('#acts')); // one moderates one room and not another
    room = open();
    room.start(room.isLive && places.get(id));
    places.delete(id);
    sidebar.title.draw();
    heard.showPeople();
    if (greeted) room.greeted();
    else live.pollSoon();
    (writes ? room.composer : byId('room-h')).focus();
    room.take(held);
    const answer = byId('answer');
    if (answer) announcer.say(answer.textContent.trim());
  }

  function connected() {
    if (!greeted) return; // over HTTP
    delete app.dataset.line;
    banner.hide();
    room.setAway(false);
    visits.resume();
  }

  /** To a question over HTTP, for more of the room. */
  function answered(isThere) {
    if (!isThere) banner.showAway();
    else if (greeted) banner.hide();
  }

  /** Shows the page anew without having been asked to: what was on the screen comes back. */
  function renew() {
    rememberPlace(room);
    location.reload();
  }

  function signedOut() {
    if (visits.isPosting()) return;
    unlessLeaving(() => {
      rememberPlace(room);
      location.assign('/login');
    });
  }

  function onFrame(frame) {
    heard.take(frame);
    if (frame.room === room.id) room.receive(frame);
  }

  showCarried(announcer);
  room.start(rememberedPlace(room));
  const go = startSwitching({ sidebar, visits, stay: () => room.composer.focus() });
  banner.showSoon('away');
  const live = new Live({
    address() {
      const address = new URL(`/api/v1/live?since=${heard.at}`, location.href);
      address.protocol = address.protocol.replace('http', 'ws');
      return address;
    },
    poll: (take) => poll(() => ({ since: heard.at, ...room.question() }), take, signedOut),
    timing: {
      ping: setting('ping', 20_000),
      dead: setting('dead', 25_000),
      retry: setting('retry', 400),
      poll: setting('poll', 3_000),
      blocked: setting('blocked', 60_000),
    },
    onFrame(frame) {
      onFrame(frame);
      if (frame.type !== 'ready' || frame.epoch !== epoch || String(frame.me.id) !== me) return; // the page is on its way anew
      greeted = true;
      sender.greeted();
      room.greeted();
    },
    onPolled: onFrame,
    onLost() {
      greeted = false;
      app.dataset.line = 'away';
      sidebar.lost();
      sender.lost();
      room.lost();
      room.setAway(true);
      settle();
    },
    onPolling() {
      app.dataset.line = 'polling';
      room.setAway(false);
      settle();
      sender.postAll();
      visits.resume();
    },
    onTooLarge: () => sender.tooLarge(),
    onSignedOut: signedOut,
  });
  byId('retry').addEventListener('click', () => live.retryNow());
  /** That somebody waits for the server to go elsewhere, or does not any more. */
  function say(isWaiting) {
    if (isWaiting) banner.showGoing();
    else if (greeted) banner.hide();
    else banner.showSoon(app.dataset.line ?? 'away');
  }

  return { go, say };
}
