// The room page: makes its parts and passes the server's frames to them. Data goes composer → sender → live → timeline, people, announcer.
import { createAnnouncer } from './announcer.js';
import { createBanner } from './banner.js';
import { startComposer } from './composer.js';
import { startDrawers } from './drawers.js';
import { createEnd } from './end.js';
import { parse } from './fragment.js';
import { startKeys } from './keys.js';
import { openLive } from './live.js';
import { startOlder } from './older.js';
import { forgetAllOutboxes, Outbox } from './outbox.js';
import { createPeople } from './people.js';
import { createSender } from './sender.js';
import { Timeline } from './timeline.js';
import { createWaiting } from './waiting.js';

const byId = (id) => document.getElementById(id);

export function startRoom(app) {
  const { me, epoch } = app.dataset;
  const room = Number(app.dataset.room);
  const atTail = app.dataset.tail === 'true'; // else a page of older history: its log stays as it is, people are still live
  const setting = (name, usual) => Number(app.dataset[name] ?? usual);
  let rev = Number(app.dataset.rev); // everything that changed up to here is on the page
  let caughtUp = false;

  const timeline = new Timeline(byId('messages'));
  const end = createEnd(byId('log'), byId('messages'), byId('pill'));
  const people = createPeople();
  const announce = createAnnouncer(byId('announcer'));
  const banner = createBanner(byId('banner'), setting('banner', 2_000));
  startOlder(byId('log'), timeline);
  startDrawers();

  const waiting = createWaiting(byId('waiting'), timeline, me);
  const sender = createSender({ room, me, outbox: new Outbox(epoch, me, room), waiting, transmit: (frame) => live.send(frame) });
  const composer = startComposer(byId('composer'), byId('composer-error'), atTail ? send : null);
  waiting.onChoice = (choice, nonce) => {
    if (choice === 'again') end.keep(() => sender.again(nonce));
    else sender.discard(nonce);
    composer.focus();
  };
  startKeys({ log: byId('log'), composer: composer.field, toEnd: end.go });

  function send(body, nonce) {
    sender.post(body, nonce);
    end.go();
  }

  function open() {
    caughtUp = false;
    live.send({ type: 'open', room, since_rev: rev });
  }

  function connected() {
    delete app.dataset.line;
    banner.hide();
    waiting.setAway(false);
  }

  function receive(frame) {
    rev = Math.max(rev, frame.rev);
    const article = parse(frame.html).querySelector('article');
    const mine = article.dataset.author === me;
    const reading = !end.near();
    let isNew;
    end.keep(() => {
      isNew = timeline.put(article);
      if (mine && article.dataset.nonce) sender.stored(article.dataset.nonce);
    });
    if (!isNew || mine) return;
    if (reading) end.countNew();
    if (caughtUp) announce(article);
  }

  const inRoom = {
    message: receive,
    live() { caughtUp = true; connected(); sender.resume(); },
    // In answer to `open` it says that this page knows more than the server: only the server's page is right then.
    resync() { if (caughtUp) open(); else location.reload(); },
  };
  const anywhere = {
    ready(frame) {
      if (frame.epoch !== epoch) { forgetAllOutboxes(); location.reload(); }
      else if (atTail) open();
      else connected();
    },
    posted(frame) { sender.posted(frame, frame.rev <= rev); },
    error(frame) { if (frame.nonce) sender.refused(frame); },
    present(frame) { people.snapshot(frame.users); },
    presence(frame) { people.presence(frame.user, frame.online); },
    member(frame) { if (frame.room === room) people.member(frame); },
    closed(frame) { if (frame.room === room) location.assign('/'); },
  };

  if (atTail) end.keep(() => sender.restore());
  banner.showSoon();
  const address = new URL('/api/v1/live', location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  const live = openLive({
    url: address,
    timing: { ping: setting('ping', 20_000), dead: setting('dead', 45_000), retry: setting('retry', 400) },
    onFrame(frame) {
      anywhere[frame.type]?.(frame);
      if (atTail && frame.room === room) inRoom[frame.type]?.(frame);
    },
    onLost() {
      caughtUp = false;
      app.dataset.line = 'away';
      sender.suspend();
      waiting.setAway(true);
      banner.showSoon();
    },
    onSignedOut() { location.assign('/login'); },
  });
  byId('retry').addEventListener('click', live.retryNow);
}
