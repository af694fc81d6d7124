// The room on screen: makes its parts and passes the server's frames to them, until another room takes its place. Data goes composer → sender → line → timeline, announcer.

import { startCommandMenu } from '../composer/command-autocomplete.js';
import { startComposer } from '../composer/composer.js';
import { startMentionMenu } from '../composer/mention-autocomplete.js';
import { isCommand, isExit, literal } from '../composer/slash-commands.js';
import { createTyping } from '../composer/typing-indicator.js';
import { parse } from '../core/html-fragment.js';
import { startActs } from '../message-actions/toolbar.js';
import { createDraft } from '../outbox/draft.js';
import { createWaiting } from '../outbox/pending-messages.js';
import { startKeys } from './keyboard-navigation.js';
import { createPeople } from './member-list.js';
import { Timeline } from './message-list.js';
import { createHistory } from './pagination.js';
import { createReading, isInUse, takeOver } from './read-marker.js';
import { updateHeader } from './room-header.js';
import { createEnd } from './scroll-anchor.js';
import { createNews } from './unread-divider.js';
import { mentionsIn } from './unread-mentions.js';

const byId = (id) => document.getElementById(id);

/** `transmit(frame)` is false when the line is down; `sender` brings messages to the server; `command(form, fields, outcome)` posts a form; `onLive` hears that all that was missed is here; `onAnswer(isThere)` whether the server answered; `renew()` shows the page anew. */
export function openRoom(app, { transmit, sender, command, onLive, onAnswer, renew, sidebar, announcer }) {
  const { me } = app.dataset;
  const id = Number(app.dataset.room);
  // A page of older history stays as it is, only its people are live. A conversation that nobody has begun yet is no room.
  const isLive = app.dataset.tail === 'true' && id > 0;
  let isMember = Number(app.dataset.lastRead ?? 0) >= 0;
  let rev = Number(app.dataset.rev); // everything that changed up to here is on the page
  let lastId = document.querySelector(`#messages article[data-rev="${rev}"]`)?.dataset.id; // the message that made it so, by which the server knows whether we speak of the same history
  let caughtUp = false;
  let wasNear = false; // when the catching up began
  let hadRead = 0; // and how far its reader had read then
  const closing = new AbortController();
  const { signal } = closing;

  const { failed } = byId('acts').dataset; // in words, where there was no answer
  const log = byId('log');
  const timeline = new Timeline(byId('messages'), me, signal);
  const end = createEnd(log, byId('messages'), byId('pill'), {
    isWhole: () => timeline.isWhole,
    bring: () => history.tail(),
  });
  const history = createHistory({
    log,
    timeline,
    end,
    patience: Number(app.dataset.patience ?? 15_000),
    onAnswer,
    signal,
  });
  const people = createPeople();
  const news = createNews({ log, timeline, reach: (seq) => history.reach(seq), signal });
  const reading = createReading({
    upTo: !isLive ? Infinity : isMember ? Number(app.dataset.lastRead) : timeline.newest,
    newest: () => timeline.newest,
    near: end.near,
    signal,
    onRead: (seq) => sidebar.raise(id, { read: seq }),
    tell: (seq) => isMember && transmit({ type: 'read', room: id, seq }),
  });

  const waiting = createWaiting(byId('waiting'), timeline, me);
  const form = byId('composer');
  const action = form.getAttribute('action');
  // A conversation that nobody has begun yet is no room: there the address says whose draft it is.
  const composer = startComposer(form, {
    error: byId('composer-error'),
    draft: createDraft('draft', id || action),
    onSend: send,
    signal,
  });
  const typing = createTyping({
    element: byId('typing'),
    field: composer.field,
    signal,
    tell: () => isLive && transmit({ type: 'typing', room: id }),
  });
  waiting.onChoice = (choice, nonce) => {
    if (choice === 'again') end.keep(() => sender.again(nonce));
    else sender.stored(nonce);
    composer.field.focus();
  };
  waiting.setAway(app.dataset.line === 'away');
  startCommandMenu(form, byId('command-menu'));
  startMentionMenu(form, byId('mention-menu'), me);
  startKeys({ log, composer: composer.field, toEnd: end.go });
  startActs({
    log,
    timeline,
    composer: composer.field,
    me,
    keep: end.keep,
    error: byId('composer-error'),
    say: announcer.say,
    signal,
  });
  log.addEventListener('scroll', reading.look, { passive: true });

  const isText = (body) => isLive && !isCommand(body.trim());

  /** True where the text is out of its author's hands. Else a page is on its way, and the field keeps the text until that is here. */
  function send(body, nonce, isLiteral) {
    if (isLiteral ? !isLive : !isText(body)) {
      const fields = new FormData(form);
      fields.set('body', body);
      fields.set('nonce', nonce);
      if (isLiteral) fields.set('literal', 'true');
      command(form.action, fields, {
        done: composer.clear,
        refuse: (why) => composer.complain(why || failed),
        isExit: !isLiteral && isExit(body.trim()),
      });
      return false;
    }
    byId('answer')?.remove(); // of a command before; the talk goes on
    sender.post(id, isLiteral ? body : literal(body), nonce);
    typing.sent();
    end.go();
    return true;
  }

  function open() {
    caughtUp = false;
    return transmit({ type: 'open', room: id, since_rev: rev, since_id: lastId && Number(lastId) });
  }

  function receive(frame) {
    const article = parse(frame.html).querySelector('article');
    if (frame.rev >= rev) {
      rev = frame.rev;
      lastId = article.dataset.id;
    }
    const seq = Number(article.dataset.seq);
    const mine = article.dataset.author === me;
    typing.said(Number(article.dataset.author));
    const wasUp = !end.near();
    let isNew;
    end.keep(() => {
      isNew = timeline.put(article);
      if (isNew && !mine && !isInUse()) news.mark(reading.upTo);
      if (mine && article.dataset.nonce) sender.stored(article.dataset.nonce);
    });
    history.added();
    if (mine) reading.known(seq);
    reading.look();
    sidebar.raise(id, {
      last: seq,
      read: mine ? seq : 0,
      mentions: timeline.newest > reading.upTo ? mentionsIn(log, app.dataset.name, reading.upTo) : 0,
    });
    if (!isNew || mine || article.matches('.msg--deleted')) return;
    if (wasUp) end.countNew();
    if (caughtUp) announcer.message(article);
  }

  /** Whether all that came behind this `seq` begins where its reader sees it. */
  function isOnScreen(article, seq) {
    return (
      Number(article?.dataset.seq) === seq + 1 &&
      article.getBoundingClientRect().bottom > log.getBoundingClientRect().top
    );
  }

  /** More was missed than a tab keeps: who was at the end gets the end. */
  async function skip() {
    await end.go();
    reading.look();
  }

  /** Somebody renamed the room, or its reader has joined or left it. */
  function change({ room, html }) {
    isMember = html !== '';
    updateHeader(room, isMember);
    sidebar.title.draw();
  }

  const handlers = {
    message: receive,
    opened({ last_seq: last }) {
      wasNear = end.near();
      hadRead = reading.upTo;
      const missed = timeline.expect(last);
      if (missed && !wasNear) end.countNew(missed);
    },
    live() {
      caughtUp = true;
      onLive();
      takeOver();
      history.resume();
      sender.opened();
      reading.resume();
      timeline.nameDays();
      if (timeline.latest > hadRead && !isOnScreen(timeline.firstAfter(hadRead), hadRead)) news.mark(hadRead);
      if (wasNear && !timeline.isWhole) skip();
    },
    // In answer to `open` it says that this page knows more than the server, or another history: only the server's page is right then. What is not sent yet stays.
    resync({ reset }) {
      if (!caughtUp || reset || !open()) renew();
    },
    read(frame) {
      reading.known(frame.seq);
    },
    typing: typing.receive,
  };

  if (isLive) end.keep(() => sender.show(id, waiting));
  return {
    id,
    isLive,
    people,
    change,
    composer: composer.field,
    place: end.place,
    setAway: waiting.setAway,
    /** What is asked over HTTP where there is no line. */
    question: () =>
      isLive
        ? {
            room: id,
            since_rev: rev,
            ...(lastId && { since_id: lastId }),
            ...(isMember && reading.upTo > 0 && { read: reading.upTo }),
          }
        : {},
    /** Whether a change is on the page already. */
    has: (change) => change <= rev,
    append: composer.append,
    complain: composer.complain,
    take: (held) => composer.take(held, isText),
    receive(frame) {
      if (frame.type === 'member') people.member(frame);
      else if (isLive) handlers[frame.type]?.(frame);
    },

    /** Where the reader sees it first: at the end, or where they left it. */
    start(place) {
      if (place && !document.getElementById(place.id)) history.reach(place.seq).then(() => end.restore(place));
      else if (place) end.restore(place);
      news.start(isLive && isMember ? Number(app.dataset.lastRead) : -1);
    },

    /** The server has greeted. */
    greeted() {
      if (isLive) open();
      else onLive();
    },
    lost() {
      caughtUp = false;
      typing.clear();
    },

    close() {
      closing.abort();
      if (isLive) sender.hide();
      if (isLive) transmit({ type: 'close', room: id });
    },
  };
}
