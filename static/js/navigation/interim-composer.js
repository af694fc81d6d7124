// Between two rooms: from the moment somebody asks for another room until that is there, or they give it up, nothing they type or press acts on the one that is still on screen. A field of no room takes it. What that holds belongs to one wish, and never goes where another one leads.

import { bodyOf, isSendKey } from '../composer/composer.js';
import { isCommand } from '../composer/slash-commands.js';
import { newNonce } from '../core/uuid.js';
import { excess, watchLength } from '../forms/field-length.js';
import { createDraft } from '../outbox/draft.js';

const byId = (id) => document.getElementById(id);
const ELSEWHERE = '.main > :not(.banner, .foot), .foot > :not(.composer, .composer__error), .aside';
const joined = (texts) => texts.filter((text) => text.trim()).join('\n');

/** Two ways to ask for the same place. Of a command nobody knows where it leads. */
const isSame = (one, other) =>
  one.room > 0 ? one.room === other.room : Boolean(one.address) && one.address === other.address;

/** Says whom the field writes to: the page around it speaks of another room. */
function showTarget(form, room) {
  const row = document.querySelector(`.side [data-room="${Number(room)}"]`);
  const text = row?.dataset.kind === 'direct' ? form.dataset.toPerson : form.dataset.toRoom;
  const hint = row ? text.replace('{name}', () => row.querySelector('.room__name').textContent) : '';
  form.elements.body.placeholder = hint;
  form.querySelector('label').textContent = hint || form.ariaLabel;
}

/** `post(room, body)` sends what was meant for a room that was passed by; `putBack(text)` leaves to the room on screen, unsent, what was meant for a place that is not known. */
export function createHolding({ post, putBack }) {
  let held = null; // { wish, original, form, length, complaint, sent, draft, closing }

  /** A wish is `{ room, address }`: the room is 0 where it is not known, and a command has no address. */
  function start(wish) {
    if (held && isSame(wish, held.wish)) return;
    if (held) pass();
    else open();
    const here = Number(byId('app').dataset.room) || held.original.getAttribute('action');
    // Kept for the room it is meant for, should the page end before that is there.
    Object.assign(held, {
      wish,
      sent: [],
      draft: createDraft('draft', wish.room || here, newNonce()),
      closing: new AbortController(),
    });
    held.draft.onTaken((text) => {
      if (all() === text) empty();
    }, held.closing.signal);
    showTarget(held.form, wish.room);
  }

  function open() {
    const original = byId('composer');
    const writes = original.contains(document.activeElement) || !matchMedia('(pointer: coarse)').matches;
    const form = original.cloneNode(true);
    const note = byId('composer-error');
    const field = form.elements.body;
    held = { original, form, length: watchLength(field, note), complaint: note.textContent };
    note.textContent = '';
    field.value = '';
    field.ariaInvalid = null;
    field.removeAttribute('aria-activedescendant');
    field.addEventListener('input', keep);
    field.addEventListener('keydown', (event) => {
      if (isSendKey(event)) {
        event.preventDefault();
        take();
      }
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      take();
    });
    original.replaceWith(form);
    for (const part of document.querySelectorAll(ELSEWHERE)) part.inert = true;
    byId('app').ariaBusy = 'true';
    for (const popover of document.querySelectorAll('#palette:popover-open')) popover.hidePopover();
    if (writes) field.focus({ preventScroll: true });
  }

  const all = () => joined([...held.sent, held.form.elements.body.value]);
  const keep = () => held.draft.write(all());

  function empty() {
    held.sent = [];
    held.form.elements.body.value = '';
    held.length.check();
  }

  /** What is too long stays in the field, which says so. */
  function take() {
    const field = held.form.elements.body;
    if (!field.value.trim() || excess(field) > 0) return;
    held.sent.push(field.value);
    field.value = '';
    keep();
  }

  /** Another place is asked for before this one has come. A room gets the messages that were sent to it, and as a draft what comes behind them: a command would be a message to all there. */
  function pass() {
    const {
      wish: { room },
      sent,
      draft,
      closing,
    } = held;
    closing.abort();
    if (room > 0) {
      while (sent.length && !isCommand(sent[0].trim())) post(room, bodyOf(sent.shift()));
      keep();
    } else {
      draft.clear();
      putBack(all());
    }
    empty();
  }

  function end() {
    const { form, sent, draft, closing } = held;
    closing.abort();
    const rest = form.elements.body.value;
    const writes = form.contains(document.activeElement);
    draft.clear();
    held = null;
    return { sent, rest, writes };
  }

  return {
    start,

    /** A room is there: what was sent meanwhile, and what was being written. Where it is not the one that was asked for, nothing counts as sent. */
    finish(isAsked) {
      if (!held) return { sent: [], rest: '', writes: false };
      const text = all();
      const found = end();
      return isAsked ? found : { ...found, sent: [], rest: text };
    },

    /** Everything is as it was before; what was typed meanwhile is the text to put into the field. */
    cancel() {
      if (!held) return '';
      const { form, original, complaint } = held;
      const text = all();
      const { writes } = end();
      form.replaceWith(original);
      byId('composer-error').textContent = complaint;
      for (const part of document.querySelectorAll(ELSEWHERE)) part.inert = false;
      byId('app').ariaBusy = null;
      if (writes) original.elements.body.focus({ preventScroll: true });
      return text;
    },
  };
}
