// The rows of messages that are not stored yet: on their way, waiting for a connection, or refused with two ways out.
export function createWaiting(template, timeline, me) {
  const note = template.content.querySelector('.note__text');
  const texts = { here: note.textContent, away: note.dataset.offline };
  const rows = new Map(); // by nonce
  let away = false;

  const words = (row) => {
    row.querySelector('.note__text').textContent = away ? texts.away : texts.here;
  };

  function fail({ nonce, failed }) {
    const row = rows.get(nonce);
    if (!row) return;
    row.classList.replace('msg--pending', 'msg--failed');
    row.querySelector('.msg__head .note').hidden = true;
    row.querySelector('.note__why').textContent = failed;
    row.querySelector('.note--bad').hidden = false;
  }

  const view = {
    onChoice: null, // (choice: 'again' | 'discard', nonce)

    show(entry) {
      if (rows.has(entry.nonce)) return;
      const row = template.content.firstElementChild.cloneNode(true);
      Object.assign(row.dataset, { nonce: entry.nonce, author: me, at: Date.now() });
      row.querySelector('.msg__body').textContent = entry.body;
      row.querySelector('[data-again]').addEventListener('click', () => view.onChoice('again', entry.nonce));
      row.querySelector('[data-discard]').addEventListener('click', () => view.onChoice('discard', entry.nonce));
      words(row);
      rows.set(entry.nonce, row);
      timeline.addWaiting(row);
      if (entry.failed !== undefined) fail(entry);
    },

    fail,

    remove(nonce) {
      const row = rows.get(nonce);
      if (!row) return;
      rows.delete(nonce);
      timeline.removeWaiting(row);
    },

    isStored: (author, nonce) => timeline.findStored(author, nonce) !== null,
    setAway(now) {
      away = now;
      rows.forEach(words);
    },
  };
  return view;
}
