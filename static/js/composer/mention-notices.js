// What is said above the composer of mentions: whom they do not reach, and that they reach many. The server says the
// same where there is no script. Loaded when it is first needed.
import { idPrefixOf, partOf } from '../core/dom.js';

/** @param {string} className @param {string} text */
const createButton = (className, text) =>
  Object.assign(document.createElement('button'), { className: `btn btn--small ${className}`, textContent: text });

/**
 * In the place of the answer to a slash command.
 * @param {HTMLElement} room
 * @param {string} text
 * @param {HTMLElement[]} controls
 */
function show(room, text, controls) {
  partOf(room, 'answer')?.remove();
  const notice = Object.assign(document.createElement('div'), {
    className: 'command-reply',
    id: `${idPrefixOf(room)}answer`,
    tabIndex: 0,
  });
  const line = Object.assign(document.createElement('p'), { dir: 'auto' });
  notice.role = 'status';
  notice.append(line, ...controls);
  partOf(room, 'mention-notice').after(notice);
  line.textContent = text; // once the region is on the page: so it is announced
  return notice;
}

/**
 * Users whom a message mentions although they are not in the room.
 * @param {HTMLElement} element of the room
 * @param {number} room
 * @param {FrameUser[]} users
 */
export function showOutsiders(element, room, users) {
  const { outsiders = '', invite = '', mayInvite } = partOf(element, 'mention-notice').dataset;
  const forms = users.map(({ name, display_name: called }) => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action: `/rooms/${room}/members` });
    const button = createButton('btn--secondary', invite.replace('{name}', called));
    form.dataset.invite = '';
    form.append(Object.assign(button, { name: 'name', value: name }));
    return form;
  });
  const names = users.map(({ display_name: called }) => called).join(', ');
  show(element, outsiders.replace('{names}', names), mayInvite === undefined ? [] : forms);
}

/**
 * Asks before a message reaches many users.
 * @param {HTMLElement} element of the room
 * @param {number} count
 * @param {HTMLTextAreaElement} field
 * @param {() => void} onSend
 */
export function askBeforeMany(element, count, field, onSend) {
  const { asks = '', send = '', edit = '' } = partOf(element, 'mention-notice').dataset;
  const buttons = [createButton('btn--primary', send), createButton('btn--secondary', edit)];
  const row = Object.assign(document.createElement('p'), { className: 'command-reply__actions' });
  row.append(...buttons);
  const notice = show(element, asks.replace('{n}', String(count)), [row]);
  buttons.forEach((button, index) => {
    button.type = 'button';
    button.addEventListener('click', () => {
      notice.remove();
      field.focus();
      if (index === 0) onSend();
    });
  });
  buttons[0].focus();
}
