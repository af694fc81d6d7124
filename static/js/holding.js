// Between two rooms: from the moment somebody asks for another room, nothing they type or press acts on the one that is still on screen. A field of no room takes it, and the room that comes gets it whole.
import { isSendKey } from './composer.js';
import { createDraft } from './drafts.js';
import { newNonce } from './nonce.js';

const byId = (id) => document.getElementById(id);
const ELSEWHERE = '.main > :not(.banner, .foot), .foot > :not(.composer), .aside';

/** `post(room, text)` sends what was meant for a room that was passed by. */
export function createHolding(post) {
  let held = null; // { original, form, room, sent, draft }

  function start(room) {
    if (held) { pass(room); return; }
    const original = byId('composer');
    const writes = original.contains(document.activeElement) || !matchMedia('(pointer: coarse)').matches;
    const form = original.cloneNode(true);
    held = { original, form, ...forRoom(room) };
    const field = form.elements.body;
    field.value = '';
    field.placeholder = '';
    field.removeAttribute('aria-activedescendant');
    field.addEventListener('input', keep);
    field.addEventListener('keydown', (event) => { if (isSendKey(event)) { event.preventDefault(); take(); } });
    form.addEventListener('submit', (event) => { event.preventDefault(); take(); });
    original.replaceWith(form);
    for (const part of document.querySelectorAll(ELSEWHERE)) part.inert = true;
    byId('app').ariaBusy = 'true';
    for (const open of document.querySelectorAll('#palette:popover-open')) open.hidePopover();
    if (writes) field.focus({ preventScroll: true });
  }

  /** What is typed is kept for the room it is meant for, should the page end before that is there. */
  const forRoom = (room) => ({ room, sent: [], draft: createDraft('draft', room || byId('app').dataset.room, newNonce()) });

  const all = () => [...held.sent, held.form.elements.body.value].filter((text) => text.trim());
  const keep = () => held.draft.write(all().join('\n'));

  function take() {
    const field = held.form.elements.body;
    if (!field.value.trim()) return;
    held.sent.push(field.value);
    field.value = '';
    keep();
  }

  /** Another room is asked for before the last one has come: that one keeps what was meant for it. */
  function pass(room) {
    if (room === held.room || !held.room) { held.room = room; return; }
    const { sent, form, room: passed, draft } = held;
    for (const text of sent) post(passed, text);
    draft.write(form.elements.body.value);
    form.elements.body.value = '';
    Object.assign(held, forRoom(room));
  }

  function end() {
    const { form, sent, draft } = held;
    const rest = form.elements.body.value;
    const writes = form.contains(document.activeElement);
    draft.clear();
    held = null;
    return { sent, rest, writes };
  }

  return {
    start,
    get isOn() { return held !== null; },

    /** The room is there: what was sent meanwhile, and what was being written. */
    finish: () => (held ? end() : { sent: [], rest: '', writes: false }),

    /** Everything is as it was before; what was typed meanwhile is the text to put into the field. */
    cancel() {
      if (!held) return '';
      const { form, original } = held;
      const text = all().join('\n');
      const { writes } = end();
      form.replaceWith(original);
      for (const part of document.querySelectorAll(ELSEWHERE)) part.inert = false;
      byId('app').ariaBusy = null;
      if (writes) original.elements.body.focus({ preventScroll: true });
      return text;
    },
  };
}
