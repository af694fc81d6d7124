// The strip that says what is wrong with the connection. Short gaps are nobody's business, so it waits a moment.
export function createBanner(element, patience) {
  const texts = element.querySelectorAll('[data-when]');
  let timer = 0;

  function say(when) {
    for (const text of texts) text.hidden = text.dataset.when !== when;
  }

  return {
    /** `when` is `away`, or `polling`: there is no live line, but HTTP works. */
    showSoon(when) {
      say(when);
      timer ||= setTimeout(() => {
        element.hidden = false;
      }, patience);
    },
    /** Somebody looked for what the server did not answer. */
    showAway() {
      if (element.hidden) say('away');
      element.hidden = false;
    },
    /** The server did not answer, and somebody is to be taken somewhere once it does. */
    showGoing() {
      say('going');
      element.hidden = false;
    },
    hide() {
      clearTimeout(timer);
      timer = 0;
      element.hidden = true;
    },
  };
}
