// Going to another room by a click in the sidebar, or with Alt and the arrows to the one above or below.
import { closeDrawer } from '../shell/drawers.js';

const STEPS = { ArrowUp: -1, ArrowDown: 1 };

export function startSwitching({ sidebar, visits, stay }) {
  function go(address, room) {
    if (visits.isShown(address)) {
      closeDrawer('side');
      visits.stay();
      stay();
      return;
    }
    visits.go(address, room);
  }

  const follow = (link) => go(link.href, Number(link.closest('[data-room]').dataset.room));

  document.addEventListener('click', (event) => {
    const link = event.target.closest('.side .room');
    if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    follow(link);
  });

  addEventListener('keydown', (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !(event.key in STEPS)) return;
    const links = sidebar.rows();
    const next = links[links.findIndex((link) => link.ariaCurrent) + STEPS[event.key]];
    event.preventDefault();
    if (next) follow(next);
  });
  return go;
}
