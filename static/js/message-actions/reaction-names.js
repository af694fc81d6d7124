// Who reacted: the names appear beside a reaction under the pointer or with the focus, and on a long press. Without
// scripts the page of the message lists them. Loaded with the first reaction.
import { closestTo, queryAll } from '../core/dom.js';
import { parseHtml } from '../core/http.js';

const DELAY = 300; // ms under the pointer
const LEAVE_WITHIN = 200; // ms to move the pointer onto the names
const LONG_PRESS = 500; // ms
const TIMEOUT = 10_000;
const GAP = 4; // px

/** @param {HTMLElement} reaction */
async function fetchNames(reaction) {
  const article = /** @type {MessageElement} */ (reaction.closest('.message'));
  const response = await fetch(`/messages/${Number(article.dataset.id)}/reactions`, {
    headers: { accept: 'text/html' },
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (!response.ok || response.redirected) return null;
  const value = reaction.getAttribute('value');
  const rows = queryAll(parseHtml(await response.text()), '.reactors li');
  return rows.find((row) => row.dataset.emoji === value) ?? null;
}

function createPanel() {
  const panel = Object.assign(document.createElement('div'), {
    className: 'popover reaction-names',
    id: 'reaction-names',
    role: 'tooltip',
    popover: 'manual',
  });
  document.body.append(panel);
  return panel;
}

/**
 * @param {HTMLElement} panel
 * @param {HTMLElement} reaction
 */
function placeAbove(panel, reaction) {
  const { top, bottom, left } = reaction.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  panel.style.insetBlock = `${top - GAP - height < 0 ? bottom + GAP : top - GAP - height}px auto`;
  panel.style.insetInline = 'auto';
  panel.style.left = `${Math.max(GAP, Math.min(left, innerWidth - width - GAP))}px`;
}

/** @param {Event} event */
const reactionOf = (event) => /** @type {HTMLElement | null} */ (closestTo(event, '.reaction'));

class ReactionNames {
  #panel = document.getElementById('reaction-names') ?? createPanel();
  /**
   * Whose names are shown or on their way.
   * @type {HTMLElement | null}
   */
  #shown = null;
  #timer = 0;
  #isPress = false; // a long press, whose click doesn't count

  /**
   * @param {HTMLElement} log
   * @param {AbortSignal} signal
   */
  constructor(log, signal) {
    log.addEventListener('pointerover', (event) => {
      if (event.pointerType === 'mouse') this.#showSoon(reactionOf(event), DELAY);
    });
    log.addEventListener('pointerleave', () => this.#showSoon(null));
    this.#panel.addEventListener('pointerenter', () => clearTimeout(this.#timer), { signal });
    this.#panel.addEventListener('pointerleave', () => this.#showSoon(null), { signal });
    log.addEventListener('focusin', (event) => {
      const reaction = reactionOf(event);
      if (reaction?.matches(':focus-visible')) this.#showSoon(reaction);
    });
    log.addEventListener('focusout', () => this.#hide());
    log.addEventListener('scroll', () => this.#hide(), { passive: true });
    const onKey = (/** @type {KeyboardEvent} */ { key }) => {
      if (key === 'Escape') this.#hide();
    };
    addEventListener('keydown', onKey, { signal, capture: true });
    signal.addEventListener('abort', () => this.#hide());
    this.#listenToTouch(log);
  }

  /** @param {HTMLElement} log */
  #listenToTouch(log) {
    log.addEventListener('pointerdown', (event) => {
      const reaction = reactionOf(event);
      this.#isPress = false;
      this.#hide();
      if (!reaction || event.pointerType !== 'touch') return;
      this.#timer = setTimeout(() => {
        this.#isPress = true;
        this.#show(reaction);
      }, LONG_PRESS);
    });
    for (const type of ['pointerup', 'pointercancel'])
      log.addEventListener(type, () => {
        if (!this.#isPress) clearTimeout(this.#timer);
      });
    for (const type of ['click', 'contextmenu'])
      log.addEventListener(type, (event) => this.#isPress && reactionOf(event) && event.preventDefault(), true);
  }

  /**
   * @param {HTMLElement | null} reaction
   * @param {number} [delay]
   */
  #showSoon(reaction, delay = 0) {
    clearTimeout(this.#timer);
    if (reaction === this.#shown) return;
    if (reaction) this.#timer = setTimeout(() => this.#show(reaction), delay);
    else this.#timer = setTimeout(() => this.#hide(), LEAVE_WITHIN);
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#shown?.removeAttribute('aria-describedby');
    this.#shown = null;
    this.#panel.hidePopover();
  }

  /** @param {HTMLElement} reaction */
  async #show(reaction) {
    this.#hide();
    this.#shown = reaction;
    const names = await fetchNames(reaction).catch(() => null); // the count is there, at least
    if (!names || this.#shown !== reaction || !reaction.isConnected) return;
    this.#panel.replaceChildren(...names.childNodes);
    this.#panel.showPopover();
    placeAbove(this.#panel, reaction);
    reaction.setAttribute('aria-describedby', this.#panel.id);
  }
}

/**
 * @param {HTMLElement} log
 * @param {AbortSignal} signal
 */
export const startReactionNames = (log, signal) => new ReactionNames(log, signal);
