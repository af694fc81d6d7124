// The header of the room: its current name and topic, and the bar to join it.
import { byId, query } from '../core/dom.js';

/**
 * A room without a topic has no element for it.
 * @param {string} topic
 */
function showTopic(topic) {
  const element =
    document.querySelector('.page-header__subtitle') ??
    Object.assign(document.createElement('p'), { className: 'page-header__subtitle', dir: 'auto' });
  element.textContent = topic;
  if (topic) query(document, '.page-header__text').append(element);
  else element.remove();
  byId('about').hidden = !topic;
  query(byId('about'), 'p').textContent = topic;
}

/**
 * @param {FrameRoom} room
 * @param {boolean} isMember
 */
export function updateRoomHeader({ name, topic }, isMember) {
  query(byId('room-h'), 'bdi').textContent = name;
  showTopic(topic);
  const joinBar = /** @type {HTMLElement | null} */ (document.querySelector('.join-bar'));
  if (joinBar) joinBar.hidden = isMember;
}
