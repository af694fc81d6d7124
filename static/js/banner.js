// The strip that says the connection is lost. Short gaps are nobody's business, so it waits a moment.
export function createBanner(element, patience) {
  let timer = 0;
  return {
    showSoon() { timer ||= setTimeout(() => { element.hidden = false; }, patience); },
    hide() {
      clearTimeout(timer);
      timer = 0;
      element.hidden = true;
    },
  };
}
