// Statuses beside names: kept up to date, and taken away when they end. The server says when that is and sends nothing
// at that time.
import { appElement, query, queryAll } from '../core/dom.js';

const CHECK_EVERY = 10_000; // ms

/** @param {UserStatus} status */
function createStatus({ emoji, text, until }) {
  const element = Object.assign(document.createElement('span'), {
    className: 'status-emoji emoji',
    role: 'img',
    title: text,
    ariaLabel: text || emoji,
    textContent: emoji,
  });
  if (until) element.dataset.until = String(Date.parse(until));
  return element;
}

/** @param {UserStatus | null} status */
function showOwnStatus(status) {
  document.querySelector('.current-user__status')?.remove();
  if (!status) return;
  const line = Object.assign(document.createElement('p'), { className: 'current-user__status' });
  line.textContent = `${status.emoji} ${status.text}`;
  if (status.until) line.dataset.until = String(Date.parse(status.until));
  query(document, '.current-user__name').after(line);
}

/**
 * In the sidebar, the lists of members and of all users.
 * @param {FrameUser} user
 */
export function updateStatus({ id, status }) {
  for (const avatar of queryAll(document, `.avatar[data-user="${Number(id)}"]`)) {
    const row = avatar.closest('.room, .member, .person');
    row?.querySelector('.status-emoji')?.remove();
    const name = row?.querySelector('.room__name, .member__name a, .person__name bdi');
    if (status) name?.after(createStatus(status));
  }
  if (Number(appElement().dataset.me) === id) showOwnStatus(status);
}

export function startStatusExpiry() {
  setInterval(() => {
    for (const status of queryAll(document, '[data-until]')) {
      if (Number(status.dataset.until) <= Date.now()) status.remove();
    }
  }, CHECK_EVERY);
}
