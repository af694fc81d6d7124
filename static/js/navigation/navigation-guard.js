// Links and forms lead to pages that the browser loads. While the server does not answer, or a proxy answers in its place, the page at hand stays and says so; once the server is back, it goes where somebody wanted to go.
const PATIENCE = 5_000;
const AGAIN = 2_000;
const passed = new WeakSet(); // forms that may go
let asked = 0; // the latest wish counts

async function isThere() {
  try {
    const answer = await fetch('/up', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) });
    return answer.ok && (await answer.text()) === 'ok\n';
  } catch {
    return false;
  }
}

/** Somebody goes elsewhere by another way. */
export function forgetWish() {
  asked += 1;
}

/** Whether there is reason to ask first: a page without a line knows nothing of the server. */
function isDoubtful() {
  const app = document.getElementById('app');
  return !app || app.dataset.line === 'away';
}

/** `say(isWaiting)` tells that one waits for the server, or does not any more. */
export function createGuard(say) {
  async function leave(go) {
    asked += 1;
    const mine = asked;
    while (!(await isThere())) {
      if (mine !== asked) return;
      say(true);
      await new Promise((done) => {
        setTimeout(done, AGAIN);
      });
      if (mine !== asked) return;
    }
    if (mine !== asked) return;
    say(false);
    go();
  }

  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href]');
    if (
      !link ||
      event.defaultPrevented ||
      event.button !== 0 ||
      event.ctrlKey ||
      event.metaKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    if (
      !isDoubtful() ||
      link.origin !== location.origin ||
      link.target ||
      link.hasAttribute('download') ||
      (link.hash && link.pathname === location.pathname && link.search === location.search)
    )
      return;
    event.preventDefault();
    leave(() => location.assign(link.href));
  });

  /** Whoever writes on while a form to sign out waits does not want that any more: it would take the text away. */
  function forgetByWriting() {
    const mine = asked;
    addEventListener(
      'input',
      () => {
        if (mine !== asked) return;
        forgetWish();
        say(false);
      },
      { once: true },
    );
  }

  document.addEventListener('submit', (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || form.method === 'dialog' || passed.delete(form) || !isDoubtful()) return;
    event.preventDefault();
    leave(() => {
      passed.add(form);
      form.requestSubmit(submitter?.isConnected ? submitter : null);
      passed.delete(form);
    });
    if (form.matches('form[action="/logout"]')) forgetByWriting();
  });

  return { say, go: (address) => leave(() => location.assign(address)) };
}

/** For a page without a strip of its own. */
export function createNotice() {
  let strip = null;
  return (isWaiting) => {
    if (isWaiting && !strip) {
      strip = Object.assign(document.createElement('p'), {
        className: 'banner',
        role: 'status',
        textContent: document.body.dataset.going,
      });
      document.body.prepend(strip);
    } else if (!isWaiting) {
      strip?.remove();
      strip = null;
    }
  };
}
