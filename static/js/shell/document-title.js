// The tab's title: how much is unread in all rooms together, the room, the site. An installed app shows the number on its icon.
export function createTitle() {
  const site = document.querySelector('.brand__name').textContent;
  let shown = null;

  function draw() {
    const room = document.getElementById('room-h').textContent.trim();
    document.title = `${shown ? `(${shown}) ` : ''}${room} · ${site}`;
  }

  return {
    draw,
    setTotal(total) {
      if (total === shown) return;
      shown = total;
      draw();
      navigator.setAppBadge?.(total)?.catch(() => {}); // forbidden, or nothing to show it on
    },
  };
}
