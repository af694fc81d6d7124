// Somebody has another name or picture: it changes wherever the page shows it, in the avatars too.
export function rename({ user: { id, display_name: name }, initials, photo }) {
  const write = (place, avatar, label) => {
    place.querySelector(label).textContent = name;
    const tile = place.querySelector(avatar);
    tile.firstChild.data = initials; // what lies over them stays
    tile.querySelector('.av__photo')?.remove();
    if (photo) tile.firstChild.after(picture(photo));
  };
  for (const message of document.querySelectorAll(`.msg[data-author="${Number(id)}"]`))
    write(message, '.av', '.msg__by');
  for (const member of document.querySelectorAll(`.member[data-user="${Number(id)}"]`)) {
    member.dataset.name = name;
    write(member, '.av', 'bdi');
  }
  for (const avatar of document.querySelectorAll(`#direct .av[data-user="${Number(id)}"]`))
    write(avatar.closest('.room'), '.av', '.room__name');
  const app = document.getElementById('app');
  if (Number(app.dataset.me) === id) write(app.querySelector('.me'), '.av', '.me__name bdi');
}

function picture(name) {
  const image = new Image(38, 38);
  image.className = 'av__photo';
  image.alt = '';
  image.src = `/avatars/${name}`;
  return image;
}
