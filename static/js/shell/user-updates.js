// Keeps users up to date wherever the page shows them: who is online, and another name or picture.
import { appElement, query, queryAll } from '../core/dom.js';

/** @param {UserFrame} frame */
export function updateUser({ user: { id, display_name: name }, initials, photo }) {
  /**
   * @param {Element} parent
   * @param {string} avatarSelector
   * @param {string} nameSelector
   */
  function update(parent, avatarSelector, nameSelector) {
    query(parent, nameSelector).textContent = name;
    const avatar = query(parent, avatarSelector);
    const text = /** @type {Text} */ (avatar.firstChild);
    text.data = initials; // a presence dot beside it stays
    avatar.querySelector('.avatar__photo')?.remove();
    if (photo) text.after(createPhoto(photo));
  }

  for (const message of queryAll(document, `.message[data-author="${Number(id)}"]`))
    update(message, '.avatar', '.message__author');
  for (const member of queryAll(document, `.member[data-user="${Number(id)}"]`)) {
    member.dataset.name = name;
    update(member, '.avatar', 'bdi');
  }
  for (const avatar of queryAll(document, `#direct .avatar[data-user="${Number(id)}"]`)) {
    update(/** @type {Element} */ (avatar.closest('.room')), '.avatar', '.room__name');
  }
  const app = appElement();
  if (Number(app.dataset.me) === id) update(query(app, '.current-user'), '.avatar', '.current-user__name bdi');
}

/** @param {Set<number>} online */
export function showPresence(online) {
  for (const dot of queryAll(document, '.avatar[data-user] .presence')) {
    const { user } = /** @type {HTMLElement} */ (dot.parentElement).dataset;
    dot.classList.toggle('presence--off', !online.has(Number(user)));
  }
}

/** @param {string} name */
function createPhoto(name) {
  const image = new Image(38, 38);
  image.className = 'avatar__photo';
  image.alt = '';
  image.src = `/avatars/${name}`;
  return image;
}
