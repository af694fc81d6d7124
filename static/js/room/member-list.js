// The people of the room: who is here now, in which list, in which order, and how many.
import { parse } from '../core/html-fragment.js';
import { count } from '../core/i18n.js';

export function createPeople() {
  const byId = (id) => document.getElementById(id);
  const online = byId('online');
  const offline = byId('offline');
  const button = document.querySelector('.people');

  const row = (user) => document.querySelector(`.member[data-user="${Number(user?.id ?? user)}"]`);

  function place(member, isOnline) {
    const list = isOnline ? online : offline;
    member.querySelector('.presence').classList.toggle('presence--off', !isOnline);
    if (member.parentElement === list) return;
    const next = Array.from(list.children).find((other) => other.dataset.sort > member.dataset.sort);
    list.insertBefore(member, next ?? null);
  }

  function recount() {
    const here = online.children.length;
    const gone = offline.children.length;
    byId('online-count').textContent = here;
    byId('offline-count').textContent = gone;
    byId('offline-section').hidden = gone === 0;
    byId('member-count').textContent = here + gone;
    if (button.dataset.other) button.ariaLabel = count(button.dataset, here + gone);
  }

  return {
    /** Everybody who is online, and nobody else is: a set of ids. */
    snapshot(here) {
      for (const member of document.querySelectorAll('.member')) place(member, here.has(Number(member.dataset.user)));
      recount();
    },

    presence(user, isOnline) {
      const member = row(user);
      if (!member) return;
      place(member, isOnline);
      recount();
    },

    member({ user, joined, html }) {
      const known = row(user);
      if (!joined) known?.remove();
      else if (!known && html) {
        const member = parse(html).querySelector('.member');
        place(member, !member.querySelector('.presence--off'));
      }
      recount();
    },
  };
}
