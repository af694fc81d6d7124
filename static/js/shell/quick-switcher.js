// The quick switcher: Ctrl+K, on a Mac ⌘K, or the button in the sidebar opens a list of rooms and people that narrows while one types.
import { distance, plain } from '../core/fuzzy-match.js';
import { parse } from '../core/html-fragment.js';
import { count } from '../core/i18n.js';

const PATIENCE = 10_000; // for the list: a line may go mute without a word
const MOST = 50; // shown at a time; who types a letter or two needs no more
const IS_MAC = /^(?:Mac|iP)/.test(navigator.platform);
const byId = (id) => document.getElementById(id);

/** Without scripts it is a link to all rooms. */
function makeButton(link, press) {
  const button = Object.assign(document.createElement('button'), {
    type: 'button',
    id: link.id,
    className: link.className,
  });
  button.append(...link.childNodes);
  button.setAttribute('aria-haspopup', 'dialog');
  button.setAttribute('aria-keyshortcuts', IS_MAC ? 'Meta+K' : 'Control+K');
  const keys = button.querySelector('kbd');
  keys.textContent = IS_MAC ? '⌘K' : 'Ctrl K';
  keys.hidden = false;
  button.addEventListener('click', press);
  link.replaceWith(button);
}

// Control and K deletes to the end of the line on a Mac.
const isShortcut = ({ key, ctrlKey, metaKey, shiftKey, altKey, isComposing }) =>
  key.toLowerCase() === 'k' && ctrlKey !== IS_MAC && metaKey === IS_MAC && !shiftKey && !altKey && !isComposing;

/** `go(address, room)` leads to what was chosen. */
export function startSwitcher(go) {
  const dialog = byId('switcher');
  if (!dialog) return;
  const field = byId('switcher-field');
  const list = byId('switcher-list');
  const status = dialog.querySelector('.switcher__count');
  let known = null; // all options, in the server's order, once they have come
  let shown = [];
  let chosen = null;

  function choose(option) {
    chosen?.setAttribute('aria-selected', 'false');
    chosen = option;
    chosen?.setAttribute('aria-selected', 'true');
    chosen?.scrollIntoView({ block: 'nearest' });
    if (chosen) field.setAttribute('aria-activedescendant', chosen.id);
    else field.removeAttribute('aria-activedescendant');
  }

  /** What is unread the sidebar knows at any time. */
  function markUnread(option) {
    option.querySelector('.badge')?.remove();
    const badge = document.querySelector(`.side [data-room="${Number(option.dataset.room)}"] .badge:not([hidden])`);
    if (badge) option.append(badge.cloneNode(true));
    option.classList.toggle('opt--unread', Boolean(badge));
  }

  function narrow() {
    const sought = plain(field.value.trim());
    const far = (option) => Math.min(distance(sought, option.dataset.name), distance(sought, option.dataset.also));
    const isUnread = (option) => option.classList.contains('opt--unread');
    const fitting = known.map((option) => ({ option, far: far(option) })).filter((one) => one.far < Infinity);
    fitting.sort((a, b) => a.far - b.far || isUnread(b.option) - isUnread(a.option));
    shown = fitting.slice(0, MOST).map(({ option }) => option);
    list.replaceChildren(...shown);
    list.hidden = shown.length === 0;
    field.ariaExpanded = String(shown.length > 0);
    status.textContent = shown.length > 0 ? count(status.dataset, fitting.length) : status.dataset.none;
    choose(shown[0]);
  }

  /** What came while somebody chooses leaves the choice where it is. */
  function refresh() {
    const path = chosen?.dataset.path;
    known.forEach(markUnread);
    narrow();
    choose(shown.find((option) => option.dataset.path === path) ?? shown[0]);
  }

  async function load() {
    const answer = await fetch('/switcher', {
      headers: { accept: 'text/html' },
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status} for the list`);
    known = Array.from(parse(await answer.text()).querySelectorAll('[role="option"]'));
    for (const { dataset, children } of known) {
      dataset.name = plain(Array.from(children).find((child) => child.matches('bdi')).textContent);
      dataset.also = plain(dataset.also);
    }
    refresh();
  }

  function toggle() {
    if (dialog.open) {
      dialog.close();
      return;
    }
    for (const open of document.querySelectorAll(':popover-open')) open.hidePopover(); // and its focus goes back to where it will be sought
    field.value = '';
    chosen = null;
    if (known) refresh();
    dialog.showModal();
    load().catch(() => {
      if (!known) status.textContent = status.dataset.away;
    }); // else there is what was known before
  }

  function take(option) {
    dialog.close();
    go(new URL(option.dataset.path, location).href, Number(option.dataset.room));
  }

  const step = (by) => shown[(shown.indexOf(chosen) + by + shown.length) % shown.length];
  const keys = {
    ArrowUp: () => choose(step(-1)),
    ArrowDown: () => choose(step(1)),
    Home: () => choose(shown[0]),
    End: () => choose(shown.at(-1)),
    Enter: () => take(chosen),
  };

  field.addEventListener('input', () => {
    if (known) narrow();
  });
  field.addEventListener('keydown', (event) => {
    const { key, ctrlKey, altKey, metaKey, shiftKey, isComposing, keyCode } = event;
    if (!(key in keys) || isComposing || keyCode === 229 || ctrlKey || altKey || metaKey || shiftKey) return;
    event.preventDefault();
    if (chosen) keys[key]();
  });
  list.addEventListener('mousedown', (event) => event.preventDefault()); // the focus stays in the field
  dialog.addEventListener('click', (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) take(option);
    else if (event.target === dialog || event.target.closest('button')) dialog.close(); // beside it, or its cross
  });
  addEventListener('keydown', (event) => {
    if (!isShortcut(event)) return;
    event.preventDefault();
    toggle();
  });
  makeButton(byId('goto'), toggle);
}
