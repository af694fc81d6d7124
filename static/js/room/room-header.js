// The header of the room: its current name and topic, and the bar to join it.
import { byId, query } from '../core/dom.js';

/**
 * A room without a topic has no element for it.
 * @param {string} topic
 */
function showTopic(topic) {
  const element =
    document.querySelector('.bar__topic') ??
    Object.assign(document.createElement('p'), { className: 'bar__topic', dir: 'auto' });
  element.textContent = topic;
  if (topic) query(document, '.bar__text').append(element);
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
  const joinBar = /** @type {HTMLElement | null} */ (document.querySelector('.joinbar'));
  if (joinBar) joinBar.hidden = isMember;
}
