// Somebody has another name: it changes wherever the page shows it, in the avatars too.
export function rename({ user: { id, display_name: name }, initials }) {
  const write = (place, avatar, label) => {
    place.querySelector(label).textContent = name;
    place.querySelector(avatar).firstChild.data = initials; // the presence dot behind it stays
  };
  for (const message of document.querySelectorAll(`.msg[data-author="${Number(id)}"]`)) write(message, '.av', '.msg__by');
  for (const member of document.querySelectorAll(`.member[data-user="${Number(id)}"]`)) {
    member.dataset.name = name;
    write(member, '.av', 'bdi');
  }
  for (const avatar of document.querySelectorAll(`#direct .av[data-user="${Number(id)}"]`)) write(avatar.closest('.room'), '.av', '.room__name');
  const app = document.getElementById('app');
  if (Number(app.dataset.me) === id) write(app.querySelector('.me'), '.av', '.me__name bdi');
}
